import { describe, test } from 'vitest';
import { createPackedCompute } from '../../../src/compute/cpu/packed.js';
import { createSeededRandom } from '../../../src/model/prng.js';
import { proofConformance } from '../../../src/testing/conformance/proof.js';
import { computeLiars } from '../../../src/testing/liars/compute.js';
import { paramsByClass } from '../../../src/verification/kinds/compute/params.js';
import { computeProof } from '../../../src/verification/kinds/index.js';

const paced = paramsByClass('paced')!;
const params = { ...paced, n: 16, labels: 16, samples: 8 };

describe('compute', () => {
  const cases = proofConformance({
    kind: computeProof,
    devices: { compute: createPackedCompute() },
    params,
    tiny: { ...params, labels: 9, samples: 3 },
    others: [
      { ...params, n: 32 },
      { ...params, labels: 15 },
      { ...params, labels: 17 },
      { ...params, samples: 7 },
      { ...params, samples: 9 },
    ],
    liars: computeLiars(createSeededRandom('liars')),
    trials: 200,
  });
  for (const { name, run } of cases) test(name, run);
});
