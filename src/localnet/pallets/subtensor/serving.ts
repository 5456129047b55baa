// Owns: what address a neuron may announce (subtensor subnets/serving.rs).
import { runtime } from '../../../chain/codec/runtime.js';
import type { FieldsValue } from '../../../chain/codec/scale.js';
import { type BlockContext, type CallContext, ensure, ensureSigned } from '../../dispatch.js';

const S = runtime.SubtensorModule.storage;
export type ServeAxon = FieldsValue<(typeof runtime.SubtensorModule.calls.serve_axon)['fields']>;

const MAX_IPV4 = 0xffff_ffffn;
const LOOPBACK_IPV4 = 0x7f00_0001n;
const MAX_IPV6 = (1n << 128n) - 1n;

/** Exactly one loopback address each is refused: 127.17.0.1 passes, which is what demos on one machine live by. */
export function isServableIp(ipType: number, ip: bigint): boolean {
  if (ipType === 4) return ip < MAX_IPV4 && ip !== LOOPBACK_IPV4;
  return ip < MAX_IPV6 && ip !== 1n;
}

export function serveAxon(args: ServeAxon, context: CallContext): void {
  const { state, block } = context;
  const hotkey = ensureSigned(context.origin);
  checkServeAxon(hotkey, args, context);
  const { netuid, ...rest } = args;
  state.put(S.Axons, [netuid, hotkey], { block: BigInt(block), ...rest });
  context.emit({ pallet: 'SubtensorModule', name: 'AxonServed', data: [netuid, hotkey] });
}

/** `validate_serve_axon`; also asked before the call may enter the pool. */
export function checkServeAxon(
  hotkey: string,
  { netuid, ip, ip_type, port }: ServeAxon,
  { state, block }: BlockContext,
): void {
  ensure(state.get(S.IsNetworkMember, hotkey, netuid), 'HotKeyNotRegisteredInNetwork');
  ensure(ip_type === 4 || ip_type === 6, 'InvalidIpType');
  ensure(isServableIp(ip_type, ip), 'InvalidIpAddress');
  const served = state.get(S.Axons, netuid, hotkey);
  const limit = state.get(S.ServingRateLimit, netuid);
  ensure(
    limit === 0n || served === undefined || BigInt(block) - served.block >= limit,
    'ServingRateLimitExceeded',
  );
  ensure(port !== 0, 'InvalidPort');
}
