import { describe, expect, it } from 'vitest';
import {
  activityCutoffBlocks,
  blocksUntilNextEpoch,
  initialLastEpochBlock,
  nextEpochBlock,
  shouldRunEpoch,
} from '../../../src/emissions/schedule.js';

const schedule = { tempo: 360, lastEpochBlock: 1000, pendingEpochAt: 0, blocksSinceLastStep: 0 };

describe('epoch schedule', () => {
  it('runs an epoch every tempo blocks, and stays due until it ran', () => {
    expect(shouldRunEpoch(schedule, 1359)).toBe(false);
    expect(shouldRunEpoch(schedule, 1360)).toBe(true);
    expect(shouldRunEpoch(schedule, 1400)).toBe(true);
  });

  it('never runs at tempo 0', () => {
    const stopped = { ...schedule, tempo: 0, pendingEpochAt: 1, blocksSinceLastStep: 60_000 };
    expect(shouldRunEpoch(stopped, 5000)).toBe(false);
    expect(nextEpochBlock(stopped)).toBeUndefined();
    expect(blocksUntilNextEpoch(stopped, 5000)).toBe(Number.POSITIVE_INFINITY);
  });

  it('runs a triggered or deferred epoch from its block on', () => {
    const pending = { ...schedule, pendingEpochAt: 1100 };
    expect(shouldRunEpoch(pending, 1099)).toBe(false);
    expect(shouldRunEpoch(pending, 1100)).toBe(true);
    expect(nextEpochBlock(pending)).toBe(1100);
    expect(nextEpochBlock({ ...schedule, pendingEpochAt: 2000 })).toBe(1360);
  });

  it('runs one after 50400 blocks without a successful epoch', () => {
    expect(shouldRunEpoch({ ...schedule, blocksSinceLastStep: 50_400 }, 1001)).toBe(false);
    expect(shouldRunEpoch({ ...schedule, blocksSinceLastStep: 50_401 }, 1001)).toBe(true);
  });

  it('counts the blocks to the next epoch, 0 when overdue', () => {
    expect(blocksUntilNextEpoch(schedule, 1100)).toBe(260);
    expect(blocksUntilNextEpoch(schedule, 2000)).toBe(0);
    expect(nextEpochBlock(schedule)).toBe(1360);
  });

  it('staggers new subnets by their number', () => {
    expect(initialLastEpochBlock(5, 360, 1000)).toBe(995);
    expect(initialLastEpochBlock(365, 360, 1000)).toBe(995);
    expect(initialLastEpochBlock(5, 360, 2)).toBe(0);
    expect(initialLastEpochBlock(5, 0, 1000)).toBe(1000);
  });

  it('derives the activity cutoff from the factor in thousandths', () => {
    expect(activityCutoffBlocks(13_889, 360)).toBe(5000);
    expect(activityCutoffBlocks(13_889, 1)).toBe(13);
    expect(activityCutoffBlocks(13_889, 0)).toBe(1);
  });
});
