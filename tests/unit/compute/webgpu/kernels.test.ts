import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createGpuCompute } from '../../../../src/compute/gpu/compute.js';
import type { Gpu } from '../../../../src/compute/gpu/gpu.js';
import { createPlainGpu } from '../../../../src/compute/gpu/plain.js';
import { inexactProduct } from '../../../../src/compute/probe.js';
import { wrongLabels } from '../../../../src/compute/probe-labels.js';
import { toHex } from '../../../../src/model/bytes.js';
import { type ChromiumGpus, noChromium, openChromium, type PagedGpu } from '../../../support/chromium-gpu.js';
import { casesOf, type GpuCase, KERNELS, LONG_SUM, runCase } from '../../../support/gpu-cases.js';

if (noChromium) console.log(`skipped: ${noChromium}`);

describe.skipIf(noChromium)('WGSL in Chromium, on its software adapter', () => {
  let chromium: ChromiumGpus;
  let gpu: PagedGpu;
  beforeAll(async () => {
    chromium = await openChromium();
    // the smallest tile compiles fastest; the others have a test of their own
    gpu = await chromium.open({ product: { arithmetic: 'packed', rows: 4, groups: 1 } });
  }, 120_000);
  afterAll(async () => {
    await chromium?.close();
  });

  const same = async (tested: Gpu, one: GpuCase): Promise<void> => {
    const expected = await runCase(createPlainGpu(), one);
    expect(toHex(await runCase(tested, one)), one.name).toBe(toHex(expected));
  };

  test.each(KERNELS)('%s gives the bytes of the plain kernel', async (kernel) => {
    for (const one of casesOf(kernel, [16, 64, 128, 256])) await same(gpu, one);
  });

  test('dot products are those of packed bytes', () => {
    expect(gpu.packed).toBe(true);
  });

  // the smallest tile compiles fastest, and is enough for other instructions
  test.each([
    ['product', 'packed', 8, 2],
    ['productFold', 'packed', 8, 1],
    ['product', 'integer', 4, 1],
    ['product', 'float', 4, 1],
  ] as const)(
    '%s is the same by %s arithmetic in tiles of %d x %d',
    async (kernel, arithmetic, rows, groups) => {
      const product = { arithmetic, rows, groups };
      const other = await chromium.open({ product, kernels: [kernel] });
      for (const one of casesOf(kernel, [16, 256])) await same(other, one);
      if (product.arithmetic === 'float') await same(other, LONG_SUM);
      await other.close();
    },
  );

  test('a product in bands of its rows is the same', async () => {
    const product = { arithmetic: 'packed', rows: 4, groups: 1 } as const;
    const banded = await chromium.open({ product, kernels: ['product'], mostWork: 1 });
    for (const one of casesOf('product', [256])) await same(banded, one);
    await banded.close();
  });

  test('digests without the packed dot product are the same', async () => {
    const plain = await chromium.open({ packed: false, kernels: ['digests'] });
    for (const one of casesOf('digests', [64, 128])) await same(plain, one);
    await plain.close();
  });

  test('a device that is taken away rejects what waits, and says so', async () => {
    const taken = await chromium.open({ kernels: ['column'] });
    const memory = (await taken.allocate(4096))!;
    await taken.destroy();
    await expect(taken.read([{ memory, at: 0, bytes: 4096 }])).rejects.toMatchObject({
      code: 'unreachable',
      message: expect.stringContaining('the device was lost (destroyed)'),
    });
    await taken.close();
  });

  test('labels are the plain ones, operation by operation', async () => {
    const compute = createGpuCompute(gpu);
    expect(await wrongLabels(compute.openLabels!, 64)).toBeUndefined();
    expect(await wrongLabels(compute.openLabels!, 128)).toBeUndefined();
  });

  test('products are exact at the ends of the range', async () => {
    expect(await inexactProduct(createGpuCompute(gpu))).toBeUndefined();
  });
});
