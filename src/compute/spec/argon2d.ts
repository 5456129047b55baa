// Owns: what a sector of storage is: the final memory of Argon2d. Does not own: filling it fast (wasm/argon2d.wat).
import { hash } from 'node:crypto';
import { concat, u32le } from '../../model/bytes.js';

/** Bytes of an Argon2 block. */
export const BLOCK_BYTES = 1024;
const WORDS = BLOCK_BYTES / 4;

/** One memory of Argon2d (RFC 9106, version 0x13) with one lane, no secret and no associated data. */
export interface Argon2dInput {
  readonly password: Uint8Array;
  /** at least 8 bytes */
  readonly salt: Uint8Array;
  /** blocks of 1 KiB: a multiple of 4, at least 8 */
  readonly blocks: number;
  /** at least 1 */
  readonly passes: number;
}

/** @throws RangeError when Argon2 has no such memory */
export function assertArgon2d({ salt, blocks, passes }: Argon2dInput): void {
  if (!Number.isInteger(blocks) || blocks < 8 || blocks % 4 !== 0)
    throw new RangeError(`blocks: expected a multiple of 4 from 8 on, got ${blocks}`);
  if (!Number.isInteger(passes) || passes < 1)
    throw new RangeError(`passes: expected at least 1, got ${passes}`);
  if (salt.length < 8) throw new RangeError(`salt: expected at least 8 bytes, got ${salt.length}`);
}

/** Length of the tag that enters H0. We ask for memories, not tags; 64 is what BLAKE2b gives without more ado. */
const TAG_BYTES = 64;
const VERSION = 0x13;
const ARGON2D = 0;

/** One call rather than an object and its updates: a sector takes 62 of them (measured: three times as fast). */
const blake2b = (...parts: readonly Uint8Array[]): Uint8Array =>
  Buffer.from(hash('blake2b512', concat(...parts), 'binary'), 'latin1');

/** The variable-length hash H' of RFC 9106, 3.3, for a whole block: 30 halves and one whole digest. */
function expand(...parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(BLOCK_BYTES);
  let digest = blake2b(u32le(BLOCK_BYTES), ...parts);
  let at = 0;
  for (; at < BLOCK_BYTES - 64; at += 32) {
    out.set(digest.subarray(0, 32), at);
    digest = blake2b(digest);
  }
  out.set(digest, at);
  return out;
}

/** The first two blocks: all that a password and its salt have to do with the rest. */
export function firstBlocks(input: Argon2dInput): Uint8Array {
  assertArgon2d(input);
  const { password, salt, blocks, passes } = input;
  const h0 = blake2b(
    ...[1, TAG_BYTES, blocks, passes, VERSION, ARGON2D, password.length].map(u32le),
    password,
    u32le(salt.length),
    salt,
    u32le(0),
    u32le(0),
  );
  return concat(expand(h0, u32le(0), u32le(0)), expand(h0, u32le(1), u32le(0)));
}

/** The tag of Argon2d over a filled memory of one lane: what other implementations can be compared by. */
export const argon2dTag = (memory: Uint8Array): Uint8Array =>
  blake2b(u32le(TAG_BYTES), memory.subarray(memory.length - BLOCK_BYTES));

/** The final memory, 1024 bytes a block, said plainly; wasm/argon2d.ts gives the same bits thirty times as fast. */
export function argon2dMemory(input: Argon2dInput): Uint8Array {
  const { blocks, passes } = input;
  const memory = new Uint32Array(blocks * WORDS);
  new Uint8Array(memory.buffer).set(firstBlocks(input));
  const block = (i: number): Uint32Array => memory.subarray(i * WORDS, (i + 1) * WORDS);
  const segment = blocks / 4;
  for (let pass = 0; pass < passes; pass++)
    for (let i = pass === 0 ? 2 : 0; i < blocks; i++) {
      const previous = block((i + blocks - 1) % blocks);
      compress(previous, block(reference(previous[0], pass, i, blocks, segment)), block(i), pass > 0);
    }
  return new Uint8Array(memory.buffer);
}

/** RFC 9106, 3.4.1.3 and 3.4.2 for one lane: what was written last is referred to most. */
function reference(j1: number, pass: number, i: number, blocks: number, segment: number): number {
  const slice = Math.floor(i / segment);
  const area = pass === 0 ? i - 1 : blocks - segment + (i % segment) - 1;
  const x = (BigInt(j1) * BigInt(j1)) >> 32n;
  const y = Number((BigInt(area) * x) >> 32n);
  const start = pass === 0 || slice === 3 ? 0 : (slice + 1) * segment;
  return (start + area - 1 - y) % blocks;
}

const R = new Uint32Array(WORDS);

/** `to` becomes G(x, y), or that xor what it was before. */
function compress(x: Uint32Array, y: Uint32Array, to: Uint32Array, xor: boolean): void {
  for (let k = 0; k < WORDS; k++) {
    R[k] = x[k] ^ y[k];
    to[k] = xor ? to[k] ^ R[k] : R[k];
  }
  for (let row = 0; row < 8; row++) permute(32 * row, 4, 2);
  for (let column = 0; column < 8; column++) permute(4 * column, 32, 2);
  for (let k = 0; k < WORDS; k++) to[k] ^= R[k];
}

/**
 * The permutation P on 16 words of R, of 64 bits in two halves, low half first.
 * @param pair distance between pairs of words, in halves
 * @param word distance between the two words of a pair
 */
function permute(at: number, pair: number, word: number): void {
  const w = (i: number): number => at + (i >> 1) * pair + (i & 1) * word;
  for (let k = 0; k < 4; k++) quarter(w(k), w(4 + k), w(8 + k), w(12 + k));
  for (let k = 0; k < 4; k++)
    quarter(w(k), w(4 + ((k + 1) & 3)), w(8 + ((k + 2) & 3)), w(12 + ((k + 3) & 3)));
}

/** RFC 9106, 3.6: the round of BLAKE2b with a multiplication in each addition. */
function quarter(a: number, b: number, c: number, d: number): void {
  mix(a, b);
  rotate(d, a, 32);
  mix(c, d);
  rotate(b, c, 24);
  mix(a, b);
  rotate(d, a, 16);
  mix(c, d);
  rotate(b, c, 63);
}

/** x = x + y + 2 low(x) low(y) mod 2^64. */
function mix(x: number, y: number): void {
  const p = R[x];
  const q = R[y];
  // the product of two halves by quarters, so that every sum stays below 2^53
  const low = (p & 0xffff) * (q & 0xffff);
  const middle = (p >>> 16) * (q & 0xffff) + (p & 0xffff) * (q >>> 16) + Math.floor(low / 0x10000);
  const productLow = (middle % 0x10000) * 0x10000 + (low & 0xffff);
  const productHigh = (p >>> 16) * (q >>> 16) + Math.floor(middle / 0x10000);
  const sum = p + q + 2 * productLow;
  R[x] = sum;
  R[x + 1] = R[x + 1] + R[y + 1] + 2 * productHigh + Math.floor(sum / 0x100000000);
}

/** x = (x ^ y) >>> by. */
function rotate(x: number, y: number, by: number): void {
  const low = R[x] ^ R[y];
  const high = R[x + 1] ^ R[y + 1];
  const [l, h] = by >= 32 ? [high, low] : [low, high];
  const rest = by % 32;
  R[x] = rest === 0 ? l : (l >>> rest) | (h << (32 - rest));
  R[x + 1] = rest === 0 ? h : (h >>> rest) | (l << (32 - rest));
}
