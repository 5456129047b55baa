import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createGpuCompute } from '../../../../src/compute/gpu/compute.js';
import type { Gpu, GpuCalls } from '../../../../src/compute/gpu/gpu.js';
import { createPlainGpu } from '../../../../src/compute/gpu/plain.js';
import { inexactProduct } from '../../../../src/compute/probe.js';
import { wrongLabels } from '../../../../src/compute/probe-labels.js';
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
    gpu = await chromium.open();
  });
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
    const plain = await chromium.open({ packed: false, kernels: ['product', 'productFold', 'digests'] });
    for (const kernel of ['product', 'productFold', 'digests'] as const)
      for (const one of casesOf(kernel, [16, 128])) await same(plain, one);
    await plain.close();
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
