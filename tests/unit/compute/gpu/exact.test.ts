import { expect, test } from 'vitest';
import { wrongTiles } from '../../../../src/compute/gpu/exact.js';
import type { Gpu } from '../../../../src/compute/gpu/gpu.js';
import { createPlainGpu } from '../../../../src/compute/gpu/plain.js';

/** One bit of one answer is another. */
function flawed(part: number, at: number): Gpu {
  const gpu = createPlainGpu();
  return {
    ...gpu,
    async read(parts) {
      const answers = await gpu.read(parts);
      answers[part][at] ^= 1;
      return answers;
    },
  };
}

test('products of many tiles are compared, sums and folds, to the last row', async () => {
  expect(await wrongTiles(createPlainGpu())).toBeUndefined();
  expect(await wrongTiles(flawed(0, 4 * (511 * 512 + 300)))).toBe('a product of side 512, row 511');
  expect(await wrongTiles(flawed(1, 14 * 512 + 511))).toBe('folds of side 512, row 14');
});

test('there must be room for it', async () => {
  await expect(wrongTiles(createPlainGpu({ memoryBytes: 1 << 19 }))).rejects.toThrow(
    /no room for 1048576 bytes/,
  );
});
