// Owns: the seam of a chain of labels that lives where its device keeps it. Does not own: what is proven with it
// (verification), what each operation gives (spec/).

/** What fixes every byte of every label before any work is done. */
export interface LabelsSpec {
  /** 32 bytes: the operand B is the basis's */
  readonly basis: Uint8Array;
  readonly seed: Uint8Array;
  /** side of a label: a power of two, 16..16384 */
  readonly n: number;
  /** labels there can be, label 0 not counted: top trees and back edges have its shape, however many come to be */
  readonly capacity: number;
}

/** Row, column or leaf `index` of label `label`. */
export interface Place {
  readonly label: number;
  readonly index: number;
}

export interface LabelRoots {
  readonly rowRoot: Uint8Array;
  readonly columnRoot: Uint8Array;
}

/**
 * Labels 1, 2, ... of one chain, as long as the device keeps them. Every implementation gives the bytes of
 * spec/plain-labels.ts. One call at a time; reads are batches, so that a device is asked once.
 */
export interface Labels {
  readonly spec: LabelsSpec;
  /** labels that are finished, label 0 not counted */
  readonly count: number;
  /**
   * Adds labels until there are `upTo`, or `more` says no; it is asked before each one. What was begun and not finished then
   * is begun again by the next call.
   * @returns `count`
   * @throws the signal's reason when it aborts; AssayError `unreachable` when the device was lost
   */
  extend(upTo: number, more: () => boolean, signal: AbortSignal): Promise<number>;
  /** Tops over labels 1..`count`, padded to the capacity. */
  roots(count: number): Promise<LabelRoots>;
  /** n bytes each; label 0 too. */
  rows(places: readonly Place[]): Promise<readonly Uint8Array[]>;
  /** n bytes each; label 0 too. */
  columns(places: readonly Place[]): Promise<readonly Uint8Array[]>;
  /** Rows of C_label, n values each: multiplied again, since nobody keeps four times the labels. */
  accumulators(places: readonly Place[]): Promise<readonly Int32Array[]>;
  /** From the leaf of a row to `roots(count).rowRoot`: siblings, leaf to top. */
  rowPaths(count: number, places: readonly Place[]): Promise<readonly Uint8Array[]>;
  /** As `rowPaths`, to the column root, for labels with a column tree. */
  columnPaths(count: number, places: readonly Place[]): Promise<readonly Uint8Array[]>;
  /**
   * One pass under a key: every block of labels 1..`count` is read and digested (spec/digest.ts).
   * @param key 32 bytes
   * @returns hashes of the leaves, concatenated; the tree over them is the caller's
   * @throws RangeError when labels are smaller than a block
   */
  pass(count: number, key: Uint8Array): Promise<Uint8Array>;
  /** Leaf `leaf` of that pass, made again: 256 digests, the last leaf filled up with zeros. */
  passLeaf(count: number, key: Uint8Array, leaf: number): Promise<Uint8Array>;
  /** The device may use the memory for its next chain. What still runs is rejected. */
  release(): void;
}
