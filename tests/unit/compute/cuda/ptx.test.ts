import { describe, expect, test } from 'vitest';
import type { ModuleName, ProductModule } from '../../../../src/compute/cuda/kernels.js';
import { readModule } from '../../../../src/compute/cuda/modules.js';
import { createGpuCompute } from '../../../../src/compute/gpu/compute.js';
import type { Gpu, GpuCalls, GpuMemory } from '../../../../src/compute/gpu/gpu.js';
import { createPlainGpu } from '../../../../src/compute/gpu/plain.js';
import { inexactProduct } from '../../../../src/compute/probe.js';
import { wrongLabels } from '../../../../src/compute/probe-labels.js';
import { digestBlock } from '../../../../src/compute/spec/digest.js';
import { toHex } from '../../../../src/model/bytes.js';
import { createSeededRandom } from '../../../../src/model/prng.js';
import { chains, expectVector } from '../../../support/golden-labels.js';
import { casesOf, KERNELS, runCase } from '../../../support/gpu-cases.js';
import { createInterpretedGpu } from '../../../support/ptx/gpu.js';
import { launch, type PtxLaunch, prepare } from '../../../support/ptx/machine.js';
import { GlobalMemory } from '../../../support/ptx/memory.js';
import { parsePtx } from '../../../support/ptx/parse.js';

const PRODUCTS: readonly ProductModule[] = ['product', 'product-f16', 'product-turing', 'product-hopper'];
const gpus = new Map(
  await Promise.all(PRODUCTS.map(async (name) => [name, await createInterpretedGpu(name)] as const)),
);
const [interpreted] = gpus.values();
/** Memories by name: random bytes, the same on both. */
type Memories = Readonly<Record<string, Uint8Array>>;
const random = createSeededRandom('ptx');
const bytes = (count: number): Uint8Array => random.bytes(count);
/** Values in [-64, 63]. */
const small = (count: number): Uint8Array => bytes(count).map((byte) => (byte & 127) - 64);

/** All memories after the kernel, so that what it must not write is compared as well. */
async function after<K extends keyof GpuCalls>(
  gpu: Gpu,
  kernel: K,
  memories: Memories,
  call: (at: (name: string) => GpuMemory) => GpuCalls[K],
): Promise<string[]> {
  const held = new Map<string, GpuMemory>();
  for (const [name, content] of Object.entries(memories)) {
    const memory = (await gpu.allocate(content.length))!;
    gpu.write(memory, 0, content);
    held.set(name, memory);
  }
  gpu.run(
    kernel,
    call((name) => held.get(name)!),
  );
  const parts = [...held.values()].map((memory) => ({ memory, at: 0, bytes: memory.bytes }));
  return (await gpu.read(parts)).map(toHex);
}

async function expectSame<K extends keyof GpuCalls>(
  kernel: K,
  memories: Memories,
  call: (at: (name: string) => GpuMemory) => GpuCalls[K],
  gpu = interpreted,
): Promise<void> {
  const plain = await after(createPlainGpu(), kernel, memories, call);
  expect(await after(gpu, kernel, memories, call)).toEqual(plain);
}

