// Owns: how each kernel is asked of WebGPU: source, memories in the order of its bindings, numbers, groups. Does not own: what
// a kernel gives (../gpu/gpu.ts), buffers and queues (gpu.ts).
import type { GpuCalls, GpuMemory, Product } from '../gpu/gpu.js';
import { COLUMN, JOIN, TRANSPOSE } from './bytes.wgsl.js';
import {
  DIGESTS_PER_GROUP,
  defaultProduct,
  digestsWgsl,
  type ProductVariant,
  productWgsl,
  tileColumns,
  tileRows,
} from './product.wgsl.js';
import { HASH_LEVELS, HASH_RUNS, LEVELS_AT_ONCE, TWEAK_ROWS } from './sha256.wgsl.js';

/** One run of a kernel over a grid of groups. */
export interface Dispatch {
  /** words of the uniform `p` */
  readonly params: readonly number[];
  readonly x: number;
  readonly y: number;
  /** multiplications of bytes, or as much time as those take */
  readonly work: number;
}

export interface Kernel<C> {
  readonly code: string;
  /** bindings from 1 on; the last one is written */
  readonly memories: (call: C) => readonly GpuMemory[];
  /** how many `memories` gives */
  readonly bindings: number;
  readonly dispatches: (call: C) => readonly Dispatch[];
}

export type Kernels = { readonly [K in keyof GpuCalls]: Kernel<GpuCalls[K]> };

export interface KernelOptions {
  /** the WGSL feature `packed_4x8_integer_dot_product` is there */
  readonly packed: boolean;
  /** @default `defaultProduct` */
  readonly product?: ProductVariant;
  /** Products of bytes that are handed over at once. @default 2^37 */
  readonly mostWork?: number;
}

/** At most this many groups in a row of the grid: what every device can (`maxComputeWorkgroupsPerDimension`). */
const MOST_GROUPS = 65_535;
/** Longer work is cut: a driver takes a device away that does not answer for a second or two. 2^37 are 0.1 s of a slow one. */
export const MOST_WORK = 2 ** 37;
/** A byte that is hashed takes as long as about so many products. */
const HASH_WORK = 16;

export function createKernels({
  packed,
  product: variant = defaultProduct(packed),
  mostWork = MOST_WORK,
}: KernelOptions): Kernels {
  const product = (folded: boolean): Kernel<Product> => ({
    code: productWgsl(variant, { folded }),
    memories: ({ a, b, to }) => [a, b, to],
    bindings: 3,
    dispatches: ({ rows, n }) => bands(rows, n, variant, mostWork),
  });
  const folded = product(true);
  return {
    hashRuns: {
      code: HASH_RUNS,
      memories: ({ from, to }) => [from, to],
      bindings: 2,
      dispatches: ({ fromAt, toAt, count, bytes, tag }) => {
        const words = bytes / 4;
        // tag, run, a byte that ends it, and eight of its length
        const blocks = Math.ceil((1 + bytes + 9) / 64);
        const params = [fromAt / 4, toAt / 4, count, words, tag, blocks];
        return [{ params, ...grid(Math.ceil(count / 64)), work: count * bytes * HASH_WORK }];
      },
    },
    hashLevels: {
      code: HASH_LEVELS,
      memories: ({ heap }) => [heap],
      bindings: 1,
      dispatches: ({ width, tag }) => {
        const out: Dispatch[] = [];
        for (let at = width; at >= 1; at = Math.floor(at / 2 ** LEVELS_AT_ONCE)) {
          const levels = Math.min(LEVELS_AT_ONCE, Math.log2(at) + 1);
          out.push({
            params: [at, levels, tag, 2],
            x: Math.ceil(at / 64),
            y: 1,
            work: 2 * at * 64 * HASH_WORK,
          });
        }
        return out;
      },
    },
    transpose: {
      code: TRANSPOSE,
      memories: ({ from, to }) => [from, to],
      bindings: 2,
      dispatches: ({ n }) => {
        const tiles = Math.ceil(n / 64);
        return [{ params: [n / 4], x: tiles, y: tiles, work: n * n }];
      },
    },
    tweakRows: {
      code: TWEAK_ROWS,
      memories: ({ rows, columns, to }) => [rows, columns, to],
      bindings: 3,
      dispatches: ({ seed, label, n }) => {
        const view = new DataView(seed.buffer, seed.byteOffset, seed.byteLength);
        const words = Array.from({ length: 8 }, (_, i) => view.getUint32(4 * i));
        const params = [n, label, 2, 0, ...words];
        return [{ params, x: Math.ceil(n / 64), y: 1, work: n * 128 * HASH_WORK }];
      },
    },
    join: {
      code: JOIN,
      memories: ({ rows, columns, x, y, to }) => [rows, columns, x, y, to],
      bindings: 5,
      dispatches: ({ n }) => [{ params: [n / 4], x: Math.ceil(n / 256), y: Math.ceil(n / 4), work: n * n }],
    },
    product: product(false),
    productFold: {
      ...folded,
      memories: ({ a, b, to }) => [a, b, to],
      dispatches: ({ n }) => bands(n, n, variant, mostWork),
    },
    digests: {
      code: digestsWgsl({ packed }),
      memories: ({ from, key, to }) => [from, key, to],
      bindings: 3,
      dispatches: ({ first, blocks, toAt }) => [
        {
          params: [first, blocks, toAt / 16],
          ...grid(Math.ceil(blocks / DIGESTS_PER_GROUP)),
          work: blocks * 4 * 4096,
        },
      ],
    },
    column: {
      code: COLUMN,
      memories: ({ from, to }) => [from, to],
      bindings: 2,
      dispatches: ({ n, index, toAt }) => [
        { params: [n, index, toAt / 4], x: Math.ceil(n / 256), y: 1, work: n },
      ],
    },
  };
}

/** Groups in a row, and rows of them: kernels number them row by row and leave out what is too much. */
function grid(groups: number): { x: number; y: number } {
  const y = Math.max(1, Math.ceil(groups / MOST_GROUPS));
  return { x: Math.ceil(groups / y), y };
}

/** Rows of a product, so many at once that none takes too long. */
function bands(rows: number, n: number, variant: ProductVariant, mostWork: number): Dispatch[] {
  const tall = tileRows(variant);
  const atOnce = Math.max(1, Math.floor(mostWork / (n * n * tall))) * tall;
  const x = Math.ceil(n / tileColumns(variant));
  const out: Dispatch[] = [];
  for (let first = 0; first < rows; first += atOnce) {
    const count = Math.min(atOnce, rows - first);
    out.push({ params: [n, rows, first], x, y: Math.ceil(count / tall), work: count * n * n });
  }
  return out;
}
