// Owns: what a miner hands in: rollouts and the manifest of their file. Does not own: their bytes (codec of this folder), what
// is derived from them (prompts, rewards, log-probabilities), which never travels.

export const STOPS = ['eos', 'cap'] as const;

export interface Rollout {
  readonly group: number;
  /** 0 .. rolloutsPerGroup - 1 */
  readonly index: number;
  /** `eos`: the last token is one of the policy's stop ids; `cap`: there are maxTokens tokens and none is */
  readonly stop: (typeof STOPS)[number];
  /** the completion alone: the prompt is derived */
  readonly tokens: Uint32Array;
}

/** Signed by the hotkey; its SHA-256 is what is on the chain. */
export interface Manifest {
  readonly version: 1;
  /** of the chain, which a subnet's number does not name */
  readonly genesis: Uint8Array;
  readonly netuid: number;
  readonly window: number;
  readonly hotkey: Uint8Array;
  readonly checkpointDigest: Uint8Array;
  readonly policyDigest: Uint8Array;
  readonly profileDigest: Uint8Array;
  /** groups 0 .. groups - 1 were worked on, those of `forfeits` (ascending) are not in the file: unpaid, at most 2 % */
  readonly groups: number;
  readonly forfeits: readonly number[];
  readonly rollouts: number;
  /** completion tokens of all rollouts */
  readonly tokens: number;
  readonly fileBytes: number;
  readonly fileSha256: Uint8Array;
  /** over the leaves of all rollouts in their order in the file */
  readonly merkleRoot: Uint8Array;
}
