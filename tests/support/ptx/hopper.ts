// Owns: what Hopper alone has, after NVIDIA's "Parallel Thread Execution ISA": clusters, barriers that count bytes, copies of boxes,
// products of warpgroups. Sections are named where their definitions are written out. Does not own: which lanes run when (machine.ts).
import type { Boxes } from '../../../src/compute/cuda/driver.js';
import { addresses, assertWholeWarp, type Build, type Warp } from './instructions.js';
import type { SharedMemory, Toucher } from './memory.js';

/** What the warps of one block share, beside the cluster's. */
export interface Block {
  readonly rank: number;
  readonly shared: SharedMemory;
  readonly barriers: Map<number, Barrier>;
  /** by warpgroup, what each was asked for so far: all its warps must ask for the same */
  readonly products: string[][];
  readonly cluster: Cluster;
  ended: boolean;
}
export interface Cluster {
  readonly blocks: Block[];
  /** under way; they come as late as may be */
  readonly copies: BulkCopy[];
}
interface BulkCopy {
  readonly bytes: number;
  /** with the barrier that hears of it */
  readonly to: readonly { readonly block: Block; readonly at: number; readonly barrier: number }[];
  readonly chunks: readonly { readonly offset: number; readonly data: Uint8Array }[];
}

/**
 * "mbarrier": phases, of which each is complete when as many arrivals as expected are there and no bytes are outstanding. Then the
 * next one begins at once.
 */
export class Barrier {
  #phase = 0;
  #pending: number;
  #bytes = 0;

  constructor(
    private readonly expected: number,
    private readonly made: { readonly thread: number; readonly blockEpoch: number },
  ) {
    this.#pending = expected;
  }

  /** The thread that made it knows of it, others after a wait of all. */
  seenBy(by: Toucher): this {
    if (by.thread !== this.made.thread && by.blockEpoch <= this.made.blockEpoch)
      throw new Error(`mbarrier: thread ${by.thread} does not wait until it is initialised`);
    return this;
  }

