// Owns: whether a graphics processor is used at all. Does not own: what is compared (../probe-labels.ts, ../probe.ts).
import { unsupported } from '../../model/errors.js';
import { createSeededRandom } from '../../model/prng.js';
import type { Compute } from '../compute.js';
import { inexactProduct } from '../probe.js';
import { wrongLabels } from '../probe-labels.js';
import { fold } from '../spec/chain.js';
import type { Gpu } from './gpu.js';
import { withRoom } from './memory.js';

/** Products of several tiles in every direction. */
const TILED_SIDE = 512;
/** Of its rows as many are compared: no multiple of what tiles are made of. */
const ROW_STEP = 7;

/**
 * Of rows whose sums come as near to 2^23 as any product gets before it is put away as a whole number (product-f16.cu): what
 * keeps fewer bits of a sum is exact on everything shorter.
 */
const LONG_SIDE = 1024;

/** Labels of several tiles, and with blocks to pass over. */
const SIDES = [64, 256];

/**
 * The same device, after every operation gave the bits of the plain one.
 * @param more what else is compared: what is wrong, if anything
 * @throws AssayError `unsupported` when one did not; the device is closed then
 */
export async function exactCompute(
  compute: Compute,
  more: () => Promise<string | undefined> = async () => undefined,
): Promise<Compute> {
  const wrong = (await firstDifference(compute)) ?? (await more());
  if (wrong === undefined) return compute;
  await compute.close?.();
  const what = compute.name;
  const why = `it is not exact here (${wrong}), so it is not used: update the driver, and report it with this line`;
  throw unsupported(what, why);
}

async function firstDifference(compute: Compute): Promise<string | undefined> {
  const product = await inexactProduct(compute);
  if (product !== undefined) return product;
  for (const n of SIDES) {
    const wrong = await wrongLabels((spec) => compute.openLabels!(spec), n); // a graphics processor has them
    if (wrong !== undefined) return wrong;
  }
  return undefined;
}

/** Where products of many tiles, or of long sums, differ from plain ones, if they do. */
export async function wrongTiles(gpu: Gpu): Promise<string | undefined> {
  return (await wrongSquare(gpu)) ?? (await wrongLongSum(gpu));
}

async function wrongSquare(gpu: Gpu): Promise<string | undefined> {
  const n = TILED_SIDE;
  const random = createSeededRandom('probe-tiles');
  const left = random.bytes(n * n);
  const right = random.bytes(n * n).map((byte) => (byte & 127) - 64);
  return withRoom(gpu, 'comparing products', async (room) => {
    const [a, b, sums, folds] = [
      await room(n * n),
      await room(n * n),
      await room(4 * n * n),
      await room(n * n),
    ];
    gpu.write(a, 0, left);
    gpu.write(b, 0, right);
    gpu.run('product', { a, b, to: sums, rows: n, n });
    gpu.run('productFold', { a, b, to: folds, n });
    const [gotSums, gotFolds] = await gpu.read(
      [sums, folds].map((memory) => ({ memory, at: 0, bytes: memory.bytes })),
    );
    const got = new Int32Array(gotSums.buffer, gotSums.byteOffset, n * n);
    const folded = new Uint8Array(n);
    for (let row = 0; row < n; row += ROW_STEP) {
      const expected = rowOf(left.subarray(row * n, (row + 1) * n), right);
      fold(expected, folded);
      if (expected.some((sum, column) => sum !== got[row * n + column]))
        return `a product of side ${n}, row ${row}`;
      if (folded.some((byte, column) => byte !== gotFolds[row * n + column]))
        return `folds of side ${n}, row ${row}`;
    }
    return undefined;
  });
}

/** One row near the highest sums there are, one near the lowest; their last bits are random. */
async function wrongLongSum(gpu: Gpu): Promise<string | undefined> {
  const n = LONG_SIDE;
  const random = createSeededRandom('probe-long-sums');
  const left = random.bytes(2 * n).map((byte, i) => (i < n ? 127 - (byte & 3) : 128 + (byte & 3)));
  const right = random.bytes(n * n).map((byte) => 63 - (byte & 3));
  return withRoom(gpu, 'comparing products', async (room) => {
    const [a, b, to] = [await room(2 * n), await room(n * n), await room(8 * n)];
    gpu.write(a, 0, left);
    gpu.write(b, 0, right);
    gpu.run('product', { a, b, to, rows: 2, n });
    const [bytes] = await gpu.read([{ memory: to, at: 0, bytes: to.bytes }]);
    const got = new Int32Array(bytes.buffer, bytes.byteOffset, 2 * n);
    for (const row of [0, 1]) {
      const expected = rowOf(left.subarray(row * n, (row + 1) * n), right);
      if (expected.some((sum, column) => sum !== got[row * n + column]))
        return `long sums of side ${n}, row ${row}`;
    }
    return undefined;
  });
}

/** @param columns of the right operand, one behind the other */
function rowOf(row: Uint8Array, columns: Uint8Array): Int32Array {
  const n = row.length;
  const [x, y] = [new Int8Array(row), new Int8Array(columns.buffer, columns.byteOffset, columns.length)];
  return Int32Array.from({ length: n }, (_, column) => {
    let sum = 0;
    for (let k = 0; k < n; k++) sum += x[k] * y[column * n + k];
    return sum;
  });
}
