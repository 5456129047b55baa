// Owns: the seam of a scoring rule. Does not own: where outcomes come from (validator), the row on the chain (chain).
import type { Hotkey } from '../model/ids.js';
import type { Outcome } from '../model/outcome.js';

/** One validator's own view; it never mixes in what others say. */
export interface RuleInput {
  /** Of one validator; the epoch's and, for what is carried, those of the epochs before it. Others are left out of account. */
  readonly outcomes: readonly Outcome[];
  /** The events this validator completed, with the chain's epoch index: what is not among them counts for nobody. */
  readonly completed: readonly {
    readonly event: string;
    readonly epoch: number;
    /** whether rounds that one validator runs at a time were this validator's. @default true */
    readonly ourTurn?: boolean | undefined;
  }[];
  /** the chain's epoch index that is scored */
  readonly epoch: number;
  /** Hotkeys that should get a reason even when nothing is known of them, e.g. all miners. @default those of `outcomes` */
  readonly hotkeys?: readonly Hotkey[];
}

export interface Scores {
  /** Every hotkey of the input, zeros included; relative, not normalised. */
  readonly scores: ReadonlyMap<Hotkey, number>;
  /** On the same scale: what was claimed and not earned; the caller gives it to the owner's uid. */
  readonly unproven: number;
  /** One for every zero in `scores`. */
  readonly reasons: ReadonlyMap<Hotkey, ZeroReason>;
}

export interface ZeroReason {
  readonly why: /** the validator completed no event in the epoch and has nothing to carry */
    | 'no-event'
    /** no slot of this hotkey was challenged: nothing claimed, or not registered in time */
    | 'not-challenged'
    /** nothing it sent was accepted; `counts` says why not */
    | 'never-accepted'
    /** its slots could not be judged for longer than scores are carried: our fault, not its own */
    | 'carry-ended';
  /** verdicts of the epoch's completed events, as in verdictToString; `absent`: no session at all in one of them */
  readonly counts: Readonly<Record<string, number>>;
}

/** Pure: the same outcomes give the same numbers, bit for bit, on every machine. */
export type Rule<Params> = (input: RuleInput, params?: Params) => Scores;
