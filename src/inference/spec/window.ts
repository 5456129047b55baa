// Owns: what a window of rollouts is bound to. Does not own: when it begins and ends (the roles), how its beacon is read.

/** Whose rounds; in the root of every stream, so that the same number of two beacons is two streams. */
export const BEACONS = ['drand-quicknet', 'drand-pallet', 'dev-chain'] as const;
export type BeaconKind = (typeof BEACONS)[number];

export interface BeaconRound {
  readonly kind: BeaconKind;
  readonly round: bigint;
  /** as published, verified before it is used: 48 bytes for quicknet's scheme; for `dev-chain` 32 */
  readonly signature: Uint8Array;
}

/** All that a stream's root hangs on, beside the hotkey. No block hash: its author could choose it. */
export interface WindowContext {
  readonly beacon: BeaconRound;
  readonly netuid: number;
  readonly window: number;
  /** SHA-256 of the checkpoint's manifest: one for all miners of the window */
  readonly checkpointDigest: Uint8Array;
  readonly policyDigest: Uint8Array;
}
