// Owns: how fast each kernel is on one processor. Does not own: what a class should reach (verification/classes.ts).
import type { Clock } from '../../model/clock.js';
import type { Random } from '../../model/prng.js';
import { TAG } from '../spec/chain.js';
import { DIGEST_BYTES, DIGEST_COLUMNS } from '../spec/digest.js';
import { BLOCK_BYTES } from '../spec/plain-labels.js';
import type { Gpu } from './gpu.js';
import { withRoom } from './memory.js';

/** Rates over whole kernels, as the clock of the host sees them: start and end included, batches long enough to hide both. */
export interface GpuRates {
  readonly n: number;
  /** a multiply and an add are two */
  readonly productOpsPerS: number;
  /** product with the fold, as a label is made */
  readonly productFoldOpsPerS: number;
  /** read by SHA-256 over runs of 1024 bytes */
  readonly hashBytesPerS: number;
  /** read and written */
  readonly transposeBytesPerS: number;
  /** two read, one written */
  readonly joinBytesPerS: number;
  /** read by a keyed pass */
  readonly digestBytesPerS: number;
}

/** A batch is as many runs as take about this long. */
const BATCH_MS = 50;
/** Batches; their median counts: a clock that wanders or a neighbour's burst moves the ends. */
const BATCHES = 5;
const HASH_RUN = 1024;

/**
 * Random operands of side n: what a card draws, and so how fast it clocks, hangs on the bits that flip.
 * @param onStep told what is measured next
 * @throws AssayError `unsupported` where there is no room
 */
export async function measureGpu(
  gpu: Gpu,
  {
    n,
    clock,
    random,
    onStep = () => undefined,
  }: {
    readonly n: number;
    readonly clock: Clock;
    readonly random: Random;
    readonly onStep?: (step: string) => void;
  },
): Promise<GpuRates> {
  const timed = async (step: string, run: () => void): Promise<number> => {
    onStep(step);
    const batch = async (runs: number): Promise<number> => {
      const from = clock.monotonic();
      for (let i = 0; i < runs; i++) run();
      await gpu.done();
      return (clock.monotonic() - from) / runs;
    };
    await batch(1); // the first one also loads the kernel
    const once = await batch(1);
    const runs = Math.max(1, Math.min(1000, Math.round(BATCH_MS / Math.max(once, 1e-3))));
    const times: number[] = [];
    for (let i = 0; i < BATCHES; i++) times.push(await batch(runs));
    times.sort((a, b) => a - b);
    return times[(BATCHES - 1) / 2] / 1000;
  };
  const square = n * n;
  return withRoom(gpu, `measuring at side ${n}`, async (take) => {
    const [a, b, to] = [await take(square), await take(square), await take(square)];
    const [x, y] = [await take(4 * n), await take(4 * n)];
    const c = await take(4 * Math.min(n, PRODUCT_ROWS) * n);
    const hashes = await take((square / Math.min(HASH_RUN, square)) * 32);
    const key = await take(DIGEST_COLUMNS * BLOCK_BYTES);
    const digests = await take(Math.ceil(square / BLOCK_BYTES) * DIGEST_BYTES);
    for (const memory of [a, x, y]) gpu.write(memory, 0, random.bytes(memory.bytes));
    const sevenBits = (bytes: Uint8Array): Uint8Array => bytes.map((byte) => (byte & 127) - 64);
    for (const memory of [b, key]) gpu.write(memory, 0, sevenBits(random.bytes(memory.bytes)));
    await gpu.done();

    const rows = Math.min(n, PRODUCT_ROWS);
    const run = Math.min(HASH_RUN, square);
    const product = await timed('product', () => gpu.run('product', { a, b, to: c, rows, n }));
    const productFold = await timed('product and fold', () => gpu.run('productFold', { a, b, to, n }));
    const hash = await timed('SHA-256', () =>
      gpu.run('hashRuns', {
        from: a,
        fromAt: 0,
        to: hashes,
        toAt: 0,
        count: square / run,
        bytes: run,
        tag: TAG.chunk,
      }),
    );
    const transpose = await timed('transposition', () => gpu.run('transpose', { from: a, to, n }));
    const join = await timed('left operand', () => gpu.run('join', { rows: a, columns: b, x, y, to, n }));
    const blocks = Math.floor(square / BLOCK_BYTES);
    const digest =
      blocks > 0
        ? await timed('pass', () =>
            gpu.run('digests', { from: a, first: 0, blocks, key, to: digests, toAt: 0 }),
          )
        : Number.NaN;
    return {
      n,
      productOpsPerS: (2 * rows * square) / product,
      productFoldOpsPerS: (2 * n * square) / productFold,
      hashBytesPerS: square / hash,
      transposeBytesPerS: (2 * square) / transpose,
      joinBytesPerS: (3 * square) / join,
      digestBytesPerS: (blocks * BLOCK_BYTES) / digest,
    };
  });
}

/** Whole results of 16384 rows would be a gigabyte. */
const PRODUCT_ROWS = 4096;
