// Owns: which backend this machine can be trusted with. A backend that is not exact here is no backend here.
import type { Log } from '../model/log.js';
import { createSeededRandom } from '../model/prng.js';
import type { Compute } from './compute.js';
import { createFastLabels, type FastLabelsOptions } from './cpu/fast-labels.js';
import { createOnnxCompute, loadOnnx, type Onnx } from './cpu/onnx.js';
import { createPackedCompute } from './cpu/packed.js';
import { type Kernels, wrongKernel } from './cpu/probe-kernels.js';
import { createReferenceCompute } from './cpu/reference.js';
import { createWasmCompute } from './cpu/wasm.js';
import { wrongLabels } from './probe-labels.js';

export interface OpenCpuOptions {
  readonly log: Log;
  /** threads of the device; 0 is one for each core. @default 0 */
  readonly threads?: number;
  /** where the optional runtime comes from; a test hands in one that is missing or wrong. @default loadOnnx */
  readonly load?: () => Promise<Onnx | undefined>;
  /** our own kernels; a test hands in wrong ones. @default the WebAssembly of this package */
  readonly kernels?: Kernels;
}

/**
 * The fastest exact CPU device: products by onnxruntime-node where it is installed and exact, by our own kernel otherwise,
 * and labels on all cores. Every operation is compared with the plain one first; what differs is not used.
 */
export async function openCpu(options: OpenCpuOptions): Promise<Compute> {
  const { log, threads = 0, load = loadOnnx } = options;
  const own = await ownKernels(options);
  const onnx = await exactRuntime({ log, threads, load }, own.compute.name);
  const compute = onnx ? createOnnxCompute(onnx, { threads }) : own.compute;
  if (own.wrong !== undefined) return compute;
  const engine = onnx ? 'onnx' : 'wasm';
  // a runtime that was handed in cannot follow to other threads
  const threadedRows = load === loadOnnx ? {} : { threadedRows: Number.POSITIVE_INFINITY };
  const labels = await exactLabels({ engine, onnx, threads, ...threadedRows }, log);
  log.info('cpu backend', { backend: compute.name, threads, labels: labels ? 'fused' : 'plain' });
  return labels ? { ...compute, ...labels } : compute;
}

async function ownKernels({ log, kernels }: OpenCpuOptions): Promise<{ compute: Compute; wrong?: string }> {
  const compute = createWasmCompute();
  const wrong = await failing(async () => wrongKernel(kernels) ?? (await inexactProduct(compute)));
  if (wrong === undefined) return { compute };
  const plain = createPackedCompute();
  log.warn('cpu backend', {
    backend: plain.name,
    why: 'our own WebAssembly kernels are not exact here',
    wrong,
  });
  return { compute: plain, wrong };
}

async function exactRuntime(
  { log, threads, load }: Required<Pick<OpenCpuOptions, 'log' | 'threads' | 'load'>>,
  instead: string,
): Promise<Onnx | undefined> {
  const onnx = await load();
  if (!onnx) {
    log.info('cpu backend', {
      backend: instead,
      why: 'onnxruntime-node is not installed',
      toAdd: 'npm install --ignore-scripts onnxruntime-node@1.30.0',
    });
    return undefined;
  }
  const wrong = await failing(() => inexactProduct(createOnnxCompute(onnx, { threads })));
  if (wrong === undefined) return onnx;
  log.warn('cpu backend', { backend: instead, why: 'onnxruntime-node is not exact here', wrong });
  return undefined;
}

/** Labels on this thread are compared now, those on several when they are first asked for: starting threads takes a while. */
async function exactLabels(options: FastLabelsOptions, log: Log): Promise<Partial<Compute> | undefined> {
  const check = async (checked: FastLabelsOptions, n: number): Promise<string | undefined> => {
    const labels = createFastLabels(checked);
    try {
      return await failing(() => wrongLabels(labels.openLabels, n));
    } finally {
      await labels.close();
    }
  };
  const wrong = await check({ ...options, threadedRows: Number.POSITIVE_INFINITY }, 64);
  if (wrong !== undefined) {
    log.warn('cpu labels', { labels: 'plain', why: 'fused labels are not exact here', wrong });
    return undefined;
  }
  return createFastLabels({
    ...options,
    async threadsWork() {
      const inThreads = await check({ ...options, threads: 2, threadedRows: 64 }, 128);
      if (inThreads === undefined) return true;
      log.warn('cpu labels', { labels: 'on one thread', why: 'threads do not work here', wrong: inThreads });
      return false;
    },
  });
}

/** What differs, or how it crashed. */
async function failing(probe: () => Promise<string | undefined>): Promise<string | undefined> {
  try {
    return await probe();
  } catch (error) {
    return `it failed: ${error instanceof Error ? error.message : String(error)}`;
  }
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
