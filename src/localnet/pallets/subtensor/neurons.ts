// Owns: uids: appending, replacing, pruning; burned registration (subtensor subnets/{registration,uids}.rs).
import { runtime } from '../../../chain/codec/runtime.js';
import { neuronToPrune } from '../../../emissions/pruning.js';
import { bumpBurn } from '../../../emissions/registration.js';
import { type BlockContext, type CallContext, ensure, ensureSigned } from '../../dispatch.js';
import type { StateView } from '../../state.js';
import { canWithdraw } from '../balances.js';
import { mechanismIndices } from './mechanisms.js';
import { createHotkey, ownerOf } from './staking.js';
import { buyAlpha, payIntoSubnet, recordFlow } from './staking-swaps.js';

const S = runtime.SubtensorModule.storage;

interface Registration {
  readonly netuid: number;
  readonly hotkey: string;
}

export function burnedRegister({ netuid, hotkey }: Registration, context: CallContext): void {
  const { state } = context;
  const coldkey = ensureSigned(context.origin);
  ensure(netuid !== 0, 'RegistrationNotPermittedOnRootSubnet');
  ensure(state.get(S.NetworksAdded, netuid), 'SubnetNotExists');
  ensure(state.get(S.NetworkRegistrationAllowed, netuid), 'SubNetRegistrationDisabled');
  ensure(!state.has(S.Uids, netuid, hotkey), 'HotKeyAlreadyRegisteredInSubNet');
  const price = state.get(S.Burn, netuid);
  ensure(canWithdraw(state, coldkey, price), 'NotEnoughBalanceToStake');
  createHotkey(context, coldkey, hotkey);
  ensure(ownerOf(state, hotkey) === coldkey, 'NonAssociatedColdKey');
  ensure(state.get(S.MaxAllowedUids, netuid) !== 0, 'NoNeuronIdAvailable');
  const isFull = state.get(S.SubnetworkN, netuid) >= state.get(S.MaxAllowedUids, netuid);
  const pruned = isFull ? uidToPrune(state, netuid, context.block) : undefined;
  ensure(!isFull || pruned !== undefined, 'NoNeuronIdAvailable');

  // the fee stays with the subnet's account: nobody takes it out, as a stake's
  const paid = payIntoSubnet(context, coldkey, netuid, price);
  const bought = buyAlpha(context, netuid, paid).paidOutRao;
  const out = state.get(S.SubnetAlphaOut, netuid);
  state.put(S.SubnetAlphaOut, [netuid], out > bought ? out - bought : 0n);

  const uid = pruned ?? state.get(S.SubnetworkN, netuid);
  if (pruned === undefined) appendNeuron(context, netuid, hotkey);
  else replaceNeuron(context, netuid, pruned, hotkey);

  const bounds = { minBurnRao: state.get(S.MinBurn, netuid), maxBurnRao: state.get(S.MaxBurn, netuid) };
  state.put(S.Burn, [netuid], bumpBurn(price, state.get(S.BurnIncreaseMult, netuid), bounds));
  state.put(S.RegistrationsThisBlock, [netuid], state.get(S.RegistrationsThisBlock, netuid) + 1);
  const recycled = state.get(S.RAORecycledForRegistration, netuid) + price;
  state.put(S.RAORecycledForRegistration, [netuid], recycled);
  context.emit({
    pallet: 'SubtensorModule',
    name: 'RAORecycledForRegistrationSet',
    data: [netuid, recycled],
  });
  recordFlow(state, netuid, paid);
  context.emit({ pallet: 'SubtensorModule', name: 'NeuronRegistered', data: [netuid, uid, hotkey] });
}

/** The same at no more than `limit_price`, rao. */
export function registerLimit(
  { netuid, hotkey, limit_price }: Registration & { readonly limit_price: bigint },
  context: CallContext,
): void {
  ensureSigned(context.origin);
  ensure(netuid !== 0, 'RegistrationNotPermittedOnRootSubnet');
  ensure(context.state.get(S.NetworksAdded, netuid), 'SubnetNotExists');
  ensure(context.state.get(S.Burn, netuid) <= limit_price, 'RegistrationPriceLimitExceeded');
  burnedRegister({ netuid, hotkey }, context);
}

/** `append_neuron`: the next uid, every per-uid list one longer. */
export function appendNeuron({ state, block }: BlockContext, netuid: number, hotkey: string): number {
  const uid = state.get(S.SubnetworkN, netuid);
  state.put(S.SubnetworkN, [netuid], uid + 1);
  state.put(S.Active, [netuid], withEntry(state.get(S.Active, netuid), uid, true, false));
  state.put(S.Emission, [netuid], withEntry(state.get(S.Emission, netuid), uid, 0n, 0n));
  state.put(S.ValidatorPermit, [netuid], withEntry(state.get(S.ValidatorPermit, netuid), uid, false, false));
  for (const item of [S.Consensus, S.Dividends, S.ValidatorTrust])
    state.put(item, [netuid], withEntry(state.get(item, netuid), uid, 0, 0));
  for (const index of mechanismIndices(state, netuid)) startMechanism({ state, block }, index, uid);
  seat({ state, block }, netuid, uid, hotkey);
  return uid;
}

