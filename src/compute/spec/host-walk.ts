// Owns: what reading a host's memory gives: keys of rounds, and the walk of reads that each hang on the one before.
// Does not own: digests and their trees (digest.ts), where labels are kept (compute/host).
import { u32le, utf8 } from '../../model/bytes.js';
import { sha256 } from '../../model/hash.js';
import { hashInto } from '../../model/merkle.js';
import { CHUNK_BYTES, HOST_TAG } from './host-labels.js';

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

/** Chunks that one step reads, each at a place of its own: more reads at once find a missing one sooner. */
export const STEP_READS = 4;
/** Steps under one leaf of the walk's tree. */
export const LEAF_STEPS = 8;
/** Four words of 32 bits. */
export const STATE_BYTES = 16;
export const WALK_LEAF_BYTES = LEAF_STEPS * STATE_BYTES;

/** Words of a state, of a chunk. */
const STATE_WORDS = STATE_BYTES / 4;
const CHUNK_WORDS = CHUNK_BYTES / 4;

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
  const digest = sha256(WALK, key, u32le(lane), u32le(leaf), ...lefts);
  const view = new DataView(digest.buffer, digest.byteOffset, digest.byteLength);
  return Uint32Array.from({ length: STATE_WORDS }, (_, i) => view.getUint32(4 * i, true));
}

/** Where a word of the state reads: a label by its upper bits, a chunk in it by its lower ones. */
export const readAt = (
  word: number,
  labels: number,
  labelBytes: number,
): { readonly label: number; readonly chunk: number } => ({
  label: Math.floor(((word >>> 0) * labels) / 2 ** 32),
  chunk: word & (labelBytes / CHUNK_BYTES - 1),
});

/** Primes of xxHash32. */
const P1 = 0x9e3779b1 | 0;
const P2 = 0x85ebca77 | 0;
const P3 = 0xc2b2ae3d | 0;

/** The round of xxHash32: with the accumulator unknown nothing shorter stands for the words that it takes in. */
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
 * The state after one step: four chunks of eight little-endian words, in the order of the state's words, taken in one after
 * the other. Addresses hang on nothing but the state before, so that the reads of a step go out at once.
 * @param words where chunks lie, as 32-bit words
 * @param chunks index in `words` of the first word of each of the four
 * @param from the state, `STATE_WORDS` words at `fromAt`
 * @param to where the next state is written, at `toAt`; may be `from`
 */
export function walkStep(
  words: Int32Array,
  chunks: Float64Array,
  from: Uint32Array,
  fromAt: number,
  to: Uint32Array,
  toAt: number,
): void {
  let a = from[fromAt] | 0;
  let b = from[fromAt + 1] | 0;
  let c = from[fromAt + 2] | 0;
  let d = from[fromAt + 3] | 0;
  for (let r = 0; r < STEP_READS; r++) {
    const at = chunks[r];
    for (let w = 0; w < CHUNK_WORDS; w += STATE_WORDS) {
      a = absorb(a, words[at + w]);
      b = absorb(b, words[at + w + 1]);
      c = absorb(c, words[at + w + 2]);
      d = absorb(d, words[at + w + 3]);
    }
    a = (a + d) | 0;
    b = (b + a) | 0;
    c = (c + b) | 0;
    d = (d + c) | 0;
  }
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
