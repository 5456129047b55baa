import { describe, test } from 'vitest';
import { createPackedCompute } from '../../../src/compute/cpu/packed.js';
import { createMemoryDisk } from '../../../src/compute/disk/memory.js';
import { createSeededRandom } from '../../../src/model/prng.js';
import { proofConformance } from '../../../src/testing/conformance/proof.js';
import { storageLiars } from '../../../src/testing/liars/storage.js';
import { storageProof } from '../../../src/verification/kinds/storage/index.js';
import { storageParamsByClass } from '../../../src/verification/kinds/storage/params.js';

const params = storageParamsByClass('small')!;

describe('storage', () => {
  const cases = proofConformance({
    kind: storageProof,
    devices: { compute: createPackedCompute(), disk: createMemoryDisk({ sectors: 23 }) },
    params,
    tiny: { ...params, openedLeaves: 1, openedPieces: 1, encodings: 1, pieceBlocks: 1 },
    others: [
      { ...params, passes: 3 },
      { ...params, leafBlocks: 2 },
      { ...params, leaves: 15 },
      { ...params, openedLeaves: 7 },
      { ...params, openedPieces: 5 },
      { ...params, pieceBlocks: 4 },
      { ...params, minSectors: 24 },
      { ...params, maxRange: 22 },
      { ...params, rangeOneIn: 2 },
      { ...params, encodings: 1 },
    ],
    liars: storageLiars(createSeededRandom('liars')),
    trials: 40,
  });
  for (const { name, run } of cases) test(name, run);
});
