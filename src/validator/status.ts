// Owns: what a validator says of itself after each step: a value for the command line, metrics and the dashboard.
import type { WeightRow } from '../chain/chain.js';
import type { Hotkey } from '../model/ids.js';

export interface ValidatorStatus {
  readonly hotkey: Hotkey;
  readonly netuid: number;
  readonly head: number;
  /** the chain's epoch index */
  readonly epoch: number;
  readonly permit: boolean;
  /** events completed since this process began */
  readonly events: number;
  /** events in progress */
  readonly running: number;
  readonly lastEvent?: {
    readonly block: number;
    readonly epoch: number;
    readonly accepted: number;
    readonly rejected: number;
    readonly inconclusive: number;
  };
  readonly lastWeights?: { readonly epoch: number; readonly block: number; readonly row: WeightRow };
}
