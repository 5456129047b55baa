import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { print } from '../../../src/cli/output.js';
import { createProgress, eraseProgress, sayWhile } from '../../../src/cli/progress.js';

beforeEach(() => void vi.stubEnv('TERM', 'xterm-256color'));
afterEach(() => {
  eraseProgress();
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

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

test('a terminal that cannot take a line back gets none', () => {
  vi.stubEnv('TERM', 'dumb');
  const { progress, written } = onTerminal({ total: 100 });
  progress.update(1);
  progress.end();
  expect(written).toEqual([]);
});

test('what is printed meanwhile does not stand behind half a line', async () => {
  const seen: string[] = [];
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => seen.push(`out: ${text}`) > 0);
  const stream = { isTTY: true, write: (text: string) => seen.push(`err: ${text}`) };
  const said = await sayWhile(
    'comparing',
    async () => {
      print('a table');
      return 7;
    },
    { stream },
  );
  expect(said).toBe(7);
  expect(seen).toEqual(['err: \r\x1b[Kcomparing …', 'err: \r\x1b[K', 'out: a table\n']);
});

test('a line is never wider than the terminal, or it could not be taken back', async () => {
  const written: string[] = [];
  const stream = { isTTY: true, columns: 20, write: (text: string) => written.push(text) };
  await sayWhile('connecting to wss://node.example.org', async () => {}, { stream });
  expect(written).toEqual(['\r\x1b[Kconnecting to wss:…', '\r\x1b[K']);
});
