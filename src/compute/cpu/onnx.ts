// Owns: products through onnxruntime-node. Does not own: whether they are exact on this CPU (probe.ts asks).
import { importOnnxruntime } from '../../model/onnxruntime.js';
import { assertOperand, type Compute, type Multiplier, operandRows } from '../compute.js';
import { MODEL, matMulIntegerModel } from './onnx-model.js';

/** The runtime as far as it is used here: our own words, so that our types stand without the optional package. */
export interface Onnx {
  readonly InferenceSession: {
    create(model: Uint8Array, options: Record<string, unknown>): Promise<Session>;
  };
  readonly Tensor: new (
    type: 'uint8' | 'int32',
    data: Uint8Array | Int32Array,
    dims: readonly number[],
  ) => unknown;
}
interface Session {
  /** `fetches` are tensors that the outputs are written to. */
  run(feeds: Record<string, unknown>, fetches: Record<string, unknown>): Promise<unknown>;
  release(): Promise<void>;
}

/** The optional dependency, or undefined where it is not installed. */
export async function loadOnnx(): Promise<Onnx | undefined> {
  try {
    return (await importOnnxruntime()) as Onnx; // a subset of its own declarations
  } catch {
    // absent, or built for another system: both mean that the reference multiplies
    return undefined;
  }
}

export interface OnnxOptions {
  /** threads of one product; 0 leaves it to the runtime. @default 0 */
  readonly threads?: number;
}

export function createOnnxCompute(onnx: Onnx, options: OnnxOptions = {}): Compute {
  const { threads = 0 } = options;
  return {
    name: 'cpu-onnx',
    async loadOperand(b, n) {
      assertOperand(b, n);
      const session = await onnx.InferenceSession.create(matMulIntegerModel(b, n), {
        executionProviders: ['cpu'],
        intraOpNumThreads: threads,
        interOpNumThreads: 1,
        // idle threads that spin would take the cores from whoever shares the machine
        extra: { session: { intra_op: { allow_spinning: '0' } } },
      });
      return createMultiplier(onnx, session, n);
    },
  };
}

function createMultiplier(onnx: Onnx, session: Session, n: number): Multiplier {
  // both reused: fresh pages for 5 n^2 bytes a product would cost as much as a fifth of it (measured at n=2048)
  let shifted = new Uint8Array(0);
  let product = new Int32Array(0);
  return {
    n,
    async multiply(a) {
      const rows = operandRows(a, n);
      if (shifted.length !== a.length) {
        shifted = new Uint8Array(a.length);
        product = new Int32Array(rows * n);
      }
      for (let k = 0; k < a.length; k++) shifted[k] = a[k] ^ 128;
      const left = new onnx.Tensor('uint8', shifted, [rows, n]);
      await session.run(
        { [MODEL.left]: left },
        { [MODEL.product]: new onnx.Tensor('int32', product, [rows, n]) },
      );
      return product;
    },
    release() {
      void session.release();
    },
  };
}
