import { describe, expect, test } from 'vitest';
import { firstWrong, sampleSpec } from '../../../benchmarks/compute/card/exact-rows.js';
import { createGpuCompute } from '../../../src/compute/gpu/compute.js';
import type { Gpu, GpuCalls } from '../../../src/compute/gpu/gpu.js';
import { createPlainGpu } from '../../../src/compute/gpu/plain.js';
import { createSeededRandom } from '../../../src/model/prng.js';

const n = 128;
const samples = { rowsPerLabel: 1, tried: 64, wholeTrees: true, passLeaves: 1 };

async function sampled(gpu: Gpu): Promise<string | undefined> {
  const random = createSeededRandom('exact rows');
  const labels = await createGpuCompute(gpu).openLabels!(sampleSpec(n, random));
  const count = await labels.extend(9, () => true, new AbortController().signal);
  return firstWrong(labels, count, samples, random);
}

/** A card with one kernel that gets one byte wrong, wherever it is asked. */
function flawed(kernel: keyof GpuCalls, at: number): Gpu {
  const plain = createPlainGpu();
  return {
    ...plain,
    run(asked, call) {
      plain.run(asked, call);
      if (asked !== kernel) return;
      const { to } = call as GpuCalls['join'];
      plain.write(to, at, Uint8Array.of(0x5a, 0xa5, 0x5a, 0xa5));
    },
  };
}

describe('samples of large labels', () => {
  test('find nothing on a device that is exact', async () => {
    expect(await sampled(createPlainGpu())).toBeUndefined();
  });

  test.each([
    ['hashRuns', 4096 + 5 * 32, /label \d, row|over rows/],
    ['transpose', 8, /label \d, (row|column)|over columns/],
    ['tweakRows', 0, /label \d, row/],
    ['join', 0, /bytes of label/],
    ['product', 0, /accumulators of label 1/],
    ['productFold', 0, /bytes of label/],
    ['digests', 0, /pass, leaf/],
    ['column', 0, /label \d, (row|column)/],
  ] as const)('find a wrong %s', async (kernel, at, words) => {
    expect(await sampled(flawed(kernel, at))).toMatch(words);
  });
});
