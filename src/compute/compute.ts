// Owns: the operations that proofs ask of a device. Does not own: what is proven (verification), pacing (testing).
import type { AssayError } from '../model/errors.js';
import type { Disk } from './disk.js';
import type { HostMemory } from './host.js';
import type { Labels, LabelsSpec } from './labels.js';
import type { Link } from './link.js';

/** What a prover may use; a kind says `unsupported` for what it needs and does not find. */
export interface Devices {
  readonly compute: Compute;
  /** what `host-memory` proves */
  readonly host?: HostMemory;
  /** what `storage` proves */
  readonly disk?: Disk;
  /** to other hosts: what `bandwidth` proves */
  readonly link?: Link;
}

/** What a device can do of what proofs ask for; the rest it refuses with AssayError `unsupported`, or does more slowly. */
export interface Supports {
  /** largest side of labels */
  readonly maxSide: number;
  /** products by the device's units for matrices, which is what published int8 figures count */
  readonly matrixUnits: boolean;
}

/** A device that multiplies exactly. Every implementation gives the bits of cpu/reference.ts. */
export interface Compute {
  /** e.g. `cpu-reference`, `cpu-onnx` */
  readonly name: string;
  /** Left out by devices that can do all that there is to do on such hardware. */
  readonly supports?: Supports;
  /**
   * Packs the constant right operand once.
   * @param b n x n, row-major, values in [-64, 63]
   */
  loadOperand(b: Int8Array, n: number): Promise<Multiplier>;
  /**
   * Labels kept by the device's own means; one without these is driven by spec/plain-labels.ts.
   * @throws AssayError `unsupported` for a size that the device cannot do; `unreachable` when the device was lost
   */
  openLabels?(spec: LabelsSpec): Promise<Labels>;
  /** Makes `openLabels` quick for labels of this basis and size. A hint: without it they only take longer to open. */
  prepareLabels?(basis: Uint8Array, n: number): Promise<void>;
  /** Once, with the reason, when the device is gone for good and only a new process can have it again. */
  readonly lost?: Promise<AssayError<'unreachable'>>;
  /** Ends threads and processes of the device; what they still do is rejected. */
  close?(): Promise<void>;
}

export interface Multiplier {
  readonly n: number;
  /**
   * C = A B, exact int32. One call at a time: a caller that shares a multiplier takes turns.
   * @param a m x n, row-major int8, 1 <= m <= n: a label is n rows, an opening a few
   * @returns m x n, row-major; valid until the next call (implementations may reuse the buffer)
   */
  multiply(a: Int8Array): Promise<Int32Array>;
  release(): void;
}

/** Rows of a left operand; every implementation asks this first. @throws RangeError */
export function operandRows(a: Int8Array, n: number): number {
  const rows = a.length / n;
  if (!Number.isInteger(rows) || rows < 1 || rows > n)
    throw new RangeError(`a: expected 1..${n} rows of ${n} elements, got ${a.length} elements`);
  return rows;
}

/** @throws RangeError when `b` is not n x n */
export function assertOperand(b: Int8Array, n: number): void {
  if (b.length !== n * n) throw new RangeError(`b: expected ${n} x ${n} elements, got ${b.length}`);
}
