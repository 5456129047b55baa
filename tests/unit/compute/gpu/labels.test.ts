import { describe, expect, test } from 'vitest';
import { createGpuCompute } from '../../../../src/compute/gpu/compute.js';
import type { Gpu, GpuCalls } from '../../../../src/compute/gpu/gpu.js';
import { createPlainGpu } from '../../../../src/compute/gpu/plain.js';
import { inexactProduct } from '../../../../src/compute/probe.js';
import { wrongLabels } from '../../../../src/compute/probe-labels.js';
import { toHex } from '../../../../src/model/bytes.js';
import { createSeededRandom } from '../../../../src/model/prng.js';

const { signal } = new AbortController();
const random = createSeededRandom('gpu-labels');
const spec = { basis: random.bytes(32), seed: random.bytes(32), n: 64, capacity: 9 };

describe('labels over kernels', () => {
  test('are the plain ones, operation by operation', async () => {
    const compute = createGpuCompute(createPlainGpu());
    expect(await wrongLabels(compute.openLabels!, 64)).toBeUndefined();
    expect(await wrongLabels(compute.openLabels!, 128)).toBeUndefined();
  });

  test('products are exact', async () => {
    expect(await inexactProduct(createGpuCompute(createPlainGpu()))).toBeUndefined();
  });

  test('stop where memory is full, and say how many there are', async () => {
    // operand, three squares of the chain's own, four labels: each a little more than 64 x 64 bytes
    const compute = createGpuCompute(createPlainGpu({ memoryBytes: 64 * 64 * 16 }));
    const labels = await compute.openLabels!(spec);
    const count = await labels.extend(9, () => true, signal);
    expect(count).toBeGreaterThan(0);
    expect(count).toBeLessThan(9);
    expect((await labels.roots(count)).rowRoot).toHaveLength(32);
    labels.release();
    const again = await compute.openLabels!(spec);
    expect(await again.extend(9, () => true, signal)).toBe(count);
  });

  test('are passed over and opened whatever is left of a full memory', async () => {
    const places = [...Array(64).keys()].map((index) => ({ label: 1 + (index % 2), index }));
    const key = random.bytes(32);
    for (let spare = 0; spare < 6000; spare += 400) {
      const compute = createGpuCompute(createPlainGpu({ memoryBytes: 80_000 + spare }));
      const labels = await compute.openLabels!({ ...spec, capacity: 40 });
      const count = await labels.extend(40, () => true, signal);
      expect(count).toBeLessThan(40);
      expect(await labels.pass(count, key)).toHaveLength(32);
      expect(await labels.accumulators(places)).toHaveLength(64);
      // what those took goes to no further label, or the next pass would have no room
      await labels.extend(40, () => true, signal);
      expect(await labels.passLeaf(count, key, 0)).toHaveLength(4096);
      expect(await labels.columns(places)).toHaveLength(64);
    }
  });

  test('are passed over in parts where not all digests can be bound at once', async () => {
    const many = { ...spec, capacity: 300 };
    const key = random.bytes(32);
    const passOver = async (gpu: Gpu): Promise<string> => {
      const labels = await createGpuCompute(gpu).openLabels!(many);
      expect(await labels.extend(300, () => true, signal)).toBe(300);
      return toHex(await labels.pass(300, key));
    };
    const digests: number[] = [];
    const plain = createPlainGpu();
    const narrow: Gpu = {
      ...plain,
      memoryBytes: 4096,
      run(kernel, call) {
        if (kernel === 'digests') digests.push((call as GpuCalls['digests']).to.bytes);
        plain.run(kernel, call);
      },
    };
    expect(await passOver(narrow)).toBe(await passOver(createPlainGpu()));
    expect(new Set(digests)).toEqual(new Set([4096]));
  });

  test('say what there is no room for', async () => {
    const compute = createGpuCompute(createPlainGpu({ memoryBytes: 64 * 64 * 4 }));
    await expect(compute.openLabels!(spec)).rejects.toMatchObject({ code: 'unsupported' });
  });

  test('that are released while room is asked for leave nothing behind', async () => {
    const { gpu, heldBytes } = counted();
    let release = (): void => undefined;
    const slow: Gpu = {
      ...gpu,
      async allocate(bytes) {
        await undefined;
        release();
        return gpu.allocate(bytes);
      },
    };
    const labels = await createGpuCompute(slow).openLabels!(spec);
    release = () => labels.release();
    await expect(labels.extend(9, () => true, signal)).rejects.toThrow('released');
    expect(heldBytes()).toBe(64 * 64); // the operand
  });

  test('that are released while columns are read take nothing from another chain', async () => {
    const gpu = createPlainGpu();
    let release = (): void => undefined;
    const compute = createGpuCompute({
      ...gpu,
      async read(parts) {
        release();
        return gpu.read(parts);
      },
    });
    const places = [{ label: 0, index: 3 }];
    const [first, second] = [await compute.openLabels!(spec), await compute.openLabels!(spec)];
    release = () => first.release();
    await first.columns(places).catch(() => undefined);
    expect(await second.columns(places)).toHaveLength(1);
  });
});

describe('what is no chain keeps no memory of a device', () => {
  test('the next operand takes the place of the one before, not one beside it', async () => {
    const { gpu, heldBytes } = counted();
    let most = 0;
    const watched: Gpu = {
      ...gpu,
      async allocate(bytes) {
        const memory = await gpu.allocate(bytes);
        most = Math.max(most, heldBytes());
        return memory;
      },
    };
    const compute = createGpuCompute(watched);
    for (const basis of [1, 2, 3]) await compute.prepareLabels!(new Uint8Array(32).fill(basis), 64);
    expect(most).toBe(2 * 64 * 64);
    expect(heldBytes()).toBe(64 * 64);
  });

  test('an operand that is released, or has no room for its rows', async () => {
    const { gpu, heldBytes } = counted();
    const multiplier = await createGpuCompute(gpu).loadOperand(new Int8Array(64 * 64), 64);
    multiplier.release();
    multiplier.release();
    expect(heldBytes()).toBe(0);
    const full: Gpu = {
      ...gpu,
      allocate: async (bytes) => (bytes === 4 * 64 * 64 ? undefined : gpu.allocate(bytes)),
    };
    await expect(createGpuCompute(full).loadOperand(new Int8Array(64 * 64), 64)).rejects.toThrow(/no room/);
    expect(heldBytes()).toBe(0);
  });

  test('labels that are prepared: the newest operand alone', async () => {
    const { gpu, heldBytes } = counted();
    const compute = createGpuCompute(gpu);
    await compute.prepareLabels!(spec.basis, 64);
    await compute.prepareLabels!(spec.seed, 64);
    expect(heldBytes()).toBe(64 * 64);
  });
});

/** A plain device, and what is allocated of it. */
function counted(): { readonly gpu: Gpu; heldBytes(): number } {
  const gpu = createPlainGpu();
  let held = 0;
  return {
    heldBytes: () => held,
    gpu: {
      ...gpu,
      async allocate(bytes) {
        held += bytes;
        return gpu.allocate(bytes);
      },
      free(memory) {
        gpu.free(memory);
        held -= memory.bytes;
      },
    },
  };
}