/** `replace_neuron`: the seat passes on, nothing of the predecessor's standing does. */
export function replaceNeuron(
  { state, block }: BlockContext,
  netuid: number,
  uid: number,
  hotkey: string,
): void {
  const old = state.get(S.Keys, netuid, uid);
  state.delete(S.Uids, netuid, old);
  state.delete(S.IsNetworkMember, old, netuid);
  state.delete(S.Axons, netuid, old);
  state.delete(S.NeuronCertificates, netuid, old);
  state.delete(S.Prometheus, netuid, old);
  state.put(S.Active, [netuid], withEntry(state.get(S.Active, netuid), uid, true, false));
  state.put(S.Emission, [netuid], withEntry(state.get(S.Emission, netuid), uid, 0n, 0n));
  state.put(S.ValidatorPermit, [netuid], withEntry(state.get(S.ValidatorPermit, netuid), uid, false, false));
  for (const item of [S.Consensus, S.Dividends, S.ValidatorTrust, S.StakeWeight])
    state.put(item, [netuid], withEntry(state.get(item, netuid), uid, 0, 0));
  for (const index of mechanismIndices(state, netuid)) {
    startMechanism({ state, block }, index, uid);
    state.delete(S.Bonds, index, uid);
    state.delete(S.Weights, index, uid);
    for (const [, other] of state.keys(S.Weights, index)) {
      const row = state.get(S.Weights, index, other);
      if (!row.some(([target, weight]) => target === uid && weight !== 0)) continue;
      const without = row.map(([target, weight]) => [target, target === uid ? 0 : weight] as const);
      state.put(S.Weights, [index, other], without);
    }
  }
  seat({ state, block }, netuid, uid, hotkey);
}

/** A newcomer's values of one mechanism. */
function startMechanism(
  { state, block }: Pick<BlockContext, 'state' | 'block'>,
  index: number,
  uid: number,
): void {
  state.put(S.Incentive, [index], withEntry(state.get(S.Incentive, index), uid, 0, 0));
  state.put(S.LastUpdate, [index], withEntry(state.get(S.LastUpdate, index), uid, block, 0));
}

function seat(
  { state, block }: Pick<BlockContext, 'state' | 'block'>,
  netuid: number,
  uid: number,
  hotkey: string,
): void {
  state.put(S.Keys, [netuid, uid], hotkey);
  state.put(S.Uids, [netuid, hotkey], uid);
  state.put(S.BlockAtRegistration, [netuid, uid], block);
  state.put(S.IsNetworkMember, [hotkey, netuid], true);
}

/** `get_neuron_to_prune`: of all but the owner's protected keys. */
function uidToPrune(state: StateView, netuid: number, block: number): number | undefined {
  const protectedUids = ownerProtectedUids(state, netuid);
  const emission = state.get(S.Emission, netuid);
  const candidates = Array.from({ length: state.get(S.SubnetworkN, netuid) }, (_, uid) => ({
    uid,
    emissionRao: emission[uid] ?? 0n,
    registeredAt: state.get(S.BlockAtRegistration, netuid, uid),
  })).filter(({ uid }) => !protectedUids.has(uid));
  return neuronToPrune(candidates, {
    block,
    immunityPeriod: state.get(S.ImmunityPeriod, netuid),
    minNonImmuneUids: state.get(S.MinNonImmuneUids, netuid),
  });
}

/**
 * `get_immune_owner_tuples`: ImmuneOwnerUidsLimit of the owner's registered keys, the oldest first; the subnet's own
 * hotkey comes before all others and takes one of these places.
 */
export function ownerProtectedUids(state: StateView, netuid: number): ReadonlySet<number> {
  const limit = state.get(S.ImmuneOwnerUidsLimit, netuid);
  const oldest = state
    .get(S.OwnedHotkeys, state.get(S.SubnetOwner, netuid))
    .map((hotkey) => state.get(S.Uids, netuid, hotkey))
    .filter((uid) => uid !== undefined)
    .map((uid) => ({ uid, at: state.get(S.BlockAtRegistration, netuid, uid) }))
    .sort((a, b) => a.at - b.at || a.uid - b.uid)
    .slice(0, limit)
    .map(({ uid }) => uid);
  const owner = state.get(S.Uids, netuid, state.get(S.SubnetOwnerHotkey, netuid));
  if (owner === undefined || oldest.includes(owner)) return new Set(oldest);
  return new Set([owner, ...oldest].slice(0, limit));
}

/** `list` with `value` at `index`, filled up with `blank` where it was shorter. */
export function withEntry<T>(list: readonly T[], index: number, value: T, blank: T): T[] {
  const out = [...list];
  while (out.length <= index) out.push(blank);
  out[index] = value;
  return out;
}
