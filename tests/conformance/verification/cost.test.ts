// Counts operations and bytes, never time: what verifying costs must not grow faster than what was sent, nor with what it claims.
import { describe, expect, test } from 'vitest';
import type { Devices } from '../../../src/compute/compute.js';
import { createPackedCompute } from '../../../src/compute/cpu/packed.js';
import { createSeededRandom } from '../../../src/model/prng.js';
import { costOf, exponentOf, workOf } from '../../../src/testing/conformance/cost.js';
import { assertBounded } from '../../../src/testing/conformance/hostile.js';
import { playProof } from '../../../src/testing/transcripts.js';
import { paramsByClass } from '../../../src/verification/kinds/compute/params.js';
import { type AnyProofKind, kinds } from '../../../src/verification/kinds/index.js';
import { livenessParamsByClass } from '../../../src/verification/kinds/liveness/params.js';
import { memoryParamsByClass } from '../../../src/verification/kinds/memory/params.js';

interface Subject {
  readonly name: string;
  readonly kind: AnyProofKind;
  readonly devices?: Partial<Devices>;
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
];

async function played({ name, kind, devices }: Subject, params: unknown) {
  const random = createSeededRandom(`cost/${name}`);
  const challenge = { params, basis: random.bytes(32), seed: random.bytes(32), place: random.bytes(32) };
  const all: Devices = { compute: createPackedCompute(), ...devices };
  const proof = await playProof({ kind, devices: all, random }, challenge);
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
