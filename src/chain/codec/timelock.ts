// Owns: time-lock encryption to a round of a drand beacon, in the bytes that Subtensor opens (ideal-lab5/timelock, the
// revision that its `tle` crate is; Boneh-Franklin FullIdent on BLS12-381 over AES-256-GCM), and such beacons' rounds.
// Does not own: where rounds come from, which one to choose beyond the arithmetic, what the chain then does.
import { createCipheriv, createDecipheriv } from 'node:crypto';
import { bls12_381 } from '@noble/curves/bls12-381.js';
import { concat, equals, fromHex, toHex, u64le, utf8 } from '../../model/bytes.js';
import { AssayError } from '../../model/errors.js';
import { sha256 } from '../../model/hash.js';
import type { Random } from '../../model/prng.js';
import { bytes, encode, Reader, struct, u64 } from './scale.js';
import { u16s } from './types.js';

const G1 = bls12_381.G1.Point;
const G2 = bls12_381.G2.Point;
const { Fr } = bls12_381.fields;
type Fp12 = ReturnType<typeof bls12_381.pairing>;
type Fp6 = Fp12['c0'];
type Fp2 = Fp6['c0'];

/** What a round's signature is made and checked with. */
interface BeaconParameters {
  /** G2, compressed, 96 bytes */
  readonly publicKey: Uint8Array;
  /** seconds between rounds */
  readonly periodSeconds: number;
  /** unix seconds of round 1 */
  readonly genesisSeconds: number;
}

/** drand quicknet, which Subtensor follows unless its BeaconConfig names another (pallet drand `DefaultBeaconConfig`). */
export const QUICKNET: BeaconParameters = {
  publicKey: fromHex(
    '83cf0f2896adee7eb8b5f01fcad3912212c437e0073e911fb90022d3e760183c' +
      '8c4b450b6a0a6c3ac6a5776a2d1064510d1fec758c921cc22b0e17e63aaf4bcb' +
      '5ed66304de9cf809bd274ca73bab4af5a6e9c76a4bc09e76eae8991ef5ece45a',
  ),
  periodSeconds: 3,
  genesisSeconds: 1_692_803_367,
};

/** `MAX_CRV3_COMMIT_SIZE_BYTES`: the chain refuses to decode a call with more. */
export const MAX_COMMIT_BYTES = 5000;
/** What sealing adds to a payload. */
export const SEAL_BYTES = 244;

/** scheme bls-unchained-g1-rfc9380: signatures in G1 */
const DST = 'BLS_SIG_BLS12381G1_XMD:SHA-256_SSWU_RO_NUL_';
const SUITE = utf8('AES_GCM_');
const U_BYTES = 96;
const SIGNATURE_BYTES = 48;
const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

export interface Sealed {
  /** G2, compressed, 96 bytes */
  readonly u: Uint8Array;
  /** 32 bytes */
  readonly v: Uint8Array;
  /** 32 bytes */
  readonly w: Uint8Array;
  /** ciphertext and its tag of 16 bytes */
  readonly body: Uint8Array;
  /** 12 bytes */
  readonly nonce: Uint8Array;
}

/**
 * Encrypts so that only the signature of `round` opens it.
 *
 * @param payload at most MAX_COMMIT_BYTES - SEAL_BYTES bytes
 * @throws AssayError `limit-exceeded` for more, `invalid-input` for a public key that is no point of G2
 * @throws RangeError for a round that is no integer of at least 1
 */
