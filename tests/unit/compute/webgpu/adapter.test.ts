import { describe, expect, test } from 'vitest';
import { openAdapter } from '../../../../src/compute/webgpu/adapter.js';
import type { Adapter, Device, WebGpuDoor } from '../../../../src/compute/webgpu/api.js';
import { adapterNames, openDawn } from '../../../../src/compute/webgpu/dawn.js';

interface Words {
  readonly vendor?: string;
  readonly architecture?: string;
  readonly device?: string;
  readonly description?: string;
  readonly isFallbackAdapter?: boolean;
}

/** A door behind which one adapter stands, and what its device was asked to allow. */
function createDoor(words: Words | undefined): WebGpuDoor & { readonly asked: Record<string, number>[] } {
  const asked: Record<string, number>[] = [];
  const adapter = (info: Words): Adapter => ({
    info: { vendor: '', architecture: '', device: '', description: '', ...info },
    limits: {
      maxBufferSize: 2 ** 32,
      maxStorageBufferBindingSize: 2 ** 31,
      maxComputeWorkgroupsPerDimension: 65_535,
    },
    async requestDevice({ requiredLimits }) {
      asked.push(requiredLimits);
      return {} as Device; // only handed on
    },
  });
  return {
    asked,
    wgslLanguageFeatures: new Set(['packed_4x8_integer_dot_product']),
    requestAdapter: async () => (words ? adapter(words) : null),
  };
}

describe('an adapter', () => {
  test('is named, and asked for all the memory that it can bind', async () => {
    const door = createDoor({ vendor: 'amd', architecture: 'rdna-3', description: 'AMD Radeon RX 7900 XTX' });
    expect(await openAdapter(door)).toMatchObject({
      name: 'webgpu: AMD Radeon RX 7900 XTX',
      software: false,
      packed: true,
    });
    expect(door.asked).toEqual([{ maxBufferSize: 2 ** 32, maxStorageBufferBindingSize: 2 ** 31 }]);
  });

  test('without a description goes by vendor and architecture', async () => {
    const door = createDoor({ vendor: 'apple', architecture: 'metal-3' });
    expect((await openAdapter(door)).name).toBe('webgpu: apple metal-3');
  });

  test.each([
    ['google', 'swiftshader', 'SwiftShader driver 5.0.0'],
    ['mesa', '', 'llvmpipe (LLVM 19.1.7, 256 bits)'],
    ['microsoft', 'warp', 'Microsoft Basic Render Driver'],
  ])(
    'that is software is refused with what to do instead: %s %s',
    async (vendor, architecture, description) => {
      const door = createDoor({ vendor, architecture, description });
      const refusal = {
        code: 'unsupported',
        message: `webgpu: the only adapter is ${description}, which runs on the processor: install the driver of the graphics processor, or use the cpu device, which is faster than this`,
      };
      await expect(openAdapter(door)).rejects.toMatchObject(refusal);
      expect(door.asked).toEqual([]);
      expect(await openAdapter(door, { allowSoftware: true })).toMatchObject({ software: true });
    },
  );

  test('that says it stands in for one is software, whatever its name', async () => {
    const door = createDoor({ description: 'Fast Graphics', isFallbackAdapter: true });
    await expect(openAdapter(door)).rejects.toMatchObject({ code: 'unsupported' });
  });

  test('that is not there is told with what to install', async () => {
    await expect(openAdapter(createDoor(undefined))).rejects.toMatchObject({
      code: 'unsupported',
      data: { what: 'webgpu', why: expect.stringContaining('no adapter was found: install the driver') },
    });
  });
});

describe('adapters of Dawn', () => {
  /** As Dawn refuses a name that no adapter has. */
  const dawnWith = (list: string) => {
    const created: (readonly string[])[] = [];
    const create = (options: readonly string[]): WebGpuDoor => {
      created.push(options);
      return {
        async requestAdapter() {
          throw new Error(`no suitable backends found\nAvailable adapters:\n${list}`);
        },
      };
    };
    return { created, create };
  };
  const two =
    " * backend: 'vulkan', name: 'Intel(R) Arc(TM) A770'\n * backend: 'vulkan', name: 'AMD Radeon PRO W7900'\n * backend: 'null', name: 'Null backend'\n";

  test('are listed by name', async () => {
    expect(await adapterNames(dawnWith(two))).toEqual(['Intel(R) Arc(TM) A770', 'AMD Radeon PRO W7900']);
  });

  test('are chosen by a part of the name', async () => {
    const dawn = dawnWith(two);
    await openDawn(dawn, 'W7900');
    expect(dawn.created.at(-1)).toEqual(['adapter=W7900']);
  });

  test('that are not there are refused with those that are', async () => {
    await expect(openDawn(dawnWith(two), 'RTX 4090')).rejects.toMatchObject({
      code: 'unsupported',
      message: "the webgpu adapter 'RTX 4090': there are: Intel(R) Arc(TM) A770, AMD Radeon PRO W7900",
    });
    await expect(openDawn(dawnWith(''), 'RTX 4090')).rejects.toMatchObject({
      message: "the webgpu adapter 'RTX 4090': there is none: is the driver installed?",
    });
  });
});
