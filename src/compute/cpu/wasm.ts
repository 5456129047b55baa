// Owns: products by our own WebAssembly kernel on the caller's thread: what there is without onnxruntime-node. Does not own:
// labels on all cores (fast-labels.ts).
import { assertOperand, type Compute, type Multiplier, operandRows } from '../compute.js';
import { createMemory } from '../wasm/instance.js';
import { laneKernels } from './kernels.js';
import { createWasmProduct } from './product.js';

/** Rows handed to the kernel at once: with four columns of B they stay in the second cache. */
const ROWS = 64;

/** @throws RangeError from loadOperand when 16 does not divide n */
export function createWasmCompute(): Compute {
  return {
    name: 'cpu-wasm',
    async loadOperand(b, n) {
      assertOperand(b, n);
      if (n % 16 !== 0) throw new RangeError(`n: expected a multiple of 16, got ${n}`);
      return createMultiplier(b, n);
    },
  };
}

function createMultiplier(b: Int8Array, n: number): Multiplier {
  const aAt = n * n;
  const cAt = aAt + ROWS * n;
  const memory = createMemory(cAt + 4 * ROWS * n);
  const product = createWasmProduct(laneKernels(memory), b, n, { memory, bAt: 0, aAt, cAt });
  const bytes = new Int8Array(memory.buffer);
  let c = new Int32Array(0);
  return {
    n,
    async multiply(a) {
      const rows = operandRows(a, n);
      if (c.length !== rows * n) c = new Int32Array(rows * n);
      for (let from = 0; from < rows; from += ROWS) {
        const count = Math.min(ROWS, rows - from);
        bytes.set(a.subarray(from * n, (from + count) * n), aAt);
        await product.multiply(count + (count % 2));
        c.set(new Int32Array(memory.buffer, cAt, count * n), from * n);
      }
      return c;
    },
    release() {
      c = new Int32Array(0);
    },
  };
}
