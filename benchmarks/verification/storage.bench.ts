// What the proof of storage costs each side: a sector made by the kernel, answers and ranges from a file, one verdict. The usual way
// to make the same memory (an Argon2 library) is the baseline of the encoder, shipping every leaf that was asked that of the opening.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { argon2d } from 'hash-wasm';
import { createPackedCompute } from '../../src/compute/cpu/packed.js';
import { createPlot } from '../../src/compute/disk/create-plot.js';
import { createFileDisk } from '../../src/compute/disk/file.js';
import { argon2dMemory } from '../../src/compute/spec/argon2d.js';
import { sectorBytes, sectorInput } from '../../src/compute/spec/plot.js';
import { fillArgon2d } from '../../src/compute/wasm/argon2d.js';
import { createSeededRandom } from '../../src/model/prng.js';
import { storageProof } from '../../src/verification/kinds/storage/index.js';
import { issue } from '../../src/verification/kinds/storage/issue.js';
import { plotName, storageParamsByClass } from '../../src/verification/kinds/storage/params.js';
import { drawOrder } from '../../src/verification/kinds/storage/questions.js';
import type { Challenge } from '../../src/verification/proof.js';
import { UNHURRIED } from '../../src/verification/proof.js';

type Emit = (row: { bench: string; metric: string; value: number; unit: string; baseline?: number }) => void;

const random = createSeededRandom('benchmark');
const { signal } = new AbortController();
const nvme = storageParamsByClass('nvme')!;
/**
 * The class's geometry over a plot that is made in seconds: few passes, as many leaves as there are sectors, a range of all of them.
 * Nothing is encoded: what a sector costs is measured by itself.
 */
const params = { ...nvme, passes: 2, minSectors: 1024, leaves: 1024, rangeOneIn: 1, encodings: 0 };
const challenge: Challenge<typeof params> = {
  params,
  basis: random.bytes(32),
  seed: random.bytes(32),
  place: random.bytes(32),
};

export default async function bench(emit: Emit): Promise<void> {
  await measureSector(emit);
  await measureOrder(emit);
  const folder = await mkdtemp(join(tmpdir(), 'assay-bench-'));
  try {
    await measureSession(emit, folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** CPU of this thread's work, ms: the least of a few. */
async function cpu(times: number, work: () => unknown): Promise<number> {
  let best = Number.POSITIVE_INFINITY;
  for (let i = 0; i < times; i++) {
    const before = process.cpuUsage();
    await work();
    const { user, system } = process.cpuUsage(before);
    best = Math.min(best, (user + system) / 1000);
  }
  return best;
}

async function measureSector(emit: Emit): Promise<void> {
  const input = sectorInput({ ...plotName(challenge), passes: nvme.passes }, 0);
  const { password, salt, blocks: memorySize, passes: iterations } = input;
  const options = { password, salt, memorySize, iterations, parallelism: 1, hashLength: 64 };
  const usual = await cpu(3, () => argon2d({ ...options, outputType: 'binary' }));
  const kernel = await cpu(3, () => fillArgon2d(input));
  const metric = `encode a sector, ${iterations} passes, CPU (baseline: an Argon2 library)`;
  emit({ bench: 'storage', metric, value: kernel, unit: 'ms', baseline: usual });
  const few = { ...input, passes: 32 };
  const plain = (await cpu(3, () => argon2dMemory(few))) * (iterations / few.passes);
  emit({
    bench: 'storage',
    metric: 'encode it plainly, by 32 passes of them, CPU',
    value: plain,
    unit: 'ms',
  });
}

/** Both ends draw it; the prover while its time runs. */
async function measureOrder(emit: Emit): Promise<void> {
  for (const count of [4096, nvme.maxRange]) {
    const value = await cpu(5, () => drawOrder(challenge.seed, nvme.maxSectors, count));
    const metric = `the first ${count} sectors of an order of ${nvme.maxSectors}, CPU`;
    emit({ bench: 'storage', metric, value, unit: 'ms' });
  }
}

async function measureSession(emit: Emit, folder: string): Promise<void> {
  const name = plotName(challenge);
  const begun = performance.now();
  await createPlot({ folder, name, sectors: params.minSectors }, signal);
  const madeS = (performance.now() - begun) / 1000;
  const mib = (params.minSectors * sectorBytes(name)) / 2 ** 20;
  emit({
    bench: 'storage',
    metric: `plot ${mib} MiB at ${params.passes} passes`,
    value: mib / madeS,
    unit: 'MiB/s',
  });

  const disk = createFileDisk({ folders: [folder] });
  const devices = { compute: createPackedCompute(), disk, ...UNHURRIED };
  const proving = await storageProof.prove(devices, challenge, signal);
  const pass = random.bytes(32);
  const next = async (): Promise<{ body: Uint8Array; ms: number }> => {
    const before = performance.now();
    const body = await proving.next!({ pass, ...UNHURRIED }, signal); // storage has three phases
    return { body, ms: performance.now() - before };
  };
  // threads start with the first question
  await (await disk.open(name, signal)).digestLeaves(
    pass,
    { sectors: new Uint32Array(64), leaves: new Uint32Array(64) },
    signal,
  );
  const answer = await next();
  const range = await next();
  emit({
    bench: 'storage',
    metric: `${params.leaves} leaves answered, from the page cache`,
    value: (params.leaves * 1000) / answer.ms,
    unit: 'leaves/s',
  });
  emit({
    bench: 'storage',
    metric: 'sectors read in their order and digested, from the page cache',
    value: (mib * 1000) / range.ms,
    unit: 'MiB/s',
  });

  const commits = [proving.commit, answer.body, range.body];
  const verdictMs = async (request: Uint8Array): Promise<{ ms: number; bytes: number }> => {
    const opening = await proving.open(request);
    const evidence = { commits, pass, request, opening };
    const secret = storageProof.drawSecret(params, challenge.basis, random);
    const ms = await cpu(5, () => {
      if (storageProof.verify(challenge, evidence, secret).kind !== 'accepted')
        throw new Error('not accepted');
    });
    return { ms, bytes: opening.length };
  };
  const plain = await verdictMs(issue(params, commits, random));
  emit({ bench: 'storage', metric: 'verify a slot without its encoding, CPU', value: plain.ms, unit: 'ms' });
  const all = params.leaves * (4096 + 32 * 28);
  const metric = 'opening (baseline: all leaves that were asked, with their paths)';
  emit({ bench: 'storage', metric, value: plain.bytes / 1000, unit: 'kB', baseline: all / 1000 });
  await disk.close();
}
