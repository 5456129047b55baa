// Owns: products of a few rows within one lane's memory: the runtime's, or our own kernel's. Does not own: which of them may
// be trusted (probe.ts).
import type { WasmMemory } from '../wasm/instance.js';
import type { Onnx } from './onnx.js';
import { MODEL, matMulIntegerModel } from './onnx-model.js';

/** Where a lane's kernels are told to read and write. */
export interface ProductPlaces {
  readonly memory: WasmMemory<ArrayBuffer>;
  /** rows of A, n bytes each */
  readonly aAt: number;
  /** rows of C, n int32 each */
  readonly cAt: number;
  /** n x n bytes, for a product that has no memory of its own */
  readonly bAt: number;
}

/** C = A B for rows at fixed places. */
export interface Product {
  /** what each byte of A is xored with before it is handed over: 128 where it is to be unsigned, around a zero point of 128 */
  readonly flip: 0 | 128;
  /** @param rows an even number */
  multiply(rows: number): Promise<void>;
}

/** By the kernel of lane.wat. @param b n x n */
export function createWasmProduct(
  kernel: { multiply(a: number, b: number, c: number, rows: number, n: number): void },
  b: Int8Array,
  n: number,
  { memory, aAt, cAt, bAt }: ProductPlaces,
): Product {
  const columns = new Int8Array(memory.buffer, bAt, n * n);
  for (let k = 0; k < n; k++) for (let j = 0; j < n; j++) columns[j * n + k] = b[k * n + j];
  return {
    flip: 0,
    async multiply(rows) {
      kernel.multiply(aAt, bAt, cAt, rows, n);
    },
  };
}

/** By one thread of onnxruntime-node, for lanes that share the cores among themselves. */
export async function createOnnxProduct(
  onnx: Onnx,
  b: Int8Array,
  n: number,
  { memory, aAt, cAt }: ProductPlaces,
): Promise<Product> {
  const session = await onnx.InferenceSession.create(matMulIntegerModel(b, n), {
    executionProviders: ['cpu'],
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
  });
  return {
    flip: 128,
    async multiply(rows) {
      const a = new onnx.Tensor('uint8', new Uint8Array(memory.buffer, aAt, rows * n), [rows, n]);
      const c = new onnx.Tensor('int32', new Int32Array(memory.buffer, cAt, rows * n), [rows, n]);
      await session.run({ [MODEL.left]: a }, { [MODEL.product]: c });
    },
  };
}
