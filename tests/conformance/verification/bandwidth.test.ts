import { describe, test } from 'vitest';
import { createReferenceCompute } from '../../../src/compute/cpu/reference.js';
import { createSeededRandom } from '../../../src/model/prng.js';
import { proofConformance } from '../../../src/testing/conformance/proof.js';
import { bandwidthLiars, instantRound } from '../../../src/testing/liars/bandwidth.js';
import { bandwidthProof } from '../../../src/verification/kinds/bandwidth/index.js';
import { paramsByClass } from '../../../src/verification/kinds/bandwidth/params.js';

const link = paramsByClass('link-100m')!;
const params = { ...link, sources: 2, minSources: 2, segmentLeaves: 8, maxSegments: 2, samples: 6 };

describe('bandwidth', () => {
  const cases = proofConformance({
    kind: bandwidthProof,
    devices: { compute: createReferenceCompute() },
    params,
    tiny: { ...params, sources: 2, segmentLeaves: 2, maxSegments: 1, samples: 3 },
    others: [
      { ...params, sources: 3 },
      { ...params, segmentLeaves: 4 },
      { ...params, segmentLeaves: 16 },
      { ...params, maxSegments: 1 },
      { ...params, samples: 5 },
      { ...params, samples: 7 },
    ],
    liars: bandwidthLiars(createSeededRandom('liars')),
    round: instantRound,
    trials: 200,
  });
  for (const { name, run } of cases) test(name, run);
});
