import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createGpuCompute } from '../../../../src/compute/gpu/compute.js';
import type { Gpu, GpuCalls } from '../../../../src/compute/gpu/gpu.js';
import { createPlainGpu } from '../../../../src/compute/gpu/plain.js';
import { inexactProduct } from '../../../../src/compute/probe.js';
import { wrongLabels } from '../../../../src/compute/probe-labels.js';
import { TILES } from '../../../../src/compute/webgpu/product.wgsl.js';
import { toHex } from '../../../../src/model/bytes.js';
import { type ChromiumGpus, noChromium, openChromium, type PagedGpu } from '../../../support/chromium-gpu.js';
import { casesOf, type GpuCase, runCase } from '../../../support/gpu-cases.js';

if (noChromium) console.log(`skipped: ${noChromium}`);

const KERNELS: readonly (keyof GpuCalls)[] = [
  'hashRuns',
  'hashLevel',
  'transpose',
  'tweakRows',
  'join',
  'product',
  'productFold',
  'digests',
  'column',
];

describe.skipIf(noChromium)('WGSL in Chromium, on its software adapter', () => {
  let chromium: ChromiumGpus;
  let gpu: PagedGpu;
  beforeAll(async () => {
    chromium = await openChromium();
    // the smallest tile compiles fastest; the others have a test of their own
    gpu = await chromium.open({ tile: TILES[2] });
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

  test('products without the packed dot product are the same', async () => {
    const kernels = ['product', 'digests'] as const;
    const plain = await chromium.open({ packed: false, tile: TILES[2], kernels });
    for (const kernel of kernels) for (const one of casesOf(kernel, [16, 128])) await same(plain, one);
    await plain.close();
  });

  test.each([
    ['product', TILES[0]],
    ['productFold', TILES[1]],
  ] as const)('%s is the same in larger tiles', async (kernel, tile) => {
    const tiled = await chromium.open({ tile, kernels: [kernel] });
    for (const one of casesOf(kernel, [16, 256])) await same(tiled, one);
    await tiled.close();
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
