// Owns: what reading a host's memory gives: keys of rounds, and the walk of reads that each hang on the one before.
// Does not own: digests and their trees (digest.ts), where labels are kept (compute/host).
import { createCipheriv, hash } from 'node:crypto';
import { concat, u32le, utf8 } from '../../model/bytes.js';
import { sha256 } from '../../model/hash.js';
import { hashInto } from '../../model/merkle.js';
import { DIGEST_COLUMNS } from './digest.js';
import { HOST_TAG } from './host-labels.js';

const FIRST = utf8('assay/host/1/first');
const NEXT = utf8('assay/host/1/next');
const WALK = utf8('assay/host/1/walk');

/** Key of round 1, 32 bytes: nobody knows it before the Pass, and it is this slot's alone. */
export const firstRoundKey = (pass: Uint8Array, root: Uint8Array): Uint8Array => sha256(FIRST, pass, root);

/**
 * Key of the round after `round`, or of the walk after the last one: chained, for with keys known beforehand one reading
 * would serve all rounds.
 * @param root what that round's digests come to
 */
export const nextRoundKey = (key: Uint8Array, round: number, root: Uint8Array): Uint8Array =>
  sha256(NEXT, key, u32le(round), root);

/** Steps under one leaf of the walk's tree. */
export const LEAF_STEPS = 8;
/** Four words of 32 bits. */
export const STATE_BYTES = 16;
export const WALK_LEAF_BYTES = LEAF_STEPS * STATE_BYTES;

/** Of a state, and of a digest. */
const STATE_WORDS = STATE_BYTES / 4;

/**
 * State before the first step of a leaf. It hangs on the hashes of everything before that leaf, so that no leaf can be begun
 * before all others are finished: otherwise a walk cut in a thousand pieces would be walked a thousand pieces at once.
 * @param lefts siblings on the leaf's path that are to its left, from the leaf upwards
 */
export function walkStart(
  key: Uint8Array,
  lane: number,
  leaf: number,
  lefts: readonly Uint8Array[],
): Uint32Array {
  const digest = hash('sha256', concat(WALK, key, u32le(lane), u32le(leaf), ...lefts), 'buffer');
  const view = new DataView(digest.buffer, digest.byteOffset, digest.byteLength);
  return Uint32Array.from({ length: STATE_WORDS }, (_, i) => view.getUint32(4 * i, true));
}

/**
 * Key of the walk: five columns' worth of values as digest.ts has them. A step takes four columns from where its state says, so that no
 * table of digests answers it: 16 bytes for each of `labelBytes` places are more than the label.
 */
export function walkColumns(key: Uint8Array, labelBytes: number): Int8Array {
  const raw = createCipheriv('aes-256-ctr', key, new Uint8Array(16)).update(
    new Uint8Array((DIGEST_COLUMNS + 1) * labelBytes),
  );
  const columns = new Int8Array(raw.length);
  for (let i = 0; i < raw.length; i++) columns[i] = (raw[i] & 127) - 64;
  return columns;
}

/** What a state reads: a label by its first word, a place in the key by its second. */
export const readAt = (
  state: Uint32Array,
  at: number,
  labels: number,
  labelBytes: number,
): { readonly label: number; readonly shift: number } => ({
  label: Math.floor((state[at] * labels) / 2 ** 32),
  shift: state[at + 1] & (labelBytes - 1),
});

/** Primes of xxHash32. */
const P1 = 0x9e3779b1 | 0;
const P2 = 0x85ebca77 | 0;
const P3 = 0xc2b2ae3d | 0;

/** The round of xxHash32. */
const absorb = (accumulator: number, word: number): number => {
  const x = (accumulator + Math.imul(word, P2)) | 0;
  return Math.imul((x << 13) | (x >>> 19), P1);
};

const avalanche = (word: number): number => {
  let x = word;
  x = Math.imul(x ^ (x >>> 15), P2);
  x = Math.imul(x ^ (x >>> 13), P3);
  return x ^ (x >>> 16);
};

/**
 * The state after one step.
 * @param digest of the label that the state reads, under the four columns from its place on
 * @param from the state, four words at `fromAt`
 * @param to where the next state is written, at `toAt`; may be `from`
 */
export function walkStep(
  digest: Int32Array,
  from: Uint32Array,
  fromAt: number,
  to: Uint32Array,
  toAt: number,
): void {
  let a = absorb(from[fromAt] | 0, digest[0]);
  let b = absorb(from[fromAt + 1] | 0, digest[1]);
  let c = absorb(from[fromAt + 2] | 0, digest[2]);
  let d = absorb(from[fromAt + 3] | 0, digest[3]);
  a = (a + d) | 0;
  b = (b + a) | 0;
  c = (c + b) | 0;
  d = (d + c) | 0;
  a = (a + d) | 0;
  to[toAt] = avalanche(a);
  to[toAt + 1] = avalanche(b);
  to[toAt + 2] = avalanche(c);
  to[toAt + 3] = avalanche(d);
}

/** SHA-256(tag, the eight states after a leaf's steps). */
export function hashWalkLeaf(states: Uint8Array, out: Uint8Array, at: number): void {
  const preimage = new Uint8Array(1 + WALK_LEAF_BYTES);
  preimage[0] = HOST_TAG.walkLeaf;
  preimage.set(states, 1);
  hashInto(preimage, out, at);
}

/** States as bytes, little-endian. */
export function statesToBytes(states: Uint32Array): Uint8Array {
  const out = new Uint8Array(4 * states.length);
  const view = new DataView(out.buffer);
  for (let i = 0; i < states.length; i++) view.setUint32(4 * i, states[i], true);
  return out;
}

/** The inverse. */
export function statesFromBytes(bytes: Uint8Array): Uint32Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Uint32Array.from({ length: bytes.length / 4 }, (_, i) => view.getUint32(4 * i, true));
}
