// The guides for operators: blocks that need neither root nor a chain are run as they stand, in folders of the test's own; what
// else they say is held to schemas and alert rules. Blocks after `<!-- not run: why -->` were followed by hand.
import { execFile } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ROLES } from '../../../src/cli/config.js';

const ROOT = new URL('../../../', import.meta.url).pathname;
const GUIDES = {
  validator: 'docs/guide/operate-validator.md',
  miner: 'docs/guide/operate-miner.md',
} as const;
const textOf = (guide: keyof typeof GUIDES): string => readFileSync(join(ROOT, GUIDES[guide]), 'utf8');

interface Block {
  readonly whyNot: string | undefined;
  readonly commands: string;
}
const blocksOf = (text: string): Block[] =>
  [...text.matchAll(/(?:<!-- not run: ([^\n]+) -->\n)?```sh\n(.*?)```/gs)].map(([, whyNot, commands]) => ({
    whyNot,
    commands: commands!,
  }));

let machine: string;
beforeAll(async () => {
  machine = mkdtempSync(join(tmpdir(), 'assay-guide-'));
  for (const folder of ['bin', 'home', 'etc/assay/keys', 'var/lib/assay/miner'])
    mkdirSync(join(machine, folder), { recursive: true });
  const program = join(machine, 'bin/assay');
  // compiled once: a process from sources loads a compiler first
  await build({
    entryPoints: [join(ROOT, 'src/cli/main.ts')],
    outdir: join(machine, 'dist'),
    bundle: true,
    splitting: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    outExtension: { '.js': '.mjs' },
    logLevel: 'error',
  });
  symlinkSync(join(ROOT, 'node_modules'), join(machine, 'node_modules'));
  writeFileSync(program, `#!/bin/sh\nexec "${process.execPath}" "${machine}/dist/main.mjs" "$@"\n`);
  chmodSync(program, 0o755);
});
afterAll(() => rmSync(machine, { recursive: true }));

/** As on a machine of its own: its folders, its home, nothing of our environment. */
const follow = (commands: string) =>
  promisify(execFile)(
    '/bin/sh',
    ['-ec', commands.replaceAll(/(?<=\s)\/(etc|var\/lib)\/assay/g, `${machine}/$1/assay`)],
    {
      cwd: machine,
      timeout: 60_000,
      env: { HOME: join(machine, 'home'), PATH: `${join(machine, 'bin')}:/usr/bin:/bin` },
    },
  );

describe.each(Object.keys(GUIDES) as (keyof typeof GUIDES)[])('the guide for a %s', (role) => {
  const text = textOf(role);
  const blocks = blocksOf(text);

  test('has its commands, and says of each that is not run why', () => {
    expect(blocks.length).toBeGreaterThan(12);
    expect(blocks.filter(({ whyNot }) => whyNot === undefined).length).toBeGreaterThan(3);
    for (const { whyNot, commands } of blocks)
      if (whyNot === undefined) expect(commands).not.toMatch(/systemctl|apt-get|chgrp|groupadd|--network/);
  });

  test('is followed, one block after the other', { timeout: 120_000 }, async () => {
    for (const { whyNot, commands } of blocks) if (whyNot === undefined) await follow(commands);
    const config = readFileSync(join(machine, `etc/assay/${role}.json`), 'utf8');
    expect(config).toContain(`"role": "${role}"`);
  });

  test('shows keys that its configuration has, with values that it takes', () => {
    const shown = [...text.matchAll(/```json\n( .*?)```/gs)].map(([, block]) =>
      block!.trim().replace(/,$/, ''),
    );
    expect(shown.length).toBeGreaterThan(1);
    for (const block of shown) {
      const values = JSON.parse(`{${block}}`) as Record<string, unknown>;
      expect(ROLES[role].partial().strict().safeParse(values).error?.issues ?? []).toEqual([]);
    }
  });
});

test('every alert has its line in one of them', () => {
  const rules = readFileSync(join(ROOT, 'ops/prometheus/assay.rules.yml'), 'utf8');
  const alerts = [...rules.matchAll(/- alert: (\w+)/g)].map(([, name]) => name!);
  const told = new Set(
    [...`${textOf('validator')}${textOf('miner')}`.matchAll(/`(Assay\w+)`/g)].map(([, name]) => name!),
  );
  expect([...told].sort()).toEqual([...alerts].sort());
});

test('every alert that a webhook is told has its line', () => {
  const types = [
    'src/cli/chain-watchman.ts',
    'src/validator/status.ts',
    'src/validator/queue/bull-queue.ts',
    'src/miner/status.ts',
  ];
  const kinds = types.flatMap((file) => {
    const [, union] = /export type \w*Alert =(.*?)\n(?=\n|$)/s.exec(readFileSync(join(ROOT, file), 'utf8'))!;
    return [...union!.matchAll(/readonly kind: '([a-z-]+)'/g)].map(([, kind]) => kind!);
  });
  const [table] = /\| `kind` \|.*?\n\n/s.exec(readFileSync(join(ROOT, 'docs/guide/chain-down.md'), 'utf8'))!;
  const told = table
    .split('\n')
    .slice(2)
    .flatMap((row) => [...(row.split('|')[1]?.matchAll(/`([a-z-]+)`/g) ?? [])].map(([, kind]) => kind!));
  expect(kinds.length).toBeGreaterThan(12);
  expect(told.sort()).toEqual(kinds.sort());
});
