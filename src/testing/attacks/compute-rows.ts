// Owns: single rows that a cheat would like to open: forged where the private vectors are known, and swapped by a prime.
// Does not own: whole transcripts (compute-chain.ts, liars/compute.ts).
import type { Compute } from '../../compute/compute.js';
import { accumulatorBound, createChain, fold, operandSource } from '../../compute/spec/chain.js';
import { Transcript } from '../../compute/spec/transcript.js';
import { equals } from '../../model/bytes.js';
import { createSeededRandom, type Random } from '../../model/prng.js';
import {
  decodeAccumulator,
  decodeOpening,
  decodeRequest,
  encodeAccumulator,
  encodeOpening,
} from '../../verification/kinds/compute/codec.js';
import type { ComputeParams } from '../../verification/kinds/compute/params.js';
import type { ComputeSecret } from '../../verification/kinds/compute/secret.js';
import { computeProof } from '../../verification/kinds/index.js';
import { type Challenge, UNHURRIED } from '../../verification/proof.js';
import { driven } from '../liars/compute.js';

/** Moduli of the projections, from docs/proofs/compute.md. */
const PRIMES = [2 ** 26 - 5, 2 ** 26 - 27] as const;

// ---------------------------------------------------------------- c plus or minus p

/** One honest row at a real size, and the private vectors of two designs. */
interface RealRow {
  readonly n: number;
  readonly a: Int8Array;
  readonly c: Int32Array;
  readonly folded: Uint8Array;
  /** as built */
  readonly secret: ComputeSecret;
  /** as first designed: one prime */
  readonly onePrime: ComputeSecret;
}

const rows = new Map<number, RealRow>();

/** No product of matrices: one row of it, n^2 multiplications, and the projections of the operand. Made once for each n. */
export function realRow(params: ComputeParams): RealRow {
  const { n } = params;
  const known = rows.get(n);
  if (known) return known;
  const random = createSeededRandom(`real-row/${n}`);
  const basis = random.bytes(32);
  const source = operandSource(basis, n);
  const a = new Int8Array(random.bytes(n));
  const c = new Int32Array(n);
  const strip = 16;
  for (let from = 0; from < n; from += strip) {
    const raw = source.rawRows(from, strip);
    for (let i = 0; i < strip; i++) {
      const factor = a[from + i]!;
      for (let k = 0, at = i * n; k < n; k++, at++) c[k]! += factor * ((raw[at]! & 127) - 64);
    }
  }
  const folded = new Uint8Array(n);
  fold(c, folded);
  const row = {
    n,
    a,
    c,
    folded,
    secret: computeProof.drawSecret(params, basis, random),
    onePrime: computeProof.drawSecret({ ...params, projections: 1 }, basis, random),
  };
  rows.set(n, row);
  return row;
}

/** `count` accumulators of the row, each moved by the first prime towards the other sign. */
export function swappedByPrime({ n, c }: RealRow, count: number, random: Random): Int32Array {
  const swapped = c.slice();
  const left = Array.from({ length: n }, (_, i) => i);
  for (let i = 0; i < count; i++) {
    const at = i + random.below(n - i);
    [left[i], left[at]] = [left[at]!, left[i]!];
    swapped[left[i]!]! += c[left[i]!]! > 0 ? -PRIMES[0] : PRIMES[0];
  }
  return swapped;
}

/** Which rules a row is held against: all three of these are one check in verify. */
export interface RowRules {
  /** exclusive bound of an accumulator */
  readonly bound: number;
  readonly primes: 'one' | 'two';
}

export const RULES_AS_BUILT = (n: number): RowRules => ({ bound: accumulatorBound(n), primes: 'two' });
/** n products of 14 bits: what a product could be at most, and one prime */
export const RULES_AS_FIRST_DESIGNED = (n: number): RowRules => ({ bound: n * 2 ** 14, primes: 'one' });

