// Owns: what a receiver keeps of each source: digests, trees, the source's signatures. Does not own: where segments come from.

import type { Segment } from '../../../compute/link.js';
import { LINK_TAG, segmentTree } from '../../../compute/spec/link.js';
import { concat } from '../../../model/bytes.js';
import { createMerkleTree, HASH_BYTES, type MerkleTree, pathLength } from '../../../model/merkle.js';

const NOTHING = new Uint8Array(HASH_BYTES);

/** Trees within segments are made again when they are opened: kept, they would double the memory. */
export class SourceTranscript {
  readonly #segments: Segment[] = [];
  readonly #roots: Uint8Array[] = [];
  #closed: MerkleTree | undefined;

  append(segment: Segment): void {
    if (this.#closed) return; // it came after the commit: too late to count
    this.#segments.push(segment);
    this.#roots.push(segmentTree(segment.digests).root);
  }

  get segments(): number {
    return this.#segments.length;
  }

  /** Root over all segments so far; later ones do not count. Zeros when there are none. */
  close(): Uint8Array {
    this.#closed ??= createMerkleTree(concat(...this.#roots), LINK_TAG.source);
    return this.segments === 0 ? NOTHING : this.#closed.root;
  }

  digest(leaf: number): Uint8Array {
    const { segment, within } = this.#at(leaf);
    return segment.digests.slice(within * HASH_BYTES, (within + 1) * HASH_BYTES);
  }

  /** The source's, over the segment that `leaf` is in. */
  signature(leaf: number): Uint8Array {
    return this.#at(leaf).segment.signature;
  }

  path(leaf: number): Uint8Array {
    const { segment, index, within } = this.#at(leaf);
    const leaves = segment.digests.length / HASH_BYTES;
    const out = new Uint8Array((pathLength(leaves) + pathLength(this.segments)) * HASH_BYTES);
    this.#closed!.path(index, out, segmentTree(segment.digests).path(within, out, 0)); // opened after the commit only
    return out;
  }

  #at(leaf: number): { segment: Segment; index: number; within: number } {
    const leaves = this.#segments[0].digests.length / HASH_BYTES;
    const index = Math.floor(leaf / leaves);
    return { segment: this.#segments[index], index, within: leaf % leaves };
  }
}
