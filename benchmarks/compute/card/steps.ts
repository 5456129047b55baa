// Owns: what a borrowed machine runs, step by step: what each does and when it failed. Does not own: processes, time and files
// (field.ts).
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, release, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import type { Compute } from '../../../src/compute/compute.js';
import { openCard } from '../../../src/compute/cuda/open.js';
import { findDevices } from '../../../src/compute/find-devices.js';
import { createGpuCompute } from '../../../src/compute/gpu/compute.js';
import { createPlainGpu } from '../../../src/compute/gpu/plain.js';
import type { Labels } from '../../../src/compute/labels.js';
import { openCpu } from '../../../src/compute/probe.js';
import type { DeviceChoice } from '../../../src/compute/process/device-process.js';
import { isolateDevice } from '../../../src/compute/process/isolate.js';
import { systemClock } from '../../../src/model/clock.js';
import { isAssayError } from '../../../src/model/errors.js';
import { createLog } from '../../../src/model/log.js';
import { createSeededRandom, systemRandom } from '../../../src/model/prng.js';
import { computeProof } from '../../../src/verification/kinds/compute/index.js';
import { type ComputeParams, paramsByClass } from '../../../src/verification/kinds/compute/params.js';
import { memoryProof } from '../../../src/verification/kinds/memory/index.js';
import { type MemoryParams, memoryParamsByClass } from '../../../src/verification/kinds/memory/params.js';
import type { ProofKind } from '../../../src/verification/proof.js';
import { cpuRate } from './cpu-rate.js';
import { firstWrong, type Samples, sampleSpec } from './exact-rows.js';
import { aloud, type ChosenCard, chooseCard, measureSide, openChosen } from './measure-card.js';
import { computeParamsFor, memoryParamsFor } from './sets.js';
import { busyOf, rehearseSlot } from './slot.js';
import { readChains, wrongVector } from './vectors.js';

export interface StepParts {
  /** one line of results */
  emit(figure: Record<string, unknown>): void;
  /** sizes that a test's card of plain C does in seconds */
  readonly small: boolean;
  readonly vectors: URL;
}

export interface Step {
  readonly name: string;
  /** it says so and is skipped where there is none */
  readonly card: boolean;
  readonly limitS: number;
  /** @throws what failed */
  run(parts: StepParts): Promise<void>;
}

const { signal } = new AbortController();
const always = (): boolean => true;

/** By what would be missed most, if time ran out. */
export const STEPS: readonly Step[] = [
  { name: 'host', card: false, limitS: 20, run: host },
  { name: 'devices', card: false, limitS: 30, run: devices },
  { name: 'golden-cpu', card: false, limitS: 60, run: goldenCpu },
  { name: 'proof-cpu', card: false, limitS: 60, run: proofCpu },
  { name: 'golden-card', card: true, limitS: 90, run: goldenCard },
  ...[4096, 16_384].map((n) => exactStep(n)),
  ...[16_384, 4096, 8192].map((n) => benchStep(n)),
  { name: 'bench-other', card: true, limitS: 90, run: benchOther },
  { name: 'proof-memory', card: true, limitS: 120, run: proofMemory },
  { name: 'proof-compute', card: true, limitS: 180, run: proofCompute },
  { name: 'killed', card: true, limitS: 90, run: (parts) => lostDevice(parts, 'killed') },
  { name: 'illegal-address', card: true, limitS: 90, run: (parts) => lostDevice(parts, 'illegal-address') },
  { name: 'pair', card: true, limitS: 120, run: pair },
  { name: 'beyond', card: true, limitS: 120, run: beyond },
  exactStep(2048),
  { name: 'bench-cpu', card: false, limitS: 60, run: benchCpu },
  { name: 'devices-after', card: true, limitS: 30, run: devices },
];

/** @throws where what is carried does not load: a card would be missed for another reason than its own */
async function host({ emit }: StepParts): Promise<void> {
  const report = process.report.getReport() as unknown as { header: Record<string, unknown> };
  emit({
    cpus: `${availableParallelism()} x ${cpus()[0]?.model.trim() ?? 'unknown'}`,
    memoryBytes: totalmem(),
    kernel: release(),
    node: process.version,
    glibc: report.header.glibcVersionRuntime ?? 'none',
  });
  await import('koffi');
}

/** With temperature, power and clocks as they are now. */
async function devices({ emit }: StepParts): Promise<void> {
  const found = await findDevices();
  for (const device of found.devices) emit({ device });
  for (const absent of found.absent) emit({ absent });
  emit({ driver: found.driver ?? 'none' });
}

