// How much of an adapter the WGSL kernels reach. Through Dawn where its package and a graphics processor are; else in Chromium
// on its software adapter, and then every line says so: such figures compare kernels with one another, and no cards.
import type { Compute } from '../../src/compute/compute.js';
import { createGpuCompute } from '../../src/compute/gpu/compute.js';
import type { Gpu } from '../../src/compute/gpu/gpu.js';
import { measureGpu } from '../../src/compute/gpu/measure.js';
import { openCpu } from '../../src/compute/probe.js';
import { operandMatrix } from '../../src/compute/spec/chain.js';
import { openAdapter } from '../../src/compute/webgpu/adapter.js';
import { loadDawn, openDawn } from '../../src/compute/webgpu/dawn.js';
import { fastestProduct } from '../../src/compute/webgpu/fastest-product.js';
import { createWebGpu } from '../../src/compute/webgpu/gpu.js';
import { peakProductOps } from '../../src/compute/webgpu/peak.js';
import { defaultProduct } from '../../src/compute/webgpu/product.wgsl.js';
import { systemClock } from '../../src/model/clock.js';
import { createLog } from '../../src/model/log.js';
import { createSeededRandom } from '../../src/model/prng.js';
import { noChromium, openChromium } from '../../tests/support/chromium-gpu.js';

type Emit = (row: { bench: string; metric: string; value: number; unit: string; baseline?: number }) => void;

interface Opened {
  readonly gpu: Gpu;
  readonly software: boolean;
  readonly peak: () => Promise<number>;
  readonly close: () => Promise<void>;
}

export default async function bench(emit: Emit): Promise<void> {
  const opened = await openAny();
  if (!opened) return;
  try {
    for (const [n, labels] of opened.software
      ? [[1024, 4] as const]
      : ([
          [4096, 64],
          [8192, 32],
        ] as const))
      await measure(emit, opened, n, labels);
  } finally {
    await opened.close();
  }
}

async function openAny(): Promise<Opened | undefined> {
  const dawn = await openOnDawn().catch((error: unknown) => {
    console.error(`not through Dawn: ${error instanceof Error ? error.message : String(error)}`);
    return undefined;
  });
  if (dawn) return dawn;
  if (noChromium) {
    console.error(`skipped: ${noChromium}`);
    return undefined;
  }
  const chromium = await openChromium();
  const gpu = await chromium.open();
  return { gpu, software: true, peak: () => gpu.peak(), close: () => chromium.close() };
}

async function openOnDawn(): Promise<Opened> {
  const door = await openDawn(await loadDawn());
  const { device, name, packed, software } = await openAdapter(door);
  const product = software
    ? defaultProduct(packed)
    : await fastestProduct(device, { packed, clock: systemClock });
  const gpu = await createWebGpu(device, { name, packed, product });
  const close = async (): Promise<void> => {
    await gpu.close();
    void door; // Dawn lives as long as it is held
  };
  return { gpu, software, peak: () => peakProductOps(device, systemClock), close };
}

async function measure(
  emit: Emit,
  { gpu, software, peak }: Opened,
  n: number,
  labels: number,
): Promise<void> {
  const name = `${gpu.name}${software ? ' (software adapter)' : ''}, n=${n}`;
  const row = (metric: string, value: number, unit: string, baseline?: number): void =>
    emit({ bench: name, metric, value, unit, ...(baseline === undefined ? {} : { baseline }) });
  const best = await peak();
  const random = createSeededRandom('webgpu bench');
  const rates = await measureGpu(gpu, { n, clock: systemClock, random });
  const [gops, gbps] = [1e-9, 1e-9];
  row('int8 dot products alone, the best of this adapter', best * gops, 'GOPS');
  row('product (baseline: dot products alone)', rates.productOpsPerS * gops, 'GOPS', best * gops);
  row(
    'product with fold (baseline: dot products alone)',
    rates.productFoldOpsPerS * gops,
    'GOPS',
    best * gops,
  );
  row('share of dot products alone', (100 * rates.productFoldOpsPerS) / best, '%');
  row('SHA-256 of runs of 1 KiB, read', rates.hashBytesPerS * gbps, 'GB/s');
  row('transposition, read and written', rates.transposeBytesPerS * gbps, 'GB/s');
  row('left operand, read and written', rates.joinBytesPerS * gbps, 'GB/s');
  row('digests of a pass, read', rates.digestBytesPerS * gbps, 'GB/s');
  const compute = createGpuCompute(gpu);
  const ms = await msPerLabel(compute, n, labels);
  row('one label, all of it', ms, 'ms', await cpuMsPerProduct(n));
  row('share of dot products alone, over whole labels', (100 * 2 * n ** 3) / (ms / 1000) / best, '%');
}

async function msPerLabel(compute: Compute, n: number, labels: number): Promise<number> {
  const basis = new Uint8Array(32).fill(1);
  const open = await compute.openLabels!({
    basis,
    n,
    seed: new Uint8Array(32).fill(2),
    capacity: labels + 1,
  });
  const { signal } = new AbortController();
  await open.extend(1, () => true, signal); // pages and pipelines are warm
  const from = systemClock.monotonic();
  const count = await open.extend(labels + 1, () => true, signal);
  const ms = (systemClock.monotonic() - from) / (count - 1);
  open.release();
  return ms;
}

/** The product alone on all cores: what a miner without the adapter has. */
async function cpuMsPerProduct(n: number): Promise<number> {
  const cpu = await openCpu({ log: createLog((line) => console.error(line)) });
  const multiplier = await cpu.loadOperand(operandMatrix(new Uint8Array(32).fill(1), n), n);
  const rows = new Int8Array(createSeededRandom('webgpu bench rows').bytes(n * n));
  await multiplier.multiply(rows);
  const from = systemClock.monotonic();
  await multiplier.multiply(rows);
  const ms = systemClock.monotonic() - from;
  multiplier.release();
  await cpu.close?.();
  return ms;
}
