// Owns: whether a graphics processor is used at all. Does not own: what is compared (../probe-labels.ts, ../probe.ts).
import { AssayError } from '../../model/errors.js';
import { createSeededRandom } from '../../model/prng.js';
import type { Compute } from '../compute.js';
import { inexactProduct } from '../probe.js';
import { wrongLabels } from '../probe-labels.js';
import { fold } from '../spec/chain.js';
import type { Gpu, GpuMemory } from './gpu.js';

/** Products of several tiles in every direction. */
const TILED_SIDE = 512;
/** Of its rows as many are compared: no multiple of what tiles are made of. */
const ROW_STEP = 7;

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
  throw new AssayError('unsupported', `${what}: ${why}`, { what, why });
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

/** Where products of many tiles differ from plain ones, if they do. */
export async function wrongTiles(gpu: Gpu): Promise<string | undefined> {
  const n = TILED_SIDE;
  const random = createSeededRandom('probe-tiles');
  const left = random.bytes(n * n);
  const right = random.bytes(n * n).map((byte) => (byte & 127) - 64);
  const held: GpuMemory[] = [];
  const room = async (bytes: number): Promise<GpuMemory> => {
    const memory = await gpu.allocate(bytes);
    if (!memory) {
      const [what, why] = ['comparing products', `${gpu.name} has no room for ${bytes} bytes`];
      throw new AssayError('unsupported', `${what}: ${why}`, { what, why });
    }
    held.push(memory);
    return memory;
  };
  try {
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
    const [x, y] = [
      new Int8Array(left.buffer, left.byteOffset),
      new Int8Array(right.buffer, right.byteOffset),
    ];
    const expected = new Int32Array(n);
    const folded = new Uint8Array(n);
    for (let row = 0; row < n; row += ROW_STEP) {
      for (let column = 0; column < n; column++) {
        let sum = 0;
        for (let k = 0; k < n; k++) sum += x[row * n + k] * y[column * n + k];
        expected[column] = sum;
      }
      fold(expected, folded);
      if (expected.some((sum, column) => sum !== got[row * n + column]))
        return `a product of side ${n}, row ${row}`;
      if (folded.some((byte, column) => byte !== gotFolds[row * n + column]))
        return `folds of side ${n}, row ${row}`;
    }
    return undefined;
  } finally {
    for (const memory of held) gpu.free(memory);
  }
}
