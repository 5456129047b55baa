// Small ones, over real processes: what hangs on how busy this machine is, is left to the command.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { soak as crowd } from '../../../reliability/crowd/soak.js';
import { soak as kills } from '../../../reliability/kills/soak.js';
import { type Findings, type Soak, settingsOf } from '../../../reliability/soak.js';

const PROGRAM = [
  ...['--import', import.meta.resolve('tsx')],
  fileURLToPath(new URL('../../../src/cli/main.ts', import.meta.url)),
];

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'assay-soak-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

async function small(soak: Soak, minutes: number, set: Readonly<Record<string, string>>): Promise<Findings> {
  const settings = settingsOf(soak, set);
  if (typeof settings === 'string') throw new TypeError(settings);
  const input = { seed: 'test', minutes, settings, program: PROGRAM, dir, say: () => {} };
  return soak.run(input, AbortSignal.timeout(400_000));
}

const broken = ({ claims }: Findings) => claims.filter(({ holds, timing }) => !holds && !timing);
const figure = ({ figures }: Findings, name: string) => figures.find(({ what }) => what === name)?.value;

test('validators, a miner and a chain that are killed lose and double nothing', async () => {
  const set = { kills: '4', blockTimeMs: '100', redis: '0', miners: '1', quietEvents: '1', epochsAfter: '0' };
  const found = await small(kills, 0.2, set);
  expect(broken(found)).toEqual([]);
  expect(found.claims.length).toBeGreaterThan(10);
  expect(figure(found, 'outcomes')).toBeGreaterThan(2);
}, 420_000);

test('of fifty miners those that lie are neither accepted nor paid', async () => {
  const set = {
    miners: '50',
    processes: '1',
    blockTimeMs: '100',
    windowMs: '1500',
    leadMs: '1000',
    eventMs: '2000',
  };
  const found = await small(crowd, 0.3, set);
  expect(broken(found)).toEqual([]);
  expect(figure(found, 'sessions')).toBeGreaterThanOrEqual(50);
}, 420_000);
