import { describe, expect, it } from 'vitest';
import { createHealthWatch } from '../../../src/chain/subtensor/health.js';
import { createVirtualClock } from '../../../src/testing/virtual-clock.js';

const limits = {
  stallBlocks: 10,
  stallMinMs: 15_000,
  headAgeBlocks: 10,
  headAgeMinMs: 60_000,
  finalityLagBlocks: 64,
};

/** A watch over a node that makes a block each slot for as long as it is asked to. */
function watched(slotMs: number) {
  const clock = createVirtualClock();
  const watch = createHealthWatch({ clock, limits, slotMs });
  let number = 0;
  return {
    clock,
    watch,
    sleep: (ms: number) => clock.runUntil(clock.sleep(ms)),
    async blocks(count: number, { delayMs = 0, timed = true } = {}) {
      for (let i = 0; i < count; i++) {
        await clock.runUntil(clock.sleep(slotMs));
        watch.onHead(++number, timed ? clock.now() - delayMs : undefined);
        watch.onFinalized(Math.max(0, number - 3));
      }
    },
  };
}

describe('the health of a node', () => {
  it('is good while heads come, however long', async () => {
    const { watch, blocks } = watched(12_000);
    await blocks(500);
    expect(watch.sickness()).toBeUndefined();
    expect(watch.headAgeMs()).toBe(0);
  });

  it('is stalled after ten block times without a new head', async () => {
    const { watch, blocks, sleep } = watched(12_000);
    await blocks(3, { timed: false });
    await sleep(120_000);
    expect(watch.sickness()).toBeUndefined();
    await sleep(1);
    expect(watch.sickness()).toEqual({ kind: 'stalled', forMs: 120_001 });
    await blocks(1, { timed: false });
    expect(watch.sickness()).toBeUndefined();
  });

  it('is stalled from connecting on when no head comes at all', async () => {
    const { watch, sleep } = watched(12_000);
    await sleep(120_001);
    expect(watch.sickness()).toMatchObject({ kind: 'stalled' });
  });

  it('does not take another block of the same number for progress', async () => {
    const { watch, sleep, clock } = watched(12_000);
    watch.onHead(7);
    for (let i = 0; i < 11; i++) {
      await sleep(12_000);
      watch.onHead(7, clock.now());
    }
    expect(watch.sickness()).toMatchObject({ kind: 'stalled', forMs: 132_000 });
  });

  it('does not take a head that goes to and fro for progress', async () => {
    const { watch, sleep } = watched(12_000);
    for (let i = 0; i < 12; i++) {
      watch.onHead(100 + (i % 2));
      await sleep(12_000);
    }
    // 101 came after the first 12 s
    expect(watch.sickness()).toEqual({ kind: 'stalled', forMs: 132_000 });
  });

  it('gives fast chains fifteen seconds, for a host under load', async () => {
    const { watch, blocks, sleep } = watched(250);
    await blocks(1, { timed: false });
    await sleep(15_000);
    expect(watch.sickness()).toBeUndefined();
    await sleep(1);
    expect(watch.sickness()).toMatchObject({ kind: 'stalled' });
  });

  it('lags when its heads are new to us and old by their own time', async () => {
    const { watch, blocks } = watched(12_000);
    await blocks(5, { delayMs: 120_000 });
    expect(watch.sickness()).toBeUndefined();
    await blocks(1, { delayMs: 120_001 });
    expect(watch.sickness()).toEqual({ kind: 'lagging', ageMs: 120_001 });
  });

  it('is not judged by its clock when its blocks say no time', async () => {
    const { watch, blocks } = watched(12_000);
    await blocks(5, { timed: false });
    expect(watch.headAgeMs()).toBeUndefined();
    expect(watch.sickness()).toBeUndefined();
  });

  it('counts a clock ahead of ours as no age', async () => {
    const { watch, blocks } = watched(12_000);
    await blocks(1, { delayMs: -5_000 });
    expect(watch.headAgeMs()).toBe(0);
  });

  it('is unfinalised when finality falls behind by more than 64 blocks', () => {
    const { watch } = watched(12_000);
    watch.onFinalized(36);
    watch.onHead(100);
    expect(watch.sickness()).toBeUndefined();
    watch.onHead(101);
    expect(watch.sickness()).toEqual({ kind: 'unfinalised', blocks: 65 });
    watch.onFinalized(99);
    expect(watch.sickness()).toBeUndefined();
  });

  it('goes by the new time between blocks after an upgrade', async () => {
    const { watch, sleep } = watched(12_000);
    watch.onHead(1);
    watch.setSlotMs(6_000);
    await sleep(60_001);
    expect(watch.sickness()).toMatchObject({ kind: 'stalled' });
  });
});
