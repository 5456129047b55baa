// Owns: what a trainer asks of every miner of a window: how tokens are chosen, when a rollout ends. Does not own: the stream
// (stream.ts), prompts (verification/environments).

/** One policy for all miners of a window. Its digest is bound into every stream. */
export interface Policy {
  /** decimal, as written: `1`, `0.7`; greater than 0, at most 2 */
  readonly temperature: string;
  /** how many of the highest logits race; the banded cut of race.ts; 2..1024 */
  readonly candidates: number;
  /** completion tokens after which a rollout is cut, its stop id included */
  readonly maxTokens: number;
  /** ids that end a rollout; ascending, none twice, at least one */
  readonly stopIds: readonly number[];
  /** rollouts of one prompt */
  readonly rolloutsPerGroup: number;
  /** SHA-256 of the environment with its version and parameters */
  readonly environmentDigest: Uint8Array;
}
