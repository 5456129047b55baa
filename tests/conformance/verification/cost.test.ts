// Counts operations and bytes, never time: what verifying costs must not grow faster than what was sent, nor with what it claims.
import { describe, expect, test } from 'vitest';
import type { Devices } from '../../../src/compute/compute.js';
import { createPackedCompute } from '../../../src/compute/cpu/packed.js';
import { createMemoryDisk } from '../../../src/compute/disk/memory.js';
import { createPlainHost } from '../../../src/compute/host/plain.js';
import { createSeededRandom } from '../../../src/model/prng.js';
import { costOf, exponentOf, workOf } from '../../../src/testing/conformance/cost.js';
import { assertBounded } from '../../../src/testing/conformance/hostile.js';
import { instantRound } from '../../../src/testing/liars/bandwidth.js';
import { playProof } from '../../../src/testing/transcripts.js';
import { bandwidthProof } from '../../../src/verification/kinds/bandwidth/index.js';
import {
  type BandwidthParams,
  paramsByClass as bandwidthClass,
} from '../../../src/verification/kinds/bandwidth/params.js';
import { paramsByClass } from '../../../src/verification/kinds/compute/params.js';
import { hostMemoryParamsByClass } from '../../../src/verification/kinds/host-memory/params.js';
import { type AnyProofKind, kinds } from '../../../src/verification/kinds/index.js';
import { livenessParamsByClass } from '../../../src/verification/kinds/liveness/params.js';
import { memoryParamsByClass } from '../../../src/verification/kinds/memory/params.js';
import { storageParamsByClass } from '../../../src/verification/kinds/storage/params.js';

interface Subject {
  readonly name: string;
  readonly kind: AnyProofKind;
  readonly devices?: Partial<Devices>;
  /** of kinds in which slots meet */
  readonly round?: boolean;
  /** evidence that is tried in hundreds of forms */
  readonly tiny: unknown;
  /** what the evidence's rows grow with, and parameters of that size */
  readonly sizes: readonly [readonly [number, unknown], readonly [number, unknown]];
}

const compute = { ...paramsByClass('paced')!, n: 64, labels: 8, samples: 12 };
const liveness = { ...livenessParamsByClass('live-small')!, n: 64, labels: 6, samples: 8 };
const memory = {
  ...memoryParamsByClass('paced-memory')!,
  ...{ n: 64, labels: 6, samples: 6, fillSamples: 4, passSamples: 4, maxRounds: 2 },
};

const host = {
  ...hostMemoryParamsByClass('host-small')!,
  ...{ labelBytes: 256, infoBytes: 84, minBytes: 2 ** 12, maxBytes: 2 ** 14, maxRounds: 3, maxLeaves: 4 },
  ...{ labelSamples: 6, digestSamples: 6, stepSamples: 4 },
};
const bandwidth: BandwidthParams = {
  ...bandwidthClass('link-100m')!,
  ...{ sources: 2, minSources: 2, segmentLeaves: 4, maxSegments: 2, samples: 8 },
};

const storage = storageParamsByClass('small')!;

const SUBJECTS: readonly Subject[] = [
  {
    name: 'compute',
    kind: kinds.compute!,
    tiny: { ...compute, n: 16, samples: 3 },
    sizes: [
      [64, compute],
      [512, { ...compute, n: 512 }],
    ],
  },
  {
    name: 'liveness',
    kind: kinds.liveness!,
    tiny: { ...liveness, n: 16, samples: 2 },
    sizes: [
      [64, liveness],
      [512, { ...liveness, n: 512 }],
    ],
  },
  {
    name: 'memory',
    kind: kinds.memory!,
    tiny: { ...memory, samples: 1, fillSamples: 1, passSamples: 1 },
    sizes: [
      [64, memory],
      [512, { ...memory, n: 512 }],
    ],
  },
  {
    name: 'host-memory',
    kind: kinds['host-memory']!,
    devices: { host: createPlainHost() },
    tiny: { ...host, labelSamples: 1, digestSamples: 1, stepSamples: 1 },
    sizes: [
      [256, host],
      [1024, { ...host, labelBytes: 1024, minBytes: 2 ** 14, maxBytes: 2 ** 16 }],
    ],
  },
  {
    name: 'storage',
    kind: kinds.storage!,
    devices: { disk: createMemoryDisk({ sectors: 23 }) },
    tiny: { ...storage, openedLeaves: 1, openedPieces: 1, encodings: 1, pieceBlocks: 1 },
    sizes: [
      [4, { ...storage, openedLeaves: 4, openedPieces: 4 }],
      [16, { ...storage, openedLeaves: 16, openedPieces: 16 }],
    ],
  },
  {
    name: 'bandwidth',
    kind: bandwidthProof as unknown as AnyProofKind,
    round: true,
    tiny: { ...bandwidth, samples: 3 },
    // a leaf has one size: what grows is how many are asked for
    sizes: [
      [8, bandwidth],
      [64, { ...bandwidth, samples: 64 }],
    ],
  },
];

async function played({ name, kind, devices, round }: Subject, params: unknown) {
  const random = createSeededRandom(`cost/${name}`);
  const [basis, seed, place] = [random.bytes(32), random.bytes(32), random.bytes(32)];
  const met = round ? instantRound(params as BandwidthParams, random) : undefined;
  const challenge = { params, basis, seed, place, brief: met?.brief };
  const all: Devices = { compute: createPackedCompute(), ...devices, ...met?.devices };
  const parts = { kind, devices: all, random, ...(met ? { kept: met.kept } : {}) };
  const proof = await playProof(parts, challenge);
  expect(proof.verdict).toEqual({ kind: 'accepted' });
  return { proof, secret: kind.drawSecret(params, challenge.basis, random) };
}

describe.each(SUBJECTS)('verifying $name', (subject) => {
  const { kind, tiny, sizes } = subject;

  test('hashes and allocates no faster than its rows grow', async () => {
    const [small, large] = await Promise.all(
      sizes.map(async ([size, params]) => {
        const { proof, secret } = await played(subject, params);
        const cost = costOf(() => kind.verify(proof.challenge, proof.evidence, secret));
        return { work: { size, cost: workOf(cost) }, memory: { size, cost: cost.allocatedBytes } };
      }),
    );
    expect(exponentOf(small!.work, large!.work)).toBeLessThan(1.1);
    expect(exponentOf(small!.memory, large!.memory)).toBeLessThan(1.1);
  });

  test('is bounded whatever counts, lengths and depths evidence claims', async () => {
    const { proof, secret } = await played(subject, tiny);
    expect(assertBounded(kind, proof, secret)).toBeGreaterThan(100);
  });
});
