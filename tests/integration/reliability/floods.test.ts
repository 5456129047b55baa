// A small one of `npm run reliability -- floods`, over real processes: what hangs on how busy this machine is, is left to the command.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type FloodSeen, judgeFloods } from '../../../reliability/floods/judge.js';
import { soak } from '../../../reliability/floods/soak.js';
import { unitsMalloc } from '../../../reliability/malloc.js';
import { settingsOf } from '../../../reliability/soak.js';

const PROGRAM = [
  ...['--import', import.meta.resolve('tsx')],
  fileURLToPath(new URL('../../../src/cli/main.ts', import.meta.url)),
];

let dir = '';
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'assay-floods-'));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

test('a miner that is flooded lives, does not grow, and goes on with its events', async () => {
  const timing = { blockTimeMs: '100', windowMs: '1500', leadMs: '1000', eventMs: '2000' };
  const settings = settingsOf(soak, { ...timing, events: '1', floods: '2' });
  if (typeof settings === 'string') throw new TypeError(settings);
  const input = { seed: 'test', minutes: 1, settings, program: PROGRAM, dir, say: () => {} };
  const { claims, figures } = await soak.run(input, AbortSignal.timeout(170_000));
  expect(claims.filter(({ holds, timing }) => !holds && !timing)).toEqual([]);
  expect(figures.length).toBe(8);
}, 180_000);

test('one that died, grew, was not reached or lost an event is said by name', () => {
  const flood: FloodSeen = {
    name: 'pings',
    unit: 'frame',
    done: 1000,
    seconds: 10,
    attackerCpuMs: 200,
    minerCpuMs: 500,
    rssMiB: 150,
    heldMiB: 45,
    events: 3,
    accepted: 3,
  };
  const before = { rssMiB: 100, heldMiB: 40, events: 2, accepted: 2 };
  const broken = (of: Partial<FloodSeen>, deaths: string[] = []) =>
    judgeFloods([{ ...flood, ...of }], before, deaths)
      .claims.filter(({ holds }) => !holds)
      .map(({ found }) => found);
  expect(broken({})).toEqual([]);
  expect(broken({}, ['miners 0 SIGSEGV'])).toEqual(['miners 0 SIGSEGV']);
  expect(broken({ done: 0 })).toEqual(['pings']);
  expect(broken({ accepted: 2 })).toEqual(['pings: 2 of 3']);
  expect(broken({ rssMiB: 291 })).toEqual([]);
  expect(broken({ rssMiB: 292 })).toEqual(['100 MiB before, 292 MiB at most']);
  expect(broken({ heldMiB: 71.9 })).toEqual([]);
  expect(broken({ heldMiB: 72 })).toEqual(['40.0 MiB before, 72.0 MiB at most']);
  const late = judgeFloods([flood], before, [], ['resets']).claims.filter(({ holds }) => !holds);
  expect(late.map(({ found }) => found)).toEqual(['resets']);
  expect(judgeFloods([flood], before, []).figures.map(({ value }) => value)).toEqual([100, 200, 500, 5]);
});

test('processes of soaks have memory as the units of systemd say', () => {
  const said = { MALLOC_ARENA_MAX: '2', MALLOC_MMAP_THRESHOLD_: '131072' };
  expect(unitsMalloc('miner')).toEqual(said);
  expect(unitsMalloc('validator')).toEqual(said);
});
