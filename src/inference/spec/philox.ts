// Owns: Philox4x32-10, the generator of the stream: counter in, random words out. Does not own: what counters and keys mean
// (stream.ts).
// Algorithm: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011, section 3.3.

const M0 = 0xd251_1f53;
const M1 = 0xcd9e_8d57;
const W0 = 0x9e37_79b9;
const W1 = 0xbb67_ae85;
const ROUNDS = 10;

/** The whole block of four words. */
export function philox(
  counter: readonly [number, number, number, number],
  key: readonly [number, number],
): [number, number, number, number] {
  let [c0, c1, c2, c3] = counter;
  let [k0, k1] = key;
  for (let round = 0; round < ROUNDS; round++) {
    const high0 = highWord(M0, c0);
    const high1 = highWord(M1, c2);
    const low0 = Math.imul(M0, c0);
    const low1 = Math.imul(M1, c2);
    c0 = (high1 ^ c1 ^ k0) >>> 0;
    c1 = low1 >>> 0;
    c2 = (high0 ^ c3 ^ k1) >>> 0;
    c3 = low0 >>> 0;
    k0 = (k0 + W0) | 0;
    k1 = (k1 + W1) | 0;
  }
  return [c0, c1, c2, c3];
}

/**
 * The first word of the block of counter (c0, c1, 0, 0): what the stream asks for, of each candidate and each token. Words that
 * do not reach it are left out, and the first round knows two zeros.
 */
export function firstWord(c0: number, c1: number, k0: number, k1: number): number {
  let a = c1 ^ k0;
  let b = 0;
  let c = highWord(M0, c0) ^ k1;
  let d = Math.imul(M0, c0);
  for (let round = 1; round < ROUNDS - 2; round++) {
    k0 = (k0 + W0) | 0;
    k1 = (k1 + W1) | 0;
    const high0 = highWord(M0, a);
    const low0 = Math.imul(M0, a);
    a = highWord(M1, c) ^ b ^ k0;
    b = Math.imul(M1, c);
    c = high0 ^ d ^ k1;
    d = low0;
  }
  const penultimate = highWord(M0, a) ^ d ^ (k1 + W1);
  return (highWord(M1, penultimate) ^ Math.imul(M1, c) ^ (k0 + W0 + W0)) >>> 0;
}

/** Upper half of the 64-bit product, in halves of 16 bits: no sum here exceeds 32 bits. */
function highWord(a: number, b: number): number {
  const a0 = a & 0xffff;
  const a1 = a >>> 16;
  const b0 = b & 0xffff;
  const b1 = b >>> 16;
  const low = (Math.imul(a1, b0) + (Math.imul(a0, b0) >>> 16)) | 0;
  const middle = (Math.imul(a0, b1) + (low & 0xffff)) | 0;
  return (Math.imul(a1, b1) + (low >>> 16) + (middle >>> 16)) | 0;
}
