// Owns: what travels on a link: content from a key, its digests, what a source signs. Pure. Does not own: sockets
// (compute/tcp), what is proven (verification/kinds/bandwidth).
import { createCipheriv, createHmac } from 'node:crypto';
import { concat, u32le, utf8 } from '../../model/bytes.js';
import { createMerkleTree, HASH_BYTES, hashInto, type MerkleTree } from '../../model/merkle.js';

/** The unit that is sampled and digested: 4 KiB. */
export const LEAF_BYTES = 4096;

/**
 * First bytes of nodes' preimages. A leaf's preimage is the leaf and nothing else: 4096 bytes are no node, which has 65, and
 * a prefix would cost a copy of everything that travels.
 */
export const LINK_TAG = { segment: 1, source: 2 } as const;

const BLOCK_BYTES = 16;
const SEGMENT = utf8('assay/bandwidth/1/segment');
const HELLO = utf8('assay/bandwidth/1/hello');

/** Content of a key: AES-256 in counter mode, counter 0 at leaf 0, so that any leaf can be made alone. */
export interface Content {
  /** the next bytes, a multiple of 16: a buffer of its own */
  next(bytes: number): Uint8Array;
}

/** @param key 32 bytes */
export function contentOf(key: Uint8Array, fromLeaf = 0): Content {
  const counter = new Uint8Array(BLOCK_BYTES);
  new DataView(counter.buffer).setUint32(12, fromLeaf * (LEAF_BYTES / BLOCK_BYTES)); // below 2^32: 2^24 leaves are 64 GiB
  const cipher = createCipheriv('aes-256-ctr', key, counter);
  return {
    next(bytes) {
      if (ZEROS.length < bytes) ZEROS = new Uint8Array(bytes);
      return cipher.update(ZEROS.subarray(0, bytes));
    },
  };
}

/** Never written to: what a counter-mode cipher turns into its own stream. */
let ZEROS = new Uint8Array(1 << 16);

export const contentLeaf = (key: Uint8Array, leaf: number): Uint8Array =>
  contentOf(key, leaf).next(LEAF_BYTES);

/** Writes the digest of every leaf of `content` to `out` at `at`: SHA-256. */
export function digestLeaves(content: Uint8Array, out: Uint8Array, at = 0): void {
  for (let from = 0, to = at; from < content.length; from += LEAF_BYTES, to += HASH_BYTES)
    hashInto(content.subarray(from, from + LEAF_BYTES), out, to);
}

/** @param digests of the leaves of one segment, a power of two of them */
export const segmentTree = (digests: Uint8Array): MerkleTree => createMerkleTree(digests, LINK_TAG.segment);

/** What a source signs when it has sent a whole segment: that these were its bytes. */
export const segmentMessage = (ticket: Uint8Array, segment: number, root: Uint8Array): Uint8Array =>
  concat(SEGMENT, ticket, u32le(segment), root);

/** What a caller shows to be the receiver of a ticket: the pass itself never travels. 32 bytes. */
export const helloProof = (pass: Uint8Array, nonce: Uint8Array, ticket: Uint8Array): Uint8Array =>
  createHmac('sha256', pass).update(HELLO).update(nonce).update(ticket).digest();
