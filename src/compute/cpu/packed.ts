// Owns: our own fast kernel: three times the reference, with nothing to install.
import { assertOperand, type Compute, type Multiplier, operandRows } from '../compute.js';

/** Two columns of B share one double: low + high * 2^26, so that one multiply-add does two. */
const HIGH = 2 ** 26;
/** Summed terms before the halves are taken apart: |sum| <= 2048 * 2^7 * 2^6 = 2^24, so each half is unambiguous. */
const DEPTH = 2048;
/** Rows of A kept as doubles at once: with DEPTH they stay in the second cache. */
const STRIP = 32;

/** Exact products by float64 arithmetic on packed pairs of columns. @throws RangeError from loadOperand when 8 does not divide n */
export function createPackedCompute(): Compute {
  return {
    name: 'cpu-packed',
    async loadOperand(b, n) {
      assertOperand(b, n);
      if (n % 8 !== 0) throw new RangeError(`n: expected a multiple of 8, got ${n}`);
      return createMultiplier(packColumns(b, n), n);
    },
  };
}

/** Row h of the result is columns 2h and 2h+1 of B, along the summed index. */
function packColumns(b: Int8Array, n: number): Float64Array {
  const packed = new Float64Array((n * n) / 2);
  for (let k = 0; k < n; k++)
    for (let h = 0; h < n / 2; h++) packed[h * n + k] = b[k * n + 2 * h] + b[k * n + 2 * h + 1] * HIGH;
  return packed;
}

function createMultiplier(packed: Float64Array, n: number): Multiplier {
  const strip = new Float64Array(STRIP * n);
  let c = new Int32Array(0);
  return {
    n,
    async multiply(a) {
      const rows = operandRows(a, n);
      if (c.length === rows * n) c.fill(0);
      else c = new Int32Array(rows * n);
      for (let from = 0; from < rows; from += STRIP) {
        const count = Math.min(STRIP, rows - from);
        strip.set(a.subarray(from * n, (from + count) * n));
        // an odd last row takes a row of zeros as its partner, whose products are not kept
        if (count % 2 === 1) strip.fill(0, count * n, (count + 1) * n);
        for (let k = 0; k < n; k += DEPTH)
          multiplyStrip(
            strip,
            packed,
            n,
            k,
            Math.min(n, k + DEPTH),
            c.subarray(from * n, (from + count) * n),
          );
      }
      return c;
    },
    release() {
      c = new Int32Array(0);
    },
  };
}

/** Adds the products over `k0 <= k < k1` of the strip's rows to `c`: tiles of two rows by four pairs of columns. */
function multiplyStrip(
  a: Float64Array,
  b: Float64Array,
  n: number,
  k0: number,
  k1: number,
  c: Int32Array,
): void {
  const rows = c.length / n;
  for (let h = 0; h < n / 2; h += 4) {
    const b0 = h * n;
    const b1 = b0 + n;
    const b2 = b1 + n;
    const b3 = b2 + n;
    for (let i = 0; i < rows; i += 2) {
      const at0 = i * n;
      const at1 = at0 + n;
      let s00 = 0;
      let s01 = 0;
      let s02 = 0;
      let s03 = 0;
      let s10 = 0;
      let s11 = 0;
      let s12 = 0;
      let s13 = 0;
      for (let k = k0; k < k1; k++) {
        const x = a[at0 + k];
        const y = a[at1 + k];
        const w0 = b[b0 + k];
        s00 += x * w0;
        s10 += y * w0;
        const w1 = b[b1 + k];
        s01 += x * w1;
        s11 += y * w1;
        const w2 = b[b2 + k];
        s02 += x * w2;
        s12 += y * w2;
        const w3 = b[b3 + k];
        s03 += x * w3;
        s13 += y * w3;
      }
      const to = at0 + 2 * h;
      addPair(c, to, s00);
      addPair(c, to + 2, s01);
      addPair(c, to + 4, s02);
      addPair(c, to + 6, s03);
      if (i + 1 === rows) continue;
      addPair(c, to + n, s10);
      addPair(c, to + n + 2, s11);
      addPair(c, to + n + 4, s12);
      addPair(c, to + n + 6, s13);
    }
  }
}

function addPair(c: Int32Array, at: number, sum: number): void {
  const high = Math.round(sum / HIGH);
  c[at] += sum - high * HIGH;
  c[at + 1] += high;
}