  arrive(): void {
    if (this.#pending === 0) throw new Error('mbarrier: more arrivals than are expected');
    this.#pending--;
    this.#turn();
  }

  /** expect-tx (more) and complete-tx (fewer): within 2^20 - 1 both ways */
  expect(bytes: number): void {
    this.#bytes += bytes;
    if (Math.abs(this.#bytes) >= 2 ** 20) throw new Error(`mbarrier: ${this.#bytes} bytes outstanding`);
    this.#turn();
  }

  /** "test_wait.parity": even phases have parity 0; whether the one before the current has this parity. */
  isPast(parity: number): boolean {
    return (this.#phase & 1) !== parity;
  }

  #turn(): void {
    if (this.#pending !== 0 || this.#bytes !== 0) return;
    this.#phase++;
    this.#pending = this.expected;
  }
}

/** One product that a warp was asked for, and has not waited for. */
export interface Product {
  readonly sums: readonly number[];
  readonly a: Operand;
  readonly b: Operand;
}
interface Operand {
  readonly start: number;
  /** from eight rows to the next eight */
  readonly stride: number;
}

/** "Distributed shared memory": blocks' windows one behind the other; what lies below the first is one's own. */
const WINDOW = 2 ** 24;
const windowOf = (address: number, rank: number): number => address + WINDOW * (rank + 1);
function locate(block: Block, address: number): { readonly block: Block; readonly at: number } {
  const window = Math.floor(address / WINDOW);
  const found = window === 0 ? block : block.cluster.blocks[window - 1];
  if (!found) throw new Error(`shared memory of the cluster: no block at ${address}`);
  if (found.ended) throw new Error('shared memory of the cluster: its block has ended');
  return { block: found, at: address % WINDOW };
}

function barrierAt(block: Block, address: number): Barrier {
  const place = locate(block, address);
  const found = place.block.barriers.get(place.at);
  if (!found) throw new Error(`mbarrier: none at ${place.at}`);
  return found;
}

const eachLane = (mask: number, work: (lane: number) => void): void => {
  for (let lane = 0; lane < 32; lane++) if ((mask >>> lane) & 1) work(lane);
};

const beginBarrier: Build = ([a, count], places) => {
  const [at, expected] = [addresses(places.address(a)), places.word(count)];
  return (warp, mask) =>
    eachLane(mask, (l) => {
      const address = at(warp, l);
      if (address % 8 !== 0 || address + 8 > warp.shared.bytes.length)
        throw new Error(`mbarrier.init: ${address} is not aligned, or outside`);
      if (warp.block.barriers.has(address)) throw new Error('mbarrier.init: there is one already');
      const { thread, blockEpoch } = warp.touchers[l];
      warp.block.barriers.set(address, new Barrier(warp.words[expected + l], { thread, blockEpoch }));
    });
};

const arrive: Build = ([, a], places) => {
  const at = addresses(places.address(a));
  return (warp, mask) =>
    eachLane(mask, (l) => barrierAt(warp.block, at(warp, l)).seenBy(warp.touchers[l]).arrive());
};

/** "mbarrier.arrive.expect_tx": first the bytes, then the arrival. */
const arriveExpecting: Build = ([, a, count], places) => {
  const [at, bytes] = [addresses(places.address(a)), places.word(count)];
  return (warp, mask) =>
    eachLane(mask, (l) => {
      const barrier = barrierAt(warp.block, at(warp, l)).seenBy(warp.touchers[l]);
      barrier.expect(warp.words[bytes + l]);
      barrier.arrive();
    });
};

/** It may say no before its time is over, and here always does. */
const tryWait: Build = ([p, a, parity], places) => {
  const [to, at, wanted] = [places.word(p), addresses(places.address(a)), places.word(parity)];
  return (warp, mask) =>
    eachLane(mask, (l) => {
      const barrier = barrierAt(warp.block, at(warp, l)).seenBy(warp.touchers[l]);
      const past = barrier.isPast(warp.words[wanted + l]);
      warp.words[to + l] = past ? 1 : 0;
      if (past) warp.progress = true;
    });
};

const mapAddress: Build = ([d, a, rank], places) => {
  const [to, from, of] = [d, a, rank].map(places.word);
  return ({ words }, mask) =>
    eachLane(mask, (l) => {
      words[to + l] = windowOf(words[from + l], words[of + l]);
    });
};

/**
 * "Tensor: Swizzling Modes", 128 bytes: in each 1024 bytes of shared memory, eight lines of eight chunks of 16 bytes, chunk c of
 * line l lies where this table says.
 */
const SWIZZLE_128 = [
  [0, 1, 2, 3, 4, 5, 6, 7],
  [1, 0, 3, 2, 5, 4, 7, 6],
  [2, 3, 0, 1, 6, 7, 4, 5],
  [3, 2, 1, 0, 7, 6, 5, 4],
  [4, 5, 6, 7, 0, 1, 2, 3],
  [5, 4, 7, 6, 1, 0, 3, 2],
  [6, 7, 4, 5, 2, 3, 0, 1],
  [7, 6, 5, 4, 3, 2, 1, 0],
];

/**
 * "cp.async.bulk.tensor", tile mode, two dimensions: a box of the tensor, elements beyond its ends as zeros, which count as bytes
 * all the same. With `.multicast::cluster` to the same offset in every block of the mask, whose barrier at the same offset hears of it.
 */
const copyBox =
  (multicast: boolean): Build =>
  ([d, tensor, b, blocks], places) => {
    const [to, barrier] = [addresses(places.address(d)), addresses(places.address(b))];
    const { base, names } = places.tensor(tensor);
    const among = multicast ? places.word(blocks) : 0;
    if (names.length !== 2) throw new Error('cp.async.bulk.tensor: only two dimensions are interpreted');
    return (warp, mask) =>
      eachLane(mask, (l) => {
        const boxes = warp.params[-1 - warp.wides[base + l]];
        if (typeof boxes !== 'object') throw new Error('cp.async.bulk.tensor: no tensor map there');
        const at = to(warp, l);
        const [width, height] = boxes.box;
        if (
          at % 128 !== 0 ||
          width !== 128 ||
          height > 256 ||
          boxes.at % 16n !== 0n ||
          boxes.width % 16 !== 0
        )
          throw new Error('cp.async.bulk.tensor: this box is not interpreted');
        const [x, y] = [warp.words[names[0] + l], warp.words[names[1] + l]];
        if (x % 16 !== 0) throw new Error('cp.async.bulk.tensor: columns in parts of 16 are not interpreted');
        const chunks: { readonly offset: number; readonly data: Uint8Array }[] = [];
        for (let row = 0; row < height; row++)
          for (let chunk = 0; chunk < 8; chunk++) {
            const line = Math.floor(at / 128) + row;
            const offset = 128 * row + 16 * SWIZZLE_128[line % 8][chunk];
            chunks.push({ offset, data: elements(warp, boxes, x + 16 * chunk, y + row, warp.touchers[l]) });
          }
        const targets = multicast
          ? warp.block.cluster.blocks.filter(({ rank }) => (warp.words[among + l] >>> rank) & 1)
          : [warp.block];
        const bytes = width * height;
        const signal = barrier(warp, l);
        barrierAt(warp.block, signal).seenBy(warp.touchers[l]);
        for (const block of targets) {
          if (block.ended) throw new Error('cp.async.bulk.tensor: the block has ended');
          block.shared.beginBulk(at, bytes);
        }
        const placed = targets.map((block) => ({ block, at, barrier: signal }));
        warp.block.cluster.copies.push({ bytes, to: placed, chunks });
      });
  };

function elements(warp: Warp, boxes: Boxes, x: number, y: number, by: Toucher): Uint8Array {
  if (x < 0 || y < 0 || x >= boxes.width || y >= boxes.rows) return new Uint8Array(16);
  const { from, at } = warp.global.read(Number(boxes.at) + y * boxes.width + x, 16, by);
  return from.slice(at, at + 16);
}

/** The oldest copy comes. @returns whether there was one */
export function deliver(cluster: Cluster): boolean {
  const copy = cluster.copies.shift();
  if (!copy) return false;
  for (const { block, at, barrier } of copy.to) {
    block.shared.endBulk(at, copy.bytes, copy.chunks);
    barrierAt(block, barrier).expect(-copy.bytes);
  }
  return true;
}

/** Two words of a register of 64 bits, which a double would not hold. */
const packWords: Build = ([d, a], places) => {
  const to = places.wide(d);
  if (a.kind === 'name') {
    const from = places.wide(a);
    return ({ wides }, mask) =>
      eachLane(mask, (l) => {
        wides[to + l] = wides[from + l];
      });
  }
  const [low, high] = places.words(a);
  return ({ words, wideWords }, mask) =>
    eachLane(mask, (l) => {
      wideWords[2 * (to + l)] = words[low + l];
      wideWords[2 * (to + l) + 1] = words[high + l];
    });
};

/**
 * "Matrix Descriptor Format": bits 13-0 start address, 29-16 leading and 45-32 stride byte offset, each without its last four bits;
 * 51-49 base offset, 0 where the swizzle's pattern begins at a multiple of 1024; 63-62 swizzling, of which 1 is 128 bytes.
 */
function describe(low: number, high: number): Operand {
  const start = (low & 0x3fff) << 4;
  const stride = (high & 0x3fff) << 4;
  if (high >>> 30 !== 1) throw new Error('wgmma: only swizzling of 128 bytes is interpreted');
  if (((high >>> 17) & 7) !== 0 || (start >>> 7) % 8 !== 0)
    throw new Error('wgmma: patterns that do not begin at a multiple of 1024 are not interpreted');
  return { start, stride };
}

/**
 * "Shared Memory Matrix Layout", "Canonical Layouts", K-major with 128-byte swizzling: Swizzle<3,4,3> of ((8, m), (T, 2k)) :
 * ((8T, SBO), (1, T)), T being 16 bytes. Of eight rows each has 128 bytes; the leading dimension's offset is not used.
 */
function rowOf({ shared }: Warp, { start, stride }: Operand, row: number, to: Int8Array, at: number): void {
  for (let k = 0; k < 32; k += 16) {
    const linear = start + (row % 8) * 128 + Math.floor(row / 8) * stride + k;
    const place = linear ^ (((linear >>> 7) & 7) << 4);
    to.set(shared.bulkRead(place, 16), at + k);
  }
}

const left = new Int8Array(16 * 32);
const right = new Int8Array(256 * 32);

/**
 * "Matrix fragments for wgmma.mma_async.m64nNk32", D: warp w of the group has rows 16 w to 16 w + 15; element i of a lane is in row
 * lane / 4, eight below for i % 4 >= 2, and column 8 (i / 4) + 2 (lane % 4) + i % 2.
 */
function multiply(warp: Warp, { sums, a, b }: Product): void {
  const rank = warp.index % 4;
  const n = 2 * sums.length;
  for (let row = 0; row < 16; row++) rowOf(warp, a, 16 * rank + row, left, 32 * row);
  for (let column = 0; column < n; column++) rowOf(warp, b, column, right, 32 * column);
  for (let i = 0; i < sums.length; i++)
    for (let l = 0; l < 32; l++) {
      const row = 32 * ((l >> 2) + (i % 4 < 2 ? 0 : 8));
      const column = 32 * (8 * Math.floor(i / 4) + 2 * (l % 4) + (i % 2));
      let sum = 0;
      for (let k = 0; k < 32; k++) sum += left[row + k] * right[column + k];
      warp.words[sums[i] + l] += sum;
    }
}

/** "wgmma.mma_async": all four warps of a group, the same; operands are read and sums written any time until they are waited for. */
const beginProduct: Build = ([d, a, b, scale], places) => {
  const sums = places.words(d);
  const [left, right] = [places.wide(a), places.wide(b)];
  if (sums.length !== 128) throw new Error('wgmma: wrong number of registers');
  if (scale.kind !== 'number' || scale.value !== 1n)
    throw new Error('wgmma: only sums that go on are interpreted');
  return (warp, mask) => {
    assertWholeWarp(mask, 'wgmma');
    const { wideWords, products } = warp;
    if (!products.fenced) throw new Error('wgmma: nothing says that the sums are there (wgmma.fence)');
    for (const at of [left, right])
      for (let l = 1; l < 32; l++)
        if (
          wideWords[2 * (at + l)] !== wideWords[2 * at] ||
          wideWords[2 * (at + l) + 1] !== wideWords[2 * at + 1]
        )
          throw new Error('wgmma: lanes have different descriptors');
    const of = (at: number): Operand => describe(wideWords[2 * at], wideWords[2 * at + 1]);
    const product: Product = { sums, a: of(left), b: of(right) };
    // a warpgroup is four warps in a row, the first of them a multiple of four
    const group = Math.floor(warp.index / 4);
    warp.block.products[group] ??= [];
    const asked = warp.block.products[group];
    const text = JSON.stringify([product.a, product.b]);
    const before = asked[products.count];
    if (before === undefined) asked.push(text);
    else if (before !== text) throw new Error('wgmma: warps of a group have different descriptors');
    products.count++;
    products.open.push(product);
  };
};

const fence: Build = () => (warp, mask) => {
  assertWholeWarp(mask, 'wgmma.fence');
  warp.products.fenced = true;
};
const endProducts: Build = () => (warp, mask) => {
  assertWholeWarp(mask, 'wgmma.commit_group');
  warp.products.groups.push(warp.products.open);
  warp.products.open = [];
};
const waitForProducts: Build = ([count]) => {
  if (count.kind !== 'number') throw new Error('wgmma.wait_group: expected a number');
  const pending = Number(count.value);
  return (warp, mask) => {
    assertWholeWarp(mask, 'wgmma.wait_group');
    const { groups } = warp.products;
    while (groups.length > pending) for (const product of groups.shift()!) multiply(warp, product);
    warp.products.fenced = false; // what was waited for may be touched: whoever goes on says when he is done
  };
};

const nothing: Build = () => () => undefined;
const trap: Build = () => () => {
  throw new Error('trap');
};

/** After these others run first: what is not ordered by a wait shows. */
export const YIELDING = /^mbarrier\.(try_wait|arrive)/;

export const HOPPER: Readonly<Record<string, Build>> = {
  'mov.b64': packWords,
  'fence.mbarrier_init.release.cluster': nothing,
  'mbarrier.init.shared::cta.b64': beginBarrier,
  'mbarrier.arrive.release.cluster.shared::cluster.b64': arrive,
  'mbarrier.arrive.expect_tx.shared::cta.b64': arriveExpecting,
  'mbarrier.try_wait.parity.acquire.cluster.shared::cta.b64': tryWait,
  'mapa.shared::cluster.u32': mapAddress,
  'cp.async.bulk.tensor.2d.shared::cluster.global.mbarrier::complete_tx::bytes': copyBox(false),
  'cp.async.bulk.tensor.2d.shared::cluster.global.mbarrier::complete_tx::bytes.multicast::cluster':
    copyBox(true),
  'wgmma.fence.sync.aligned': fence,
  'wgmma.mma_async.sync.aligned.m64n256k32.s32.s8.s8': beginProduct,
  'wgmma.commit_group.sync.aligned': endProducts,
  'wgmma.wait_group.sync.aligned': waitForProducts,
  trap,
};
