import { describe, expect, test } from 'vitest';
import { measureGpu } from '../../../../src/compute/gpu/measure.js';
import { createPlainGpu } from '../../../../src/compute/gpu/plain.js';
import { systemClock } from '../../../../src/model/clock.js';
import { createSeededRandom } from '../../../../src/model/prng.js';

describe('rates of a processor', () => {
  test('are work by time: twice the time is half the rate', async () => {
    const ratesAt = async (msPerLook: number) => {
      let now = 0;
      // time passes when it is looked at: once before and once after each batch
      const clock = { ...systemClock, monotonic: () => (now += msPerLook) };
      const random = createSeededRandom('measure');
      return measureGpu(createPlainGpu(), { n: 64, clock, random });
    };
    const [slow, fast] = [await ratesAt(80), await ratesAt(40)];
    // one run a batch at both, since each takes a batch's time or nearly
    expect(slow.productOpsPerS).toBeCloseTo((2 * 64 ** 3) / 0.08, 3);
    expect(slow.digestBytesPerS).toBeCloseTo(64 ** 2 / 0.08, 3);
    expect(fast.transposeBytesPerS).toBeCloseTo((2 * 64 ** 2) / 0.04, 3);
    expect(fast.joinBytesPerS / slow.joinBytesPerS).toBeCloseTo(2, 6);
    expect(fast.hashBytesPerS / slow.hashBytesPerS).toBeCloseTo(2, 6);
  });

  test('leave nothing on the device, and say what there is no room for', async () => {
    const gpu = createPlainGpu({ memoryBytes: 64 * 64 * 8 });
    const options = { n: 64, clock: systemClock, random: createSeededRandom('measure') };
    await expect(measureGpu(gpu, options)).rejects.toMatchObject({ code: 'unsupported' });
    expect(await gpu.allocate(64 * 64 * 8)).toBeDefined();
  });
});
