// Owns: how each kernel is started for a call, and which modules a card needs. Does not own: their text (modules.ts), starting
// them (driver.ts), what they compute (kernels/*.cu).
import { unsupported } from '../../model/errors.js';
import { HASH_BYTES } from '../../model/merkle.js';
import type { GpuCalls, GpuMemory } from '../gpu/gpu.js';
import type { Boxes, Launch, LaunchArgument } from './driver.js';

/** A file of kernels/, by name without ending. */
export type ModuleName =
  | 'bytes'
  | 'digests'
  | 'hash'
  | 'product'
  | 'product-f16'
  | 'product-hopper'
  | 'product-small'
  | 'product-turing';

/** What multiplies: one module of four, which have the same entries. */
export type ProductModule = Extract<
  ModuleName,
  'product' | 'product-f16' | 'product-hopper' | 'product-turing'
>;

const ENTRIES = {
  bytes: ['column', 'join', 'transpose'],
  digests: ['digests'],
  hash: ['hashLevels', 'hashRuns', 'tweakRows'],
  'product-small': ['productFoldSmall', 'productSmall'],
  product: ['product', 'productFold'],
  'product-f16': ['product', 'productFold'],
  'product-hopper': ['product', 'productFold'],
  'product-turing': ['product', 'productFold'],
} as const satisfies Record<ModuleName, readonly string[]>;

export type Entry = (typeof ENTRIES)[ModuleName][number];

export interface PlannedLaunch extends Launch {
  readonly entry: Entry;
}

export interface CudaPlan {
  /** What this card needs; an entry is in one of them. */
  readonly modules: readonly { readonly name: ModuleName; readonly entries: readonly Entry[] }[];
  /** @param address where a memory begins on the card: a multiple of 16, as all that the driver gives */
  launches<K extends keyof GpuCalls>(
    kernel: K,
    call: GpuCalls[K],
    address: (memory: GpuMemory) => bigint,
  ): readonly PlannedLaunch[];
}

export interface Capability {
  readonly major: number;
  readonly minor: number;
}

/**
 * What a card of this compute capability multiplies with, the best first: where one does not load or is not exact, the next is tried.
 * @throws AssayError `unsupported` for cards without int8 tensor cores
 */
export function productModulesOf({ major, minor }: Capability): readonly ProductModule[] {
  // B300 and GB300: int8 at a fifteenth of the rate of half precision
  if (major === 10 && minor === 3) return ['product-f16', 'product'];
  // instructions that no card before or after it has; drivers from CUDA 12.0 on
  if (major === 9 && minor === 0) return ['product-hopper', 'product'];
  if (major >= 8) return ['product'];
  if (major === 7 && minor === 5) return ['product-turing'];
  const what = `compute capability ${major}.${minor}`;
  const why = 'the card has no int8 tensor cores; from 7.5 (Turing) on they do';
  throw unsupported(what, why);
}

/** product.h: 128 rows, and as many columns as the module was made with; stages of 64 bytes of each of both. Less than that takes a fold's way out. */
const TILE_ROWS = 128;
const TILES = {
  product: { columns: 256, sharedBytes: 4 * (TILE_ROWS + 256) * 64 },
  'product-f16': { columns: 128, sharedBytes: 4 * (TILE_ROWS + 128) * 64 },
  'product-turing': { columns: 128, sharedBytes: 2 * (TILE_ROWS + 128) * 64 },
} as const;

/** product-hopper.cu: pairs of blocks, 128 x 256 each; four stages of 128 bytes of the summed side, and what a row and its barriers take. */
const HOPPER = {
  threads: 288,
  pairRows: 256,
  columns: 256,
  box: 128,
  sharedBytes: 4 * 3 * 128 * 128 + 64,
} as const;
/** A block's shared memory begins anywhere; squares that are swizzled do not. */
const HOPPER_SLACK = 1024 - 16;

/** Below it a tile would be mostly empty. */
const SMALLEST_TILED_SIDE = 256;
/** hash.cu: a block begins with so many nodes of a tree, and goes up to the one above them all. */
const LEVEL_NODES = 128;
const LEVELS_AT_ONCE = Math.log2(LEVEL_NODES) + 1;
/** Blocks of threads that one pass over memory is shared out to: enough for the largest card several times over. */
const DIGEST_BLOCKS = 1024;