/** Whether the row passes while its fold, and so the label that it stands for, is another one. */
export function passesAsAnother(row: RealRow, c: Int32Array, { bound, primes }: RowRules): boolean {
  if (c.some((x) => x >= bound || x <= -bound)) return false;
  const secret = primes === 'one' ? row.onePrime : row.secret;
  if (!secret.projects(row.a, c)) return false;
  const folded = new Uint8Array(row.n);
  fold(c, folded);
  return !equals(folded, row.folded);
}

// ---------------------------------------------------------------- r known before the opening

/** The private vectors, as somebody draws them who reads the validator's randomness. */
function leakedVectors(random: Random, n: number): Float64Array[] {
  return PRIMES.map((p) => {
    const out = new Float64Array(n);
    for (let at = 0; at < n; ) {
      const bytes = random.bytes(4 * (n - at));
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      for (let i = 0; i < bytes.length; i += 4) {
        const value = view.getUint32(i, true) & (2 ** 26 - 1);
        if (value < p) out[at++] = value;
      }
    }
    return out;
  });
}

/**
 * Multiplies nothing: every label is random bytes, and every opened row is forged to them with the `known` first of the two
 * private vectors. Returns whether the validator accepts.
 */
export async function forgesWithKnownVectors(
  compute: Compute,
  challenge: Challenge<ComputeParams>,
  known: number,
  random: Random,
): Promise<boolean> {
  const { params, basis, seed } = challenge;
  const { n, labels } = params;
  const transcript = new Transcript(createChain(seed, n, labels));
  for (let j = 1; j <= labels; j++) transcript.append(random.bytes(n * n));
  const proving = await driven({ compute, ...UNHURRIED }, challenge, transcript, async () => {});
  try {
    const vectors = leakedVectors(random.fork('secret'), n);
    const commits = [proving.commit];
    const request = computeProof.issue(params, commits, random);
    const opening = decodeOpening(params, await proving.open(request))!; // both our own prover's
    const samples = decodeRequest(params, labels, request)!;
    const honest = new Int32Array(n);
    const forged = opening.samples.map((opened, s) => {
      const { label, row } = samples[s]!;
      decodeAccumulator(opened.accumulator, honest);
      const targets = vectors.slice(0, known).map((r, u) => dot(honest, r, PRIMES[u]!));
      const c = forge(transcript.row(label, row), vectors, targets, random);
      return { ...opened, accumulator: encodeAccumulator(c) };
    });
    const evidence = { commits, request, opening: encodeOpening({ ...opening, samples: forged }) };
    const secret = computeProof.drawSecret(params, basis, random.fork('secret'));
    return computeProof.verify(challenge, evidence, secret).kind === 'accepted';
  } finally {
    proving.release();
  }
}

const residue = (x: number, p: number): number => ((x % p) + p) % p;
/** |c| < 2^22 and r < 2^26: a product fits a double, and each is reduced before it is added. */
const dot = (c: Int32Array, r: Float64Array, p: number): number =>
  c.reduce((sum, x, k) => residue(sum + residue(x * r[k]!, p), p), 0);

/** A number within 2^22 whose fold is `byte`: 2^15 of them for each byte. */
function unfolded(byte: number, random: Random): number {
  const high = random.below(2 ** 15) - 2 ** 14;
  return (high << 8) | ((byte ^ high ^ (high >> 8)) & 255);
}

/** Entries of each of the four lists: enough for about four solutions. */
const LIST = 2 ** 18;
/** Width of the first projection's sums that are kept: as many sums as entries remain. */
const WIDTH = 2 ** 8;

/** Accumulators that fold to `label` and have the wanted projections: a generalised birthday over four pairs of elements. */
function forge(
  label: Uint8Array,
  vectors: readonly Float64Array[],
  targets: readonly number[],
  random: Random,
): Int32Array {
  for (;;) {
    const c = Int32Array.from(label, (byte) => unfolded(byte, random));
    if (targets.length === 0) return c;
    // the first eight elements are free, what the others add is taken off the targets
    const rest = c.slice();
    rest.fill(0, 0, 8);
    const wanted = targets.map((target, u) =>
      residue(target - dot(rest, vectors[u]!, PRIMES[u]!), PRIMES[u]!),
    );
    const lists = [0, 2, 4, 6].map((at) => pairs(label, vectors, at, random));
    const w1 = wanted[0]!;
    const left = merged(lists[0]!, lists[1]!, 0);
    const right = merged(lists[2]!, lists[3]!, residue(w1 - WIDTH + 1, PRIMES[0]));
    const found = joined(left, right, wanted);
    if (!found) continue;
    for (const [which, entry] of found.entries()) {
      c[2 * which] = lists[which]!.first[entry]!;
      c[2 * which + 1] = lists[which]!.second[entry]!;
    }
    return c;
  }
}

