import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ConfigRole, ROLES } from '../../../src/cli/config.js';
import { variableOf } from '../../../src/cli/config-keys.js';
import { unitFor } from '../../../src/cli/init/units.js';
import { LIVE } from '../../../src/cli/reload.js';

const FOLDER = 'ops/systemd';
const UNITS = readdirSync(FOLDER);
/** More than this, of 10, and a unit gives away what it need not. */
const MOST_EXPOSED = 2;
const ROLE_OF: Readonly<Record<string, ConfigRole | undefined>> = {
  'assay-validator.service': 'validator',
  'assay-validator-worker@.service': 'validator-worker',
  'assay-miner.service': 'miner',
  'assay-miner-host.service': 'miner-host',
};

const analyze = (...args: string[]) => {
  const { status, stdout, stderr } = spawnSync('systemd-analyze', args, {
    encoding: 'utf8',
    timeout: 20_000,
  });
  return { status, text: `${stdout}${stderr}` };
};
const hasAnalyze = spawnSync('systemd-analyze', ['--version']).status === 0;
if (!hasAnalyze) console.log('systemd units: not verified, there is no systemd-analyze on the PATH');

const root = mkdtempSync(join(tmpdir(), 'assay-units-'));
/** A machine on which assay is installed. */
beforeAll(() => {
  if (!hasAnalyze) return;
  for (const folder of ['etc/systemd', 'usr/local/bin', 'usr/bin', 'bin'])
    mkdirSync(join(root, folder), { recursive: true });
  for (const program of ['usr/local/bin/assay', 'usr/bin/env', 'bin/kill'])
    writeFileSync(join(root, program), '#!/bin/sh\n', { mode: 0o755 });
  cpSync('/lib/systemd/system', join(root, 'lib/systemd/system'), {
    recursive: true,
    verbatimSymlinks: true,
  });
  cpSync(FOLDER, join(root, 'etc/systemd/system'), { recursive: true });
});
afterAll(() => rmSync(root, { recursive: true }));

describe.each(UNITS)('%s', (unit) => {
  const text = readFileSync(join(FOLDER, unit), 'utf8');

  test.runIf(hasAnalyze)('is what systemd understands, every line of it', () => {
    const { status, text: said } = analyze('verify', '--man=no', `--root=${root}`, unit.replace('@.', '@1.'));
    const lines = said.split('\n').filter((line) => line.includes('assay'));
    expect(lines).toEqual([]);
    expect(status).toBe(0);
  });

  test.runIf(hasAnalyze)(`is exposed by ${MOST_EXPOSED} of 10 at most`, () => {
    const { text: said } = analyze('security', '--offline=yes', join(FOLDER, unit));
    const level = /Overall exposure level for \S+: ([\d.]+)/.exec(said)?.[1];
    expect(Number(level)).toBeLessThanOrEqual(MOST_EXPOSED);
  });

  test('has no key in the environment, a user of its own, a bound on memory, and ends in time', () => {
    const values = (name: string) =>
      [...text.matchAll(new RegExp(`^${name}=(.*)$`, 'gm'))].map(([, value]) => value);
    expect(values('DynamicUser')).toEqual(['yes']);
    expect(values('TimeoutStopSec')).toEqual(['15']);
    expect(values('Restart')).toEqual(['on-failure']);
    expect(values('MemoryMax')).toHaveLength(1);
    expect(values('LoadCredential')).toHaveLength(1);
    for (const pair of values('Environment')[0]!.split(' ')) expect(pair).toMatch(/^ASSAY_[A-Z_]+=%[dS]\//);
  });

  const role = ROLE_OF[unit];
  test.runIf(role)('sets variables that its role has', () => {
    const known = Object.keys(ROLES[role!].shape).map(variableOf);
    const set = [.../^Environment=(.*)$/m.exec(text)![1]!.matchAll(/(ASSAY_\w+)=/g)].map(([, name]) => name);
    expect(known).toEqual(expect.arrayContaining(set));
  });

  test.runIf(role)('can be reloaded if its role hears SIGHUP: another one ends by it', () => {
    expect(/^ExecReload=/m.test(text)).toBe(Object.hasOwn(LIVE, role!));
  });
});

describe.each([
  ['subnet', 'miner'],
  ['subnet', 'validator'],
  ['miner', 'miner'],
  ['validator', 'validator'],
] as const)('the unit that init writes in a project of a %s, for its %s', (kind, role) => {
  const unit = `alpha-${kind}-${role}.service`;
  const text = unitFor(readFileSync(join(FOLDER, `assay-${role}.service`), 'utf8'), {
    role,
    kind,
    name: 'alpha',
  });

  test.runIf(hasAnalyze)('is what systemd understands, every line of it', () => {
    writeFileSync(join(root, 'etc/systemd/system', unit), text);
    const { status, text: said } = analyze('verify', '--man=no', `--root=${root}`, unit);
    expect(said.split('\n').filter((line) => line.includes('alpha'))).toEqual([]);
    expect(status).toBe(0);
  });
});
