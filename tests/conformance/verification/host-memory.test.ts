import { describe, test } from 'vitest';
import { createReferenceCompute } from '../../../src/compute/cpu/reference.js';
import { createPlainHost } from '../../../src/compute/host/plain.js';
import { createSeededRandom } from '../../../src/model/prng.js';
import { proofConformance } from '../../../src/testing/conformance/proof.js';
import { hostMemoryLiars } from '../../../src/testing/liars/host-memory.js';
import { hostMemoryProof } from '../../../src/verification/kinds/host-memory/index.js';
import { hostMemoryParamsByClass } from '../../../src/verification/kinds/host-memory/params.js';

const small = hostMemoryParamsByClass('host-small')!;
const params = {
  ...small,
  labelBytes: 256,
  infoBytes: 84,
  minBytes: 2 ** 12,
  maxBytes: 2 ** 14,
  maxRounds: 5,
  maxLeaves: 8,
  labelSamples: 6,
  digestSamples: 6,
  stepSamples: 4,
};

describe('host-memory', () => {
  const cases = proofConformance({
    kind: hostMemoryProof,
    devices: { compute: createReferenceCompute(), host: createPlainHost() },
    params,
    tiny: {
      ...params,
      minBytes: 256,
      maxBytes: 6 * 256,
      maxRounds: 2,
      maxLeaves: 3,
      labelSamples: 1,
      digestSamples: 1,
      stepSamples: 1,
    },
    others: [
      { ...params, labelBytes: 512 },
      { ...params, infoBytes: 87 },
      { ...params, maxLanes: 1 },
      { ...params, maxBytes: 2 ** 13 },
      { ...params, minBytes: 2 ** 15, maxBytes: 2 ** 15 },
      { ...params, maxLeaves: 7 },
      { ...params, maxRounds: 4 },
      { ...params, labelSamples: 5 },
      { ...params, stepSamples: 5 },
    ],
    liars: hostMemoryLiars(createSeededRandom('liars')),
    trials: 40,
  });
  for (const { name, run } of cases) test(name, run);
});
