// Owns: a chain of labels on a graphics processor: what is kept there, what is asked of it and when. Does not own: what each
// operation gives (spec/plain-labels.ts), how a device runs a kernel (gpu.ts and who implements it).
import { createMerkleTree, HASH_BYTES, type MerkleTree, pathLength } from '../../model/merkle.js';
import type { Labels, LabelsSpec, Place } from '../labels.js';
import { createChain, joinRow, TAG } from '../spec/chain.js';
import {
  DIGEST_BYTES,
  DIGEST_COLUMNS,
  DIGEST_LEAF_BYTES,
  DIGEST_TAG,
  DIGESTS_PER_LEAF,
  digestKey,
  digestLeaves,
} from '../spec/digest.js';
import { BLOCK_BYTES } from '../spec/plain-labels.js';
import type { Gpu, GpuMemory, GpuPart } from './gpu.js';
import { GpuHoldings, type GpuPool } from './memory.js';

/** A longer row is hashed in pieces of this size (spec/chain.ts). */
const CHUNK_BYTES = 1024;

/** Digests that are on the device at once: those of 16 GiB of labels, where 128 MiB is all that some devices can bind. */
const PASS_BYTES = 64 << 20;

/** A driver hands out whole pages of this size, so that a part may take more than it has. */
const PAGE_BYTES = 2 << 20;
/** Places that are opened at once, at most: kinds ask for fewer. */
const MOST_PLACES = 192;

/** B on the device, transposed, and who may use it. */
export interface GpuOperand {
  readonly n: number;
  readonly transposed: GpuMemory;
}

interface Label {
  readonly bytes: GpuMemory;
  readonly rows: GpuMemory;
  /** of referenced labels and the origin */
  readonly columns: GpuMemory | undefined;
}

/**
 * Labels are done one at a time, so that the answer to `more` is as old as a label. When memory is full, `extend` returns with
 * those there are: whoever asked commits to fewer.
 * @param release called once, with the labels
 */
export async function openGpuLabels(
  spec: LabelsSpec,
  { gpu, pool, operand }: { readonly gpu: Gpu; readonly pool: GpuPool; readonly operand: GpuOperand },
  release: () => void,
): Promise<Labels> {
  const held = new GpuHoldings({ gpu, pool, what: `labels of side ${spec.n}` });
  try {
    return await layOut(spec, { gpu, operand, held }, release);
  } catch (error) {
    held.release();
    throw error;
  }
}

