// Owns: the private projection vectors of one event. They never leave this class, let alone the process: whoever knows
// them before opening can forge any row.

import { type OperandSource, operandSource } from '../../../compute/spec/chain.js';
import type { Random } from '../../../model/prng.js';
import type { ComputeParams } from './params.js';

/** Distinct, so that a difference of two admissible accumulators is nonzero modulo each. */
const PRIMES = [2 ** 26 - 5, 2 ** 26 - 27, 2 ** 26 - 45] as const;

/** What a secret is drawn for. */
type Operand = Pick<ComputeParams, 'n' | 'projections'>;

/**
 * r_u and y_u = B r_u mod p_u. It can be asked one question and nothing else: there is no accessor, no field, no JSON,
 * and only `drawSecret` makes one, so that a receipt, a log or a stored outcome cannot carry it by accident.
 */
export class ComputeSecret {
  readonly #r: readonly Float64Array[];
  readonly #y: readonly Float64Array[];
  readonly #n: number;
  readonly #projections: number;
  readonly #basis: Uint8Array;

  private constructor(params: Operand, basis: Uint8Array, random: Random) {
    this.#n = params.n;
    this.#projections = params.projections;
    this.#basis = basis.slice();
    this.#r = PRIMES.slice(0, params.projections).map((p) => drawVector(random, params.n, p));
    this.#y = project(operandSource(basis, params.n), this.#r);
  }

  static draw(params: Operand, basis: Uint8Array, random: Random): ComputeSecret {
    return new ComputeSecret(params, basis, random);
  }

  /** Sets of one name multiply by the same operand: what is drawn for one judges all of them. */
  static nameFor({ n, projections }: Operand): string {
    return `gemm/${n}/${projections}`;
  }

  /** @throws RangeError when it was drawn for another operand: our own mistake, never the miner's */
  assertFor(params: Operand, basis: Uint8Array): void {
    const same =
      params.n === this.#n &&
      params.projections === this.#projections &&
      Buffer.compare(basis, this.#basis) === 0;
    if (!same) throw new RangeError('secret: expected one drawn for these params and this basis');
  }

  /**
   * Whether c . r_u = a . y_u mod p_u for every u: one answer for all projections.
   * @param a row of A, taken as signed bytes
   * @param c row of C, each within the range rule: it bounds the sums to what float64 holds exactly
   */
  projects(a: Int8Array, c: Int32Array): boolean {
    for (let u = 0; u < this.#r.length; u++)
      if (productResidue(c, this.#r[u], PRIMES[u]) !== rowResidue(a, this.#y[u], PRIMES[u])) return false;
    return true;
  }

  toJSON(): never {
    throw new TypeError('secret: private projection vectors are never serialised');
  }
}

/** Uniform in [0, p), by rejection from 26-bit words. */
function drawVector(random: Random, n: number, p: number): Float64Array {
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
}

/** Rows of B per step: one keystream call of about 64 KiB, which stays in the second cache. */
const STRIP_BYTES = 1 << 16;

/**
 * y_u = B r_u mod p_u with B streamed: memory is O(n). With b = (byte & 127) - 64 the sum over the byte's part stays
 * below n * 2^7 * 2^26 <= 2^47, exact in float64, and 64 * sum(r) is taken off once.
 */
function project(source: OperandSource, r: readonly Float64Array[]): Float64Array[] {
  const { n } = source;
  const y = r.map(() => new Float64Array(n));
  const offset = r.map((v) => 64 * v.reduce((sum, x) => sum + x, 0));
  const strip = Math.max(4, Math.min(n, STRIP_BYTES / n));
  for (let row = 0; row < n; row += strip) {
    const raw = source.rawRows(row, strip);
    for (let u = 0; u < r.length; u++) {
      const v = r[u];
      const p = PRIMES[u];
      const off = offset[u];
      const out = y[u];
      for (let i = 0; i < strip; i += 4) {
        // four rows at once: each r is loaded once for four sums, and the four sums are independent
        const at0 = i * n;
        const at1 = at0 + n;
        const at2 = at1 + n;
        const at3 = at2 + n;
        let s0 = 0;
        let s1 = 0;
        let s2 = 0;
        let s3 = 0;
        for (let k = 0; k < n; k++) {
          const x = v[k];
          s0 += (raw[at0 + k] & 127) * x;
          s1 += (raw[at1 + k] & 127) * x;
          s2 += (raw[at2 + k] & 127) * x;
          s3 += (raw[at3 + k] & 127) * x;
        }
        out[row + i] = residue(s0 - off, p);
        out[row + i + 1] = residue(s1 - off, p);
        out[row + i + 2] = residue(s2 - off, p);
        out[row + i + 3] = residue(s3 - off, p);
      }
    }
  }
  return y;
}

/** a . y mod p: |sum| <= n * 2^7 * 2^26 <= 2^47. */
function rowResidue(a: Int8Array, y: Float64Array, p: number): number {
  let s0 = 0;
  let s1 = 0;
  for (let k = 0; k < y.length; k += 2) {
    s0 += a[k] * y[k];
    s1 += a[k + 1] * y[k + 1];
  }
  return residue(s0 + s1, p);
}

/** c . r mod p with c = 2^12 high + low: each sum stays below n * 2^12 * 2^26 <= 2^52. */
function productResidue(c: Int32Array, r: Float64Array, p: number): number {
  let high = 0;
  let low = 0;
  for (let k = 0; k < r.length; k++) {
    high += (c[k] >> 12) * r[k];
    low += (c[k] & 4095) * r[k];
  }
  return residue(residue(high, p) * 4096 + residue(low, p), p);
}

/** Least non-negative residue of an exact integer. */
function residue(x: number, p: number): number {
  const rest = x % p;
  return rest < 0 ? rest + p : rest + 0;
}
