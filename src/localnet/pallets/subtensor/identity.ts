// Owns: what coldkeys and subnets say about themselves (subtensor utils/identity.rs).
import { runtime } from '../../../chain/codec/runtime.js';
import type { FieldsValue, ValueOf } from '../../../chain/codec/scale.js';
import type { subnetIdentity } from '../../../chain/codec/types.js';
import { type BlockContext, type CallContext, ensure, ensureSigned } from '../../dispatch.js';
import type { StateView } from '../../state.js';

const S = runtime.SubtensorModule.storage;
const calls = runtime.SubtensorModule.calls;

export type SubnetIdentity = ValueOf<typeof subnetIdentity>;

/** bytes of each field */
const SHORT = 256;
const LONG = 1024;
const IDENTITY_LIMITS = {
  name: SHORT,
  url: SHORT,
  github_repo: SHORT,
  image: LONG,
  discord: SHORT,
  description: LONG,
  additional: LONG,
} as const;
const SUBNET_LIMITS = {
  subnet_name: SHORT,
  github_repo: LONG,
  subnet_contact: LONG,
  subnet_url: LONG,
  discord: SHORT,
  description: LONG,
  logo_url: LONG,
  additional: LONG,
} as const;

/** The sums that the chain checks besides are no more than these together allow. */
const fits = <N extends string>(
  identity: Readonly<Record<N, Uint8Array>>,
  limits: Readonly<Record<N, number>>,
): boolean => (Object.keys(limits) as N[]).every((name) => identity[name].length <= limits[name]);

/** For a coldkey of whose hotkeys at least one is registered somewhere. */
export function setIdentity(
  identity: FieldsValue<(typeof calls.set_identity)['fields']>,
  context: CallContext,
): void {
  const { state } = context;
  const coldkey = ensureSigned(context.origin);
  const isSomewhere = state
    .get(S.OwnedHotkeys, coldkey)
    .some((hotkey) => isRegisteredAnywhere(state, hotkey));
  ensure(isSomewhere, 'HotKeyNotRegisteredInNetwork');
  ensure(fits(identity, IDENTITY_LIMITS), 'InvalidIdentity');
  state.put(S.IdentitiesV2, [coldkey], identity);
  context.emit({ pallet: 'SubtensorModule', name: 'ChainIdentitySet', data: [coldkey] });
}

const isRegisteredAnywhere = (state: StateView, hotkey: string): boolean =>
  state.keys(S.IsNetworkMember, hotkey).some((keys) => state.get(S.IsNetworkMember, ...keys));

export function setSubnetIdentity(
  { netuid, ...identity }: FieldsValue<(typeof calls.set_subnet_identity)['fields']>,
  context: CallContext,
): void {
  const coldkey = ensureSigned(context.origin);
  ensure(context.state.get(S.SubnetOwner, netuid) === coldkey, 'NotSubnetOwner');
  putSubnetIdentity(context, netuid, identity);
}

/** @throws CallFailed `InvalidIdentity` */
export function putSubnetIdentity(context: BlockContext, netuid: number, identity: SubnetIdentity): void {
  ensure(fits(identity, SUBNET_LIMITS), 'InvalidIdentity');
  context.state.put(S.SubnetIdentitiesV3, [netuid], identity);
  context.emit({ pallet: 'SubtensorModule', name: 'SubnetIdentitySet', data: [netuid] });
}
