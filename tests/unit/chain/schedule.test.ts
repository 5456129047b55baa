import { describe, expect, it } from 'vitest';
import { toSchedule } from '../../../src/chain/schedule.js';

const stateful = { netuid: 1, block: 130, tempo: 50, lastEpochBlock: 100, epochIndex: 7, pendingEpochAt: 0 };

describe('toSchedule', () => {
  it('takes the chain’s own counters, with a period of tempo', () => {
    expect(toSchedule(stateful)).toEqual({ lastEpochBlock: 100, epochIndex: 7, nextEpochBlock: 150 });
  });

  it('lets a forced epoch come first and a deferred one stand in the past', () => {
    expect(toSchedule({ ...stateful, pendingEpochAt: 140 }).nextEpochBlock).toBe(140);
    expect(toSchedule({ ...stateful, pendingEpochAt: 160 }).nextEpochBlock).toBe(150);
    expect(toSchedule({ ...stateful, pendingEpochAt: undefined }).nextEpochBlock).toBe(150);
  });

  it('knows no next epoch at tempo 0', () => {
    expect(toSchedule({ ...stateful, tempo: 0 }).nextEpochBlock).toBeUndefined();
  });

  it('numbers epochs by the block where the schedule is stateful and the count is not yet', () => {
    // (130 + 1 + 1) / 51 rounded down
    expect(toSchedule({ ...stateful, epochIndex: undefined })).toEqual({
      lastEpochBlock: 100,
      epochIndex: 2,
      nextEpochBlock: 150,
    });
  });

  it('falls back to (block + netuid + 1) mod (tempo + 1) where the runtime has no counters', () => {
    const legacy = {
      netuid: 1,
      tempo: 10,
      lastEpochBlock: undefined,
      epochIndex: undefined,
      pendingEpochAt: undefined,
    };
    // 20 + 1 + 1 = 22 = 2 * 11: an epoch block
    expect(toSchedule({ ...legacy, block: 20 })).toEqual({
      lastEpochBlock: 20,
      epochIndex: 2,
      nextEpochBlock: 31,
    });
    expect(toSchedule({ ...legacy, block: 30 })).toEqual({
      lastEpochBlock: 20,
      epochIndex: 2,
      nextEpochBlock: 31,
    });
    expect(toSchedule({ ...legacy, block: 31 })).toEqual({
      lastEpochBlock: 31,
      epochIndex: 3,
      nextEpochBlock: 42,
    });
  });
});
