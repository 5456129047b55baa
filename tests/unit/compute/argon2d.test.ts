import { argon2d } from 'hash-wasm';
import { describe, expect, test } from 'vitest';
import { argon2dMemory, argon2dTag } from '../../../src/compute/spec/argon2d.js';
import { fillArgon2d } from '../../../src/compute/wasm/argon2d.js';
import { toHex, utf8 } from '../../../src/model/bytes.js';
import { sha256 } from '../../../src/model/hash.js';
import { createSeededRandom } from '../../../src/model/prng.js';

const input = (blocks: number, passes: number, password: Uint8Array = new Uint8Array(32).fill(7)) => ({
  password,
  salt: utf8('assay/s1\0\0\0\0\0\0\0\0'),
  blocks,
  passes,
});

describe('memories of Argon2d', () => {
  test('are the same from the plain reference and from the kernel', () => {
    const random = createSeededRandom('argon2d');
    for (const [blocks, passes] of [
      [8, 1],
      [8, 2],
      [12, 3],
      [16, 5],
      [60, 2],
      [128, 2],
    ] as const) {
      const given = input(blocks, passes, random.bytes(32));
      expect(toHex(fillArgon2d(given))).toBe(toHex(argon2dMemory(given)));
    }
  });

  test('give the tags of an independent implementation', async () => {
    for (const [blocks, passes] of [
      [8, 1],
      [32, 3],
      [1024, 2],
    ] as const) {
      const { password, salt } = input(blocks, passes);
      const tag = await argon2d({
        password: Uint8Array.from(password),
        salt: Uint8Array.from(salt),
        parallelism: 1,
        iterations: passes,
        memorySize: blocks,
        hashLength: 64,
        outputType: 'hex',
      });
      expect(toHex(argon2dTag(fillArgon2d(input(blocks, passes))))).toBe(tag);
    }
  });

  test('are golden: a change of these bytes is a change of every plot', () => {
    const digest = (blocks: number, passes: number): string =>
      toHex(sha256(fillArgon2d(input(blocks, passes))));
    expect(digest(8, 2)).toBe('c7fa706d0ab259706bf5d303a8bffdf84e09053cd5b06f37bc0969fe69d6b6cb');
    expect(digest(1024, 1)).toBe('087ddf8e767adf39ee56414c90d96a5f4bfd623820cd203455a5e33e119a66d7');
  });

  test('need at least eight blocks, a multiple of four, one pass, and no more than there is room for', () => {
    for (const wrong of [
      input(4, 1),
      input(10, 1),
      input(8, 0),
      { ...input(8, 1), salt: new Uint8Array(7) },
    ]) {
      expect(() => argon2dMemory(wrong)).toThrow(RangeError);
      expect(() => fillArgon2d(wrong)).toThrow(RangeError);
    }
    expect(() => fillArgon2d(input(1028, 1))).toThrow(RangeError);
  });
});
