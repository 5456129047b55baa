// Owns: what the Pass asks of a plot: leaves, the order in which sectors are read, keys. Same code on both ends. Does not own: what of the answers a validator looks at (issue.ts).
import { createCipheriv } from 'node:crypto';
import { u32le, utf8 } from '../../../model/bytes.js';
import { sha256 } from '../../../model/hash.js';
import type { Challenge } from '../../proof.js';
import type { StorageParams } from './params.js';

const QUESTIONS = utf8('assay/storage/1/questions');
const ORDER = utf8('assay/storage/1/order');
const ANSWER_KEY = utf8('assay/storage/1/answer-key');
const RANGE_KEY = utf8('assay/storage/1/range-key');
const ANSWER = utf8('assay/storage/1/answer');
const RANGE = utf8('assay/storage/1/range');

/** What a session asks once the Pass is known; nothing of it is known before. */
export interface Questions {
  /** leaf number i of those owed a digest: `leaves[i]` of sector `sectors[i]`; ascending sectors, no sector twice */
  readonly sectors: Uint32Array;
  readonly leaves: Uint32Array;
  readonly answerKey: Uint8Array;
  readonly rangeKey: Uint8Array;
  /** The first `count` sectors of the order in which a range is read. */
  order(count: number): Uint32Array;
  /** What the second Commit names for a tree over the answers. */
  answerRoot(treeRoot: Uint8Array): Uint8Array;
  /** What the third Commit names for a tree over so many sectors. */
  rangeRoot(sectors: number, treeRoot: Uint8Array): Uint8Array;
}

/**
 * One leaf from each of k strata of nearly equal size: distinct sectors without any looking back, and every sector as likely
 * as any other of its stratum.
 * @param plot the root that the first Commit named: asked of that plot and no other
 */
export function questionsFor(
  { params, basis, seed }: Challenge<StorageParams>,
  plot: { readonly sectors: number; readonly root: Uint8Array },
  pass: Uint8Array,
): Questions {
  const bound = [basis, seed, pass, plot.root];
  const k = params.leaves;
  const perSector = params.sectorBlocks / params.leafBlocks;
  const words = wordsOf(sha256(QUESTIONS, ...bound), 2 * k);
  const sectors = new Uint32Array(k);
  const leaves = new Uint32Array(k);
  for (let i = 0; i < k; i++) {
    const low = Math.floor((i * plot.sectors) / k);
    const high = Math.floor(((i + 1) * plot.sectors) / k);
    sectors[i] = low + scaled(words.getUint32(8 * i, true), high - low);
    leaves[i] = words.getUint32(8 * i + 4, true) % perSector; // a power of two: no bias
  }
  return {
    sectors,
    leaves,
    answerKey: sha256(ANSWER_KEY, ...bound),
    rangeKey: sha256(RANGE_KEY, ...bound),
    order: (count) => drawOrder(sha256(ORDER, ...bound), plot.sectors, count),
    answerRoot: (treeRoot) => sha256(ANSWER, ...bound, treeRoot),
    rangeRoot: (count, treeRoot) => sha256(RANGE, ...bound, u32le(count), treeRoot),
  };
}

/**
 * `count` distinct sectors of all, in an order of which every one is as likely: of what has been drawn of a plot no choice of
 * sectors to keep at hand holds more than its share, but by luck. Shuffled as Fisher and Yates do, where only what has moved is
 * remembered: it takes as long as it gives sectors, however large the plot.
 */
export function drawOrder(key: Uint8Array, sectors: number, count: number): Uint32Array {
  const words = wordsOf(key, 2 * count);
  const moved = new Map<number, number>();
  const order = new Uint32Array(count);
  for (let i = 0; i < count; i++) {
    const j = i + scaled64(words, 8 * i, sectors - i);
    order[i] = moved.get(j) ?? j;
    moved.set(j, moved.get(i) ?? i);
    moved.delete(i); // nobody comes back to it
  }
  return order;
}

/** floor(word bound / 2^64) of the 64-bit word at `at`, a quarter at a time: exact, and without a bias that could be chosen for. */
function scaled64(words: DataView, at: number, bound: number): number {
  let carried = 0;
  for (let quarter = 0; quarter < 8; quarter += 2)
    carried = Math.floor((words.getUint16(at + quarter, true) * bound + carried) / 0x10000);
  return carried;
}

/** floor(word bound / 2^32), by halves of the word: every sum stays below 2^43. */
const scaled = (word: number, bound: number): number =>
  Math.floor(((word >>> 16) * bound + Math.floor(((word & 0xffff) * bound) / 0x10000)) / 0x10000);

/** `count` words of AES-256 in counter mode. */
function wordsOf(key: Uint8Array, count: number): DataView {
  const bytes = createCipheriv('aes-256-ctr', key, new Uint8Array(16)).update(new Uint8Array(4 * count));
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
