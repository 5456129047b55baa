import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, test, vi } from 'vitest';
import { openCuda } from '../../../src/compute/cuda/driver.js';
import { createCudaGpu } from '../../../src/compute/cuda/gpu.js';
import type { CudaPlan } from '../../../src/compute/cuda/kernels.js';
import type { GpuCalls, GpuMemory } from '../../../src/compute/gpu/gpu.js';
import { systemClock } from '../../../src/model/clock.js';
import { buildLibrary, compiler } from '../../support/cuda/build.js';

if (!compiler) console.warn('skipped: no C compiler here to make the driver of the tests with');

const folder = mkdtempSync(join(tmpdir(), 'assay-cuda-'));
const libraries = compiler ? [buildLibrary('driver', folder)] : [];
afterAll(() => rmSync(folder, { recursive: true }));
afterEach(() => vi.unstubAllEnvs());

const fine = '// fine\n.entry fill()';
const fill = { grid: [2, 1, 1], block: [32, 1, 1], sharedBytes: 0 } as const;

describe.skipIf(!compiler)('the driver of a card', () => {
  test('tells what the card is', async () => {
    const context = await openCuda({ libraries });
    expect(context.driver).toBe(12_040);
    expect(context.card).toEqual({
      name: 'Test Card 0',
      memoryBytes: 141_000_000_000,
      capability: 90,
      multiprocessors: 132,
      clockHz: 1_980_000_000,
      memoryClockHz: 3_201_000_000,
      memoryBusBits: 6144,
      ecc: true,
      sharedBytes: 232_448,
    });
    context.close();
  });

  test('starts a kernel with its arguments, and brings back what it wrote', async () => {
    const context = await openCuda({ libraries });
    const at = context.allocate(16)!;
    const kernel = context.load(fine)('fill');
    // a word, then an address: four bytes between them belong to nobody
    context.launch(kernel, { ...fill, args: [7, at, 3] });
    const out = new Uint8Array(16);
    expect(context.passed(context.mark())).toBe(false);
    context.toHost(at, out);
    expect([...new Uint32Array(out.buffer)]).toEqual([71, 71, 71, 0]);
    context.close();
  });

  test('describes boxes to a kernel as the driver encodes them, at a multiple of 64', async () => {
    const context = await openCuda({ libraries });
    const to = context.allocate(132)!;
    const kernel = context.load('// fine .entry boxes()')('boxes');
    const boxes = { at: 0x1000n, width: 512, rows: 300, box: [128, 64] } as const;
    const out = new Uint8Array(132);
    // twice: the second time it is the one that is kept
    for (const last of [5, 6]) {
      context.launch(kernel, { ...fill, args: [to, boxes, last] });
      context.toHost(to, out);
      expect(new Uint32Array(out.buffer)[32]).toBe(last);
      const words = [...new BigUint64Array(out.buffer, 0, 16)].map(Number);
      // bytes; size and stride of rows; a box and steps of one; neither interleaved nor filled, swizzled by 128, whole lines
      expect(words).toEqual([0, 0x1000, 512, 300, 512, 128, 64, 1, 1, 0, 3, 2, 0, 0, 0, 0]);
    }
    context.close();
  });

  test('says that a driver describes no boxes', async () => {
    vi.stubEnv('FAKE_FAIL', 'cuTensorMapEncodeTiled=801');
    const context = await openCuda({ libraries });
    const boxes = { at: 0x1000n, width: 512, rows: 300, box: [128, 64] } as const;
    const kernel = context.load('// fine .entry boxes()')('boxes');
    expect(() => context.launch(kernel, { ...fill, args: [0n, boxes, 1] })).toThrow(/boxes of 128,64/);
    // the context is none the worse
    expect(context.allocate(16)).toBeDefined();
    context.close();
  });

  test('copies both ways, and memory is zeros at first', async () => {
    const context = await openCuda({ libraries });
    const at = context.allocate(8)!;
    const out = new Uint8Array(8).fill(1);
    context.toHost(at, out);
    expect([...out]).toEqual([0, 0, 0, 0, 0, 0, 0, 0]);
    context.toDevice(at + 4n, Uint8Array.of(1, 2, 3, 4));
    context.toHost(at, out);
    expect([...out]).toEqual([0, 0, 0, 0, 1, 2, 3, 4]);
    context.copy(at, at + 4n, 4);
    context.toHost(at, out);
    expect([...out]).toEqual([1, 2, 3, 4, 1, 2, 3, 4]);
    context.close();
  });

  test('says that there is no room, and has it again after freeing', async () => {
    vi.stubEnv('FAKE_ROOM', '1000');
    const context = await openCuda({ libraries });
    const first = context.allocate(900)!;
    expect(context.allocate(200)).toBeUndefined();
    context.free(first);
    expect(context.allocate(200)).toBeDefined();
    expect(context.freeBytes()).toBe(800);
    context.close();
  });

  test.each([
    ['no driver', {}, ['/nowhere/libcuda.so.1'], /no NVIDIA driver was found. Install the driver/],
    [
      'a driver too old',
      { FAKE_DRIVER: '11040' },
      libraries,
      /CUDA 11.4: it is too old: kernels need CUDA 11.8/,
    ],
    ['no card', { FAKE_FAIL: 'cuInit=100' }, libraries, /no card is visible/],
    ['a card that is not there', { FAKE_CARDS: '0' }, libraries, /this process sees 0/],
    [
      'a card that is taken',
      { FAKE_FAIL: 'cuCtxCreate_v2=46' },
      libraries,
      /DEVICE_UNAVAILABLE: the device is busy or unavailable; another process has the card for itself/,
    ],
    ['a full card', { FAKE_FAIL: 'cuCtxCreate_v2=2' }, libraries, /other work holds the memory/],
  ])('%s is a clear line', async (_, environment: Record<string, string>, paths, words) => {
    for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value);
    const refused = openCuda({ libraries: paths });
    await expect(refused).rejects.toMatchObject({
      code: 'unsupported',
      message: expect.stringMatching(words),
    });
  });

  test('kernels that the driver does not take come with what its compiler said', async () => {
    const context = await openCuda({ libraries });
    expect(() => context.load('.version 9.9')).toThrow(/line 1: expected fine, got .vers/);
    expect(() => context.load(fine)('other')).toThrow(/kernel other/);
    context.close();
  });

  test('a kernel that fails is the end of the context, with the reason', async () => {
    const context = await openCuda({ libraries });
    const kernel = context.load('// fine trap')('trap');
    const at = context.allocate(16)!;
    const launch = { ...fill, args: [7, at, 3] };
    expect(() => context.launch(kernel, launch)).toThrow(/starting a kernel: CUDA_ERROR_LAUNCH_FAILED/);
    expect((await context.lost).code).toBe('unreachable');
    expect(() => context.allocate(4)).toThrow(/CUDA_ERROR_LAUNCH_FAILED/);
    context.close();
    // its memory is not kept from the next one
    const next = await openCuda({ libraries });
    expect(next.freeBytes()).toBe(1 << 30);
    next.close();
  });
});

