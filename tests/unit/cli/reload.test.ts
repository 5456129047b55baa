import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Config, loadConfig, minerSchema } from '../../../src/cli/config.js';
import { reloadOnHangup } from '../../../src/cli/reload.js';
import { createLog } from '../../../src/model/log.js';

const OWN = { hotkey: '//Alice', data: '/tmp/x' };
let folder: string;
let config: string;
let lines: Record<string, unknown>[];
let applied: Config<'miner'>[];
let stop: () => void;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'assay-reload-'));
  config = join(folder, 'config.json');
  lines = [];
  applied = [];
  write(OWN);
  const flags = { config, worker: 'by-flag' };
  const log = createLog((line) => lines.push(JSON.parse(line) as Record<string, unknown>));
  stop = reloadOnHangup(
    { log, apply: (next) => void applied.push(next) },
    { role: 'miner', flags, config: loadConfig(minerSchema, flags, {}) },
  );
});
afterEach(() => {
  stop();
  rmSync(folder, { recursive: true });
});

const write = (values: object): void => writeFileSync(config, JSON.stringify(values));
/** As the system would: the signal is ours alone, the test's runner has its own. */
const hangUp = (): void => void process.emit('SIGHUP');

test('applies what may change, and says what needs a restart, as often as it is asked', () => {
  write({ ...OWN, logLevel: 'debug', listed: ['5x'], port: 9000, worker: 'of-the-file' });
  hangUp();
  expect(applied).toHaveLength(1);
  expect(applied[0]).toMatchObject({ logLevel: 'debug', listed: ['5x'], port: 8091, worker: 'by-flag' });
  expect(lines.at(-1)).toMatchObject({ applied: ['logLevel', 'listed'], needsRestart: ['port'] });
  hangUp();
  expect(applied).toHaveLength(1);
  expect(lines.at(-1)).toMatchObject({ applied: [], needsRestart: ['port'] });
  write({ ...OWN, port: 8091 });
  hangUp();
  expect(applied[1]).toMatchObject({ logLevel: 'info', listed: [] });
  expect(lines.at(-1)).toMatchObject({ applied: ['logLevel', 'listed'], needsRestart: [] });
});

test('a webhook is not said', () => {
  write({ ...OWN, webhook: 'https://x.example/planted-secret' });
  hangUp();
  expect(applied[0]).toMatchObject({ webhook: 'https://x.example/planted-secret' });
  expect(JSON.stringify(lines)).not.toContain('planted-secret');
});

test('of a file that is not one nothing is applied', () => {
  for (const bad of ['{', '[]', JSON.stringify({ ...OWN, logLevel: 'debug', hots: 1 })]) {
    writeFileSync(config, bad);
    hangUp();
    expect(lines.at(-1)).toMatchObject({
      level: 'error',
      msg: 'configuration: not read again, nothing changed',
    });
  }
  rmSync(config);
  hangUp();
  expect(lines).toHaveLength(4);
  expect(applied).toEqual([]);
});

test('a role that was started without a file ends by SIGHUP, as processes do', () => {
  const before = process.listenerCount('SIGHUP');
  reloadOnHangup(
    { log: createLog(() => {}), apply: () => {} },
    { role: 'miner', flags: OWN, config: loadConfig(minerSchema, OWN, {}) },
  );
  expect(process.listenerCount('SIGHUP')).toBe(before);
});
