// Owns: labels in plain TypeScript over any exact product: what every other implementation must match byte for byte, and the
// one for devices that only multiply.

import { HASH_BYTES } from '../../model/merkle.js';
import type { Multiplier } from '../compute.js';
import type { LabelRoots, Labels, LabelsSpec, Place } from '../labels.js';
import { createChain, fold } from './chain.js';
import {
  DIGEST_BYTES,
  DIGESTS_PER_LEAF,
  digestBlock,
  digestKey,
  digestLeaf,
  digestLeaves,
  hashDigestLeaf,
} from './digest.js';
import { Transcript } from './transcript.js';

/** What a pass over labels digests at once; labels are whole blocks, or there is no pass. */
export const BLOCK_BYTES = 4096;

/** Who multiplies: `use` runs when nobody else does, since the result buffer belongs to one of them at a time. */
export interface Turns {
  exclusive<T>(use: (multiplier: Multiplier) => Promise<T>): Promise<T>;
  release(): void;
}

/**
 * Memory is n^2 bytes a label and a few per cent for trees.
 * @param turns released with the labels
 * @param transcript what the labels are appended to; a liar hands in one of its own
 */
export function createPlainLabels(
  spec: LabelsSpec,
  turns: Turns,
  transcript = new Transcript(createChain(spec.seed, spec.n, spec.capacity)),
): Labels {
  const { n } = spec;
  let released = false;
  const alive = (): Transcript => {
    if (released) throw new RangeError('labels: released');
    return transcript;
  };

  /** Bytes of labels 1.. on, as one run. */
  const run = (from: number, bytes: number): Uint8Array => {
    const out = new Uint8Array(bytes);
    for (let at = 0; at < bytes; ) {
      const label = 1 + Math.floor((from + at) / n ** 2);
      const row = Math.floor((from + at) / n) % n;
      const column = (from + at) % n;
      const part = alive()
        .row(label, row)
        .subarray(column, Math.min(n, column + bytes - at));
      out.set(part, at);
      at += part.length;
    }
    return out;
  };
  const blocksOf = (count: number): number => {
    const blocks = (count * n ** 2) / BLOCK_BYTES;
    if (!Number.isInteger(blocks)) throw new RangeError(`labels: expected whole blocks, got ${blocks}`);
    return blocks;
  };
  const leafOf = (blocks: number, key: Int8Array, leaf: number): Uint8Array => {
    const from = leaf * DIGESTS_PER_LEAF;
    const count = Math.min(DIGESTS_PER_LEAF, blocks - from);
    const digests = new Uint8Array(count * DIGEST_BYTES);
    for (let block = 0; block < count; block++)
      digestBlock(run((from + block) * BLOCK_BYTES, BLOCK_BYTES), key, digests, block * DIGEST_BYTES);
    return digestLeaf(digests, 0);
  };

  return {
    spec,
    get count() {
      return transcript.count;
    },
    async extend(upTo, more, signal) {
      const a = new Int8Array(n * n);
      while (alive().count < upTo && more()) {
        signal.throwIfAborted();
        transcript.operand(new Uint8Array(a.buffer));
        const label = new Uint8Array(a.length);
        await turns.exclusive(async (multiplier) => fold(await multiplier.multiply(a), label));
        alive().append(label);
      }
      return transcript.count;
    },
    async roots(count): Promise<LabelRoots> {
      return alive().close(count);
    },
    async rows(places) {
      return places.map(({ label, index }) => alive().row(label, index));
    },
    async columns(places) {
      return places.map(({ label, index }) => alive().column(label, index));
    },
    async accumulators(places) {
      const out: Int32Array[] = [];
      for (let from = 0; from < places.length; from += n) {
        const batch = places.slice(from, from + n);
        const a = new Int8Array(batch.length * n);
        const bytes = new Uint8Array(a.buffer);
        batch.forEach(({ label, index }: Place, s) => {
          alive().operandRow(label, index, bytes.subarray(s * n, (s + 1) * n));
        });
        await turns.exclusive(async (multiplier) => {
          const c = await multiplier.multiply(a);
          for (let s = 0; s < batch.length; s++) out.push(c.slice(s * n, (s + 1) * n));
        });
      }
      return out;
    },
    async rowPaths(count, places) {
      alive().close(count);
      return places.map(({ label, index }) => transcript.rowPath(label, index));
    },
    async columnPaths(count, places) {
      alive().close(count);
      return places.map(({ label, index }) => transcript.columnPath(label, index));
    },
    async pass(count, key) {
      const blocks = blocksOf(count);
      const keys = digestKey(key, BLOCK_BYTES);
      const out = new Uint8Array(digestLeaves(blocks) * HASH_BYTES);
      for (let leaf = 0, at = 0; at < out.length; leaf++, at += HASH_BYTES)
        hashDigestLeaf(leafOf(blocks, keys, leaf), out, at);
      return out;
    },
    async passLeaf(count, key, leaf) {
      return leafOf(blocksOf(count), digestKey(key, BLOCK_BYTES), leaf);
    },
    release() {
      if (released) return;
      released = true;
      turns.release();
    },
  };
}
