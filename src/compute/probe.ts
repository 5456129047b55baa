// Owns: which backend this machine can be trusted with. A backend that is not exact here is no backend here.
import type { Log } from '../model/log.js';
import { createSeededRandom } from '../model/prng.js';
import type { Compute } from './compute.js';
import { createOnnxCompute, loadOnnx, type Onnx } from './cpu/onnx.js';
import { createPackedCompute } from './cpu/packed.js';
import { createReferenceCompute } from './cpu/reference.js';

export interface OpenCpuOptions {
  readonly log: Log;
  /** threads of one product; 0 leaves it to the runtime. @default 0 */
  readonly threads?: number;
  /** where the optional runtime comes from; a test hands in one that is missing or wrong. @default loadOnnx */
  readonly load?: () => Promise<Onnx | undefined>;
}

/**
 * The fastest exact CPU backend: onnxruntime-node where it is installed and multiplies exactly, our own kernel otherwise.
 */
export async function openCpu(options: OpenCpuOptions): Promise<Compute> {
  const { log, threads = 0, load = loadOnnx } = options;
  const own = createPackedCompute();
  const onnx = await load();
  if (!onnx) {
    log.info('cpu backend', {
      backend: own.name,
      why: 'onnxruntime-node is not installed',
      toAdd: 'npm install onnxruntime-node',
    });
    return own;
  }
  try {
    const compute = createOnnxCompute(onnx, { threads });
    const wrong = await inexactProduct(compute);
    if (wrong === undefined) {
      log.info('cpu backend', { backend: compute.name, threads });
      return compute;
    }
    log.warn('cpu backend', { backend: own.name, why: 'onnxruntime-node is not exact here', wrong });
  } catch (error) {
    log.warn('cpu backend', { backend: own.name, why: 'onnxruntime-node failed', error });
  }
  return own;
}

/**
 * Where `compute` differs from the reference, or undefined when it is exact: at the extremes, where 16-bit pair sums
 * saturate (vpmaddubsw clamps the sum of two products), and on random operands; with as many rows as a label and as an
 * opening has, since kernels differ.
 */
export async function inexactProduct(compute: Compute): Promise<string | undefined> {
  const reference = createReferenceCompute();
  for (const n of [16, 128, 256])
    for (const [name, b] of Object.entries(probeOperands(n))) {
      const tested = await compute.loadOperand(b, n);
      const exact = await reference.loadOperand(b, n);
      try {
        for (const rows of [1, 3, n]) {
          const a = probeRows(n, rows);
          const expected = await exact.multiply(a);
          const got = await tested.multiply(a);
          const at = expected.findIndex((value, i) => value !== got[i]);
          if (at >= 0 || got.length !== expected.length)
            return `${name}, n ${n}, ${rows} rows: element ${at} is ${got[at]}, expected ${expected[at]}`;
        }
      } finally {
        tested.release();
        exact.release();
      }
    }
  return undefined;
}

function probeOperands(n: number): Record<string, Int8Array> {
  const random = createSeededRandom(`probe-operand-${n}`).bytes(n * n);
  return {
    lowest: new Int8Array(n * n).fill(-64),
    highest: new Int8Array(n * n).fill(63),
    // pairs along the summed index, which is what saturating kernels add first
    alternating: Int8Array.from({ length: n * n }, (_, i) => (Math.floor(i / n) % 2 === 0 ? -64 : 63)),
    random: Int8Array.from(random, (byte) => (byte & 127) - 64),
  };
}

/** Rows in turn: all lowest, all highest, alternating both, random. */
function probeRows(n: number, rows: number): Int8Array {
  const random = createSeededRandom(`probe-rows-${n}`).bytes(rows * n);
  return Int8Array.from(random, (byte, i) => {
    const row = Math.floor(i / n) % 4;
    if (row === 0) return rows === 1 ? 127 : -128;
    if (row === 1) return 127;
    if (row === 2) return i % 2 === 0 ? -128 : 127;
    return (byte << 24) >> 24;
  });
}
