// Owns: the seam of a host's memory: labels that lanes make, keep and read. Does not own: what is proven with them
// (verification), what each operation gives (spec/host-labels.ts, spec/host-walk.ts, spec/digest.ts).
import type { HostLabelsSpec } from './spec/host-labels.js';

/** Memory of a host, and as many threads as may work on it. */
export interface HostMemory {
  /** e.g. `host-threads` */
  readonly name: string;
  /** threads that work at once: lanes that are filled and walked at the same time */
  readonly lanes: number;
  /** bytes of labels that it may hold now */
  bytes(): number;
  /**
   * Room for `lanes` lanes of `capacity` labels each.
   * @throws AssayError `unsupported` when there is not so much; the signal's reason when it aborts
   */
  openLanes(spec: LanesSpec, signal: AbortSignal): Promise<HostLanes>;
}

export interface LanesSpec extends HostLabelsSpec {
  readonly lanes: number;
  /** labels of each lane there can be */
  readonly capacity: number;
  /** leaves of the walk of each lane there can be */
  readonly maxLeaves: number;
}

/** Label `index` of lane `lane`. */
export interface HostPlace {
  readonly lane: number;
  readonly index: number;
}

/** Bytes with the siblings from their leaf to the root of their lane, leaf first. */
export interface Opened {
  readonly bytes: Uint8Array;
  readonly path: Uint8Array;
}

/**
 * Lanes of one piece of work: filled, then read in rounds, then walked. Every implementation gives the bytes of
 * host/lane.ts. One call at a time; reads are batches. `labels` is the number of labels of each lane that counts, which may
 * be less than some lanes have.
 */
export interface HostLanes {
  readonly spec: LanesSpec;
  /**
   * Makes labels until each lane has its capacity, or `more` says no; it is asked now and then. Every lane makes at least
   * `least` whatever it says.
   * @returns labels that all lanes have
   * @throws the signal's reason when it aborts; AssayError `unreachable` when a thread was lost
   */
  fill(least: number, more: () => boolean, signal: AbortSignal): Promise<number>;
  /** Roots of the lanes' label trees, concatenated. */
  roots(labels: number): Promise<Uint8Array>;
  /**
   * One round: every label is read and digested under the key. Kept until release, so that it can be opened.
   * @param key 32 bytes
   * @returns roots of the lanes' digest trees, concatenated
   */
  pass(labels: number, key: Uint8Array): Promise<Uint8Array>;
  /**
   * Walks every lane until `maxLeaves`, or `more` says no; at least one leaf.
   * @returns leaves that all lanes have
   */
  walk(labels: number, key: Uint8Array, more: () => boolean, signal: AbortSignal): Promise<number>;
  /** Roots of the lanes' walk trees, concatenated. */
  walkRoots(leaves: number): Promise<Uint8Array>;
  /** Labels, with paths among the first `labels` of their lane. */
  openLabels(labels: number, places: readonly HostPlace[]): Promise<readonly Opened[]>;
  /** The digests that share a leaf with that of label `index` in round `round`, counted from 0 in the order of `pass`. */
  openDigests(labels: number, round: number, places: readonly HostPlace[]): Promise<readonly Opened[]>;
  /** The states after the steps of leaf `index`. */
  openWalk(leaves: number, places: readonly HostPlace[]): Promise<readonly Opened[]>;
  /** Ends its threads and frees the memory. What still runs is rejected. */
  release(): void;
}
