// Owns: what the Pass asks of a plot: leaves, where a range begins, keys. Same code on both ends. Does not own: what of the answers a validator looks at (issue.ts).
import { createCipheriv } from 'node:crypto';
import { u32le, utf8 } from '../../../model/bytes.js';
import { sha256 } from '../../../model/hash.js';
import type { Challenge } from '../../proof.js';
import type { StorageParams } from './params.js';

const QUESTIONS = utf8('assay/storage/1/questions');
const ANSWER_KEY = utf8('assay/storage/1/answer-key');
const RANGE_KEY = utf8('assay/storage/1/range-key');
const ANSWER = utf8('assay/storage/1/answer');
const RANGE = utf8('assay/storage/1/range');

/** What a session asks once the Pass is known; nothing of it is known before. */
export interface Questions {
  /** leaf number i of those owed a digest: `leaves[i]` of sector `sectors[i]`; ascending sectors, no sector twice */
  readonly sectors: Uint32Array;
  readonly leaves: Uint32Array;
  /** sector at which the range begins */
  readonly from: number;
  readonly answerKey: Uint8Array;
  readonly rangeKey: Uint8Array;
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
  const bound = [basis, seed, pass, plot.root] as const;
  const k = params.leaves;
  const perSector = params.sectorBlocks / params.leafBlocks;
  const words = wordsOf(sha256(QUESTIONS, ...bound), 2 * k + 1);
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
    from: scaled(words.getUint32(8 * k, true), plot.sectors),
    answerKey: sha256(ANSWER_KEY, ...bound),
    rangeKey: sha256(RANGE_KEY, ...bound),
    answerRoot: (treeRoot) => sha256(ANSWER, ...bound, treeRoot),
    rangeRoot: (count, treeRoot) => sha256(RANGE, ...bound, u32le(count), treeRoot),
  };
}

/** floor(word bound / 2^32), by halves of the word: every sum stays below 2^43. */
const scaled = (word: number, bound: number): number =>
  Math.floor(((word >>> 16) * bound + Math.floor(((word & 0xffff) * bound) / 0x10000)) / 0x10000);

/** `count` words of AES-256 in counter mode. */
function wordsOf(key: Uint8Array, count: number): DataView {
  const bytes = createCipheriv('aes-256-ctr', key, new Uint8Array(16)).update(new Uint8Array(4 * count));
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
