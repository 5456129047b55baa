import { describe, expect, test } from 'vitest';
import type { Device, DeviceBuffer, ErrorFilter } from '../../../../src/compute/webgpu/api.js';
import { fastestProduct } from '../../../../src/compute/webgpu/fastest-product.js';
import { createWebGpu } from '../../../../src/compute/webgpu/gpu.js';
import { PRODUCT_VARIANTS } from '../../../../src/compute/webgpu/product.wgsl.js';

/** A device that runs nothing: it has memory, counts what it is asked, and fails as it is told. */
function createFake({ memory = 1 << 20 } = {}) {
  const log: string[] = [];
  const scopes: { readonly filter: ErrorFilter; error: { message: string } | null }[] = [];
  let used = 0;
  let lose: (info: { reason: string; message: string }) => void = () => undefined;
  let uncaptured: (event: { error: { message: string } }) => void = () => undefined;
  let finished: Promise<undefined> = Promise.resolve(undefined);
  let mapped = 0;
  const report = (filter: ErrorFilter, message: string): void => {
    const scope = scopes.findLast((one) => one.filter === filter && !one.error);
    if (scope) scope.error = { message };
    else uncaptured({ error: { message } });
  };
  const device: Device = {
    limits: {
      maxBufferSize: 1 << 20,
      maxStorageBufferBindingSize: 1 << 19,
      maxComputeWorkgroupsPerDimension: 65_535,
    },
    lost: new Promise((resolve) => {
      lose = resolve;
    }),
    queue: {
      submit: () => log.push('submit'),
      writeBuffer: () => undefined,
      onSubmittedWorkDone: () => finished,
    },
    createBuffer({ size, usage }): DeviceBuffer {
      // only storage is counted: what the host keeps of its own is not the test's
      const full = (usage & 128) !== 0 && used + size > memory;
      const counted = (usage & 128) !== 0 && !full ? size : 0;
      if (full) report('out-of-memory', 'no room');
      used += counted;
      return {
        size,
        async mapAsync() {
          mapped++;
          return undefined;
        },
        getMappedRange: (_, bytes) => new ArrayBuffer(bytes),
        unmap: () => undefined,
        destroy: () => {
          used -= counted;
        },
      };
    },
    createShaderModule: () => ({}),
    createBindGroupLayout: () => ({}),
    createPipelineLayout: () => ({}),
    createComputePipelineAsync: async () => ({}),
    createBindGroup: () => ({}),
    createCommandEncoder: () => ({
      beginComputePass: () => ({
        setPipeline: () => undefined,
        setBindGroup: () => undefined,
        dispatchWorkgroups: (x, y) => log.push(`dispatch ${x} x ${y}`),
        end: () => undefined,
      }),
      copyBufferToBuffer: (_from, _at, _to, toAt, bytes) => log.push(`copy ${bytes} to ${toAt}`),
      finish: () => ({}),
    }),
    pushErrorScope: (filter) => scopes.push({ filter, error: null }),
    popErrorScope: async () => scopes.pop()!.error,
    addEventListener: (_, listener) => {
      uncaptured = listener;
    },
    destroy: () => lose({ reason: 'destroyed', message: '' }),
  };
  return {
    device,
    log,
    report,
    lose: (message: string) => lose({ reason: 'unknown', message }),
    hang: () => {
      finished = new Promise(() => {});
    },
    get maps() {
      return mapped;
    },
    get used() {
      return used;
    },
  };
}

const open = (fake: ReturnType<typeof createFake>) =>
  createWebGpu(fake.device, { name: 'webgpu: fake', packed: true });
const square = 256 * 256;