async function golden(
  { emit, vectors }: StepParts,
  device: string,
  openLabels: NonNullable<Compute['openLabels']>,
): Promise<void> {
  let values = 0;
  for (const vector of await readChains(vectors)) {
    const compared = await wrongVector(openLabels, vector);
    values += compared.values;
    if (compared.wrong !== undefined) throw new Error(`${device}: ${compared.wrong}`);
  }
  emit({ metric: `golden vectors, ${device}`, value: values, unit: 'values, 0 differ' });
}

async function goldenCpu(parts: StepParts): Promise<void> {
  await golden(parts, 'the twin of the kernels', createGpuCompute(createPlainGpu()).openLabels!);
  const cpu = await openCpu({ log: aloud });
  if (cpu.openLabels) await golden(parts, cpu.name, cpu.openLabels);
  else throw new Error(`${cpu.name}: its fused labels are not exact here; the line above says where`);
  await cpu.close?.();
}

/** @throws also where the card is exact, but only without its best product */
async function goldenCard(parts: StepParts): Promise<void> {
  process.env.CUDA_VISIBLE_DEVICES = (await chooseCard()).uuid;
  const warned: string[] = [];
  const log = createLog((line) => {
    console.error(line);
    if ((JSON.parse(line) as { level: string }).level === 'warn') warned.push(line);
  });
  const from = performance.now();
  const card = await openCard({ log });
  parts.emit({ metric: 'opened, compiled and compared', value: performance.now() - from, unit: 'ms' });
  await golden(parts, card.name, card.openLabels!);
  await card.close?.();
  if (warned.length > 0) throw new Error(`exact, but not as it should be: ${warned.join(' ')}`);
}

/** Of a side that start-up does not look at: sampled rows, products, whole trees, passes. */
function exactStep(full: number): Step {
  return {
    name: `exact-${full}`,
    card: true,
    limitS: full > 8192 ? 150 : 60,
    async run({ emit, small }) {
      const n = small ? full / 16 : full;
      const { gpu } = await openChosen();
      const random = createSeededRandom(`exact ${n}`);
      const labels = await createGpuCompute(gpu).openLabels!(sampleSpec(n, random));
      const count = await labels.extend(9, always, signal);
      const samples: Samples = { rowsPerLabel: 2, tried: Math.min(n, 512), wholeTrees: true, passLeaves: 3 };
      const wrong = await firstWrong(labels, count, samples, random);
      if (wrong !== undefined) throw new Error(wrong);
      emit({ metric: `labels of side ${n} by samples`, value: count, unit: 'labels, 0 differ', ...samples });
      await gpu.close();
    },
  };
}

function benchStep(full: number): Step {
  return {
    name: `bench-${full}`,
    card: true,
    limitS: 90,
    async run({ emit, small }) {
      const card = await openChosen();
      const n = small ? full / 64 : full;
      await measureSide(emit, card, n, small ? 6 : Math.round((128 * 16_384) / n));
      await card.gpu.close();
    },
  };
}

/** The next product of a card that has several: what those before it gain. */
async function benchOther({ emit, small }: StepParts): Promise<void> {
  const best = await openChosen();
  const { product, worse } = best;
  await best.gpu.close();
  if (worse.length === 0) return emit({ metric: `products beside ${product}`, value: 0, unit: 'products' });
  const card = await openChosen([product]);
  await measureSide(emit, card, small ? 256 : 16_384, small ? 6 : 64);
  await card.gpu.close();
}

async function benchCpu({ emit, small }: StepParts): Promise<void> {
  const n = small ? 256 : 4096;
  emit({ metric: `CPU backend, product, n=${n}`, value: (await cpuRate(n)) * 1e-12, unit: 'TOPS' });
}

const isolate = (choice: DeviceChoice, module?: URL): Promise<Compute> =>
  isolateDevice({ choice, clock: systemClock, log: aloud, ...(module ? { module } : {}) });

const cuda = ({ uuid }: ChosenCard): DeviceChoice => ({ device: 'cuda', uuid });

async function withDevice(compute: Compute, use: (compute: Compute) => Promise<void>): Promise<void> {
  try {
    await use(compute);
  } finally {
    await compute.close?.();
  }
}

