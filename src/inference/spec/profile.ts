// Owns: what decides the last bits of logits. Does not own: the tolerances between profiles (verification/rollouts/calibration).

/** Two engines of one profile differ by rounding that calibration has seen; of two profiles, by what their pair's has. */
export interface Profile {
  /** e.g. `onnxruntime-node`, `plain` */
  readonly engine: string;
  readonly engineVersion: string;
  /** execution provider: `cpu`, `cuda`, `webgpu` */
  readonly provider: string;
  readonly dtype: 'fp32' | 'fp16' | 'bf16' | 'int8' | 'int4';
  readonly kvDtype: 'fp32' | 'fp16' | 'bf16';
  /** e.g. `x64`, `arm64`, a card's architecture */
  readonly isa: string;
  /** SHA-256 over the graphs in the order body, head, rows */
  readonly graphDigest: Uint8Array;
  /** SHA-256 of the master weights */
  readonly weightsDigest: Uint8Array;
}