describe('kernels as PTX', () => {
  test('hash runs of every length modulo a block, whole warps and parts of one', async () => {
    for (const [count, length] of [
      [1, 16],
      [3, 32],
      [33, 48],
      [32, 64],
      [129, 80],
      [64, 112],
      [37, 1024],
    ])
      await expectSame(
        'hashRuns',
        { from: bytes(16 + count * length), to: bytes(32 + count * 32 + 16) },
        (at) => ({
          ...{ from: at('from'), fromAt: 16, to: at('to'), toAt: 32 },
          ...{ count, bytes: length, tag: 0xa7 },
        }),
      );
  });

  test('hash a leaf of digests, of 64 blocks', async () => {
    await expectSame('hashRuns', { from: bytes(3 * 4096), to: bytes(96) }, (at) => ({
      ...{ from: at('from'), fromAt: 0, to: at('to'), toAt: 0, count: 3, bytes: 4096, tag: 16 },
    }));
  });

  test.each(KERNELS)('%s gives the bytes of its plain twin', async (kernel) => {
    for (const one of casesOf(kernel, [16, 32, 64, 128, 256]))
      expect([one.name, toHex(await runCase(interpreted, one))]).toEqual([
        one.name,
        toHex(await runCase(createPlainGpu(), one)),
      ]);
  });

  test('digest as many blocks as a block of threads takes, one after the other', async () => {
    const [blocks, each] = [21, 12];
    const from = bytes(blocks * 4096);
    const key = small(4 * 4096);
    const global = new GlobalMemory();
    const [data, keys, to] = [from.length, key.length, 16 * blocks].map((size) => global.allocate(size));
    global.bytesAt(data).set(from);
    global.bytesAt(keys).set(key);
    const kernel = prepare(parsePtx(await readModule('digests')).entries.get('digests')!);
    const args = [BigInt(data), BigInt(keys), BigInt(to), blocks, each];
    launch(kernel, { grid: [2, 1, 1], block: [256, 1, 1], sharedBytes: 0, args }, global);
    const expected = new Uint8Array(16 * blocks);
    for (let i = 0; i < blocks; i++)
      digestBlock(from.subarray(i * 4096, (i + 1) * 4096), new Int8Array(key.buffer), expected, 16 * i);
    expect(toHex(global.bytesAt(to))).toBe(toHex(expected));
  });

  test('multiply by tiles of more than one band', async () => {
    // 18 tiles below each other, in bands of 16, and two beside each other
    const [rows, n] = [17 * 128 + 5, 256];
    await expectSame(
      'product',
      { a: bytes(rows * n), b: small(n * n), to: bytes(4 * rows * n) },
      (at) => ({ a: at('a'), b: at('b'), to: at('to'), rows, n }),
      gpus.get('product-turing')!,
    );
  });

  test.each(PRODUCTS)('multiply exactly by %s', async (name) => {
    const gpu = gpus.get(name)!;
    // below 256 all of them have the same product for small sides
    if (name === 'product') expect(await inexactProduct(createGpuCompute(gpu))).toBeUndefined();
    else
      for (const one of casesOf('product', [256]))
        expect([one.name, toHex(await runCase(gpu, one))]).toEqual([
          one.name,
          toHex(await runCase(createPlainGpu(), one)),
        ]);
    for (const [rows, n] of [
      [129, 256],
      [200, 512],
    ])
      await expectSame(
        'product',
        { a: bytes(rows * n), b: small(n * n), to: bytes(4 * rows * n + 16) },
        (at) => ({ a: at('a'), b: at('b'), to: at('to'), rows, n }),
        gpu,
      );
  });

  test.each(PRODUCTS.slice(1))('fold products by %s', async (name) => {
    for (const n of [16, 32, 256])
      await expectSame(
        'productFold',
        { a: bytes(n * n), b: small(n * n), to: bytes(n * n) },
        (at) => ({ a: at('a'), b: at('b'), to: at('to'), n }),
        gpus.get(name)!,
      );
  });

  test.each(chains)('give the vectors of labels, n $n', async (vector) => {
    await expectVector(createGpuCompute(interpreted).openLabels!, vector);
  });

  test('make a chain of labels: the plain ones, operation by operation', async () => {
    expect(await wrongLabels(createGpuCompute(interpreted).openLabels!, 64)).toBeUndefined();
  });

  test('make a chain of labels with tiles', async () => {
    expect(await wrongLabels(createGpuCompute(interpreted).openLabels!, 256)).toBeUndefined();
  });

  test('multiply exactly where sums leave what single precision holds', async () => {
    // the first tile of a side that is summed in two parts, both at their bound: the last sum is 2^24
    const [n, rows, columns] = [2048, 3, 128];
    const a = bytes(rows * n);
    const b = small(n * n);
    a.fill(0x80, 0, n);
    b.fill(-64 & 255, 0, n);
    for (const [name, wanted] of [
      ['product-f16', 'product'],
      ['product', 'product'],
    ] as const) {
      const global = new GlobalMemory();
      const [left, right, to] = [a.length, b.length, 4 * rows * n].map((size) => global.allocate(size));
      global.bytesAt(left).set(a);
      global.bytesAt(right).set(b);
      const kernel = prepare(parsePtx(await readModule(name)).entries.get(wanted)!);
      const args = [BigInt(left), BigInt(right), BigInt(to), rows, n];
      launch(kernel, { grid: [1, 1, 1], block: [256, 1, 1], sharedBytes: 98_304, args }, global);
      const sums = new Int32Array(global.bytesAt(to).buffer);
      expect(sums[0]).toBe(2 ** 24);
      for (let i = 0; i < rows; i++)
        for (let j = 0; j < columns; j++) {
          let sum = 0;
          for (let k = 0; k < n; k++) sum += ((a[i * n + k] << 24) >> 24) * ((b[j * n + k] << 24) >> 24);
          expect(sums[i * n + j]).toBe(sum);
        }
    }
  });
});