export function sealTimelocked(
  payload: Uint8Array,
  round: number,
  beaconPublicKey: Uint8Array,
  random: Random,
): Uint8Array {
  const limit = MAX_COMMIT_BYTES - SEAL_BYTES;
  if (payload.length > limit)
    throw new AssayError('limit-exceeded', `time-locked payload: ${payload.length} bytes of ${limit}`, {
      what: 'time-locked payload',
      limit,
      got: payload.length,
    });
  const publicKey = point(G2, beaconPublicKey, 'beacon public key');
  const key = random.bytes(KEY_BYTES);
  const sigma = sha256(random.bytes(KEY_BYTES));
  const r = blinding(sigma, key);
  // e(rQ, P) is e(Q, rP), and multiplying in G1 costs a third of it in G2
  const shared = bls12_381.pairing(identity(round).multiply(r), publicKey);
  const nonce = random.bytes(NONCE_BYTES);
  const cipher = createCipheriv('aes-256-gcm', key, nonce);
  const body = concat(cipher.update(payload), cipher.final(), cipher.getAuthTag());
  return concat(
    G2.BASE.multiply(r).toBytes(true),
    sized(xor(sigma, sha256(gtBytes(shared)))),
    sized(xor(key, sha256(sigma))),
    sized(concat(sized(body), sized(nonce))),
    sized(SUITE),
  );
}

/**
 * @param signature of the round it is locked to: G1, compressed, 48 bytes
 * @returns the payload
 * @throws AssayError `invalid-input` for bytes that are nothing sealed, another round's signature, a changed body
 */
export function openTimelocked(sealed: Uint8Array, signature: Uint8Array): Uint8Array {
  const { u, v, w, body, nonce } = parseTimelocked(sealed);
  const pointU = point(G2, u, 'time-locked bytes: U');
  const pointS = point(G1, signature, 'signature of a round');
  const sigma = xor(v, sha256(gtBytes(bls12_381.pairing(pointS, pointU))));
  const key = xor(w, sha256(sigma));
  if (!G2.BASE.multiply(blinding(sigma, key)).equals(pointU))
    throw invalid('time-locked bytes', 'locked to the round of this signature', 'locked to another');
  const decipher = createDecipheriv('aes-256-gcm', key, nonce);
  decipher.setAuthTag(body.subarray(-TAG_BYTES));
  const payload = decipher.update(body.subarray(0, -TAG_BYTES));
  try {
    return concat(payload, decipher.final());
  } catch {
    throw invalid('time-locked bytes', 'a body that its key authenticates', 'another body');
  }
}

/**
 * Bytes after the last part are ignored, as the chain ignores them.
 *
 * @throws AssayError `invalid-input`
 */
export function parseTimelocked(sealed: Uint8Array): Sealed {
  if (sealed.length > MAX_COMMIT_BYTES)
    throw invalid('time-locked bytes', `at most ${MAX_COMMIT_BYTES} bytes`, `${sealed.length}`);
  const parts = new Parts(sealed);
  const u = parts.take(U_BYTES, 'U');
  const v = parts.sized('V', KEY_BYTES);
  const w = parts.sized('W', KEY_BYTES);
  const inner = new Parts(parts.sized('body'));
  const suite = parts.sized('cipher suite', SUITE.length);
  if (!equals(suite, SUITE)) throw invalid('time-locked bytes', 'cipher suite AES_GCM_', `0x${toHex(suite)}`);
  const body = inner.sized('ciphertext');
  if (body.length < TAG_BYTES)
    throw invalid('time-locked bytes', `a ciphertext of ${TAG_BYTES} bytes or more`, `${body.length}`);
  return { u, v, w, body, nonce: inner.sized('nonce', NONCE_BYTES) };
}

/** Little-endian u64 lengths before parts, as arkworks writes byte vectors. */
class Parts {
  #at = 0;

  constructor(private readonly bytes: Uint8Array) {}

