// What the prover's chain of labels costs beside the product it proves, on the CPU. Baseline: the best exact integer product
// that onnxruntime-node has on the same cores in the same run. The ways of a comparison take turns, and each is given by its
// best round, by the clock and by CPU time: where other processes share the cores, only the latter tells ours from theirs.
import { availableParallelism } from 'node:os';
import { createFastLabels } from '../../src/compute/cpu/fast-labels.js';
import type { LaneStep } from '../../src/compute/cpu/lane.js';
import { loadOnnx, type Onnx } from '../../src/compute/cpu/onnx.js';
import { MODEL, matMulIntegerModel } from '../../src/compute/cpu/onnx-model.js';
import { createWasmCompute } from '../../src/compute/cpu/wasm.js';
import type { Labels } from '../../src/compute/labels.js';
import { operandMatrix } from '../../src/compute/spec/chain.js';
import { createPlainLabels } from '../../src/compute/spec/plain-labels.js';
import { createSeededRandom } from '../../src/model/prng.js';
import { startProducts } from './prover-products.js';

type Emit = (row: { bench: string; metric: string; value: number; unit: string; baseline?: number }) => void;

const CORES = availableParallelism();
const random = createSeededRandom('prover');
const { signal } = new AbortController();
const always = (): boolean => true;

export default async function bench(emit: Emit): Promise<void> {
  const onnx = await loadOnnx();
  if (!onnx) {
    console.error('prover: onnxruntime-node is not installed, so there is no baseline');
    return;
  }
  for (const [n, labels, rounds] of [
    [2048, 32, 3],
    [4096, 12, 3],
  ])
    await measure(emit, onnx, n, labels, rounds);
}

/** Products of one sample: seconds like a chain's, since a short one may have the cores for itself by chance. */
const BATCH = 6;
/** Labels that parameter sets have room for: most labels are referred to by a later one, and have a column tree. */
const CAPACITY = 256;

/** Integer operations of a product, in 10^9 a second. */
const gops = (n: number, ms: number): number => (2 * n ** 3) / ms / 1e6;

/** The best of several rounds of the same work; CPU time is that of all threads of the process. */
class Best {
  wallMs = Number.POSITIVE_INFINITY;
  cpuMs = Number.POSITIVE_INFINITY;
  wallName = '';
  cpuName = '';

  /** @returns ms by the clock */
  async take(run: () => Promise<unknown>, count: number, name = ''): Promise<number> {
    const cpu = process.cpuUsage();
    const wall = (await timed(run)) / count;
    const { user, system } = process.cpuUsage(cpu);
    const cpuMs = (user + system) / 1000 / count;
    if (wall < this.wallMs) [this.wallMs, this.wallName] = [wall, name];
    if (cpuMs < this.cpuMs) [this.cpuMs, this.cpuName] = [cpuMs, name];
    return wall;
  }
}

async function measure(emit: Emit, onnx: Onnx, n: number, labels: number, rounds: number): Promise<void> {
  const bench = `prover n=${n}, ${CORES} cores`;
  const basis = random.bytes(32);
  const b = operandMatrix(basis, n);
  const ways = await baselines(onnx, b, n);
  const device = createFastLabels({ engine: 'onnx', onnx });
  await device.prepareLabels(basis, n);
  const product = await startProducts(basis, n, CORES);
  const ort = new Best();
  const lanes = new Best();
  const chain = new Best();
  const opening = new Best();
  const inRounds: [ortMs: number, chainMs: number][] = [];
  for (let round = 0; round < rounds; round++) {
    let ortMs = Number.POSITIVE_INFINITY;
    for (const [name, multiply] of ways)
      ortMs = Math.min(ortMs, await ort.take(() => repeat(BATCH, multiply), BATCH, name));
    // as often as the runtime alone: the best of few is worse than the best of many
    for (let i = 0; i < ways.length; i++) await lanes.take(() => repeat(BATCH, product.multiply), BATCH);
    const seed = random.bytes(32);
    let opened: Labels | undefined;
    // of one chain: label 0, columns that later labels refer to, trees, tops and one opening of 64 samples included
    const chainMs = await chain.take(async () => {
      opened = await device.openLabels({ basis, seed, n, capacity: CAPACITY });
      await opened.extend(labels, always, signal);
      await opened.roots(labels);
      await open(opened, n, labels);
    }, labels);
    inRounds.push([ortMs, chainMs]);
    await opening.take(() => open(opened!, n, labels), 1); // opened just above
    opened?.release();
  }
  const row = (metric: string, value: number, unit: string, baseline?: number): void =>
    emit({ bench, metric, value, unit, ...(baseline === undefined ? {} : { baseline }) });
  for (const [by, unit, per] of [
    ['by the clock', 'Gop/s', (best: Best) => gops(n, best.wallMs)],
    ['by CPU time', 'Gop/s of one core', (best: Best) => gops(n, best.cpuMs)],
  ] as const) {
    const better = Math.max(per(ort), per(lanes));
    row(
      `product of onnxruntime-node alone, ${by}: ${by === 'by the clock' ? ort.wallName : ort.cpuName}`,
      per(ort),
      unit,
    );
    row(
      `product as the lanes share it, ${by} (baseline: onnxruntime-node alone; goal 0.9)`,
      per(lanes),
      unit,
      per(ort),
    );
    row(
      `whole chain of ${labels} labels, ${by} (baseline: onnxruntime-node alone; goal 0.6)`,
      per(chain),
      unit,
      per(ort),
    );
    row(
      `whole chain of ${labels} labels, ${by} (baseline: the better of both products)`,
      per(chain),
      unit,
      better,
    );
  }
  // minutes apart a shared machine is another one; within a round it is nearly the same
  const [ortMs, chainMs] = inRounds.sort((a, b) => a[0] / a[1] - b[0] / b[1])[rounds >> 1];
  const paired = `whole chain of ${labels} labels, by the clock, median of rounds (baseline: onnxruntime-node alone in that round; goal 0.6)`;
  row(paired, gops(n, chainMs), 'Gop/s', gops(n, ortMs));
  row('opening of 64 samples, CPU', opening.cpuMs, 'ms');
  for (const release of [device.close, product.close]) await release();
  for (const [, , release] of ways) await release();
  await shares(emit, onnx, basis, n, labels);
  await passes(emit, basis, n, labels);
  if (n <= 2048) await plain(emit, basis, b, n);
}

