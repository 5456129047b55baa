import { describe, expect, test } from 'vitest';
import { createPackedCompute } from '../../../../src/compute/cpu/packed.js';
import { creditShare } from '../../../../src/model/credit.js';
import { createSeededRandom } from '../../../../src/model/prng.js';
import {
  answerMs,
  answersFromCpu,
  DECAY,
  slowestThatPasses,
  unearnedHours,
} from '../../../../src/testing/liars/liveness.js';
import { encodeCommit } from '../../../../src/verification/kinds/compute/codec.js';
import { livenessProof } from '../../../../src/verification/kinds/liveness/index.js';
import { livenessParamsByClass } from '../../../../src/verification/kinds/liveness/params.js';
import { UNHURRIED } from '../../../../src/verification/proof.js';

const live = livenessParamsByClass('live')!;
const small = livenessParamsByClass('live-small')!;

describe('the liveness check', () => {
  test('credits nothing, accepted or not, in any class', () => {
    for (const params of livenessProof.table.values()) {
      const commit = encodeCommit({ labels: params.labels, root: new Uint8Array(32) });
      const { nominal } = livenessProof.facts(params);
      expect(livenessProof.credit(params, [commit])).toEqual({});
      expect(nominal).toEqual({});
      expect(creditShare({ opsPerS: 1e15 }, nominal)).toBe(0);
    }
  });

  test('asks for all labels: fewer are no commit', () => {
    const fewer = encodeCommit({ labels: small.labels - 1, root: new Uint8Array(32) });
    expect(livenessProof.credit(small, [fewer])).toBeUndefined();
  });

  test('makes every label even when nobody is left to wait for them', async () => {
    const random = createSeededRandom('late');
    const challenge = { params: small, basis: random.bytes(32), seed: random.bytes(32) };
    const devices = { compute: createPackedCompute(), leftMs: () => -1 };
    const proving = await livenessProof.prove(devices, challenge, new AbortController().signal);
    expect(livenessProof.credit(small, [proving.commit])).toEqual({});
    proving.release();
  });
});

describe('a CPU that answers for a device that is gone', () => {
  test('is accepted, and has earned nothing by it', async () => {
    const random = createSeededRandom('cpu');
    const challenge = { params: small, basis: random.bytes(32), seed: random.bytes(32) };
    const { signal } = new AbortController();
    const devices = { compute: createPackedCompute(), ...UNHURRIED };
    const proving = await answersFromCpu.prove(devices, challenge, signal);
    const commits = [proving.commit];
    const request = livenessProof.issue(small, commits, random);
    const opening = await proving.open(request);
    const secret = livenessProof.drawSecret(small, challenge.basis, random);
    const verdict = livenessProof.verify(challenge, { commits, request, opening }, secret);
    expect(verdict).toEqual({ kind: 'accepted' });
    const credit = livenessProof.credit(small, commits)!;
    expect(creditShare(credit, livenessProof.facts(small).nominal)).toBe(0);
    proving.release();
  });

  test('passes the real class from a third of a tera-operation a second on, a core with a naive loop does not', () => {
    expect(answerMs(live, 1.4e12)).toBeCloseTo(98, 0);
    expect(slowestThatPasses(live, 100)).toBeCloseTo(3.44e11, -10);
    expect(answerMs(live, 5e10)).toBeGreaterThan(live.windowMs);
  });

  test('keeps 15 hours of credit under the policy, 9 without checks, and without end where they pause decay', () => {
    expect(unearnedHours({ ...DECAY, slowedHours: 0 })).toBeCloseTo(8.66, 2);
    expect(unearnedHours(DECAY)).toBeCloseTo(15.15, 2);
    expect(unearnedHours({ ...DECAY, slowedHalfLifeHours: 1e6, slowedHours: 1e5 })).toBeGreaterThan(9e4);
  });
});
