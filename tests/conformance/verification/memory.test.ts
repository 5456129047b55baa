import { describe, test } from 'vitest';
import { createPackedCompute } from '../../../src/compute/cpu/packed.js';
import { createSeededRandom } from '../../../src/model/prng.js';
import { proofConformance } from '../../../src/testing/conformance/proof.js';
import { memoryLiars } from '../../../src/testing/liars/memory.js';
import { memoryProof } from '../../../src/verification/kinds/memory/index.js';
import { memoryParamsByClass } from '../../../src/verification/kinds/memory/params.js';

const paced = memoryParamsByClass('paced-memory')!;
const params = { ...paced, n: 64, labels: 12, samples: 6, fillSamples: 6, passSamples: 6, maxRounds: 5 };

describe('memory', () => {
  const cases = proofConformance({
    kind: memoryProof,
    devices: { compute: createPackedCompute() },
    params,
    tiny: { ...params, labels: 5, samples: 1, fillSamples: 1, passSamples: 1, maxRounds: 2 },
    others: [
      { ...params, n: 128 },
      { ...params, labels: 11 },
      { ...params, labels: 17 },
      { ...params, samples: 5 },
      { ...params, passSamples: 7 },
      { ...params, maxRounds: 4 },
    ],
    // nine labels in the window, three after it
    pace: () => {
      let left = 100;
      return { leftMs: () => (left -= 10) };
    },
    liars: memoryLiars(createSeededRandom('liars')),
    trials: 60,
  });
  for (const { name, run } of cases) test(name, run);
});
