import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, test, vi } from 'vitest';
import { listNvidia } from '../../../src/compute/cuda/nvml.js';
import { buildLibrary, compiler } from '../../support/cuda/build.js';

if (!compiler) console.warn('skipped: no C compiler here to make the management library of the tests with');

const folder = mkdtempSync(join(tmpdir(), 'assay-nvml-'));
const libraries = compiler ? [buildLibrary('nvml', folder)] : [];
afterAll(() => rmSync(folder, { recursive: true }));
afterEach(() => vi.unstubAllEnvs());

describe.skipIf(!compiler)('cards of a host', () => {
  test('are told whole, with what they do not have left out', async () => {
    const { driver, cards, silent } = await listNvidia(libraries);
    expect(driver).toEqual({ version: '550.54.15', cuda: 12_040 });
    expect(cards[0]).toEqual({
      index: 0,
      uuid: 'GPU-0',
      name: 'Test Card 0',
      pciBusId: '00000000:17:00.0',
      memoryBytes: 80e9,
      capability: 90,
      maxClockHz: 1.98e9,
      maxMemoryClockHz: 2.619e9,
      link: { generation: 5, width: 16 },
      ecc: true,
      mig: false,
      slices: [],
      computeMode: 'default',
      state: {
        temperatureC: 41,
        powerW: 123.5,
        powerLimitW: 700,
        clockHz: 345e6,
        memoryClockHz: 2.619e9,
        usedBytes: 5e9,
        busyPercent: 37,
        processes: [4242, 4343],
      },
    });
    expect(cards[1]).toMatchObject({ uuid: 'GPU-1', ecc: undefined, computeMode: 'exclusive' });
    expect(cards[1].state.busyPercent).toBeUndefined();
    expect(silent).toEqual([{ index: 2, why: 'nvmlDeviceGetHandleByIndex_v2: GPU is lost' }]);
  });

  test('that share the memory of the host, and tell none, are cards all the same', async () => {
    vi.stubEnv('FAKE_UNIFIED', '1');
    const { cards, silent } = await listNvidia(libraries);
    expect(cards[0]).toMatchObject({ uuid: 'GPU-0', memoryBytes: undefined, computeMode: 'default' });
    expect(silent).toHaveLength(1);
  });

  test('that are cut show their slices, each a device of its own', async () => {
    const { cards } = await listNvidia(libraries);
    expect(cards[1]).toMatchObject({ mig: true });
    expect(cards[1].slices).toEqual([
      { uuid: 'MIG-1-1', memoryBytes: 20e9 },
      { uuid: 'MIG-1-2', memoryBytes: 20e9 },
    ]);
  });

  test('a driver that does not start is told in its words', async () => {
    vi.stubEnv('FAKE_NVML', '9');
    await expect(listNvidia(libraries)).rejects.toMatchObject({
      code: 'unsupported',
      message: expect.stringContaining('Driver Not Loaded; look at nvidia-smi'),
    });
  });

  test('no driver at all is told with the fix', async () => {
    await expect(listNvidia(['/nowhere/libnvidia-ml.so.1'])).rejects.toMatchObject({
      code: 'unsupported',
      message: expect.stringContaining('Install the driver'),
    });
  });
});
