// Owns: the operations that proofs ask of a device. Does not own: what is proven (verification), pacing (testing).

/** A device that multiplies exactly. Every implementation gives the bits of cpu/reference.ts. */
export interface Compute {
  /** e.g. `cpu-reference`, `cpu-onnx` */
  readonly name: string;
  /**
   * Packs the constant right operand once.
   * @param b n x n, row-major, values in [-64, 63]
   */
  loadOperand(b: Int8Array, n: number): Promise<Multiplier>;
}

export interface Multiplier {
  readonly n: number;
  /**
   * C = A B, exact int32.
   * @param a n x n, row-major int8
   * @returns n x n, row-major; valid until the next call (implementations may reuse the buffer)
   */
  multiply(a: Int8Array): Promise<Int32Array>;
  release(): void;
}
