import { describe, expect, test } from 'vitest';
import { withTimeout } from '../../../src/model/clock.js';
import { createVirtualClock } from '../../../src/testing/virtual-clock.js';

describe('a virtual clock', () => {
  test('stands still until it runs, then jumps from sleeper to sleeper', async () => {
    const clock = createVirtualClock(1_000_000);
    const seen: [string, number, number][] = [];
    const note = (name: string) => seen.push([name, clock.monotonic(), clock.now()]);
    const all = Promise.all([
      clock.sleep(3_600_000).then(() => note('hour')),
      clock.sleep(10).then(() => note('ten')),
      clock.sleep(10).then(() => note('ten again')),
      clock.sleep(0).then(() => note('now')),
    ]);
    expect(clock.monotonic()).toBe(0);
    await clock.runUntil(all);
    expect(seen).toEqual([
      ['now', 0, 1_000_000],
      ['ten', 10, 1_000_010],
      ['ten again', 10, 1_000_010],
      ['hour', 3_600_000, 4_600_000],
    ]);
  });

  test('lets everything run that can before it jumps, promise chains and immediates too', async () => {
    const clock = createVirtualClock();
    const seen: string[] = [];
    const other = clock.sleep(5).then(() => seen.push('five'));
    const long = (async () => {
      await clock.sleep(1);
      for (let i = 0; i < 1000; i++) await Promise.resolve();
      await new Promise((resolve) => setImmediate(resolve));
      seen.push(`after the chain, at ${clock.monotonic()}`);
      await clock.sleep(2);
      seen.push(`three, at ${clock.monotonic()}`);
    })();
    await clock.runUntil(Promise.all([other, long]));
    expect(seen).toEqual(['after the chain, at 1', 'three, at 3', 'five']);
  });

  test('a sleep ends at once when its signal aborts, and an aborted one is not waited for', async () => {
    const clock = createVirtualClock();
    const stop = new AbortController();
    const sleeping = clock.sleep(1000, stop.signal);
    await clock.runUntil(
      clock.sleep(10).then(() => {
        stop.abort();
        return sleeping;
      }),
    );
    expect(clock.monotonic()).toBe(10);
    await clock.runUntil(clock.sleep(1000, stop.signal));
    expect(clock.monotonic()).toBe(10);
  });

  test('fractions of a millisecond add up, the wall clock shows whole ones', async () => {
    const clock = createVirtualClock(1000);
    await clock.runUntil(
      (async () => {
        for (let i = 0; i < 4; i++) await clock.sleep(0.25);
        await clock.sleep(0.5);
      })(),
    );
    expect([clock.monotonic(), clock.now()]).toEqual([1.5, 1001]);
  });

  test('rejects when everything waits and nothing sleeps', async () => {
    const clock = createVirtualClock();
    await expect(clock.runUntil(new Promise(() => {}))).rejects.toThrow(
      'virtual clock: everything waits and nothing sleeps',
    );
  });

  test('gives what was waited for: its value, or its error', async () => {
    const clock = createVirtualClock();
    expect(await clock.runUntil(clock.sleep(1).then(() => 'done'))).toBe('done');
    const error = new Error('broken');
    await expect(clock.runUntil(Promise.reject(error))).rejects.toBe(error);
    const late = withTimeout(clock, 50, new Promise(() => {}), () => error);
    await expect(clock.runUntil(late)).rejects.toBe(error);
    expect(clock.monotonic()).toBe(51);
  });
});
