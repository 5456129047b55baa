import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, test } from 'vitest';
import { createPlot } from '../../../src/compute/disk/create-plot.js';
import { createFileDisk } from '../../../src/compute/disk/file.js';
import { createMemoryDisk } from '../../../src/compute/disk/memory.js';
import { createSeededRandom } from '../../../src/model/prng.js';
import { diskConformance, missingPlots } from '../../../src/testing/conformance/disk.js';

const random = createSeededRandom('disks');
const name = { place: random.bytes(32), sectorBlocks: 16, passes: 2, leafBlocks: 2 };
const sectors = 13;

describe('a disk in memory', () => {
  const disk = createMemoryDisk({ sectors });
  for (const { name: does, run } of diskConformance({ disk, name, sectors })) test(does, run);
});

const folder = await mkdtemp(join(tmpdir(), 'assay-disk-'));
await createPlot({ folder, name, sectors, threads: 1 }, new AbortController().signal);

describe('a disk of files', () => {
  const disk = createFileDisk({ folders: [folder], threads: 3 });
  afterAll(async () => {
    await disk.close();
    await rm(folder, { recursive: true, force: true });
  });
  const cases = [...diskConformance({ disk, name, sectors }), ...missingPlots({ disk, name })];
  for (const { name: does, run } of cases) test(does, run);
});
