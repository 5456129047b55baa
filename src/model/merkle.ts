// Owns: binary Merkle trees over SHA-256 hashes laid out flat. Does not own: what a leaf is (the proof kinds).
import { hash } from 'node:crypto';

/** Bytes of a SHA-256 hash, of a leaf, of a sibling. */
export const HASH_BYTES = 32;

/**
 * SHA-256 of `data`, written to `out` at `at`.
 * Measured: three times a digest in a Buffer for inputs of a few blocks, where the allocation costs more than the hash.
 */
export function hashInto(data: Uint8Array, out: Uint8Array, at: number): void {
  const digest = hash('sha256', data, 'binary');
  for (let i = 0; i < HASH_BYTES; i++) out[at + i] = digest.charCodeAt(i);
}

export interface MerkleTree {
  readonly root: Uint8Array;
  /** Hash of leaf `index`: a view. */
  leaf(index: number): Uint8Array;
  /** Writes the siblings of leaf `index`, from leaf to top, to `out` at `at`; returns where they end. */
  path(index: number, out: Uint8Array, at: number): number;
}

/** Siblings on the path of a leaf in a tree of `count` leaves, padded to a power of two. */
export const pathLength = (count: number): number => Math.ceil(Math.log2(Math.max(1, count)));

/**
 * A tree over `leaves` (32 bytes each, concatenated), padded with zero hashes to a power of two.
 * @param tag first byte of every node's preimage: keeps the nodes of different trees, and leaves, apart
 */
export function createMerkleTree(leaves: Uint8Array, tag: number): MerkleTree {
  if (leaves.length % HASH_BYTES !== 0)
    throw new RangeError(`leaves: expected a multiple of ${HASH_BYTES} bytes, got ${leaves.length}`);
  const width = 2 ** pathLength(leaves.length / HASH_BYTES);
  // heap order: node i has children 2i and 2i+1, the root is 1, leaves begin at `width`
  const nodes = new Uint8Array(2 * width * HASH_BYTES);
  nodes.set(leaves, width * HASH_BYTES);
  const scratch = nodeScratch(tag);
  for (let i = width - 1; i >= 1; i--) {
    scratch.set(nodes.subarray(2 * i * HASH_BYTES, (2 * i + 2) * HASH_BYTES), 1);
    hashInto(scratch, nodes, i * HASH_BYTES);
  }
  const node = (i: number): Uint8Array => nodes.subarray(i * HASH_BYTES, (i + 1) * HASH_BYTES);
  return {
    root: node(1),
    leaf: (index) => node(width + index),
    path(index, out, at) {
      let to = at;
      for (let i = width + index; i > 1; i >>>= 1) {
        out.set(node(i ^ 1), to);
        to += HASH_BYTES;
      }
      return to;
    },
  };
}

/** Replaces the hash in `top` (32 bytes) by that of the node that `path` leads to from leaf `index`. */
export function climb(top: Uint8Array, index: number, path: Uint8Array, tag: number): void {
  if (path.length === 0) return;
  const scratch = nodeScratch(tag);
  let i = index;
  scratch.set(top, 1 + (i & 1) * HASH_BYTES);
  for (let at = 0; ; i >>>= 1) {
    // byte by byte, and each hash to where the next one reads it: measured a quarter quicker than views of the path
    const other = 1 + (1 - (i & 1)) * HASH_BYTES;
    for (let k = 0; k < HASH_BYTES; k++) scratch[other + k] = path[at + k];
    at += HASH_BYTES;
    if (at >= path.length) break;
    hashInto(scratch, scratch, 1 + ((i >>> 1) & 1) * HASH_BYTES);
  }
  hashInto(scratch, top, 0);
}

function nodeScratch(tag: number): Uint8Array {
  const scratch = new Uint8Array(1 + 2 * HASH_BYTES);
  scratch[0] = tag;
  return scratch;
}