/** Every way that the runtime has of doing one whole product: threads, and idle ones that spin or sleep. */
async function baselines(
  onnx: Onnx,
  b: Int8Array,
  n: number,
): Promise<[string, () => Promise<unknown>, () => Promise<void>][]> {
  const a = Uint8Array.from(random.bytes(n * n));
  const c = new Int32Array(n * n);
  const ways: [string, () => Promise<unknown>, () => Promise<void>][] = [];
  for (const threads of [0, CORES])
    for (const spin of ['0', '1']) {
      const session = await onnx.InferenceSession.create(matMulIntegerModel(b, n), {
        executionProviders: ['cpu'],
        intraOpNumThreads: threads,
        interOpNumThreads: 1,
        extra: { session: { intra_op: { allow_spinning: spin } } },
      });
      const run = (): Promise<unknown> =>
        session.run(
          { [MODEL.left]: new onnx.Tensor('uint8', a, [n, n]) },
          { [MODEL.product]: new onnx.Tensor('int32', c, [n, n]) },
        );
      ways.push([`${threads || 'default'} threads, spinning ${spin}`, run, () => session.release()]);
    }
  return ways;
}

async function open(labels: Labels, n: number, count: number): Promise<void> {
  const places = Array.from({ length: 64 }, () => ({
    label: 1 + random.below(count),
    index: random.below(n),
  }));
  await labels.accumulators(places);
  await labels.rows(places);
  await labels.columns(places);
  await labels.rowPaths(count, places);
}

/** On one lane, since there nothing waits: what each step takes of a label. */
async function shares(emit: Emit, onnx: Onnx, basis: Uint8Array, n: number, labels: number): Promise<void> {
  const spent = new Map<LaneStep, number>();
  let last = performance.now();
  const meter = (step: LaneStep): void => {
    const now = performance.now();
    spent.set(step, (spent.get(step) ?? 0) + now - last);
    last = now;
  };
  const device = createFastLabels({ engine: 'onnx', onnx, threadedRows: Number.POSITIVE_INFINITY, meter });
  const chain = await device.openLabels({ basis, seed: random.bytes(32), n, capacity: CAPACITY });
  spent.clear();
  last = performance.now();
  await chain.extend(labels, always, signal);
  await chain.roots(labels);
  chain.release();
  await device.close();
  const total = [...spent.values()].reduce((sum, ms) => sum + ms, 0);
  for (const [step, ms] of spent)
    emit({
      bench: `prover n=${n}, 1 lane`,
      metric: `share of ${step}`,
      value: (100 * ms) / total,
      unit: '%',
    });
}

async function passes(emit: Emit, basis: Uint8Array, n: number, labels: number): Promise<void> {
  const device = createFastLabels({ engine: 'wasm' });
  const chain = await device.openLabels({ basis, seed: random.bytes(32), n, capacity: labels });
  await chain.extend(Math.min(4, labels), always, signal);
  let ms = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 7; round++)
    ms = Math.min(ms, await timed(() => chain.pass(chain.count, random.bytes(32))));
  const bytes = chain.count * n * n;
  emit({
    bench: `prover n=${n}, ${CORES} cores`,
    metric: 'keyed pass over labels',
    value: bytes / ms / 1e6,
    unit: 'GB/s',
  });
  chain.release();
  await device.close();
}

/** What a device without labels of its own is driven by: same product, everything else plain and on one thread. */
async function plain(emit: Emit, basis: Uint8Array, b: Int8Array, n: number): Promise<void> {
  const multiplier = await createWasmCompute().loadOperand(b, n);
  const count = 2;
  const spec = { basis, seed: random.bytes(32), n, capacity: count };
  const turns = {
    exclusive: <T>(use: (m: typeof multiplier) => Promise<T>) => use(multiplier),
    release() {},
  };
  const device = createFastLabels({ engine: 'wasm', threads: 1, threadedRows: Number.POSITIVE_INFINITY });
  const fused = await device.openLabels(spec);
  const fusedMs = await timed(() => fused.extend(count, always, signal));
  const labels = createPlainLabels(spec, turns);
  const plainMs = await timed(() => labels.extend(count, always, signal));
  emit({
    bench: `prover n=${n}, 1 lane`,
    metric: 'label without onnxruntime-node, fused (baseline: plain labels over the same product)',
    value: fusedMs / count,
    unit: 'ms',
    baseline: plainMs / count,
  });
  fused.release();
  await device.close();
}

async function repeat(times: number, run: () => Promise<unknown>): Promise<void> {
  for (let i = 0; i < times; i++) await run();
}

async function timed(run: () => Promise<unknown>): Promise<number> {
  const from = performance.now();
  await run();
  return performance.now() - from;
}
