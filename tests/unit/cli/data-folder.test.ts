import { spawnSync } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { assertReached, takeDataFolder } from '../../../src/cli/data-folder.js';
import { VERSION } from '../../../src/model/version.js';

let root: string;
let folder: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'assay-data-'));
  folder = join(root, 'data');
});
afterEach(() => rmSync(root, { recursive: true }));

const state = () => JSON.parse(readFileSync(join(folder, 'state.json'), 'utf8')) as unknown;
/** Every file with its bytes: what "untouched" means. */
const contents = () =>
  readdirSync(folder)
    .filter((name) => !name.startsWith('role.lock'))
    .map((name) => [name, readFileSync(join(folder, name), 'utf8')]);

test('is made for its owner alone, and says what it is', () => {
  takeDataFolder(folder, 'miner');
  expect(statSync(folder).mode & 0o777).toBe(0o700);
  expect(state()).toEqual({ format: 1, role: 'miner', build: VERSION });
});

test('of an earlier build is taken over with all that is in it', () => {
  mkdirSync(folder);
  writeFileSync(join(folder, 'receipts.jsonl'), 'theirs\n');
  takeDataFolder(folder, 'miner');
  expect(state()).toMatchObject({ role: 'miner' });
  expect(readFileSync(join(folder, 'receipts.jsonl'), 'utf8')).toBe('theirs\n');
});

test('a second process is refused by the name of the first, under another name of the folder too', () => {
  takeDataFolder(folder, 'miner');
  const other = join(root, 'link');
  symlinkSync(folder, other);
  for (const path of [folder, other])
    expect(() => takeDataFolder(path, 'miner')).toThrow(
      new RegExp(
        `expected a folder that no other process uses, got one that process ${process.pid} holds since \\d{4}-`,
      ),
    );
});

test('what a process that was killed left behind keeps nobody out', () => {
  mkdirSync(folder);
  const { pid } = spawnSync(process.execPath, ['--version']);
  writeFileSync(join(folder, 'role.lock'), `${pid} ${hostname()} 1 2026-01-02T03:04:05.678Z\n`);
  writeFileSync(join(folder, 'state.json.part'), '{"for');
  takeDataFolder(folder, 'miner');
  expect(state()).toMatchObject({ format: 1 });
});

test('of a newer build is refused by name, and of another role; nothing in it changes', () => {
  mkdirSync(folder);
  const cases: [string, RegExp][] = [
    [
      '{"format":2,"role":"miner","build":"9.1.0","more":[1]}',
      /one of format 2, which assay 9\.1\.0 wrote: start that build/,
    ],
    [
      '{"format":1,"role":"validator","build":"0.1.0"}',
      /expected the folder of a miner, got that of a validator/,
    ],
    ['{"format":1', /expected \{"format", "role", "build"\}/],
  ];
  for (const [text, why] of cases) {
    writeFileSync(join(folder, 'state.json'), text);
    const before = contents();
    expect(() => takeDataFolder(folder, 'miner')).toThrow(why);
    expect(contents()).toEqual(before);
    rmSync(join(folder, 'role.lock'), { force: true });
  }
});

test('of a localnet that was begun anew is refused by the block of its newest event; one that is a little ahead is not', () => {
  expect(() => assertReached('data/validator', [{ block: 900 }, { block: 926 }], 101)).toThrow(
    'expected the folder of this localnet, which is at block 101, got one with an event of block 926, of a chain before it',
  );
  for (const events of [[], [{ block: 101 }], [{ block: 133 }]])
    expect(() => assertReached('data/validator', events, 101)).not.toThrow();
  expect(() => assertReached('data/validator', [{ block: 134 }], 101)).toThrow('--data data/validator');
});
