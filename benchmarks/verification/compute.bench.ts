// What the compute proof costs each side. Peers verify by executing again what the miner executed: their way is the
// baseline of the verifier's rows, measured in the same run on the same backend.
import type { Compute } from '../../src/compute/compute.js';
import { createPackedCompute } from '../../src/compute/cpu/packed.js';
import { createReferenceCompute } from '../../src/compute/cpu/reference.js';
import { openCpu } from '../../src/compute/probe.js';
import { createChain } from '../../src/compute/spec/chain.js';
import { createLog } from '../../src/model/log.js';
import { createSeededRandom } from '../../src/model/prng.js';
import { encodeRequest } from '../../src/verification/kinds/compute/codec.js';
import {
  type ComputeParams,
  computeOps,
  paramsByClass,
} from '../../src/verification/kinds/compute/params.js';
import { computeProof } from '../../src/verification/kinds/index.js';
import { type Challenge, type Evidence, UNHURRIED } from '../../src/verification/proof.js';

type Emit = (row: { bench: string; metric: string; value: number; unit: string; baseline?: number }) => void;

const random = createSeededRandom('benchmark');
const { signal } = new AbortController();

/** Sides with the labels that a CPU gets through in seconds; 48 and 32 are those of the table. */
const SIDES: readonly (readonly [n: number, labels: number])[] = [
  [128, 48],
  [512, 48],
  [1024, 32],
  [2048, 32],
  [4096, 16],
];

export default async function bench(emit: Emit): Promise<void> {
  const cpu = await openCpu({ log: createLog((line) => console.error(line)) });
  for (const [n, labels] of SIDES) await measureSide(emit, cpu, paramsFor(n, labels));
  await measureShared(emit);
  await measurePaced(emit, [createReferenceCompute(), createPackedCompute(), cpu]);
}

const paramsFor = (n: number, labels: number): ComputeParams => ({
  ...paramsByClass('cpu-2048')!,
  n,
  labels,
});

async function measureSide(emit: Emit, compute: Compute, params: ComputeParams): Promise<void> {
  const { n, labels, samples, projections } = params;
  const name = `compute n=${n}`;
  const challenge: Challenge<ComputeParams> = { params, basis: random.bytes(32), seed: random.bytes(32) };
  await computeProof.prepare!({ compute }, params, challenge.basis);
  const {
    value: proving,
    cpuMs: proveCpuMs,
    wallMs: proveWallMs,
  } = await timed(() => computeProof.prove({ compute, ...UNHURRIED }, challenge, signal));
  const secret = computeProof.drawSecret(params, challenge.basis, random);
  const drawn = computeProof.issue(params, [proving.commit], random);
  const evidence = { commits: [proving.commit], request: drawn, opening: await proving.open(drawn) };
  const full = fullyOpened(challenge);
  const fullEvidence = { commits: [proving.commit], request: full, opening: await proving.open(full) };
  const opened = await timed(() => proving.open(drawn));
  proving.release();

  const verifyCpuMs = await verifyCost(challenge, evidence, secret);
  const fullCpuMs = await verifyCost(challenge, fullEvidence, secret);
  emit({
    bench: name,
    metric: `prove ${labels} labels on ${compute.name}, wall`,
    value: proveWallMs,
    unit: 'ms',
  });
  emit({
    bench: name,
    metric: `prove ${labels} labels on ${compute.name}, CPU`,
    value: proveCpuMs,
    unit: 'ms',
  });
  emit({ bench: name, metric: `open k=${samples}, CPU`, value: opened.cpuMs, unit: 'ms' });
  const verified = `verify a slot, k=${samples}, CPU (baseline: execute ${labels} labels again)`;
  emit({ bench: name, metric: verified, value: verifyCpuMs, unit: 'ms', baseline: proveCpuMs });
  const worst = `verify a slot, k=${samples}, every sample opened in full, CPU`;
  emit({ bench: name, metric: worst, value: fullCpuMs, unit: 'ms', baseline: proveCpuMs });
  emit({
    bench: name,
    metric: `prover:verifier CPU at ${labels} labels`,
    value: proveCpuMs / fullCpuMs,
    unit: 'ratio',
  });
  // a multiply and an add are two, on both sides; the shared step serves all slots of an event and stands apart
  const perSlot = samples * 2 * projections * n * 2;
  emit({
    bench: name,
    metric: `prover:verifier integer operations at ${labels} labels, a slot`,
    value: computeOps(params) / perSlot,
    unit: 'ratio',
  });
  emit({
    bench: name,
    metric: `prover:verifier integer operations at ${labels} labels, shared step included`,
    value: computeOps(params) / (perSlot + 2 * projections * n * n),
    unit: 'ratio',
  });
  emit({
    bench: name,
    metric: `opening on the wire, k=${samples}`,
    value: evidence.opening.length,
    unit: 'bytes',
  });
  const largest = `opening on the wire, k=${samples}, every sample opened in full`;
  emit({ bench: name, metric: largest, value: fullEvidence.opening.length, unit: 'bytes' });
}

