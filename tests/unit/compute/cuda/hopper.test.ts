import { describe, expect, test } from 'vitest';
import { createCudaPlan } from '../../../../src/compute/cuda/kernels.js';
import { readModule } from '../../../../src/compute/cuda/modules.js';
import { fold } from '../../../../src/compute/spec/chain.js';
import { toHex } from '../../../../src/model/bytes.js';
import { createSeededRandom } from '../../../../src/model/prng.js';
import { launch, prepare } from '../../../support/ptx/machine.js';
import { GlobalMemory } from '../../../support/ptx/memory.js';
import { parsePtx } from '../../../support/ptx/parse.js';

const random = createSeededRandom('hopper');
const text = await readModule('product-hopper');
/** Of two blocks, which take all tiles. */
const plan = createCudaPlan('product-hopper', 2);

interface Case {
  readonly rows: number;
  readonly n: number;
  readonly change?: (ptx: string) => string;
}

/** @returns what is wrong with the first row that is, if any */
function run(entry: 'product' | 'productFold', { rows, n, change = (ptx) => ptx }: Case): string | undefined {
  const global = new GlobalMemory();
  const [a, b] = [random.bytes(rows * n), random.bytes(n * n).map((byte) => (byte & 127) - 64)];
  const size = entry === 'product' ? 4 : 1;
  const memories = { a, b, to: new Uint8Array(size * rows * n) };
  const held = new Map(
    Object.values(memories).map((bytes) => [{ bytes: bytes.length }, global.allocate(bytes.length)]),
  );
  const [left, right, to] = held.keys();
  global.bytesAt(held.get(left)!).set(a);
  global.bytesAt(held.get(right)!).set(b);
  const [{ entry: name, ...how }] = plan.launches(entry, { a: left, b: right, to, rows, n }, (memory) =>
    BigInt(held.get(memory)!),
  );
  launch(prepare(parsePtx(change(text)).entries.get(name)!), how, global);
  const [x, y] = [new Int8Array(a.buffer), new Int8Array(b.buffer)];
  const sums = new Int32Array(n);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < n; j++) {
      let sum = 0;
      for (let k = 0; k < n; k++) sum += x[i * n + k] * y[j * n + k];
      sums[j] = sum;
    }
    const wanted = new Uint8Array(size * n);
    if (entry === 'product') wanted.set(new Uint8Array(sums.buffer));
    else fold(sums, wanted);
    const got = global.bytesAt(held.get(to)!).subarray(i * size * n, (i + 1) * size * n);
    if (toHex(got) !== toHex(wanted)) return `row ${i}`;
  }
  return undefined;
}

describe('the product for Hopper', () => {
  test('goes on to the next tile where the ring of stages is, all blocks staying', () => {
    // four pairs of tiles, each as many steps as there are stages; then two and a part
    expect(run('productFold', { rows: 512, n: 512 })).toBeUndefined();
    expect(run('product', { rows: 257, n: 256 })).toBeUndefined();
  });

  test('takes tiles of more than one band', () => {
    expect(run('product', { rows: 8 * 256 + 3, n: 256 })).toBeUndefined();
  });

  test('is started as two blocks for each pair of tiles, and no more than the card holds', () => {
    const blocks = (multiprocessors: number, n: number): number => {
      const memory = { bytes: n * n };
      const call = { a: memory, b: memory, to: memory, n };
      return createCudaPlan('product-hopper', multiprocessors).launches('productFold', call, () => 0n)[0]
        .grid[0];
    };
    expect([blocks(132, 16_384), blocks(132, 512), blocks(1, 256), blocks(7, 4096)]).toEqual([132, 8, 2, 6]);
  });
});

describe('the interpreter, of what only Hopper has', () => {
  const replace = (pattern: RegExp, by: string) => (ptx: string) => {
    expect(ptx).toMatch(pattern);
    return ptx.replaceAll(pattern, by);
  };
  test.each([
    [
      'stages that nobody waits for',
      replace(/mbarrier\.try_wait\S+ past, \[(%r\d+)\], (%r\d+);/g, 'setp.eq.b32 past, $1, $1;'),
      /two copies|while a copy is under way|no copy brought/,
    ],
    [
      'barriers that nobody knows of yet',
      replace(/barrier\.cluster\.(arrive\.release|wait\.acquire);/g, ''),
      /does not wait until it is initialised|none at/,
    ],
    [
      'products that nobody waits for before the stage is given back',
      replace(/wgmma\.wait_group\.sync\.aligned 1;/g, 'wgmma.wait_group.sync.aligned 3;'),
      /while a copy is under way/,
    ],
    [
      'fewer bytes than are expected',
      replace(/(expect_tx\S+ _, \[%r\d+\]), (%r\d+);/g, '$1, 49168;'),
      /all wait, and nothing comes/,
    ],
    ['operands that are not swizzled', replace(/1073741888/g, '64'), /only swizzling of 128 bytes/],
    [
      'sums that are not in order',
      replace(/wgmma\.fence\.sync\.aligned;/g, ''),
      /nothing says that the sums/,
    ],
  ])('finds %s', (_, change, words) => {
    expect(() => run('product', { rows: 256, n: 1024, change })).toThrow(words);
  });

  test('gives other sums for squares at another stride, and for products that nobody waits for at the end', () => {
    const firstOf = { rows: 128, n: 256 };
    expect(run('product', { ...firstOf, change: replace(/1073741888/g, '1073741856') })).toBe('row 0');
    const unwaited = replace(/wgmma\.wait_group\.sync\.aligned 0;/g, '');
    expect(run('product', { ...firstOf, change: unwaited })).toBe('row 0');
  });
});
