// A small one of `npm run reliability -- fuzz`.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createWitness } from '../../../reliability/fuzz/judge.js';
import { mutated } from '../../../reliability/fuzz/mutate.js';
import { soak } from '../../../reliability/fuzz/soak.js';
import { AssayError } from '../../../src/model/errors.js';
import { createSeededRandom } from '../../../src/model/prng.js';

let dir = '';
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'assay-fuzz-test-'));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

describe('bytes that are nearly right', () => {
  test('are refused by name or taken, by every reader and at every port', async () => {
    const input = { seed: 'test', minutes: 1, settings: { inputs: 2000 }, program: [], dir, say: () => {} };
    const { claims } = await soak.run(input, new AbortController().signal);
    for (const { what, holds, found, timing } of claims)
      if (!timing) expect([what, holds], found).toEqual([what, true]);
  });

  test('are the same for a seed, and seldom what they were made of', () => {
    const samples = [Uint8Array.of(10, 3, 1, 2, 3, 16, 7), Uint8Array.of(8, 1)];
    const drawn = (seed: string) => {
      const random = createSeededRandom(seed);
      return Array.from({ length: 200 }, () =>
        Buffer.from(mutated(samples, 'protobuf', random, 64)).toString('hex'),
      );
    };
    expect(drawn('a')).toEqual(drawn('a'));
    expect(new Set(drawn('a')).size).toBeGreaterThan(100);
  });

  test('that make a reader throw anything else, or later, are kept with where it was', async () => {
    const witness = createWitness(() => 0);
    try {
      const bytes = Uint8Array.of(1, 2);
      await witness.hear({ name: 'good', read: () => {} }, bytes);
      await witness.hear(
        {
          name: 'refusing',
          read: () => {
            throw new AssayError('invalid-input', 'no', { what: 'a', expected: 'b', got: 'c' });
          },
        },
        bytes,
      );
      await witness.hear(
        {
          name: 'ours',
          read: () => {
            throw new AssayError('internal', 'no', { what: 'a' });
          },
        },
        bytes,
      );
      await witness.hear(
        {
          name: 'broken',
          read: async () => {
            throw new RangeError('hex');
          },
        },
        bytes,
      );
      const { tallies, faults, faulty } = witness.seen();
      expect(tallies.map(({ name, taken, refused }) => [name, taken, refused])).toEqual([
        ['good', 1, 0],
        ['refusing', 0, 1],
        ['ours', 0, 0],
        ['broken', 0, 0],
      ]);
      expect(faulty).toBe(2);
      expect(faults.map(({ name, hex }) => [name, hex])).toEqual([
        ['ours', '0102'],
        ['broken', '0102'],
      ]);
    } finally {
      witness.end();
    }
  });
});