  take(length: number, what: string): Uint8Array {
    const left = this.bytes.length - this.#at;
    if (length > left) throw invalid('time-locked bytes', `${length} bytes of ${what}`, `${left}`);
    this.#at += length;
    return this.bytes.subarray(this.#at - length, this.#at);
  }

  sized(what: string, expected?: number): Uint8Array {
    const head = this.take(8, `${what}'s length`);
    const length = new DataView(head.buffer, head.byteOffset, 8).getBigUint64(0, true);
    if (expected !== undefined && length !== BigInt(expected))
      throw invalid('time-locked bytes', `${what} of ${expected} bytes`, `${length}`);
    if (length > BigInt(this.bytes.length))
      throw invalid('time-locked bytes', `at most ${this.bytes.length} bytes of ${what}`, `${length}`);
    return this.take(Number(length), what);
  }
}

/** A beacon of one's own key, for chains that follow none. */
export interface LocalBeacon {
  /** G2, compressed, 96 bytes */
  readonly publicKey: Uint8Array;
  /** Signature of a round: G1, compressed, 48 bytes. */
  sign(round: number): Uint8Array;
}

/** Anyone who knows `seed` can open what is locked to this beacon, at once. */
export function createLocalBeacon(seed: string): LocalBeacon {
  // two digests, so that reducing them to the group's order leaves no bias worth naming
  const wide = concat(
    sha256(utf8('assay/beacon/1/a'), utf8(seed)),
    sha256(utf8('assay/beacon/1/b'), utf8(seed)),
  );
  const scalar = Fr.create(toBigInt(wide));
  return {
    publicKey: G2.BASE.multiply(scalar).toBytes(true),
    // in a time that tells of the key: whoever may know the seed may know that
    sign: (round) => identity(round).multiplyUnsafe(scalar).toBytes(true),
  };
}

/** Whether `signature` is the beacon's of `round`; false for any bytes that are none. */
export function verifyRound(round: number, signature: Uint8Array, beaconPublicKey: Uint8Array): boolean {
  if (signature.length !== SIGNATURE_BYTES || beaconPublicKey.length !== U_BYTES) return false;
  try {
    const pairs = [
      { g1: G1.fromHex(signature), g2: G2.BASE },
      { g1: identity(round).negate(), g2: G2.fromHex(beaconPublicKey) },
    ];
    return bls12_381.fields.Fp12.eql(bls12_381.pairingBatch(pairs), bls12_381.fields.Fp12.ONE);
  } catch {
    return false; // no points of their groups, or the point at infinity
  }
}

/** The newest round that the beacon has published at `unixMs`; 0 before its first. */
export function roundAt(
  { genesisSeconds, periodSeconds }: Omit<BeaconParameters, 'publicKey'>,
  unixMs: number,
): number {
  return Math.max(0, Math.floor((unixMs / 1000 - genesisSeconds) / periodSeconds) + 1);
}

/**
 * The round to lock to: known when block `targetBlock` is made and not a period sooner.
 *
 * @param now of block `block`; `blockTimeMs` as the chain really makes blocks
 */
export function roundForBlock(
  { genesisSeconds, periodSeconds }: Omit<BeaconParameters, 'publicKey'>,
  now: { readonly unixMs: number; readonly block: number; readonly blockTimeMs: number },
  targetBlock: number,
): number {
  const atMs = now.unixMs + Math.max(0, targetBlock - now.block) * now.blockTimeMs;
  return Math.max(1, Math.floor((atMs / 1000 - genesisSeconds) / periodSeconds));
}

/** Blocks after the boundary at which a commit should open: later than a hurried epoch, and retried until it does. */
const AFTER_BOUNDARY = 3;

/**
 * The block from which a commit made now should be open: just after the epoch in which the chain applies it began
 * (subtensor coinbase/reveal_commits.rs; the schedule is the stateful one).
 *
 * @param nextEpochBlock of the subnet, as of the block that carries the commit
 */
export function revealTarget(schedule: {
  readonly nextEpochBlock: number;
  readonly tempo: number;
  readonly revealPeriodEpochs: number;
}): number {
  const { nextEpochBlock, tempo, revealPeriodEpochs } = schedule;
  return nextEpochBlock + (revealPeriodEpochs - 1) * tempo + AFTER_BOUNDARY;
}

/** A time-locked row of weights (subtensor `WeightsTlockPayload`). */
export interface WeightsPayload {
  /** 32 bytes: who committed it; undefined in the older form, which anyone could copy */
  readonly hotkey: Uint8Array | undefined;
  readonly uids: readonly number[];
  readonly values: readonly number[];
  readonly versionKey: bigint;
}

const rowFields = { uids: u16s, values: u16s, versionKey: u64 };
const legacyPayload = struct('', rowFields);
const payload = struct('', { hotkey: bytes, ...rowFields });
const HOTKEY_BYTES = 32;

/** @throws RangeError when a value is no u16, or the version key no u64 */
export const encodeWeightsPayload = (row: WeightsPayload & { readonly hotkey: Uint8Array }): Uint8Array =>
  encode(payload, row);

/**
 * As the chain reads it: bytes after the row are ignored; what has no hotkey of 32 bytes is tried in the older form.
 *
 * @throws AssayError `invalid-input` for neither
 */
export function decodeWeightsPayload(opened: Uint8Array): WeightsPayload {
  const row = attempt(() => payload.decode(new Reader(opened)));
  if (row && row.hotkey.length >= HOTKEY_BYTES)
    return { ...row, hotkey: row.hotkey.subarray(0, HOTKEY_BYTES) };
  const legacy = attempt(() => legacyPayload.decode(new Reader(opened)));
  if (legacy) return { hotkey: undefined, ...legacy };
  throw invalid('time-locked payload', 'a row of weights', `${opened.length} other bytes`);
}

function attempt<T>(decode: () => T): T | undefined {
  try {
    return decode();
  } catch (error) {
    if (error instanceof RangeError) return undefined; // the codec's word for bytes that are no such value
    throw error;
  }
}

/** The identity that a round's signature is the private key of: its message, hashed to G1. */
function identity(round: number) {
  if (!Number.isSafeInteger(round) || round < 1)
    throw new RangeError(`round: expected an integer of at least 1, got ${round}`);
  const message = sha256(u64le(round).reverse());
  // noble's hasher is typed by its narrowest interface, but makes points of this very class
  return bls12_381.G1.hashToCurve(message, { DST }) as typeof G1.BASE;
}

const blinding = (sigma: Uint8Array, key: Uint8Array): bigint => Fr.create(toBigInt(sha256(sigma, key)));

/** arkworks' compressed Fp12: twelve field elements of 48 bytes, little-endian, lowest coefficients first. */
function gtBytes(value: Fp12): Uint8Array {
  const ofFp2 = ({ c0, c1 }: Fp2): Uint8Array[] => [le48(c0), le48(c1)];
  const ofFp6 = ({ c0, c1, c2 }: Fp6): Uint8Array[] => [...ofFp2(c0), ...ofFp2(c1), ...ofFp2(c2)];
  return concat(...ofFp6(value.c0), ...ofFp6(value.c1));
}

const le48 = (value: bigint): Uint8Array => fromHex(value.toString(16).padStart(96, '0')).reverse();
const toBigInt = (bigEndian: Uint8Array): bigint => BigInt(`0x${toHex(bigEndian)}`);
const sized = (part: Uint8Array): Uint8Array => concat(u64le(part.length), part);
const xor = (a: Uint8Array, b: Uint8Array): Uint8Array => a.map((byte, i) => byte ^ b[i]!);

/** A point that pairs: infinity, which has an encoding of its own and lies in every group, does not. */
function point<P extends { is0(): boolean }>(
  group: { fromHex(hex: Uint8Array): P },
  compressed: Uint8Array,
  what: string,
): P {
  const expected = 'a compressed point of its group';
  let found: P;
  try {
    found = group.fromHex(compressed); // checks the curve and the subgroup
  } catch {
    throw invalid(what, expected, `${compressed.length} other bytes`);
  }
  if (found.is0()) throw invalid(what, expected, 'the point at infinity');
  return found;
}

const invalid = (what: string, expected: string, got: string): AssayError<'invalid-input'> =>
  new AssayError('invalid-input', `${what}: expected ${expected}, got ${got}`, { what, expected, got });