/** One session. @throws Error unless it was accepted */
async function prove<Params extends { readonly class: string; readonly n: number }, Secret>(
  { emit }: StepParts,
  compute: Compute,
  kind: ProofKind<Params, Secret>,
  params: Params,
): Promise<void> {
  const rehearsal = await rehearseSlot(compute, kind, params, signal);
  const { verdict, credit, share, steps, prepareMs, openMs, secretMs, verifyMs, evidence } = rehearsal;
  const about = `${kind.kind}:${params.class}, n=${params.n}`;
  emit({
    proof: about,
    verdict,
    credit,
    share,
    steps,
    prepareMs,
    openMs,
    secretMs,
    verifyMs,
    ...busyOf(rehearsal),
    openingBytes: evidence.opening.length,
  });
  if (verdict.kind !== 'accepted') throw new Error(`${about}: ${JSON.stringify(verdict)}`);
}

const SMALL_COMPUTE = (): ComputeParams => ({
  ...paramsByClass('paced')!,
  labels: 40,
  nominalLabels: 20,
  samples: 8,
  windowMs: 20_000,
});
/** Little to do and long to do it: a small run shows that steps work, on however busy a machine. */
const SMALL_MEMORY = (): MemoryParams => ({
  ...memoryParamsByClass('paced-memory')!,
  labels: 40,
  windowMs: 20_000,
  fillMs: 20_000,
  passMs: 20_000,
  maxRounds: 16,
});

async function proofCpu(parts: StepParts): Promise<void> {
  await withDevice(await isolate({ device: 'cpu', threads: 2 }), async (compute) => {
    await prove(parts, compute, computeProof, SMALL_COMPUTE());
    await prove(parts, compute, memoryProof, SMALL_MEMORY());
  });
}

async function proofMemory(parts: StepParts): Promise<void> {
  const card = await chooseCard();
  await withDevice(await isolate(cuda(card)), (compute) =>
    prove(parts, compute, memoryProof, parts.small ? SMALL_MEMORY() : memoryParamsFor(card)),
  );
}

/** All of them run, whatever becomes of one. */
async function proofCompute(parts: StepParts): Promise<void> {
  const card = await chooseCard();
  await withDevice(await isolate(cuda(card)), async (compute) => {
    const failed: string[] = [];
    for (const params of parts.small ? [SMALL_COMPUTE()] : computeParamsFor(card))
      try {
        await prove(parts, compute, computeProof, params);
      } catch (error) {
        failed.push(error instanceof Error ? error.message : String(error));
      }
    if (failed.length > 0) throw new Error(failed.join('; '));
  });
}

/** More labels than there is memory for: the chain ends early, and what there is is proven. */
async function beyond(parts: StepParts): Promise<void> {
  const card = await chooseCard();
  const base = parts.small ? SMALL_MEMORY() : memoryParamsFor(card);
  const { n } = base;
  const room = parts.small ? Number(process.env.FAKE_ROOM ?? 2 ** 30) : card.memoryBytes;
  const labels = Math.ceil((1.1 * room) / (n * n));
  await withDevice(await isolate(cuda(card)), async (compute) => {
    const random = createSeededRandom('beyond');
    const chain = await compute.openLabels!({
      n,
      capacity: labels,
      basis: random.bytes(32),
      seed: random.bytes(32),
    });
    const count = await chain.extend(labels, always, signal);
    chain.release();
    parts.emit({ metric: 'labels asked for', value: labels, unit: 'labels' });
    parts.emit({ metric: 'labels that fit', value: count, unit: 'labels', share: (count * n * n) / room });
    if (count >= labels)
      throw new Error(`${labels} labels of side ${n} fit into ${room} bytes: nothing was beyond`);
    await prove(parts, compute, memoryProof, { ...base, labels, fillMs: 30_000 });
  });
}

interface Extended {
  readonly labels: Labels;
  readonly count: number;
  readonly perS: number;
}

/** Labels for so long, by all at once: opening takes a while, and is over when they begin. */
async function labelsFor(
  computes: readonly Compute[],
  n: number,
  { capacity, ms }: { capacity: number; ms: number },
): Promise<readonly Extended[]> {
  const opened = await Promise.all(
    computes.map((compute) =>
      compute.openLabels!({ n, capacity, basis: systemRandom.bytes(32), seed: systemRandom.bytes(32) }),
    ),
  );
  const from = performance.now();
  return Promise.all(
    opened.map(async (labels) => {
      const count = await labels.extend(capacity, () => performance.now() - from < ms, signal);
      return { labels, count, perS: (1000 * count) / (performance.now() - from) };
    }),
  );
}

