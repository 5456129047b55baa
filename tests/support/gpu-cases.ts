// Owns: what each kernel of a graphics processor is tried on: sides at which tiles end, bytes at both ends of their range.
// Does not own: what it must give (src/compute/gpu/plain.ts).
import type { Gpu, GpuCalls, GpuMemory } from '../../src/compute/gpu/gpu.js';
import { createSeededRandom } from '../../src/model/prng.js';

/** All there are: one that is added to the seam is missed here by the compiler. */
const EACH: Readonly<Record<keyof GpuCalls, true>> = {
  hashRuns: true,
  hashLevels: true,
  transpose: true,
  tweakRows: true,
  join: true,
  product: true,
  productFold: true,
  digests: true,
  column: true,
};
export const KERNELS = Object.keys(EACH) as readonly (keyof GpuCalls)[];

export interface GpuCase {
  readonly name: string;
  readonly kernel: keyof GpuCalls;
  /** memories by name, with what is in them before */
  readonly memories: Readonly<Record<string, Uint8Array>>;
  /** which of them are taken over by `call` under the same name; numbers and the seed */
  readonly call: Readonly<Record<string, number | Uint8Array>>;
  /** name of the memory that is compared afterwards, whole */
  readonly changed: string;
}

/** The memory that the kernel changed, as it is afterwards. */
export async function runCase(gpu: Gpu, { kernel, memories, call, changed }: GpuCase): Promise<Uint8Array> {
  const held: Record<string, GpuMemory> = {};
  for (const [name, bytes] of Object.entries(memories)) {
    const memory = await gpu.allocate(bytes.length);
    if (!memory) throw new Error(`no room for ${bytes.length} bytes of ${name}`);
    held[name] = memory;
    gpu.write(memory, 0, bytes);
  }
  gpu.run(kernel, { ...held, ...call } as never); // by the kernel's own names
  const [read] = await gpu.read([{ memory: held[changed], at: 0, bytes: held[changed].bytes }]);
  for (const memory of Object.values(held)) gpu.free(memory);
  return read;
}

const random = (label: string, bytes: number): Uint8Array =>
  createSeededRandom(`gpu-case ${label}`).bytes(bytes);
const sevenBits = (bytes: Uint8Array): Uint8Array => bytes.map((byte) => (byte & 127) - 64);
/** Products of the ends of both ranges: whatever keeps too few bits shows here. */
const ends: Readonly<Record<string, readonly [left: number, right: number]>> = {
  'lowest by lowest': [-128, -64],
  'lowest by highest': [-128, 63],
  'highest by lowest': [127, -64],
  'highest by highest': [127, 63],
};

/** Rows of a product: one, a few, one tile and a bit, all. */
const someRows = (n: number): number[] => [...new Set([1, 3, Math.min(n, 65), n])];

/** What one process of Dawn's is tried on, and its test counts. */
export const DAWN_SIDES = [16, 128];

export function casesOf(kernel: keyof GpuCalls, sides: readonly number[]): GpuCase[] {
  return sides.flatMap((n) =>
    CASES[kernel](n).map((one) => ({ ...one, kernel, name: `${kernel}, n ${n}${one.name}` })),
  );
}

/** More than 2^24 in odd steps, four products each: whatever adds them in floats must take the sum over in time. */
export const LONG_SUM: GpuCase = {
  name: 'product, n 4096: a long sum',
  kernel: 'product',
  memories: {
    a: Uint8Array.from({ length: 4096 }, (_, i) => (i % 4 === 0 ? 126 : 127)),
    b: new Uint8Array(4096 * 4096).fill(63),
    to: new Uint8Array(4 * 4096),
  },
  call: { rows: 1, n: 4096 },
  changed: 'to',
};

type Bare = Omit<GpuCase, 'kernel'>;

