import { describe, expect, test } from 'vitest';
import {
  crossing,
  DISKS,
  meanOf,
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