async function layOut(
  spec: LabelsSpec,
  { gpu, operand, held }: { readonly gpu: Gpu; readonly operand: GpuOperand; readonly held: GpuHoldings },
  release: () => void,
): Promise<Labels> {
  const { n, capacity, seed } = spec;
  const chain = createChain(seed, n, capacity);
  const referenced = new Map(chain.referenced.map((label, index) => [label, index]));
  const labels: Label[] = [];
  let tops: { readonly count: number; readonly rows: MerkleTree; readonly columns: MerkleTree } | undefined;
  let spare: { readonly for: number; readonly label: Label | undefined } | undefined;
  const heapBytes = 2 * n * HASH_BYTES;
  const chunks = n > CHUNK_BYTES ? n / CHUNK_BYTES : 0;
  const turned = await held.need(n * n);
  const left = await held.need(n * n);
  const x = await held.need(4 * n);
  const y = await held.need(4 * n);
  const hashes = chunks > 0 ? await held.need(n * chunks * HASH_BYTES) : undefined;
  const reserveBytes = reserveOf(spec, gpu.memoryBytes);
  if (!(await held.setAside(reserveBytes))) throw held.noRoom(reserveBytes);

  const leaves = (from: GpuMemory, heap: GpuMemory, tag: number): void => {
    const to = { to: heap, toAt: n * HASH_BYTES, count: n, tag };
    if (hashes) {
      const pieces = { from, fromAt: 0, to: hashes, toAt: 0, bytes: CHUNK_BYTES };
      gpu.run('hashRuns', { ...pieces, count: n * chunks, tag: TAG.chunk });
      gpu.run('hashRuns', { from: hashes, fromAt: 0, ...to, bytes: chunks * HASH_BYTES });
    } else gpu.run('hashRuns', { from, fromAt: 0, ...to, bytes: n });
  };
  const levels = (heap: GpuMemory): void => gpu.run('hashLevels', { heap, width: n / 2, tag: TAG.node });
  const room = async (columns: boolean): Promise<Label | undefined> => {
    const got = await held.takeAll([n * n, heapBytes, ...(columns ? [heapBytes] : [])]);
    return got && { bytes: got[0], rows: got[1], columns: got[2] };
  };
  /** Trees of a label whose bytes are there. */
  const trees = ({ bytes, rows, columns }: Label): void => {
    leaves(bytes, rows, TAG.rowLeaf);
    levels(rows);
    if (!columns) return;
    gpu.run('transpose', { from: bytes, to: turned, n });
    leaves(turned, columns, TAG.columnLeaf);
    levels(columns);
  };

  const origin = await room(true);
  if (!origin) throw held.noRoom(n * n + 2 * heapBytes);
  gpu.write(origin.bytes, 0, chain.origin());
  trees(origin);
  labels.push(origin);
  await gpu.done();

  /** Made on the host, tens of microseconds that the device need not wait for. */
  const tweaksOf = (number: number) => ({ for: number, bytes: littleEndian(chain.tweakColumns(number)) });
  let tweaks = tweaksOf(1);
  const begin = (number: number, label: Label): void => {
    if (tweaks.for !== number) tweaks = tweaksOf(number);
    const previous = labels[number - 1];
    const back = labels[chain.backEdges[number]];
    gpu.write(y, 0, tweaks.bytes);
    gpu.run('tweakRows', { rows: previous.rows, columns: back.columns!, to: x, seed, label: number, n });
    gpu.run('transpose', { from: back.bytes, to: turned, n });
    gpu.run('join', { rows: previous.bytes, columns: turned, x, y, to: left, n });
    gpu.run('productFold', { a: left, b: operand.transposed, to: label.bytes, n });
    trees(label);
  };

  const partsOf = (places: readonly Place[]): GpuPart[] =>
    places.map(({ label, index }) => ({ memory: labels[label].bytes, at: index * n, bytes: n }));
  const leafPart = (memory: GpuMemory, index: number): GpuPart => ({
    memory,
    at: (n + index) * HASH_BYTES,
    bytes: HASH_BYTES,
  });
  const columnsAt = async (places: readonly Place[]): Promise<Uint8Array[]> => {
    if (places.length === 0) return [];
    const to = await held.need(places.length * n);
    try {
      places.forEach(({ label, index }, i) => {
        gpu.run('column', { from: labels[label].bytes, n, index, to, toAt: i * n });
      });
      const [bytes] = await gpu.read([{ memory: to, at: 0, bytes: places.length * n }]);
      return places.map((_, i) => bytes.slice(i * n, (i + 1) * n));
    } finally {
      held.free(to);
    }
  };
  const assertCount = (count: number): void => {
    held.assertAlive();
    const there = labels.length - 1;
    if (!(count >= 1 && count <= there)) throw new RangeError(`labels: expected 1..${there}, got ${count}`);
  };
  const topsOver = async (count: number): Promise<NonNullable<typeof tops>> => {
    assertCount(count);
    if (tops?.count === count) return tops;
    const root = (memory: GpuMemory): GpuPart => ({ memory, at: HASH_BYTES, bytes: HASH_BYTES });
    const columnLabels = chain.referenced.filter((label) => label <= count);
    const roots = await gpu.read([
      ...labels.slice(1, count + 1).map(({ rows }) => root(rows)),
      ...columnLabels.map((label) => root(labels[label].columns!)),
    ]);
    const top = (from: readonly Uint8Array[], width: number): MerkleTree => {
      const all = new Uint8Array(width * HASH_BYTES);
      for (const [i, hash] of from.entries()) all.set(hash, i * HASH_BYTES);
      return createMerkleTree(all, TAG.top);
    };
    tops = {
      count,
      rows: top(roots.slice(0, count), capacity),
      columns: top(roots.slice(count), referenced.size),
    };
    return tops;
  };
  /** Siblings below the roots of labels, then those above. */
  const paths = async (
    places: readonly Place[],
    heapOf: (label: number) => GpuMemory,
    top: { readonly tree: MerkleTree; readonly width: number; readonly at: (label: number) => number },
  ): Promise<Uint8Array[]> => {
    const depth = pathLength(n);
    const parts = places.flatMap(({ label, index }) =>
      Array.from({ length: depth }, (_, level) => ({
        memory: heapOf(label),
        at: (((n + index) >>> level) ^ 1) * HASH_BYTES,
        bytes: HASH_BYTES,
      })),
    );
    const siblings = await gpu.read(parts);
    return places.map(({ label }, i) => {
      const out = new Uint8Array((depth + pathLength(top.width)) * HASH_BYTES);
      for (let level = 0; level < depth; level++) out.set(siblings[i * depth + level], level * HASH_BYTES);
      top.tree.path(top.at(label), out, depth * HASH_BYTES);
      return out;
    });
  };
  const blocksPerLabel = n ** 2 / BLOCK_BYTES;
  const blocksOf = (count: number): number => {
    assertCount(count);
    if (blocksPerLabel < 1) throw new RangeError(`labels: expected whole blocks of ${BLOCK_BYTES} bytes`);
    return count * blocksPerLabel;
  };
  /** Digests of blocks `from` .. `from + count - 1` of the labels taken as one run, whole leaves of them; the caller frees it. */
  const digestsOf = async (from: number, count: number, key: GpuMemory): Promise<GpuMemory> => {
    const to = await held.need(digestLeaves(count) * DIGEST_LEAF_BYTES);
    const filled = count * DIGEST_BYTES;
    if (filled < to.bytes) gpu.write(to, filled, new Uint8Array(to.bytes - filled));
    for (let done = 0; done < count; ) {
      const label = 1 + Math.floor((from + done) / blocksPerLabel);
      const first = (from + done) % blocksPerLabel;
      const blocks = Math.min(blocksPerLabel - first, count - done);
      gpu.run('digests', { from: labels[label].bytes, first, blocks, key, to, toAt: done * DIGEST_BYTES });
      done += blocks;
    }
    return to;
  };
  const withKey = async <T>(key: Uint8Array, use: (key: GpuMemory) => Promise<T>): Promise<T> => {
    const values = digestKey(key, BLOCK_BYTES);
    const memory = await held.need(values.length);
    try {
      gpu.write(memory, 0, new Uint8Array(values.buffer));
      return await use(memory);
    } finally {
      held.give(memory);
    }
  };

  return {
    spec,
    get count() {
      return labels.length - 1;
    },
    async extend(upTo, more, signal) {
      held.assertAlive();
      const goal = Math.min(upTo, capacity);
      const safe = await held.setAside(reserveBytes);
      while (safe && labels.length <= goal && more()) {
        signal.throwIfAborted();
        const number = labels.length;
        const label = spare?.for === number ? spare.label : await room(referenced.has(number));
        spare = undefined;
        if (!label) break;
        begin(number, label);
        // both take a while, and the device is busy meanwhile
        if (number < goal) {
          tweaks = tweaksOf(number + 1);
          spare = { for: number + 1, label: await room(referenced.has(number + 1)) };
        }
        await gpu.done();
        held.assertAlive();
        labels.push(label);
      }
      return labels.length - 1;
    },
    async roots(count) {
      const { rows, columns } = await topsOver(count);
      return { rowRoot: rows.root, columnRoot: columns.root };
    },
    async rows(places) {
      held.assertAlive();
      return gpu.read(partsOf(places));
    },
    async columns(places) {
      held.assertAlive();
      return columnsAt(places);
    },
    async accumulators(places) {
      held.assertAlive();
      const out: Int32Array[] = [];
      for (let from = 0; from < places.length; from += n)
        out.push(...(await accumulate(places.slice(from, from + n))));
      return out;
    },
    async rowPaths(count, places) {
      const { rows: tree } = await topsOver(count);
      return paths(places, (label) => labels[label].rows, {
        tree,
        width: capacity,
        at: (label) => label - 1,
      });
    },
    async columnPaths(count, places) {
      const { columns: tree } = await topsOver(count);
      const at = (label: number): number => referenced.get(label)!; // callers ask for back edges only
      return paths(places, (label) => labels[label].columns!, { tree, width: referenced.size, at });
    },
    async pass(count, key) {
      const blocks = blocksOf(count);
      return withKey(key, async (values) => {
        const hashed = digestLeaves(blocks);
        const atOnce = Math.max(1, Math.floor(Math.min(PASS_BYTES, gpu.memoryBytes) / DIGEST_LEAF_BYTES));
        const to = await held.need(hashed * HASH_BYTES);
        try {
          for (let leaf = 0; leaf < hashed; leaf += atOnce) {
            const first = leaf * DIGESTS_PER_LEAF;
            const digests = await digestsOf(
              first,
              Math.min(atOnce * DIGESTS_PER_LEAF, blocks - first),
              values,
            );
            const run = { from: digests, fromAt: 0, to, toAt: leaf * HASH_BYTES, bytes: DIGEST_LEAF_BYTES };
            gpu.run('hashRuns', { ...run, count: digests.bytes / DIGEST_LEAF_BYTES, tag: DIGEST_TAG.leaf });
            held.give(digests); // the next ones are written after these were read: one queue
          }
          const [out] = await gpu.read([{ memory: to, at: 0, bytes: to.bytes }]);
          return out;
        } finally {
          held.give(to);
        }
      });
    },
    async passLeaf(count, key, leaf) {
      const from = leaf * DIGESTS_PER_LEAF;
      const blocks = Math.min(DIGESTS_PER_LEAF, blocksOf(count) - from);
      return withKey(key, async (values) => {
        const digests = await digestsOf(from, blocks, values);
        try {
          const [out] = await gpu.read([{ memory: digests, at: 0, bytes: DIGEST_LEAF_BYTES }]);
          return out;
        } finally {
          held.give(digests);
        }
      });
    },
    release() {
      if (held.release()) release();
    },
  };

  /** Rows of A are made here, from a few bytes of labels; the device multiplies them again. */
  async function accumulate(places: readonly Place[]): Promise<Int32Array[]> {
    const backs = places.map(({ label, index }) => ({ label: chain.backEdges[label], index }));
    const columns = await columnsAt(backs);
    const read = await gpu.read([
      ...partsOf(places.map(({ label, index }) => ({ label: label - 1, index }))),
      ...places.map(({ label, index }) => leafPart(labels[label - 1].rows, index)),
      ...backs.map(({ label, index }) => leafPart(labels[label].columns!, index)),
    ]);
    const count = places.length;
    const a = new Uint8Array(count * n);
    places.forEach(({ label, index }, s) => {
      const tweak = chain.tweakRow(label, index, read[count + s], read[2 * count + s]);
      joinRow(read[s], columns[s], tweak, chain.tweakColumns(label), a.subarray(s * n, (s + 1) * n));
    });
    const to = await held.need(4 * count * n);
    try {
      gpu.write(left, 0, a);
      gpu.run('product', { a: left, b: operand.transposed, to, rows: count, n });
      const [c] = await gpu.read([{ memory: to, at: 0, bytes: to.bytes }]);
      const words = new Int32Array(c.buffer, c.byteOffset, c.length / 4);
      return places.map((_, s) => words.slice(s * n, (s + 1) * n));
    } finally {
      held.give(to);
    }
  }
}