interface List {
  readonly first: Int32Array;
  readonly second: Int32Array;
  /** projections of both elements together, modulo the first and the second prime */
  readonly v1: Float64Array;
  readonly v2: Float64Array;
}

function pairs(label: Uint8Array, vectors: readonly Float64Array[], at: number, random: Random): List {
  const first = new Int32Array(LIST);
  const second = new Int32Array(LIST);
  const v1 = new Float64Array(LIST);
  const v2 = new Float64Array(LIST);
  const words = random.bytes(4 * LIST);
  const view = new DataView(words.buffer, words.byteOffset, words.byteLength);
  const highOf = (bits: number): number => (bits & (2 ** 15 - 1)) - 2 ** 14;
  const unfold = (byte: number, high: number): number => (high << 8) | ((byte ^ high ^ (high >> 8)) & 255);
  for (let i = 0; i < LIST; i++) {
    const word = view.getUint32(4 * i, true);
    const x = unfold(label[at]!, highOf(word));
    const y = unfold(label[at + 1]!, highOf(word >>> 16));
    first[i] = x;
    second[i] = y;
    for (const [u, out] of [v1, v2].entries()) {
      const r = vectors[u]!;
      const p = PRIMES[u]!;
      out[i] = residue(residue(x * r[at]!, p) + residue(y * r[at + 1]!, p), p);
    }
  }
  return { first, second, v1, v2 };
}

interface Merged {
  readonly a: number[];
  readonly b: number[];
  readonly v1: number[];
  readonly v2: number[];
}

/** Pairs of entries whose first projections add up to something in [from, from + WIDTH) modulo the first prime. */
function merged(one: List, other: List, from: number): Merged {
  const p = PRIMES[0];
  // value and place in one double: 26 and 18 bits
  const sorted = Float64Array.from(other.v1, (value, i) => value * LIST + i).sort();
  const out: Merged = { a: [], b: [], v1: [], v2: [] };
  for (let i = 0; i < LIST; i++) {
    const low = residue(from - one.v1[i]!, p);
    for (let at = firstAtLeast(sorted, low * LIST); at < LIST; at++) {
      const value = Math.floor(sorted[at]! / LIST);
      if (value >= low + WIDTH) break; // sums that wrap around are left out, they are few
      const j = sorted[at]! % LIST;
      out.a.push(i);
      out.b.push(j);
      out.v1.push(residue(one.v1[i]! + value, p));
      out.v2.push(residue(one.v2[i]! + other.v2[j]!, PRIMES[1]));
    }
  }
  return out;
}

function firstAtLeast(sorted: Float64Array, value: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sorted[middle]! < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** One entry of each list, so that all wanted projections hold; of the second one only where it is wanted. */
function joined(left: Merged, right: Merged, wanted: readonly number[]): number[] | undefined {
  const both = wanted.length > 1;
  const key = (v1: number, v2: number): number => v1 * 2 ** 26 + (both ? v2 : 0);
  const places = new Map<number, number>();
  for (const [i, v1] of left.v1.entries()) places.set(key(v1, left.v2[i]!), i);
  for (const [j, v1] of right.v1.entries()) {
    const need1 = residue(wanted[0]! - v1, PRIMES[0]);
    const need2 = both ? residue(wanted[1]! - right.v2[j]!, PRIMES[1]) : 0;
    const i = places.get(key(need1, need2));
    if (i !== undefined) return [left.a[i]!, left.b[i]!, right.a[j]!, right.b[j]!];
  }
  return undefined;
}
