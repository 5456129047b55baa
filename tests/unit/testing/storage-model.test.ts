import { describe, expect, test } from 'vitest';
import {
  crossing,
  DISKS,
  meanOf,
  mostRead,
  readOf,
  sectorsPerS,
  storageOutcome,
  survives,
} from '../../../src/testing/liars/storage-model.js';
import { missingShare, storageParamsByClass } from '../../../src/verification/kinds/storage/params.js';

const nvme = storageParamsByClass('nvme')!;
const honest = { sectors: 2 ** 20, missingShare: 0, regeneratedPerS: 0, disk: DISKS.nvme, networkMs: 100 };

describe('what a cheat with storage can do', () => {
  test('honest disks answer everything; a disk that turns does not', () => {
    expect(storageOutcome(nvme, honest)).toMatchObject({ unanswered: 0, acceptance: 1 });
    expect(storageOutcome(nvme, { ...honest, disk: DISKS.sata }).acceptance).toBe(1);
    expect(storageOutcome(nvme, { ...honest, disk: DISKS.turning }).acceptance).toBeLessThan(1e-100);
  });

  test('what is missing shows, a per cent of it in half of the sessions', () => {
    const missing = (share: number): number =>
      storageOutcome(nvme, { ...honest, missingShare: share }).acceptance;
    expect(missing(0.01)).toBeCloseTo(0.526, 2);
    expect(missing(0.05)).toBeLessThan(0.04);
    expect(missing(1)).toBe(0);
  });

  test('a regenerator is stopped where its sectors a second run out, and credit already leaves that out', () => {
    const regenerating = (perS: number): number =>
      crossing(nvme, { ...honest, regeneratedPerS: perS, networkMs: 0 })!;
    expect(regenerating(252)).toBeCloseTo(0.015 + 0.011, 2); // 64 cores
    expect(regenerating(1200)).toBeCloseTo(missingShare(nvme) + 0.011, 2);
    // with what the class assumes, dropping that share is accepted, and pays nothing
    const share = missingShare(nvme) * 0.95;
    const cheat = { ...honest, missingShare: share, regeneratedPerS: 1200, networkMs: 0 };
    const { acceptance, expectedBytes, storedBytes } = storageOutcome(nvme, cheat);
    expect(acceptance).toBeGreaterThan(0.99);
    expect(expectedBytes).toBeLessThan(storedBytes);
  });

  test('a disk that turns loses most of its rate to sectors that lie anywhere; a solid-state one nothing', () => {
    expect(sectorsPerS(DISKS.nvme, nvme)).toBeCloseTo(5e9 / 2 ** 20, 6);
    // 8 ms of seek and 5.24 ms of transfer
    expect(sectorsPerS(DISKS.turning, nvme)).toBeCloseTo(75.5, 1);
    // small ones wait for their turn in the queue
    expect(sectorsPerS(DISKS.nvme, { ...nvme, sectorBlocks: 4 })).toBeCloseTo(32_000 / (0.09 + 0.0008192), 3);
  });

  test('a range ends with the first sector that the disk has no time for', () => {
    const isHeld = (sector: number): boolean => sector < 10;
    expect(readOf([1, 20, 2, 30, 3, 40, 4], isHeld, 2)).toBe(5);
    expect(readOf([20], isHeld, 0)).toBe(0);
    expect(readOf([1, 2, 3], isHeld, 0)).toBe(3);
  });

  test('memory adds its share to a rate, and trying many orders some per cent more', () => {
    const held = { fromDisk: 4096, heldShare: 1 / 4 };
    const mean = 4096 / (1 - 1 / 4);
    const gain = (tries: number): number => (100 * mostRead(held, { tries, chance: 1e-3 })) / mean - 100;
    // those of docs/proofs/storage.md
    expect([1, 2 ** 20, 2 ** 30, 2 ** 40].map((tries) => gain(tries).toFixed(1))).toEqual([
      '3.0',
      '5.2',
      '6.1',
      '6.9',
    ]);
    expect(mostRead({ ...held, heldShare: 1e-12 }, { tries: 1, chance: 1e-3 })).toBeLessThan(4097);
  });

  test('what is read at most is more than chance gives, by not much', () => {
    // exact: the chance that of n drawn one by one from a large plot at least n - d are held
    const [fromDisk, heldShare] = [50, 0.2];
    const atLeast = (n: number): number => meanOf(n, heldShare, (held) => (held >= n - fromDisk ? 1 : 0));
    for (const chance of [1e-2, 1e-4, 1e-8]) {
      const most = mostRead({ fromDisk, heldShare }, { tries: 1, chance });
      expect(atLeast(Math.floor(most) + 1)).toBeLessThan(chance);
      expect(atLeast(Math.floor(most) - 5)).toBeGreaterThan(chance / 10);
    }
  });

  test('a narrow encoding falls to 64 cores whole: 4 ms a leaf, as first designed', () => {
    const leavesPerS = 64 / 0.004;
    expect(crossing(nvme, { ...honest, regeneratedPerS: leavesPerS, networkMs: 0 })).toBeGreaterThan(0.97);
  });

  test('wrong encodings outlive few of those that are made', () => {
    expect(survives(0.05, 64)).toBeCloseTo(0.0375, 4);
    expect(survives(1, 1)).toBe(0);
  });

  test('means over a binomial are right where its chances are too small for a double', () => {
    expect(meanOf(65_536, 0.5, (count) => count)).toBeCloseTo(32_768, 3);
    expect(meanOf(10, 0.3, (count) => count)).toBeCloseTo(3, 9);
    expect(meanOf(4, 1, (count) => count)).toBe(4);
  });
});