describe('a WebGPU device', () => {
  test('without room gives nothing, and keeps nothing of it', async () => {
    const fake = createFake({ memory: 3 * square });
    const gpu = await open(fake);
    const held = [await gpu.allocate(square), await gpu.allocate(square), await gpu.allocate(square)];
    expect(held.every((memory) => memory !== undefined)).toBe(true);
    const used = fake.used;
    expect(await gpu.allocate(square)).toBeUndefined();
    gpu.free(held[0]!);
    expect(fake.used).toBe(used - square);
  });

  test('binds no more than its limit', async () => {
    const gpu = await open(createFake({ memory: 1 << 30 }));
    expect(gpu.memoryBytes).toBe(1 << 19);
    expect(await gpu.allocate((1 << 19) + 4)).toBeUndefined();
  });

  test('that is lost rejects what waits and all that follows, with the reason', async () => {
    const fake = createFake();
    const gpu = await open(fake);
    fake.hang();
    const waiting = gpu.done();
    fake.lose('the driver was reset');
    const refusal = {
      code: 'unreachable',
      message: 'webgpu: fake: the device was lost (unknown): the driver was reset',
    };
    await expect(waiting).rejects.toMatchObject(refusal);
    await expect(gpu.allocate(16)).rejects.toMatchObject(refusal);
    await expect(gpu.read([])).rejects.toMatchObject(refusal);
    expect(await gpu.lost).toMatchObject(refusal);
  });

  test('that leaves out a command gives no result of what follows', async () => {
    const fake = createFake();
    const gpu = await open(fake);
    const memory = (await gpu.allocate(square))!;
    gpu.run('transpose', { from: memory, to: memory, n: 256 });
    const { submit } = fake.device.queue;
    (fake.device.queue as { submit: typeof submit }).submit = () => fake.report('validation', 'bound twice');
    await expect(gpu.read([{ memory, at: 0, bytes: 16 }])).rejects.toMatchObject({
      code: 'unreachable',
      message: 'webgpu: fake: it refused a command: bound twice',
    });
  });

  test('reads many parts with one mapping', async () => {
    const fake = createFake();
    const gpu = await open(fake);
    const memory = (await gpu.allocate(square))!;
    const parts = Array.from({ length: 100 }, (_, i) => ({ memory, at: 64 * i, bytes: 32 }));
    expect((await gpu.read(parts)).map(({ length }) => length)).toEqual(Array(100).fill(32));
    expect(fake.maps).toBe(1);
    expect(fake.log.filter((line) => line.startsWith('copy')).slice(0, 2)).toEqual([
      'copy 32 to 0',
      'copy 32 to 32',
    ]);
  });

  test('gets long work in parts, each short enough for a driver that watches', async () => {
    const fake = createFake();
    const gpu = await open(fake);
    const memory = (await gpu.allocate(16))!; // the fake looks at no size
    gpu.run('productFold', { a: memory, b: memory, to: memory, n: 8192 });
    await gpu.done();
    // 8192 x 8192 in tiles of 128 x 128, and 2^39 products in parts of 2^37
    expect(fake.log).toEqual(Array(4).fill(['dispatch 64 x 16', 'submit']).flat());
  });

  test('never has more groups in a row than every device can', async () => {
    const fake = createFake();
    const gpu = await open(fake);
    const memory = (await gpu.allocate(16))!;
    const runs = { from: memory, fromAt: 0, to: memory, toAt: 0, bytes: 16, tag: 1 };
    gpu.run('hashRuns', { ...runs, count: 64 * 65_536 });
    await gpu.done();
    expect(fake.log[0]).toBe('dispatch 32768 x 2');
  });

  test('takes the variant of the product that is fastest on it', async () => {
    const fake = createFake({ memory: 1 << 30 });
    Object.assign(fake.device, {
      limits: { ...fake.device.limits, maxBufferSize: 2 ** 28, maxStorageBufferBindingSize: 2 ** 28 },
    });
    const ms = [9, 7, 8, 5, 6]; // of each variant; they are tried in this order, four times each
    let now = 0;
    let looked = 0;
    let products = 0;
    const clock = {
      monotonic: () => {
        for (; looked < fake.log.length; looked++)
          if (fake.log[looked].startsWith('dispatch')) now += ms[Math.floor(products++ / 4)];
        return now;
      },
    };
    expect(await fastestProduct(fake.device, { packed: true, clock })).toEqual(PRODUCT_VARIANTS[3]);
    expect(products).toBe(20);
    expect(fake.used).toBe(0);
  });

  test('is not refused for a variant that its driver does not compile', async () => {
    const fake = createFake({ memory: 1 << 30 });
    let compiled = 0;
    Object.assign(fake.device, {
      limits: { ...fake.device.limits, maxBufferSize: 2 ** 28, maxStorageBufferBindingSize: 2 ** 28 },
      createComputePipelineAsync: async () => {
        if (compiled++ === 0) throw new Error('too many registers');
        return {};
      },
    });
    const clock = { monotonic: () => fake.log.length };
    expect(await fastestProduct(fake.device, { packed: true, clock })).toEqual(PRODUCT_VARIANTS[1]);
    expect(compiled).toBe(PRODUCT_VARIANTS.length);
  });
});