/** Samples with a back edge beyond label 0 only: of few labels, chance would pick many that cost less. */
function fullyOpened({ params, seed }: Challenge<ComputeParams>): Uint8Array {
  const { backEdges } = createChain(seed, params.n, params.labels);
  const full = [...backEdges.keys()].filter((label) => label > 1 && backEdges[label] > 0);
  return encodeRequest(
    Array.from({ length: params.samples }, () => ({
      label: full[random.below(full.length)],
      row: random.below(params.n),
      agreementRow: random.below(params.n),
    })),
  );
}

async function verifyCost(
  challenge: Challenge<ComputeParams>,
  evidence: Evidence,
  secret: ReturnType<typeof computeProof.drawSecret>,
): Promise<number> {
  const once = (): void => {
    const verdict = computeProof.verify(challenge, evidence, secret);
    if (verdict.kind !== 'accepted') throw new Error(`expected accepted, got ${JSON.stringify(verdict)}`);
  };
  for (let warm = 0; warm < 3; warm++) once();
  return median(11, once);
}

/** The part that all slots of an event share: O(t n^2) for each validator. */
async function measureShared(emit: Emit): Promise<void> {
  for (const [n, projections] of [
    [128, 2],
    [2048, 2],
    [4096, 2],
    [4096, 3],
    [8192, 2],
    [16_384, 2],
  ]) {
    const params = { ...paramsFor(n, 1), projections };
    const basis = random.bytes(32);
    const draw = (): unknown => computeProof.drawSecret(params, basis, random);
    draw();
    const cpuMs = await median(n > 4096 ? 3 : 9, draw);
    emit({
      bench: `compute n=${n}`,
      metric: `shared step of an event, t=${projections}, CPU`,
      value: cpuMs,
      unit: 'ms',
    });
  }
}

/** What a simulated device really costs: its declared 1.5 s are to be much more than this. */
async function measurePaced(emit: Emit, backends: readonly Compute[]): Promise<void> {
  const params = paramsByClass('paced')!;
  const basis = random.bytes(32);
  for (const compute of backends) {
    const prove = async (): Promise<void> => {
      const challenge = { params, basis, seed: random.bytes(32) };
      (await computeProof.prove({ compute, ...UNHURRIED }, challenge, signal)).release();
    };
    await prove();
    const metric = `class paced: prove on ${compute.name}, CPU (limit 100)`;
    emit({ bench: 'compute n=128', metric, value: await median(7, prove), unit: 'ms' });
  }
}

async function timed<T>(run: () => Promise<T>): Promise<{ value: T; cpuMs: number; wallMs: number }> {
  const cpu = process.cpuUsage();
  const from = performance.now();
  const value = await run();
  const { user, system } = process.cpuUsage(cpu);
  return { value, cpuMs: (user + system) / 1000, wallMs: performance.now() - from };
}

/** CPU of all threads of the process, collector included. */
async function median(runs: number, run: () => unknown): Promise<number> {
  const costs: number[] = [];
  for (let i = 0; i < runs; i++) costs.push((await timed(async () => run())).cpuMs);
  return costs.sort((a, b) => a - b)[runs >> 1];
}
