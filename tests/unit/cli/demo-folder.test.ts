// Owns: the folder of a run of the demo. Does not own: what a run writes there.
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { demoFolder } from '../../../src/cli/demo/folder.js';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'assay-demo-folder-'));
});
afterEach(() => rmSync(root, { recursive: true }));

test('one that is named is taken as it is, there or not', async () => {
  expect(await demoFolder(root, 'x-')).toBe(root);
  expect(await demoFolder(join(root, 'new'), 'x-')).toBe(join(root, 'new'));
  expect(readdirSync(root)).toEqual([]);
});

test('one with the journals of another run is refused, and left as it is', async () => {
  mkdirSync(join(root, 'validator-a'));
  await expect(demoFolder(root, 'x-')).rejects.toMatchObject({
    code: 'invalid-input',
    message: `--dir ${root}: expected a folder for this run alone, got one with the journals of another: name a new one, or remove it`,
  });
  expect(readdirSync(root)).toEqual(['validator-a']);
});

test('where none is named it is a new temporary one', async () => {
  const dir = await demoFolder(undefined, 'assay-demo-test-');
  try {
    expect(basename(dir)).toMatch(/^assay-demo-test-.{6}$/);
    expect(readdirSync(dir)).toEqual([]);
  } finally {
    rmSync(dir, { recursive: true });
  }
});
