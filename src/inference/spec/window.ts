// Owns: what a window of rollouts is bound to; its bytes and digest. Does not own: when it begins and ends (the roles), how its
// beacon is read.
import { toHex, u32le, u64le, utf8 } from '../../model/bytes.js';
import { invalid } from '../../model/invalid-input.js';
import { digest, hexOf, integerIn, oneOf, type Read, readFields, shown } from './fields.js';
import { lengthPrefixed, taggedHash } from './tagged.js';

/** Whose rounds; in the root of every stream, so that the same number of two beacons is two streams. */
export const BEACONS = ['drand-quicknet', 'drand-pallet', 'dev-chain'] as const;
export type BeaconKind = (typeof BEACONS)[number];

/** bytes of a round's signature */
export const SIGNATURE_BYTES: Readonly<Record<BeaconKind, number>> = {
  'drand-quicknet': 48,
  'drand-pallet': 48,
  'dev-chain': 32,
};

export interface BeaconRound {
  readonly kind: BeaconKind;
  readonly round: bigint;
  /** as published, verified before it is used: 48 bytes for quicknet's scheme; for `dev-chain` 32 */
  readonly signature: Uint8Array;
}

/** All that a stream's root hangs on, beside the hotkey. No block hash: its author could choose it. */
export interface WindowContext {
  readonly beacon: BeaconRound;
  /** hash of the chain's first block: two chains may have a subnet of one number */
  readonly genesis: Uint8Array;
  readonly netuid: number;
  readonly window: number;
  /** SHA-256 of the checkpoint's manifest: one for all miners of the window */
  readonly checkpointDigest: Uint8Array;
  readonly policyDigest: Uint8Array;
}

const U64_MAX = 2n ** 64n - 1n;

/** 64 bits: a decimal text in JSON */
const round: Read<bigint> = (value, at) => {
  if (typeof value === 'string' && /^(0|[1-9]\d{0,19})$/.test(value) && BigInt(value) <= U64_MAX)
    return BigInt(value);
  throw invalid(at, 'a decimal text below 2^64', shown(value));
};

const beacon: Read<BeaconRound> = (value, at) => {
  const read = readFields<BeaconRound>(value, at, {
    kind: oneOf(...BEACONS),
    round,
    signature: hexOf(...new Set(Object.values(SIGNATURE_BYTES))),
  });
  const length = SIGNATURE_BYTES[read.kind];
  if (read.signature.length !== length)
    throw invalid(`${at}.signature`, `${length} bytes for ${read.kind}`, `${read.signature.length}`);
  return read;
};

/**
 * A window from parsed JSON; bytes are hexadecimal there, the round a decimal text.
 * @throws AssayError `invalid-input` naming the key
 */
export const parseWindow = (value: unknown, at = 'window'): WindowContext =>
  readFields<WindowContext>(value, at, {
    beacon,
    genesis: digest,
    netuid: integerIn(0, 0xffff),
    window: integerIn(0, 0xffff_ffff),
    checkpointDigest: digest,
    policyDigest: digest,
  });

/** As `parseWindow` reads it. */
export const windowJson = ({ beacon, ...context }: WindowContext): Record<string, unknown> => ({
  beacon: { kind: beacon.kind, round: String(beacon.round), signature: toHex(beacon.signature) },
  genesis: toHex(context.genesis),
  netuid: context.netuid,
  window: context.window,
  checkpointDigest: toHex(context.checkpointDigest),
  policyDigest: toHex(context.policyDigest),
});

/**
 * Its fields in order, as they are hashed here and in the root of a stream.
 * @throws RangeError for a field that no window can have: an empty signature would be a stream that is known beforehand
 */
export function windowParts(context: WindowContext): Uint8Array[] {
  const { beacon, genesis, netuid, window, checkpointDigest, policyDigest } = context;
  assertBytes('genesis', genesis, 32);
  assertBytes('checkpoint digest', checkpointDigest, 32);
  assertBytes('policy digest', policyDigest, 32);
  assertU32('netuid', netuid, 0xffff);
  assertU32('window', window);
  return [...beaconParts(beacon), genesis, u32le(netuid), u32le(window), checkpointDigest, policyDigest];
}

/**
 * A round as it is hashed, wherever it is.
 * @throws RangeError for a round that its kind does not have
 */
export function beaconParts({ kind, round, signature }: BeaconRound): Uint8Array[] {
  assertBytes('beacon signature', signature, SIGNATURE_BYTES[kind]);
  if (round < 0n || round > U64_MAX)
    throw new RangeError(`beacon round: expected an integer below 2^64, got ${round}`);
  return [utf8(kind), u64le(round), signature];
}

/** Its one encoding: the fields in order, each behind its length. */
export const windowBytes = (context: WindowContext): Uint8Array => lengthPrefixed(...windowParts(context));

export const windowDigest = (context: WindowContext): Uint8Array =>
  taggedHash('window', ...windowParts(context));

/** @throws RangeError when they are not as many as expected */
export function assertBytes(label: string, bytes: Uint8Array, length: number): void {
  if (bytes.length !== length)
    throw new RangeError(`${label}: expected ${length} bytes, got ${bytes.length}`);
}

/** @throws RangeError when `value` is no integer in 0..max */
export function assertU32(label: string, value: number, max = 0xffff_ffff): void {
  if (!Number.isInteger(value) || value < 0 || value > max)
    throw new RangeError(`${label}: expected an integer in 0..${max}, got ${value}`);
}
