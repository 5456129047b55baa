// Owns: the meaning of every other backend: plain typed arrays, no vendor, no tolerance.
import { assertOperand, type Compute, type Multiplier, operandRows } from '../compute.js';

/** The exact product in plain TypeScript: what a kernel must match bit for bit. */
export function createReferenceCompute(): Compute {
  return {
    name: 'cpu-reference',
    async loadOperand(b, n) {
      assertOperand(b, n);
      return createMultiplier(b.slice(), n);
    },
  };
}

/** Whole rows of C at once: four rows of B stay in the first cache, and the inner loop has no dependency chain. */
function createMultiplier(b: Int8Array, n: number): Multiplier {
  let c = new Int32Array(0);
  return {
    n,
    async multiply(a) {
      const rows = operandRows(a, n);
      if (c.length !== rows * n) c = new Int32Array(rows * n);
      for (let i = 0; i < rows; i++)
        multiplyRow(a.subarray(i * n, (i + 1) * n), b, n, c.subarray(i * n, (i + 1) * n));
      return c;
    },
    release() {
      c = new Int32Array(0);
    },
  };
}

function multiplyRow(a: Int8Array, b: Int8Array, n: number, c: Int32Array): void {
  c.fill(0);
  let k = 0;
  for (; k + 3 < n; k += 4) {
    const a0 = a[k];
    const a1 = a[k + 1];
    const a2 = a[k + 2];
    const a3 = a[k + 3];
    const at0 = k * n;
    const at1 = at0 + n;
    const at2 = at1 + n;
    const at3 = at2 + n;
    for (let j = 0; j < n; j++)
      c[j] +=
        (Math.imul(a0, b[at0 + j]) +
          Math.imul(a1, b[at1 + j]) +
          Math.imul(a2, b[at2 + j]) +
          Math.imul(a3, b[at3 + j])) |
        0;
  }
  for (; k < n; k++) {
    const x = a[k];
    for (let j = 0; j < n; j++) c[j] += Math.imul(x, b[k * n + j]);
  }
}
