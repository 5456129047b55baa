// Owns: what addresses and keys a neuron may announce (subtensor subnets/serving.rs).
import { runtime } from '../../../chain/codec/runtime.js';
import type { FieldsValue } from '../../../chain/codec/scale.js';
import { type BlockContext, type CallContext, ensure, ensureSigned } from '../../dispatch.js';
import type { StateView } from '../../state.js';

const S = runtime.SubtensorModule.storage;
const calls = runtime.SubtensorModule.calls;
type ServeAxon = FieldsValue<(typeof calls.serve_axon)['fields']>;
type ServeAxonTls = FieldsValue<(typeof calls.serve_axon_tls)['fields']>;
type ServePrometheus = FieldsValue<(typeof calls.serve_prometheus)['fields']>;

const MAX_IPV4 = 0xffff_ffffn;
const LOOPBACK_IPV4 = 0x7f00_0001n;
const MAX_IPV6 = (1n << 128n) - 1n;
/** the algorithm's byte and at most 64 of a public key (`NeuronCertificate::try_from`) */
const MAX_CERTIFICATE_BYTES = 65;

/** Exactly one loopback address each is refused: 127.17.0.1 passes, which is what demos on one machine live by. */
function isServableIp(ipType: number, ip: bigint): boolean {
  if (ipType === 4) return ip < MAX_IPV4 && ip !== LOOPBACK_IPV4;
  return ip < MAX_IPV6 && ip !== 1n;
}

export function serveAxon(args: ServeAxon, context: CallContext): void {
  const { state, block } = context;
  const hotkey = ensureSigned(context.origin);
  checkServeAxon(hotkey, args, context);
  const { netuid, version, ip, port, ip_type, protocol, placeholder1, placeholder2 } = args;
  state.put(S.Axons, [netuid, hotkey], {
    block: BigInt(block),
    version,
    ip,
    port,
    ip_type,
    protocol,
    placeholder1,
    placeholder2,
  });
  context.emit({ pallet: 'SubtensorModule', name: 'AxonServed', data: [netuid, hotkey] });
}

/** A certificate that is none is not stored, and nothing says so: the one before it stays. */
export function serveAxonTls({ certificate, ...axon }: ServeAxonTls, context: CallContext): void {
  serveAxon(axon, context);
  const [algorithm] = certificate;
  if (algorithm === undefined || certificate.length > MAX_CERTIFICATE_BYTES) return;
  const record = { public_key: certificate.slice(1), algorithm };
  context.state.put(S.NeuronCertificates, [axon.netuid, ensureSigned(context.origin)], record);
}

export function servePrometheus(args: ServePrometheus, context: CallContext): void {
  const { state, block } = context;
  const hotkey = ensureSigned(context.origin);
  checkServePrometheus(hotkey, args, context);
  const { netuid, ...record } = args;
  state.put(S.Prometheus, [netuid, hotkey], { block: BigInt(block), ...record });
  context.emit({ pallet: 'SubtensorModule', name: 'PrometheusServed', data: [netuid, hotkey] });
}

/** `validate_serve_axon`; also asked before the call may enter the pool. */
export function checkServeAxon(hotkey: string, args: ServeAxon, { state, block }: BlockContext): void {
  const { netuid, ip, ip_type, port } = args;
  ensure(state.has(S.Uids, netuid, hotkey), 'HotKeyNotRegisteredInNetwork');
  ensure(ip_type === 4 || ip_type === 6, 'InvalidIpType');
  ensure(isServableIp(ip_type, ip), 'InvalidIpAddress');
  ensureNotServedJustNow(state, netuid, block, state.get(S.Axons, netuid, hotkey));
  ensure(port !== 0, 'InvalidPort');
}

/** `validate_serve_prometheus`: another order than the axon's, and no zero address; also asked before the pool. */
export function checkServePrometheus(
  hotkey: string,
  args: ServePrometheus,
  { state, block }: BlockContext,
): void {
  const { netuid, ip, ip_type, port } = args;
  ensure(ip_type === 4 || ip_type === 6, 'InvalidIpType');
  ensure(ip !== 0n && isServableIp(ip_type, ip), 'InvalidIpAddress');
  ensure(state.has(S.Uids, netuid, hotkey), 'HotKeyNotRegisteredInNetwork');
  ensureNotServedJustNow(state, netuid, block, state.get(S.Prometheus, netuid, hotkey));
  ensure(port !== 0, 'InvalidPort');
}

function ensureNotServedJustNow(
  state: StateView,
  netuid: number,
  block: number,
  served: { readonly block: bigint } | undefined,
): void {
  const limit = state.get(S.ServingRateLimit, netuid);
  const passes = limit === 0n || served === undefined || BigInt(block) - served.block >= limit;
  ensure(passes, 'ServingRateLimitExceeded');
}
