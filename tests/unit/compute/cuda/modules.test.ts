import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { createCudaPlan, type ModuleName, productModulesOf } from '../../../../src/compute/cuda/kernels.js';
import { readModule } from '../../../../src/compute/cuda/modules.js';
import { parsePtx } from '../../../support/ptx/parse.js';

const shipped = new URL('../../../../src/compute/cuda/kernels/', import.meta.url);
const scratch = await mkdtemp(join(tmpdir(), 'assay-kernels-'));
const folder = pathToFileURL(`${scratch}/`);

async function edit(name: string, change: (text: string) => string): Promise<void> {
  const file = new URL(name, folder);
  await writeFile(file, change(await readFile(file, 'utf8')));
}

describe('kernels that ship', () => {
  beforeEach(() => cp(shipped, scratch, { recursive: true }));
  afterAll(() => rm(scratch, { recursive: true }));

  test('have all that is started, in text that drivers from CUDA 11.8 on read, or one for Hopper from 12.0 on', async () => {
    const targets: Partial<Record<ModuleName, readonly string[]>> = {
      product: ['7.8', 'sm_80'],
      'product-f16': ['7.8', 'sm_80'],
      'product-hopper': ['8.0', 'sm_90a'],
    };
    for (const product of ['product', 'product-f16', 'product-turing', 'product-hopper'] as const)
      for (const { name, entries } of createCudaPlan(product, 132).modules) {
        const module = parsePtx(await readModule(name));
        expect([...module.entries.keys()].sort()).toEqual([...entries].sort());
        expect([module.version, module.target]).toEqual(targets[name] ?? ['7.8', 'sm_75']);
      }
  });

  test('are refused when they are not made of the source beside them', async () => {
    await edit('hash.cu', (text) => `${text}\n`);
    await expect(readModule('hash', folder)).rejects.toMatchObject({
      code: 'unsupported',
      data: { what: 'kernels hash.ptx', why: 'it was not made of the source that lies beside it' },
    });
    await readModule('digests', folder);
    await edit('device.h', (text) => `${text}\n`);
    await expect(readModule('digests', folder)).rejects.toThrow(/node scripts\/cuda.mjs/);
  });

  test('are refused when they were edited, cut short or taken away', async () => {
    await edit('hash.ptx', (text) => text.replace('add.s32', 'sub.s32'));
    await expect(readModule('hash', folder)).rejects.toThrow(/it was changed after it was made/);
    await edit('bytes.ptx', (text) => text.split('\n').slice(3).join('\n'));
    await expect(readModule('bytes', folder)).rejects.toThrow(/does not begin with the digests/);
    await rm(new URL('digests.ptx', folder));
    await expect(readModule('digests', folder)).rejects.toThrow(/a file of it is missing/);
  });
});

describe('what a card multiplies with', () => {
  test('is int8 from Turing on, and half precision where int8 is slow; the best first', () => {
    const of = (major: number, minor: number): string => productModulesOf({ major, minor }).join(' ');
    expect([of(7, 5), of(8, 0), of(8, 9), of(10, 0), of(12, 0)]).toEqual([
      'product-turing',
      'product',
      'product',
      'product',
      'product',
    ]);
    expect(of(10, 3)).toBe('product-f16 product');
    expect(of(9, 0)).toBe('product-hopper product');
  });

  test('is nothing before that, in words', () => {
    for (const [major, minor] of [
      [6, 1],
      [7, 0],
      [7, 2],
    ])
      expect(() => productModulesOf({ major, minor })).toThrow(/has no int8 tensor cores/);
  });
});
