// Owns: announcing endpoints of a hotkey. Does not own: how addresses become numbers (../../address.ts).
import { concat } from '../../../model/bytes.js';
import { assertPort, toChainIp } from '../../address.js';
import type { Axon, ServerKey } from '../../chain.js';
import { rateLimited, registered } from './checks.js';
import {
  type Check,
  type Effect,
  type Operation,
  SIGNER,
  same,
  show,
  stored,
  subtensorCall,
} from './operation.js';

/** Assay 0.1.0 as the Python SDK counts versions: major * 1e6 + minor * 1e3 + patch. */
const VERSION = 1_000;
/** The SDK's constant for every axon; no rule of the chain looks at it. */
const AXON_PROTOCOL = 4;

/** @throws RangeError for no address, port or key that the chain could keep */
export function serveAxon(netuid: number, axon: Axon): Operation {
  const { value, type } = toChainIp(axon.ip);
  assertPort(axon);
  const args = {
    netuid,
    version: VERSION,
    ip: value,
    port: axon.port,
    ip_type: type,
    protocol: AXON_PROTOCOL,
    placeholder1: 0,
    placeholder2: 0,
  };
  const rest = {
    signer: 'hotkey' as const,
    checks: servingChecks(netuid, 'Axons', { ip: value, ipType: type, zeroAllowed: true }),
    effects: [servedNow(netuid, 'Axons', { ip: value, ipType: type, port: axon.port })],
  };
  if (!axon.serverKey) return subtensorCall('serve_axon', args, rest);
  const { algorithm, publicKey } = axon.serverKey;
  return subtensorCall(
    'serve_axon_tls',
    { ...args, certificate: toCertificate(axon.serverKey) },
    // a certificate that the chain cannot read is dropped without a word (subnets/serving.rs)
    {
      ...rest,
      effects: [...rest.effects, stored('NeuronCertificates', [netuid, SIGNER], { publicKey, algorithm })],
    },
  );
}

/** The algorithm's byte, then the key: NeuronCertificate's own form. */
function toCertificate({ algorithm, publicKey }: ServerKey): Uint8Array {
  if (!Number.isInteger(algorithm) || algorithm < 0 || algorithm > 255)
    throw new RangeError(`server key: expected an algorithm in 0..255, got ${algorithm}`);
  if (publicKey.length < 1 || publicKey.length > 64)
    throw new RangeError(`server key: expected 1..64 bytes, got ${publicKey.length}`);
  return concat(Uint8Array.of(algorithm), publicKey);
}

/** Where metrics of a hotkey are served. */
export function servePrometheus(netuid: number, { ip, port }: Pick<Axon, 'ip' | 'port'>): Operation {
  const { value, type } = toChainIp(ip);
  assertPort({ ip, port });
  return subtensorCall(
    'serve_prometheus',
    { netuid, version: VERSION, ip: value, port, ip_type: type },
    {
      signer: 'hotkey',
      checks: servingChecks(netuid, 'Prometheus', { ip: value, ipType: type, zeroAllowed: false }),
      effects: [servedNow(netuid, 'Prometheus', { ip: value, ipType: type, port })],
    },
  );
}

interface Address {
  readonly ip: bigint;
  readonly ipType: 4 | 6;
  readonly zeroAllowed: boolean;
}

const servingChecks = (netuid: number, item: 'Axons' | 'Prometheus', address: Address): readonly Check[] => [
  registered(netuid, undefined, 'HotKeyNotRegisteredInNetwork'),
  reachable(address),
  async (state) => {
    const [served, limit] = await Promise.all([
      state.get(item, netuid, state.signer),
      state.integer('ServingRateLimit', netuid),
    ]);
    if (served === undefined || limit === 0n) return undefined;
    const { block } = served as { block: number }; // AxonInfo and PrometheusInfo both have it
    return rateLimited(
      'ServingRateLimitExceeded',
      `announced in subnet ${netuid}`,
      BigInt(block),
      limit,
      state.block,
    );
  },
];

const V4_MAX = 2n ** 32n - 1n;
const V6_MAX = 2n ** 128n - 1n;
const V4_LOOPBACK = 0x7f00_0001n;

/** `is_valid_ip_address` and `is_valid_ip_type`: 127.0.0.1 alone of all loopback addresses is refused. */
const reachable =
  ({ ip, ipType, zeroAllowed }: Address): Check =>
  async () => {
    const never = ipType === 4 ? [V4_MAX, V4_LOOPBACK] : [V6_MAX, 1n];
    if (!never.includes(ip) && (zeroAllowed || ip !== 0n)) return undefined;
    return { error: 'InvalidIpAddress', detail: `IPv${ipType} address number ${ip}` };
  };

const servedNow =
  (netuid: number, item: string, expected: { ip: bigint; ipType: number; port: number }): Effect =>
  async ({ after }) => {
    const got = await after.get(item, netuid, after.signer);
    const wanted = { ...expected, block: after.block };
    const { ip, ipType, port, block } = (got ?? {}) as Record<string, unknown>; // a struct of either kind
    return same(wanted, { ip, ipType, port, block })
      ? undefined
      : { expected: `${item} ${show(wanted)}`, got: show(got) };
  };
