import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { readInputJson, readInputText } from '../../../src/cli/input-text.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'assay-input-'));
});
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true });
});

const limits = { maxBytes: 10, names: (path: string) => ['one', `${path.length}`] };

function fileOf(content: string | Uint8Array): string {
  const path = join(folder, 'in');
  writeFileSync(path, content);
  return path;
}

test('a byte order mark is taken away', async () => {
  expect(await readInputJson(fileOf('\ufeff{"a":1}'), limits)).toEqual({ a: 1 });
});

test('- is standard input, in pieces of any size', async () => {
  const pieces = Readable.from([Buffer.from('"\xc3', 'latin1'), Buffer.from('\xa4"', 'latin1')]);
  vi.spyOn(process, 'stdin', 'get').mockReturnValue(pieces as typeof process.stdin);
  expect(await readInputJson('-', limits)).toBe('ä');
});

test('as many bytes as are allowed, and not one more, with a size or without', async () => {
  expect(await readInputText(fileOf('x'.repeat(10)), limits)).toHaveLength(10);
  for (const path of [fileOf('x'.repeat(11)), '/dev/zero'])
    await expect(readInputText(path, limits)).rejects.toThrow(`${path}: expected at most 10 bytes, got more`);
});

test('what is no file, no UTF-8 or no JSON is refused with its path and place', async () => {
  await expect(readInputText('no', limits)).rejects.toThrow(
    'no: expected one of one, 2, or a JSON file, got neither',
  );
  await expect(readInputText('no', { maxBytes: 10 })).rejects.toThrow('no: expected a file that can be read');
  await expect(readInputText(folder, limits)).rejects.toThrow(`${folder}: expected a file that can be read`);
  await expect(readInputText(fileOf(Uint8Array.of(0xff)), limits)).rejects.toThrow('expected UTF-8');
  await expect(readInputJson(fileOf('{\n  oops'), limits)).rejects.toMatchObject({
    code: 'invalid-input',
    message: expect.stringContaining('expected JSON, got in line 2, column 3 something else'),
  });
});