describe('the interpreter', () => {
  const run = async (
    name: ModuleName,
    entry: string,
    change: (ptx: string) => string,
    how: Omit<PtxLaunch, 'args'> & { readonly sizes: readonly number[]; readonly numbers: readonly number[] },
  ): Promise<void> => {
    const global = new GlobalMemory();
    const addresses = how.sizes.map((size) => BigInt(global.allocate(size)));
    const kernel = prepare(parsePtx(change(await readModule(name))).entries.get(entry)!);
    launch(kernel, { ...how, args: [...addresses, ...how.numbers] }, global);
  };
  const without = (pattern: RegExp) => (ptx: string) => ptx.replaceAll(pattern, '');
  const tile = { grid: [1, 1, 1], block: [256, 1, 1], sharedBytes: 98_304 } as const;
  const product = { ...tile, sizes: [128 * 256, 256 * 256, 4 * 128 * 256], numbers: [128, 256] };
  const turn = { ...tile, sharedBytes: 0, sizes: [128 * 128, 128 * 128], numbers: [128] };
  const hash = {
    grid: [1, 1, 1],
    block: [128, 1, 1],
    sharedBytes: 0,
    sizes: [128 * 64, 128 * 32],
    numbers: [128, 64, 1],
  } as const;
  const same = (ptx: string): string => ptx;

  test('lets the kernels pass as they are', async () => {
    await run('product', 'product', same, product);
    await run('bytes', 'transpose', same, turn);
    await run('hash', 'hashRuns', same, hash);
  });

  test('finds threads that do not wait for each other', async () => {
    const alone = without(/bar\.sync\s+0;/g);
    await expect(run('product', 'product', alone, product)).rejects.toThrow(/shared memory/);
    await expect(run('bytes', 'transpose', alone, turn)).rejects.toThrow(/nobody wrote|meanwhile/);
    await expect(run('hash', 'hashRuns', without(/bar\.warp\.sync\s+-1;/g), hash)).rejects.toThrow(
      /shared memory/,
    );
  });

  test('finds copies that nobody waited for', async () => {
    const early = without(/cp\.async\.wait_group 2;/g);
    await expect(run('product', 'product', early, product)).rejects.toThrow(/while a copy is under way/);
  });

  test('finds what lies outside of memory', async () => {
    const short = { ...product, sizes: [128 * 256 - 16, 256 * 256, 4 * 128 * 256] };
    await expect(run('product', 'product', same, short)).rejects.toThrow(
      /global memory: 16 bytes at 32752 of 32752/,
    );
    await expect(run('product', 'product', same, { ...product, sharedBytes: 98_304 - 64 })).rejects.toThrow(
      /shared memory: 16 bytes at/,
    );
  });

  test('knows no instruction that it does not run', async () => {
    const odd = (ptx: string): string => ptx.replaceAll('prmt.b32', 'prmt.b32.f4e');
    await expect(run('bytes', 'transpose', odd, turn)).rejects.toThrow(/no instruction prmt.b32.f4e/);
  });
});