async function pair({ emit, small }: StepParts): Promise<void> {
  const card = await chooseCard();
  const n = small ? 256 : 8192;
  const run = {
    ms: small ? 500 : 3000,
    capacity: small ? 64 : Math.floor((0.4 * card.memoryBytes) / (n * n)),
  };
  const samples = { rowsPerLabel: 1, labels: 6, tried: small ? 32 : 128, wholeTrees: false, passLeaves: 2 };
  const both = [await isolate(cuda(card)), await isolate(cuda(card))];
  try {
    const [alone] = await labelsFor(both.slice(0, 1), n, run);
    alone.labels.release();
    const shared = await labelsFor(both, n, run);
    const perS = shared.map((each) => each.perS);
    emit({ metric: `labels of side ${n}, one slot`, value: alone.perS, unit: 'labels/s' });
    emit({
      metric: `labels of side ${n}, two slots at once`,
      value: perS[0] + perS[1],
      unit: 'labels/s',
      perS,
    });
    const assertExact = async (chains: readonly Extended[]): Promise<void> => {
      for (const { labels, count } of chains) {
        const wrong = await firstWrong(labels, count, samples, createSeededRandom('pair'));
        labels.release();
        if (wrong !== undefined) throw new Error(`two slots on one card: ${wrong}`);
      }
    };
    await assertExact(shared);
    // a miner's slots have one process for their card: two chains, one queue
    const [one] = both;
    const within = await labelsFor([one, one], n, run);
    const each = within.map((chain) => chain.perS);
    emit({
      metric: `labels of side ${n}, two slots of one process`,
      value: each[0] + each[1],
      unit: 'labels/s',
      perS: each,
    });
    await assertExact(within);
    emit({ metric: 'all are exact', value: 4, unit: 'slots' });
  } finally {
    for (const compute of both) await compute.close?.();
  }
}

const FAULTY = new URL(
  import.meta.url.endsWith('.ts') ? './faulty-card.ts' : './faulty-card.js',
  import.meta.url,
);
/** So long a slot may take to come back: a process starts, kernels are compiled and compared. */
const BACK_MS = 60_000;

/** The process is ended from outside, or its context by itself; then labels are made again by the same slot. */
async function lostDevice({ emit, small }: StepParts, how: 'killed' | 'illegal-address'): Promise<void> {
  const card = await chooseCard();
  const n = small ? 256 : 4096;
  const folder = mkdtempSync(join(tmpdir(), 'assay-fault-'));
  const fault = join(folder, 'fault');
  if (how === 'illegal-address') {
    writeFileSync(fault, '');
    process.env.FAKE_FAULT = fault;
  }
  const before = (await card.state())?.usedBytes;
  await withDevice(await isolate(cuda(card), how === 'killed' ? undefined : FAULTY), async (compute) => {
    const run = { n, capacity: small ? 1000 : 2000 };
    const spec = { ...run, basis: systemRandom.bytes(32), seed: systemRandom.bytes(32) };
    const labels = await compute.openLabels!(spec);
    let asked = 0;
    const more = (): boolean => {
      if (++asked === 4 && how === 'killed') for (const pid of children()) process.kill(pid, 'SIGKILL');
      return true;
    };
    const why = await labels.extend(run.capacity, more, signal).then(
      (count) => {
        throw new Error(`${how}: ${count} labels were made all the same`);
      },
      (error: unknown) => error,
    );
    if (!isAssayError(why, 'unreachable')) throw why;
    const from = performance.now();
    let again: Labels | undefined;
    while (!again) {
      again = await compute.openLabels!({ ...spec, capacity: 9 }).catch((error: unknown) => {
        // the process may still be on its way out
        if (isAssayError(error, 'unreachable') && performance.now() - from < BACK_MS) return undefined;
        throw error;
      });
    }
    const count = await again.extend(9, always, signal);
    emit({
      metric: `${how}: the slot was back`,
      value: performance.now() - from,
      unit: 'ms',
      reason: why.message,
    });
    const samples = { rowsPerLabel: 1, tried: 64, wholeTrees: false, passLeaves: 2 };
    const wrong = await firstWrong(again, count, samples, createSeededRandom(how));
    if (wrong !== undefined) throw new Error(`${how}: the slot came back wrong: ${wrong}`);
  });
  emit({ metric: `${how}: memory in use before`, value: before ?? -1, unit: 'bytes' });
  emit({
    metric: `${how}: memory in use after`,
    value: (await card.state())?.usedBytes ?? -1,
    unit: 'bytes',
  });
  rmSync(folder, { recursive: true, force: true });
}

/** Processes that this one started. */
function children(): number[] {
  return readdirSync('/proc').flatMap((name) => {
    if (!/^\d+$/.test(name)) return [];
    try {
      const after = readFileSync(`/proc/${name}/stat`, 'utf8').split(') ')[1];
      return Number(after.split(' ')[1]) === process.pid ? [Number(name)] : [];
    } catch {
      return []; // it ended meanwhile
    }
  });
}
