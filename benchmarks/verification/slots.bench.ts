// What one slot of each kind costs a verifier at the sizes of real classes, and what a host of eight cards does. Sizes that no CPU
// multiplies in a benchmark's time are proven by a device whose labels are noise but for the rows that are asked for
// (class-evidence.ts): the verifier does all of its work.
import type { Compute, Devices } from '../../src/compute/compute.js';
import { createReferenceCompute } from '../../src/compute/cpu/reference.js';
import { createPlainHost } from '../../src/compute/host/plain.js';
import { openCpu } from '../../src/compute/probe.js';
import { silentLog } from '../../src/model/log.js';
import { createSeededRandom } from '../../src/model/prng.js';
import { instantRound } from '../../src/testing/liars/bandwidth.js';
import { type PlayedProof, playProof } from '../../src/testing/transcripts.js';
import { bandwidthProof } from '../../src/verification/kinds/bandwidth/index.js';
import { paramsByClass as bandwidthClass } from '../../src/verification/kinds/bandwidth/params.js';
import { type ComputeParams, paramsByClass } from '../../src/verification/kinds/compute/params.js';
import { hostMemoryParamsByClass } from '../../src/verification/kinds/host-memory/params.js';
import { computeProof, hostMemoryProof, memoryProof } from '../../src/verification/kinds/index.js';
import { MEMORY_PARAMS, type MemoryParams } from '../../src/verification/kinds/memory/params.js';
import type { ProofKind } from '../../src/verification/proof.js';
import { computeEvidence, memoryEvidence, sparse } from './class-evidence.js';

type Emit = (row: { bench: string; metric: string; value: number; unit: string; baseline?: number }) => void;

const random = createSeededRandom('slots');

export default async function bench(emit: Emit): Promise<void> {
  const row = (metric: string, value: number, unit = 'ms'): void =>
    emit({ bench: 'verify a slot', metric, value, unit });
  const compute = sparse(await openCpu({ log: silentLog }));
  for (const [name, goal] of [
    ['cpu-2048', undefined],
    ['gpu-4096', 50],
    ['gpu-8192', undefined],
    ['gpu-16384', undefined],
  ] as const) {
    const params = paramsByClass(name)!;
    const goalText = goal === undefined ? '' : ` (goal ${goal})`;
    row(`compute ${name}, k=${params.samples}, CPU${goalText}`, await computeSlot(compute, params));
  }
  const card = (n: number): MemoryParams => MEMORY_PARAMS.find((each) => each.n === n && !each.localnetOnly)!;
  const [small, large] = [card(8192), card(16_384)];
  const digestsMs = await memorySlot(compute, { ...small, samples: 1, fillSamples: 1 });
  row(
    `memory ${small.class}, n=8192: ${small.passSamples} digests, two samples of labels, CPU (goal 5)`,
    digestsMs,
  );
  row(
    `memory ${small.class}, n=8192: the whole, with 96 samples of labels, CPU`,
    await memorySlot(compute, small),
  );
  const cardMs = await memorySlot(compute, large);
  row(`memory ${large.class}, n=16384: the whole, with 96 samples of labels, CPU`, cardMs);
  const hostMs = await hostMemorySlot();
  row('host-memory host-512, 16 MiB of labels, CPU (goal 15)', hostMs);
  const linkMs = await bandwidthSlot();
  row('bandwidth link-10g, 3.75 GB moved, CPU (goal 15)', linkMs);
  row(
    'a host of eight cards: 8 memory at n=16384, host-memory, bandwidth, CPU (goal 500)',
    8 * cardMs + hostMs + linkMs,
  );
}

const computeSlot = async (compute: Compute, params: ComputeParams): Promise<number> =>
  verifyMs(computeProof, await computeEvidence(compute, params, random));

const memorySlot = async (compute: Compute, params: MemoryParams): Promise<number> =>
  verifyMs(memoryProof, await memoryEvidence(compute, params, random));

async function hostMemorySlot(): Promise<number> {
  const all = hostMemoryParamsByClass('host-512')!;
  const params = { ...all, minBytes: 2 ** 20, maxBytes: 2 ** 24, maxRounds: 8, maxLeaves: 1024 };
  const challenge = { params, basis: random.bytes(32), seed: random.bytes(32), place: random.bytes(32) };
  const devices: Devices = { compute: createReferenceCompute(), host: createPlainHost() };
  return verifyMs(hostMemoryProof, await playProof({ kind: hostMemoryProof, devices, random }, challenge));
}

async function bandwidthSlot(): Promise<number> {
  const params = { ...bandwidthClass('link-10g')!, maxSegments: 112 };
  const { brief, kept, devices } = instantRound(params, random);
  const challenge = {
    params,
    basis: random.bytes(32),
    seed: random.bytes(32),
    place: random.bytes(32),
    brief,
  };
  const all: Devices = { compute: createReferenceCompute(), ...devices };
  const parts = { kind: bandwidthProof, devices: all, random, kept };
  return verifyMs(bandwidthProof, await playProof(parts, challenge));
}

/** Median of repetitions, CPU of all threads, collector included. */
function verifyMs<Params, Secret>(
  kind: ProofKind<Params, Secret>,
  { challenge, evidence, verdict }: PlayedProof<Params>,
): number {
  if (verdict.kind !== 'accepted')
    throw new Error(`${kind.kind}: expected accepted, got ${JSON.stringify(verdict)}`);
  const secret = kind.drawSecret(challenge.params, challenge.basis, random);
  const costs: number[] = [];
  for (let warm = 0; warm < 8; warm++) kind.verify(challenge, evidence, secret);
  for (let i = 0; i < 15; i++) {
    const cpu = process.cpuUsage();
    kind.verify(challenge, evidence, secret);
    const { user, system } = process.cpuUsage(cpu);
    costs.push((user + system) / 1000);
  }
  return costs.sort((a, b) => a - b)[costs.length >> 1]!;
}
