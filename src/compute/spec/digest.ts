// Owns: what a keyed pass over memory gives: digests of blocks, and their leaves. Plain: what fast kernels must match.
import { createCipheriv } from 'node:crypto';
import { hashInto, pathLength } from '../../model/merkle.js';

/** Independent dot products of one block: a digest guessed without the block is right with about 2^-28 each. */
export const DIGEST_COLUMNS = 4;
/** Four little-endian int32. */
export const DIGEST_BYTES = 16;
/** Digests that share a leaf of the round's tree: 4 KiB. */
export const DIGESTS_PER_LEAF = 256;
export const DIGEST_LEAF_BYTES = DIGEST_BYTES * DIGESTS_PER_LEAF;

/** First bytes of preimages, apart from those of label trees (chain.ts). */
export const DIGEST_TAG = { leaf: 16, node: 17 } as const;

/**
 * Key of one round, `DIGEST_COLUMNS` columns of `blockBytes` values in [-64, 63], column after column: AES-256 in counter mode
 * under the round's 32 bytes, each byte as `(byte & 127) - 64`. Seven bits keep every 8-bit dot product instruction exact.
 */
export function digestKey(kappa: Uint8Array, blockBytes: number): Int8Array {
  const raw = createCipheriv('aes-256-ctr', kappa, new Uint8Array(16)).update(
    new Uint8Array(DIGEST_COLUMNS * blockBytes),
  );
  const key = new Int8Array(raw.length);
  for (let i = 0; i < raw.length; i++) key[i] = (raw[i] & 127) - 64;
  return key;
}

/**
 * The block's bytes, taken as signed, times each column; |sum| <= 4096 * 128 * 64 = 2^25.
 * @param out `DIGEST_BYTES` are written at `at`
 */
export function digestBlock(block: Uint8Array, key: Int8Array, out: Uint8Array, at: number): void {
  const { length } = block;
  const view = new DataView(out.buffer, out.byteOffset, out.byteLength);
  const second = length;
  const third = 2 * length;
  const fourth = 3 * length;
  let a = 0;
  let b = 0;
  let c = 0;
  let d = 0;
  for (let i = 0; i < length; i++) {
    const x = (block[i] << 24) >> 24;
    a = (a + x * key[i]) | 0;
    b = (b + x * key[second + i]) | 0;
    c = (c + x * key[third + i]) | 0;
    d = (d + x * key[fourth + i]) | 0;
  }
  view.setInt32(at, a, true);
  view.setInt32(at + 4, b, true);
  view.setInt32(at + 8, c, true);
  view.setInt32(at + 12, d, true);
}

/** Leaves of a tree over `count` digests. */
export const digestLeaves = (count: number): number => Math.ceil(count / DIGESTS_PER_LEAF);

/** Siblings of a leaf in the tree over `count` digests. */
export const digestPathLength = (count: number): number => pathLength(digestLeaves(count));

/** Leaf `index` of the tree over `digests`: the last one is filled up with zeros. */
export function digestLeaf(digests: Uint8Array, index: number): Uint8Array {
  const leaf = new Uint8Array(DIGEST_LEAF_BYTES);
  leaf.set(digests.subarray(index * DIGEST_LEAF_BYTES, (index + 1) * DIGEST_LEAF_BYTES));
  return leaf;
}

/** SHA-256(tag, leaf). */
export function hashDigestLeaf(leaf: Uint8Array, out: Uint8Array, at: number): void {
  const preimage = new Uint8Array(1 + DIGEST_LEAF_BYTES);
  preimage[0] = DIGEST_TAG.leaf;
  preimage.set(leaf, 1);
  hashInto(preimage, out, at);
}
