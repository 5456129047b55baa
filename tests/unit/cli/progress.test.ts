import { expect, test } from 'vitest';
import { createProgress } from '../../../src/cli/progress.js';

function onTerminal(options: { total: number; already?: number; isTTY?: boolean }) {
  const written: string[] = [];
  const clock = { ms: 0 };
  const progress = createProgress({
    unit: 'points',
    ...options,
    stream: { isTTY: options.isTTY ?? true, write: (text) => written.push(text) },
    now: () => clock.ms,
  });
  return { progress, clock, written };
}

test('a terminal sees how far it is, how fast it goes and how long it still takes', () => {
  const { progress, clock, written } = onTerminal({ total: 100 });
  progress.update(1);
  clock.ms = 2000;
  progress.update(20.5);
  clock.ms = 40_000;
  progress.update(21);
  clock.ms = 4_000_000;
  progress.update(22);
  progress.end();
  expect(written).toEqual([
    '\r\x1b[K1 of 100 points',
    '\r\x1b[K20 of 100 points, 10.3 points/s, 8 s left',
    '\r\x1b[K21 of 100 points, 0.525 points/s, 2 min 31 s left',
    '\r\x1b[K22 of 100 points, 0.0055 points/s, 3 h 56 min left',
    '\r\x1b[K',
  ]);
});

test('what was there before this run counts as done, not as fast', () => {
  const { progress, clock, written } = onTerminal({ total: 100, already: 50 });
  clock.ms = 1000;
  progress.update(60);
  expect(written).toEqual(['\r\x1b[K60 of 100 points, 10 points/s, 4 s left']);
});

test('is not drawn more often than ten times a second', () => {
  const { progress, clock, written } = onTerminal({ total: 100 });
  for (clock.ms = 0; clock.ms < 1000; clock.ms += 10) progress.update(clock.ms / 10);
  expect(written).toHaveLength(10);
});

test('nothing is written where no terminal is', () => {
  const { progress, written } = onTerminal({ total: 100, isTTY: false });
  progress.update(1);
  progress.end();
  expect(written).toEqual([]);
});
