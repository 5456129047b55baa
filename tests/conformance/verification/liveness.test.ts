import { describe, test } from 'vitest';
import { createPackedCompute } from '../../../src/compute/cpu/packed.js';
import { createSeededRandom } from '../../../src/model/prng.js';
import { proofConformance } from '../../../src/testing/conformance/proof.js';
import { livenessLiars } from '../../../src/testing/liars/liveness.js';
import { livenessProof } from '../../../src/verification/kinds/liveness/index.js';
import { livenessParamsByClass } from '../../../src/verification/kinds/liveness/params.js';

const params = { ...livenessParamsByClass('live-small')!, n: 16, labels: 8, samples: 8 };

describe('liveness', () => {
  const cases = proofConformance({
    kind: livenessProof,
    devices: { compute: createPackedCompute() },
    params,
    tiny: { ...params, labels: 5, samples: 1 },
    others: [
      { ...params, n: 32 },
      { ...params, labels: 7 },
      { ...params, labels: 9 },
      { ...params, samples: 9 },
    ],
    liars: livenessLiars(createSeededRandom('liars')),
    trials: 60,
  });
  for (const { name, run } of cases) test(name, run);
});