const CASES: Readonly<Record<keyof GpuCalls, (n: number) => Bare[]>> = {
  hashRuns: (n) => {
    const one = (count: number, bytes: number): Bare => ({
      name: `: ${count} runs of ${bytes} bytes`,
      memories: { from: random('runs', 64 + count * bytes), to: random('hashes', 32 + count * 32) },
      call: { fromAt: 64, toAt: 32, count, bytes, tag: 3 },
      changed: 'to',
    });
    // 48 and 112 bytes end within a block, 64 begins another
    return [one(n, n), one(n + 1, 48), one(3, 64), one(2, 112), one(67, 1024), one(1, 4096)];
  },
  // more nodes than one group begins with, and as few as there can be
  hashLevels: (n) =>
    [n / 2, 8 * n, 1].map((width) => ({
      name: `: from ${width} nodes on`,
      memories: { heap: random('heap', 128 * width) },
      call: { width, tag: 4 },
      changed: 'heap',
    })),
  transpose: (n) => [
    {
      name: '',
      memories: { from: random('square', n * n), to: new Uint8Array(n * n) },
      call: { n },
      changed: 'to',
    },
  ],
  tweakRows: (n) => [
    {
      name: '',
      memories: {
        rows: random('rows', 64 * n),
        columns: random('columns', 64 * n),
        to: new Uint8Array(4 * n),
      },
      call: { seed: random('seed', 32), label: 0x01020384, n },
      changed: 'to',
    },
  ],
  join: (n) => [
    {
      name: '',
      memories: {
        rows: random('rows', n * n),
        columns: random('columns', n * n),
        x: random('x', 4 * n),
        y: random('y', 4 * n),
        to: new Uint8Array(n * n),
      },
      call: { n },
      changed: 'to',
    },
    {
      name: ': every byte at its highest',
      memories: {
        rows: new Uint8Array(n * n).fill(255),
        columns: new Uint8Array(n * n).fill(255),
        x: new Uint8Array(4 * n).fill(255),
        y: new Uint8Array(4 * n).fill(1),
        to: new Uint8Array(n * n),
      },
      call: { n },
      changed: 'to',
    },
  ],
  product: (n) => [
    ...someRows(n).map((rows) => ({
      name: `: ${rows} rows`,
      memories: {
        a: random('left', rows * n),
        b: sevenBits(random('right', n * n)),
        to: random('before', 4 * rows * n),
      },
      call: { rows, n },
      changed: 'to',
    })),
    ...Object.entries(ends).map(([name, [left, right]]) => ({
      name: `: ${name}`,
      memories: {
        a: new Uint8Array(n).fill(left),
        b: new Uint8Array(n * n).fill(right),
        to: new Uint8Array(4 * n),
      },
      call: { rows: 1, n },
      changed: 'to',
    })),
  ],
  productFold: (n) => [
    {
      name: '',
      memories: { a: random('left', n * n), b: sevenBits(random('right', n * n)), to: new Uint8Array(n * n) },
      call: { n },
      changed: 'to',
    },
  ],
  digests: (n) => {
    const blocks = Math.max(1, Math.floor((n * n) / 4096));
    const one = (name: string, from: Uint8Array, key: Uint8Array): Bare => ({
      name,
      memories: { from, key, to: random('before', 32 + blocks * 16) },
      call: { first: 1, blocks, toAt: 16 },
      changed: 'to',
    });
    const bytes = (1 + blocks) * 4096;
    return [
      one('', random('blocks', bytes), sevenBits(random('key', 4 * 4096))),
      ...Object.entries(ends).map(([name, [block, key]]) =>
        one(`: ${name}`, new Uint8Array(bytes).fill(block), new Uint8Array(4 * 4096).fill(key)),
      ),
    ];
  },
  column: (n) =>
    [0, n - 1, n / 2 + 1].map((index) => ({
      name: `: number ${index}`,
      memories: { from: random('square', n * n), to: random('before', 4 + n) },
      call: { n, index, toAt: 4 },
      changed: 'to',
    })),
};