/**
 * What passes and openings take beside the labels, kept from before the first one: a chain that took all there was could be
 * committed to, and then neither read nor opened.
 */
function reserveOf({ n, capacity }: LabelsSpec, memoryBytes: number): number {
  const leaves = digestLeaves((capacity * n ** 2) / BLOCK_BYTES);
  const atOnce = Math.max(1, Math.floor(Math.min(PASS_BYTES, memoryBytes) / DIGEST_LEAF_BYTES));
  const key = DIGEST_COLUMNS * BLOCK_BYTES;
  const pass = [key, leaves * HASH_BYTES, Math.min(leaves, atOnce) * DIGEST_LEAF_BYTES];
  const places = Math.min(n, MOST_PLACES);
  const opening = [places * n, 4 * places * n];
  const most = Math.max(...[pass, opening].map((parts) => parts.reduce((sum, part) => sum + pages(part), 0)));
  return Math.min(most, memoryBytes);
}

/** As a driver counts where there are pages to speak of. */
const pages = (bytes: number): number =>
  bytes < PAGE_BYTES / 16 ? bytes : Math.ceil(bytes / PAGE_BYTES) * PAGE_BYTES;

/** Typed arrays have the host's byte order, which is this one wherever there is a driver for the device. */
const littleEndian = (words: Uint32Array): Uint8Array =>
  new Uint8Array(words.buffer, words.byteOffset, words.byteLength);
