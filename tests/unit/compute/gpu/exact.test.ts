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

test('sums are compared where they are as large as they get', async () => {
  const gpu = createPlainGpu();
  /** Sums beyond 2^22 lose their last bit, as they would where 22 of them are kept. */
  const short: Gpu = {
    ...gpu,
    async read(parts) {
      const answers = await gpu.read(parts);
      for (const { buffer, byteOffset, length } of answers.slice(0, 1)) {
        const sums = new Int32Array(buffer, byteOffset, length / 4);
        for (const [i, sum] of sums.entries())
          if (Math.abs(sum) >= 2 ** 22) sums[i] = 2 * Math.trunc(sum / 2);
      }
      return answers;
    },
  };
  expect(await wrongTiles(short)).toBe('long sums of side 1024, row 0');
});

test('there must be room for it', async () => {
  await expect(wrongTiles(createPlainGpu({ memoryBytes: 1 << 19 }))).rejects.toThrow(
    /no room for 1048576 bytes/,
  );
});
