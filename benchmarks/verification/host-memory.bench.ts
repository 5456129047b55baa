// What the host-memory proof costs each side. CPU time of all threads, so that neighbours on the machine matter less. Baselines in
// the same run: SHA-256 at its best for the fill, doing everything again (what a verifier without openings must) for verifying.
import { hash } from 'node:crypto';
import { createReferenceCompute } from '../../src/compute/cpu/reference.js';
import { Lane } from '../../src/compute/host/lane.js';
import { createThreadedHost } from '../../src/compute/host/threads.js';
import { labelCompressions } from '../../src/compute/spec/host-labels.js';
import { LEAF_STEPS } from '../../src/compute/spec/host-walk.js';
import { createSeededRandom } from '../../src/model/prng.js';
import { decodeCommits, isComplete } from '../../src/verification/kinds/host-memory/codec.js';
import {
  type HostMemoryParams,
  hostMemoryParamsByClass,
} from '../../src/verification/kinds/host-memory/params.js';
import { hostMemoryProof } from '../../src/verification/kinds/index.js';
import { type Challenge, type Evidence, UNHURRIED } from '../../src/verification/proof.js';

type Emit = (row: { bench: string; metric: string; value: number; unit: string; baseline?: number }) => void;

const random = createSeededRandom('benchmark');
const { signal } = new AbortController();
const MIB = 2 ** 20;
const GB = 1e9;
/** The best of so many, the first of which compile; a neighbour's noise is never below zero. */
const REPEATS = 30;

export default async function bench(emit: Emit): Promise<void> {
  const params = {
    ...hostMemoryParamsByClass('host-8')!,
    minBytes: MIB,
    maxBytes: 256 * MIB,
    rateFromBytes: 1,
  };
  measureLane(emit, params);
  await measureSlot(emit, params);
}

/** One thread: what of the hash is left for labels, and what a round and a step take. */
function measureLane(emit: Emit, params: HostMemoryParams): void {
  const bench = 'host-memory, one lane of 64 MiB';
  const capacity = (64 * MIB) / params.labelBytes;
  const spec = { ...params, seed: random.bytes(32), lanes: 1, capacity, maxLeaves: 20_000 };
  const lane = new Lane(spec, 0);
  const bulk = new Uint8Array(16 * MIB);
  const batch = capacity / 16;
  // a label, its leaf, the node above it and its name
  const hashed = (labelCompressions(params) + 65 + 2 + 2) * 64;
  let bulkS = Number.POSITIVE_INFINITY;
  let labelS = Number.POSITIVE_INFINITY;
  // turn by turn, so that a slow stretch of the machine hits both
  while (lane.labels < capacity) {
    bulkS = Math.min(bulkS, cpuS(() => hash('sha256', bulk, 'binary')) / bulk.length);
    const s = cpuS(() => {
      for (let i = 0; i < batch; i++) lane.fillOne();
    });
    labelS = Math.min(labelS, s / batch);
  }
  emit({
    bench,
    metric: 'hashed by the fill (baseline: SHA-256 of 16 MiB)',
    value: hashed / labelS / GB,
    unit: 'GB/s',
    baseline: 1 / bulkS / GB,
  });
  emit({ bench, metric: 'filled', value: params.labelBytes / labelS / 1e6, unit: 'MB/s' });

  const key = random.bytes(32);
  const roundS = best(() => lane.pass(capacity, key));
  emit({ bench, metric: 'read in a round', value: (64 * MIB) / roundS / GB, unit: 'GB/s' });
  lane.beginWalk(capacity, key);
  const leaves = 500;
  const leafS = best(() => {
    for (let i = 0; i < leaves; i++) lane.walkOne();
  });
  emit({ bench, metric: 'a step of the walk', value: (leafS / leaves / LEAF_STEPS) * 1e9, unit: 'ns' });
}

/** A session on all threads, and its verification on one. */
async function measureSlot(emit: Emit, params: HostMemoryParams): Promise<void> {
  const host = createThreadedHost({ bytes: 256 * MIB });
  const bench = `host-memory, 256 MiB on ${host.lanes} lanes`;
  const devices = { compute: createReferenceCompute(), host, ...UNHURRIED };
  const limited = { ...params, maxRounds: 16, maxLeaves: 20_000 };
  const challenge: Challenge<HostMemoryParams> = {
    params: limited,
    basis: random.bytes(32),
    seed: random.bytes(32),
  };
  const proving = await hostMemoryProof.prove(devices, challenge, signal);
  const pass = random.bytes(32);
  const commits = [proving.commit];
  const steps: number[] = [];
  const wallFrom = performance.now();
  let filledMs = 0;
  for (const given of [undefined, pass, pass]) {
    const before = process.cpuUsage();
    commits.push(await proving.next!({ pass: given, ...UNHURRIED }, signal));
    filledMs ||= performance.now() - wallFrom;
    const { user, system } = process.cpuUsage(before);
    steps.push((user + system) / 1e6);
  }
  const decoded = decodeCommits(limited, commits);
  if (!isComplete(decoded)) throw new Error('host-memory: an honest prover made no commits');
  const bytes = decoded.lanes * decoded.fill.labels * params.labelBytes;
  const [fillS, passS, walkS] = steps;
  emit({ bench, metric: 'filled, wall', value: bytes / filledMs / 1e3, unit: 'MB/s' });
  emit({ bench, metric: 'filled, of a CPU second', value: bytes / fillS / 1e6, unit: 'MB/s' });
  emit({
    bench,
    metric: 'read in rounds, of a CPU second',
    value: (bytes * decoded.roots.length) / passS / GB,
    unit: 'GB/s',
  });
  const walked = decoded.walk.leaves * LEAF_STEPS * decoded.lanes;
  emit({ bench, metric: 'a step of the walk, CPU', value: (walkS / walked) * 1e9, unit: 'ns' });

  const request = hostMemoryProof.issue(limited, commits, random);
  const opening = await proving.open(request);
  proving.release();
  const evidence: Evidence = { commits, pass, request, opening };
  const secret = hostMemoryProof.drawSecret(limited, challenge.basis, random);
  const verifyS = best(() => {
    const verdict = hostMemoryProof.verify(challenge, evidence, secret);
    if (verdict.kind !== 'accepted') throw new Error(`host-memory: ${JSON.stringify(verdict)}`);
  });
  emit({
    bench,
    metric: 'verify a slot, k=64, CPU (baseline: fill, read and walk again)',
    value: verifyS * 1e3,
    unit: 'ms',
    baseline: (fillS + passS + walkS) * 1e3,
  });
  emit({ bench, metric: 'opening on the wire', value: opening.length / 1e3, unit: 'kB' });
}

const best = (run: () => void): number => {
  run();
  return Math.min(...Array.from({ length: REPEATS }, () => cpuS(run)));
};

function cpuS(run: () => void): number {
  const before = process.cpuUsage();
  run();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
}
