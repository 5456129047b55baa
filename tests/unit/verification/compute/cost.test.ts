// Counts operations, not time: what verify costs must not grow with what it verifies.
import { beforeEach, describe, expect, test, vi } from 'vitest';

const counted = vi.hoisted(() => ({ hashedBytes: 0, hashes: 0 }));
vi.mock('node:crypto', async (importOriginal) => {
  const crypto = await importOriginal<typeof import('node:crypto')>();
  const hash = (algorithm: string, data: Uint8Array, encoding: 'hex') => {
    counted.hashes++;
    counted.hashedBytes += data.length;
    return crypto.hash(algorithm, data, encoding);
  };
  return { ...crypto, default: crypto, hash };
});

const { createPackedCompute } = await import('../../../../src/compute/cpu/packed.js');
const { createSeededRandom } = await import('../../../../src/model/prng.js');
const { computeProof } = await import('../../../../src/verification/kinds/index.js');
const { paramsByClass } = await import('../../../../src/verification/kinds/compute/params.js');
const { ComputeSecret } = await import('../../../../src/verification/kinds/compute/secret.js');

import type { Compute } from '../../../../src/compute/compute.js';
import { UNHURRIED } from '../../../../src/verification/proof.js';

const paced = paramsByClass('paced')!;

interface Cost {
  proverMacs: number;
  proverHashed: number;
  verifierMacs: number;
  verifierHashed: number;
}

async function cost(n: number, labels: number, samples: number): Promise<Cost> {
  const params = { ...paced, n, labels, samples };
  const random = createSeededRandom(`cost-${n}-${labels}`);
  const challenge = { params, basis: random.bytes(32), seed: random.bytes(32) };
  let proverMacs = 0;
  const inner = createPackedCompute();
  const compute: Compute = {
    name: 'counting',
    async loadOperand(b, side) {
      const multiplier = await inner.loadOperand(b, side);
      return {
        n: side,
        multiply(a) {
          proverMacs += a.length * side;
          return multiplier.multiply(a);
        },
        release: () => multiplier.release(),
      };
    },
  };
  const proving = await computeProof.prove(
    { compute, ...UNHURRIED },
    challenge,
    new AbortController().signal,
  );
  const proverHashed = counted.hashedBytes;
  const secret = computeProof.drawSecret(params, challenge.basis, random);
  const request = computeProof.issue(params, [proving.commit], random);
  const opening = await proving.open(request);
  const projects = vi.spyOn(ComputeSecret.prototype, 'projects');
  counted.hashedBytes = 0;
  const verdict = computeProof.verify(challenge, { commits: [proving.commit], request, opening }, secret);
  expect(verdict.kind).toBe('accepted');
  const verifierMacs = projects.mock.calls.length * 2 * params.projections * n;
  projects.mockRestore();
  return { proverMacs, proverHashed, verifierMacs, verifierHashed: counted.hashedBytes };
}

describe('verifying', () => {
  beforeEach(() => {
    counted.hashedBytes = 0;
  });

  test('takes 2 t n multiplications a sample, whatever the number of labels', async () => {
    const few = await cost(64, 32, 16);
    counted.hashedBytes = 0;
    const many = await cost(64, 128, 16);
    expect(few.verifierMacs).toBe(16 * 2 * 2 * 64);
    expect(many.verifierMacs).toBe(few.verifierMacs);
    expect(many.proverMacs).toBe(128 * 64 ** 3 + 16 * 64 ** 2);
    // only the paths grow, by the two levels of a four times larger top
    expect(many.verifierHashed / few.verifierHashed).toBeLessThan(1.5);
  });

  test('grows linearly with n while proving grows with its cube', async () => {
    const small = await cost(64, 6, 8);
    counted.hashedBytes = 0;
    const large = await cost(512, 6, 8);
    const exponent = (from: number, to: number): number => Math.log(to / from) / Math.log(8);
    expect(exponent(small.proverMacs, large.proverMacs)).toBeGreaterThan(2.9);
    expect(exponent(small.verifierMacs, large.verifierMacs)).toBeCloseTo(1, 6);
    expect(exponent(small.verifierHashed, large.verifierHashed)).toBeLessThan(1);
    expect(large.proverMacs / large.verifierMacs).toBeGreaterThan(2 ** 13);
    expect(large.proverHashed / large.verifierHashed).toBeGreaterThan(30);
  });
});
