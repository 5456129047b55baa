// Owns: what proofs ask of storage. Does not own: what a plot is (spec/plot.ts), what is proven with it (verification).
import type { MerkleTree } from '../model/merkle.js';
import type { PlotName } from './spec/plot.js';

/** Storage that holds plots. Every implementation gives the bits of spec/plot.ts. */
export interface Disk {
  /** e.g. `disk-file`, `disk-memory` */
  readonly name: string;
  /**
   * The plot of that name, whole.
   * @throws AssayError `unsupported` when there is none, or not all of it yet
   */
  open(name: PlotName, signal: AbortSignal): Promise<Plot>;
}

export interface Plot {
  readonly sectors: number;
  /** over the roots of its sectors */
  readonly tree: MerkleTree;
  /**
   * Keyed digests of leaves, 32 bytes each, in the order asked.
   * @param leaves.sectors and `leaves.leaves`: of equal length, pair by pair
   */
  digestLeaves(
    key: Uint8Array,
    leaves: { readonly sectors: Uint32Array; readonly leaves: Uint32Array },
    signal: AbortSignal,
  ): Promise<Uint8Array>;
  /**
   * Reads whole sectors in the order given, as many of its first as are finished in time: at least one. Gives the roots of
   * their keyed pieces, 32 bytes each.
   * @param range.leftMs ms until the answer is owed
   */
  digestRange(range: Range, signal: AbortSignal): Promise<Uint8Array>;
  /** One sector whole; for openings, which nobody times. */
  readSector(index: number): Promise<Uint8Array>;
}

export interface Range {
  readonly key: Uint8Array;
  /** distinct sectors, in an order that says nothing of where they lie */
  readonly order: Uint32Array;
  readonly pieceBytes: number;
  leftMs(): number;
}
