import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openWholeFile } from '../../../src/cli/whole-file.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'assay-whole-file-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const at = (name: string): string => join(folder, name);
const open = (path: string) => openWholeFile(path, `--out ${path}`);

test('a new file appears when it is written, and nothing beside it', async () => {
  const file = await open(at('new'));
  expect(file).toMatchObject({ target: at('new'), exists: false });
  expect(readdirSync(folder)).toEqual([]);
  await file.write('text');
  expect(readdirSync(folder)).toEqual(['new']);
  expect(readFileSync(at('new'), 'utf8')).toBe('text');
});

test('what is there is replaced whole and keeps its mode', async () => {
  writeFileSync(at('old'), 'a longer text');
  chmodSync(at('old'), 0o600);
  const file = await open(at('old'));
  expect(file.exists).toBe(true);
  await file.write('text');
  expect(readFileSync(at('old'), 'utf8')).toBe('text');
  expect(statSync(at('old')).mode & 0o777).toBe(0o600);
});

test('a link stays a link, and its target is written, there already or not', async () => {
  mkdirSync(at('elsewhere'));
  symlinkSync('elsewhere/target', at('middle'));
  symlinkSync('middle', at('link'));
  for (const text of ['first', 'second']) {
    const file = await open(at('link'));
    expect(file).toMatchObject({ target: at('elsewhere/target'), exists: text === 'second' });
    await file.write(text);
    expect(readFileSync(at('elsewhere/target'), 'utf8')).toBe(text);
  }
  expect(lstatSync(at('link')).isSymbolicLink()).toBe(true);
  expect(lstatSync(at('middle')).isSymbolicLink()).toBe(true);
  expect(readdirSync(at('elsewhere'))).toEqual(['target']);
});

test('a pipe, a device, a folder and a place that cannot be are refused, and stay as they are', async () => {
  execFileSync('mkfifo', [at('pipe')]);
  symlinkSync('/dev/null', at('null'));
  symlinkSync('round', at('round'));
  writeFileSync(at('file'), '');
  const refused: [string, string][] = [
    [at('pipe'), 'expected a regular file, got a pipe'],
    [at('null'), 'expected a regular file, got a device'],
    ['/dev/null', 'expected a regular file, got a device'],
    [folder, 'expected a regular file, got a folder'],
    [at('round'), 'expected a file that can be written'],
    [at('file/x'), 'expected a file that can be written'],
    [at('none/x'), 'expected a file in a folder that can be written to'],
    [at('n'.repeat(300)), 'expected a file that can be written'],
  ];
  for (const [path, message] of refused)
    await expect(open(path)).rejects.toMatchObject({
      code: 'invalid-input',
      message: expect.stringContaining(`--out ${path}: ${message}`),
    });
  expect(statSync(at('pipe')).isFIFO()).toBe(true);
  expect(readdirSync(folder).sort()).toEqual(['file', 'null', 'pipe', 'round']);
});

const isRoot = process.getuid?.() === 0;
console.warn(
  isRoot
    ? 'skipped: a read-only file, root may write everything'
    : 'skipped: files of other owners, which root alone makes',
);

test.skipIf(isRoot)('a file that is read-only is refused', async () => {
  writeFileSync(at('kept'), 'text');
  chmodSync(at('kept'), 0o444);
  await expect(open(at('kept'))).rejects.toThrow('got one that is read-only');
});

test('a write that fails leaves nothing behind', async () => {
  const file = await open(at('out'));
  mkdirSync(at('out'));
  await expect(file.write('text')).rejects.toMatchObject({
    code: 'invalid-input',
    cause: { code: 'EISDIR' },
  });
  expect(readdirSync(folder)).toEqual(['out']);
  expect(existsSync(at('out'))).toBe(true);
});

test.skipIf(!isRoot)('what root writes belongs to whoever has the folder, or had the file', async () => {
  chownSync(folder, 61_234, 61_235);
  await (await open(at('new'))).write('text');
  expect(statSync(at('new'))).toMatchObject({ uid: 61_234, gid: 61_235 });
  chownSync(at('new'), 0, 0);
  await (await open(at('new'))).write('text');
  expect(statSync(at('new'))).toMatchObject({ uid: 0, gid: 0 });
});
