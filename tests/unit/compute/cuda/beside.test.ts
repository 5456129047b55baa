import { describe, expect, test } from 'vitest';
import { withState } from '../../../../src/compute/cuda/beside.js';
import type { NvidiaCard, NvidiaHost } from '../../../../src/compute/cuda/nvml.js';
import { createGpuCompute } from '../../../../src/compute/gpu/compute.js';
import { createPlainGpu } from '../../../../src/compute/gpu/plain.js';
import { silentLog } from '../../../../src/model/log.js';
import { createSeededRandom } from '../../../../src/model/prng.js';

const random = createSeededRandom('beside');
const spec = { basis: random.bytes(32), seed: random.bytes(32), n: 16, capacity: 2 };

function scene(list: () => Promise<NvidiaHost>, uuid = 'GPU-1') {
  const gpu = createPlainGpu();
  const lines: { message: string; data?: Record<string, unknown> | undefined }[] = [];
  const log = {
    ...silentLog,
    info: (message: string, data?: Record<string, unknown>) => lines.push({ message, data }),
  };
  return { lines, compute: withState({ ...createGpuCompute(gpu), gpu }, uuid, { log, list }) };
}

const card = (uuid: string, temperatureC: number): NvidiaCard =>
  ({
    uuid,
    slices: [{ uuid: `MIG-of-${uuid}`, memoryBytes: 1 }],
    state: { temperatureC },
  }) as unknown as NvidiaCard; // all that is asked of it
const host = (...temperatures: number[]) => {
  const left = [...temperatures];
  return async () =>
    ({ cards: [card('GPU-0', 1), card('GPU-1', left.shift()!)], silent: [] }) as unknown as NvidiaHost; // likewise
};
const settle = () => new Promise((resolve) => setImmediate(resolve));

describe('a card beside a proof', () => {
  test.each(['GPU-1', 'MIG-of-GPU-1'])('is noted before and after, once each, for %s', async (uuid) => {
    const { lines, compute } = scene(host(40, 71), uuid);
    await compute.prepareLabels!(spec.basis, spec.n);
    const labels = await compute.openLabels!(spec);
    expect(lines).toEqual([{ message: 'card before a proof', data: { uuid, temperatureC: 40 } }]);
    expect(await labels.extend(2, () => true, new AbortController().signal)).toBe(2);
    expect(labels.count).toBe(2);
    labels.release();
    labels.release();
    await settle();
    expect(lines.slice(1)).toEqual([{ message: 'card after a proof', data: { uuid, temperatureC: 71 } }]);
  });

  test('is left alone while another chain is there', async () => {
    const { lines, compute } = scene(host(40, 71));
    const [one, other] = [await compute.openLabels!(spec), await compute.openLabels!(spec)];
    await compute.prepareLabels!(spec.basis, spec.n);
    one.release();
    await settle();
    expect(lines).toEqual([]);
    other.release();
    await settle();
    expect(lines).toMatchObject([{ message: 'card after a proof' }]);
  });

  test('that cannot be asked, or is not listed, costs no proof', async () => {
    const failing = scene(async () => {
      throw new Error('driver gone');
    });
    const absent = scene(host(40, 71), 'GPU-7');
    for (const { compute, lines } of [failing, absent]) {
      await compute.prepareLabels!(spec.basis, spec.n);
      const labels = await compute.openLabels!(spec);
      expect(await labels.extend(1, () => true, new AbortController().signal)).toBe(1);
      labels.release();
      await settle();
      expect(lines).toEqual([]);
    }
  });
});