describe.skipIf(!compiler)('a card as a processor', () => {
  // one kernel, whatever is asked for: the driver of the tests has no other
  const kernels = (context: Awaited<ReturnType<typeof openCuda>>) => {
    const fillTwo = (to: bigint) => ({ entry: 'column' as const, ...fill, args: [5, to, 2] });
    const load = context.load(fine);
    return {
      plan: {
        launches: ((_, call, address) => [
          fillTwo(address((call as GpuCalls['column']).to)),
        ]) as CudaPlan['launches'],
      },
      functions: () => load('fill'),
    };
  };
  const column = (to: GpuMemory): GpuCalls['column'] => ({ from: to, n: 16, index: 0, to, toAt: 0 });

  test('waits for a kernel without holding the thread', async () => {
    const context = await openCuda({ libraries });
    const gpu = createCudaGpu(context, kernels(context), systemClock);
    const memory = (await gpu.allocate(12))!;
    gpu.run('column', column(memory));
    gpu.write(memory, 8, Uint8Array.of(9, 0, 0, 0));
    const [words, last] = await gpu.read([
      { memory, at: 0, bytes: 8 },
      { memory, at: 8, bytes: 4 },
    ]);
    expect([...words]).toEqual([69, 0, 0, 0, 69, 0, 0, 0]);
    expect([...last]).toEqual([9, 0, 0, 0]);
    gpu.free(memory);
    await gpu.close();
    await expect(gpu.allocate(4)).rejects.toMatchObject({ code: 'unreachable' });
  });

  test('waits for what it asked, and for nothing that others asked since', async () => {
    let ms = 0;
    let ask = (): void => undefined;
    const clock = {
      ...systemClock,
      monotonic() {
        ask();
        ms += 10;
        return ms;
      },
      sleep: async () => undefined,
    };
    const context = await openCuda({ libraries });
    const gpu = createCudaGpu(context, kernels(context), clock);
    const memory = (await gpu.allocate(12))!;
    gpu.run('column', column(memory));
    // another chain on the card has its next kernel in the queue whenever this one looks
    ask = () => gpu.run('column', column(memory));
    await gpu.done();
    expect(ms).toBeLessThan(200);
    await gpu.close();
  });

  test('a kernel that never ends is given up, and the device is lost', async () => {
    vi.stubEnv('FAKE_BUSY', '-1');
    let ms = 0;
    const clock = { ...systemClock, monotonic: () => (ms += 10), sleep: async () => undefined };
    const context = await openCuda({ libraries });
    const gpu = createCudaGpu(context, kernels(context), clock);
    const memory = (await gpu.allocate(12))!;
    gpu.run('column', column(memory));
    await expect(gpu.done()).rejects.toThrow(/has not ended for 30 s/);
    expect((await gpu.lost).message).toMatch(/has not ended/);
  });
});
