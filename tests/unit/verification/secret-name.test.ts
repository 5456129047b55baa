import { expect, test, vi } from 'vitest';
import { createPackedCompute } from '../../../src/compute/cpu/packed.js';
import { createSeededRandom } from '../../../src/model/prng.js';
import { verifyHere } from '../../../src/validator/verifiers.js';
import { paramsByClass } from '../../../src/verification/kinds/compute/params.js';
import {
  type AnyProofKind,
  computeProof,
  livenessProof,
  memoryProof,
} from '../../../src/verification/kinds/index.js';
import { memoryParamsByClass } from '../../../src/verification/kinds/memory/params.js';
import { rehearse } from '../../../src/verification/rehearse.js';

const random = createSeededRandom('shared');
const devices = { compute: createPackedCompute() };
const compute = { ...paramsByClass('paced')!, n: 64, labels: 4, samples: 4 };
const memory = { ...memoryParamsByClass('paced-memory')!, n: 64, labels: 4, samples: 4, maxRounds: 2 };

test('kinds over one operand are judged by projections that were drawn once', async () => {
  const drawn = vi.fn();
  const spied = (kind: unknown): AnyProofKind => {
    const known = kind as AnyProofKind;
    return {
      ...known,
      drawSecret(params, basis, from) {
        drawn(known.kind);
        return known.drawSecret(params, basis, from);
      },
    };
  };
  const basis = random.bytes(32);
  const event = verifyHere.forEvent({ basis, random });
  for (const [kind, params] of [
    [computeProof, compute],
    [memoryProof, memory],
  ] as const) {
    const known = kind as unknown as AnyProofKind;
    const prove: AnyProofKind['prove'] = (parts, challenge, signal) =>
      known.prove(parts, { ...challenge, basis }, signal);
    const { challenge, evidence } = await rehearse(
      { kind: known, devices, random, now: () => 0, reserve: 0, prove },
      params,
      new AbortController().signal,
    );
    const { verdict } = await event.verify({
      kind: spied(kind),
      paramsId: kind.kind,
      challenge: { ...challenge, basis },
      evidence,
    });
    expect(verdict).toEqual({ kind: 'accepted' });
  }
  expect(drawn.mock.calls).toEqual([['compute']]);
});

test('another size or number of projections is another secret', () => {
  const names = [
    computeProof.secretName!(compute),
    computeProof.secretName!({ ...compute, n: 128 }),
    computeProof.secretName!({ ...compute, projections: 3 }),
  ];
  expect(new Set(names).size).toBe(3);
  expect(memoryProof.secretName!(memory)).toBe(names[0]);
  expect([...livenessProof.table.values()].map(livenessProof.secretName!)).toHaveLength(
    livenessProof.table.size,
  );
});
