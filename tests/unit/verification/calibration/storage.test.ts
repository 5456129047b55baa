import { describe, expect, test } from 'vitest';
import { createMemoryDisk } from '../../../../src/compute/disk/memory.js';
import { createSeededRandom } from '../../../../src/model/prng.js';
import { achieved } from '../../../../src/verification/calibration/figures.js';
import {
  measureStorage,
  type StorageRun,
  storageFindings,
} from '../../../../src/verification/calibration/storage.js';
import { storageParamsByClass } from '../../../../src/verification/kinds/storage/params.js';

const never = new AbortController().signal;
const nvme = storageParamsByClass('nvme')!;
/** 16,384 leaves in half a second leave 3.5 s of 4 for whole sectors. */
const run = (change: Partial<StorageRun> = {}): StorageRun => ({
  hashBytesPerS: 2e9,
  leavesPerS: 32_768,
  sectorBytesPerS: (2 ** 30 * 4) / 3.5,
  encodedPerS: 64,
  fromDisk: 1,
  ...change,
});
const find = (...runs: readonly StorageRun[]) => storageFindings(runs, nvme, { cores: 4 });

describe('findings about storage', () => {
  test('are none for a disk that does what counts one', () => {
    const { advice, notes, figures } = find(run(), run());
    expect(advice).toEqual([]);
    expect(notes).toContain('leaves stays: all 16384 are answered in 500 of 1000 ms');
    expect(notes).toContain('nominalBytesPerS stays: 1073741824 here, 1073741824 count one');
    expect(achieved(figures.find(({ name }) => name === 'whole sectors, in any order')!)).toBeCloseTo(
      0.153,
      2,
    );
  });

  test('are of the time that leaves leave', () => {
    expect(find(run({ leavesPerS: 8192 })).advice).toMatchObject([
      { parameter: 'nominalBytesPerS', from: 2 ** 30, to: Math.floor((2 ** 30 * 2) / 3.5) },
    ]);
    expect(find(run({ leavesPerS: 8192 })).notes.join()).toContain(
      '8192 of 16384 leaves are answered within 1000 ms: this disk is none of the class nvme',
    );
  });

  test('change nothing that is read where it came from memory, or nobody knows where from', () => {
    for (const [fromDisk, why] of [
      [0.2, /^20 % of what was read came from the disk, the rest from memory/],
      [undefined, /^this system does not tell/],
    ] as const) {
      const { advice, limits } = find(run({ fromDisk, sectorBytesPerS: 9e9 }));
      expect(advice).toEqual([]);
      expect(limits.at(-1)).toMatch(why);
    }
  });

  test('raise what a cheat is taken to make anew where an honest host makes more', () => {
    expect(find(run({ fromDisk: 0, encodedPerS: 1300 })).advice).toMatchObject([
      { parameter: 'regeneratedPerS', from: 1200, to: 1300 },
    ]);
  });

  test('advise nothing about reading where runs differ', () => {
    const { advice, notes } = find(run(), run({ leavesPerS: 50_000 }));
    expect(advice).toEqual([]);
    expect(notes.at(-1)).toMatch(/^rates differ by/);
  });
});

describe('measuring storage', () => {
  const params = { ...storageParamsByClass('small')!, leaves: 4 };
  const parts = async () => {
    let now = 0;
    const { sectorBlocks, passes, leafBlocks } = params;
    const name = { place: new Uint8Array(32), sectorBlocks, passes, leafBlocks };
    return {
      plot: await createMemoryDisk({ sectors: 8 }).open(name, never),
      encode: async () => 2,
      random: createSeededRandom('measure'),
      now: () => {
        now += 10;
        return now;
      },
    };
  };

  test('reads leaves and sectors, encodes, and says what came from the disk', async () => {
    let read = 0;
    const diskBytes = () => {
      read += (4 * 1024 + 8 * 8192) / 2;
      return read;
    };
    const given = { ...(await parts()), diskBytes };
    const [first, second] = await measureStorage(given, { params, runs: 2 }, never);
    expect(first).toMatchObject({ leavesPerS: 400, encodedPerS: 200, fromDisk: 0.5 });
    expect(first!.sectorBytesPerS).toBeGreaterThan(0);
    expect(second).toBeDefined();
    const [unknown] = await measureStorage(await parts(), { params, runs: 1 }, never);
    expect(unknown!.fromDisk).toBeUndefined();
  });

  test('ends when it is told to', async () => {
    const stop = new AbortController();
    const onStep = (what: string) => what.endsWith('encoding') && stop.abort(new Error('enough'));
    const work = measureStorage({ ...(await parts()), onStep }, { params, runs: 9 }, stop.signal);
    await expect(work).rejects.toThrow('enough');
  });
});