/** @param multiprocessors of the card: blocks that stay and take one tile after the other are as many */
export function createCudaPlan(product: ProductModule, multiprocessors: number): CudaPlan {
  const names: readonly ModuleName[] = ['bytes', 'digests', 'hash', 'product-small', product];
  /** A product of `rows` x n by n x n of bytes, each row of both lying in a row. */
  const multiply = (
    entry: 'product' | 'productFold',
    { a, b, rows, n }: { a: bigint; b: bigint; rows: number; n: number },
    rest: readonly (bigint | number)[],
  ): PlannedLaunch => {
    if (product === 'product-hopper') {
      const { threads, box, sharedBytes, pairRows, columns } = HOPPER;
      const pairs = Math.ceil(rows / pairRows) * (n / columns);
      const atOnce = Math.max(1, Math.min(pairs, Math.floor(multiprocessors / 2)));
      const boxes = (at: bigint, count: number): Boxes => ({ at, width: n, rows: count, box: [box, box] });
      const planned = over(entry, 2 * atOnce, threads, [boxes(a, rows), boxes(b, n), ...rest]);
      return { ...planned, sharedBytes: sharedBytes + HOPPER_SLACK };
    }
    const { columns, sharedBytes } = TILES[product];
    const tiles = Math.ceil(rows / TILE_ROWS) * (n / columns);
    return { ...over(entry, tiles, 256, [a, b, ...rest]), sharedBytes };
  };

  const plans: {
    readonly [K in keyof GpuCalls]: (
      call: GpuCalls[K],
      at: (memory: GpuMemory) => bigint,
    ) => PlannedLaunch | readonly PlannedLaunch[];
  } = {
    hashRuns({ from, fromAt, to, toAt, count, bytes, tag }, at) {
      return hashes(at(from) + BigInt(fromAt), at(to) + BigInt(toAt), { count, bytes, tag });
    },
    hashLevels({ heap, width, tag }, at) {
      const out: PlannedLaunch[] = [];
      for (let from = width; from >= 1; from = Math.floor(from / 2 ** LEVELS_AT_ONCE)) {
        const levels = Math.min(LEVELS_AT_ONCE, Math.log2(from) + 1);
        out.push(over('hashLevels', from / LEVEL_NODES, LEVEL_NODES, [at(heap), from, levels, tag]));
      }
      return out;
    },
    transpose({ from, to, n }, at) {
      const across = Math.ceil(n / 128);
      return { ...over('transpose', across, 256, [at(from), at(to), n]), grid: [across, across, 1] };
    },
    tweakRows({ rows, columns, to, seed, label, n }, at) {
      const leaves = (heap: GpuMemory): bigint => at(heap) + BigInt(n * HASH_BYTES);
      const view = new DataView(seed.buffer, seed.byteOffset, seed.byteLength);
      const words = Array.from({ length: 8 }, (_, i) => view.getUint32(4 * i, true));
      const args = [leaves(rows), leaves(columns), at(to), label, n, ...words];
      return over('tweakRows', n / 128, 128, args);
    },
    join({ rows, columns, x, y, to, n }, at) {
      const args = [at(rows), at(columns), at(x), at(y), at(to), n, Math.log2(n / 16)];
      return over('join', ((n / 16) * n) / 8 / 256, 256, args);
    },
    product({ a, b, to, rows, n }, at) {
      const numbers = [rows, n];
      if (n < SMALLEST_TILED_SIDE)
        return over('productSmall', (rows * n) / 4 / 128, 128, [at(a), at(b), at(to), ...numbers]);
      return multiply('product', { a: at(a), b: at(b), rows, n }, [at(to), ...numbers]);
    },
    productFold({ a, b, to, n }, at) {
      if (n < SMALLEST_TILED_SIDE)
        return over('productFoldSmall', (n * n) / 4 / 128, 128, [at(a), at(b), at(to), n]);
      return multiply('productFold', { a: at(a), b: at(b), rows: n, n }, [at(to), n]);
    },
    digests({ from, first, blocks, key, to, toAt }, at) {
      const each = 4 * Math.min(16, Math.max(1, Math.floor(blocks / (4 * DIGEST_BLOCKS))));
      const args = [at(from) + BigInt(first) * 4096n, at(key), at(to) + BigInt(toAt), blocks, each];
      return over('digests', blocks / each, 256, args);
    },
    column({ from, n, index, to, toAt }, at) {
      return over('column', n / 4 / 128, 128, [at(from), n, index, at(to) + BigInt(toAt)]);
    },
  };
  return {
    modules: names.map((name) => ({ name, entries: ENTRIES[name] })),
    launches: (kernel, call, address) => [plans[kernel](call, address)].flat(),
  };
}

/** @param blocks rounded up: what is too many has nothing to do */
function over(entry: Entry, blocks: number, threads: number, args: readonly LaunchArgument[]): PlannedLaunch {
  return { entry, grid: [Math.ceil(blocks), 1, 1], block: [threads, 1, 1], sharedBytes: 0, args };
}

function hashes(
  from: bigint,
  to: bigint,
  { count, bytes, tag }: { count: number; bytes: number; tag: number },
): PlannedLaunch {
  if (from % 16n !== 0n || to % 16n !== 0n || bytes % 16 !== 0)
    throw new RangeError(`hashes: expected multiples of 16, got runs of ${bytes} bytes at ${from} to ${to}`);
  return over('hashRuns', count / 128, 128, [from, to, count, bytes, tag]);
}
