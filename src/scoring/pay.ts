// Owns: what a policy pays for what is remembered and known of an epoch, with a reason for every zero and every cut. Does not own:
// the memory (state.ts), uids and the row that is sent (chain/weights.ts).
import type { Coldkey, Hotkey } from '../model/ids.js';
import type { ScoringState } from './state.js';

/** What of the chain counts: by hotkey, never by uid. */
export interface PaidNeuron {
  readonly coldkey: Coldkey;
  /** the chain's epoch index in which it was registered; where it is not known there is no probation */
  readonly registeredEpoch?: number | undefined;
  readonly stakeRao?: bigint | undefined;
  readonly collateralRao?: bigint | undefined;
}

/** What does not follow from outcomes. */
export interface Facts {
  readonly neurons: ReadonlyMap<Hotkey, PaidNeuron>;
  /** whose pay the chain burns */
  readonly owner: Hotkey;
  /** thousandths of verified tokens a window */
  readonly rollouts?: ReadonlyMap<Hotkey, number> | undefined;
  /** `UsageBook.totals`: millionths of the epoch in which somebody used a slot, by slot */
  readonly usage?: ReadonlyMap<Hotkey, ReadonlyMap<number, number>> | undefined;
}

export type ZeroWhy =
  | 'no-event'
  | 'not-challenged'
  | 'never-accepted'
  | 'carry-ended'
  | 'not-registered'
  | 'no-price'
  | 'quarantine'
  | 'cut-to-nothing';
export type CutWhy =
  | 'slot-cap'
  | 'hotkey-cap'
  | 'coldkey-cap'
  | 'uptime'
  | 'probation'
  | 'quarantine'
  | 'idle';

export interface Cut {
  readonly why: CutWhy;
  readonly pool: string;
  /** of one, what is left of the worth before it */
  readonly factor: number;
  /** worth that was taken off */
  readonly amount: number;
}

export interface Reason {
  /** present for every share of zero */
  readonly zero?: ZeroWhy;
  readonly cuts: readonly Cut[];
  /** verdicts of the epoch's completed events as in verdictToString; `absent`: no session at all in one of them */
  readonly counts: Readonly<Record<string, number>>;
}

export interface PoolPay {
  readonly name: string;
  /** proven, before cuts and with boosts */
  readonly worth: number;
  /** of what proven slots' classes expect, what they missed */
  readonly missed: number;
  readonly target: number | undefined;
  /** target / worth where there is more than the target, otherwise 1 */
  readonly dilution: number;
  /** of `total`: to hotkeys, and burned of it */
  readonly paid: bigint;
  readonly burned: bigint;
}

export interface Pay {
  readonly epoch: number;
  /** what shares and burned come to, exactly */
  readonly total: bigint;
  /** by hotkey, of `total`; every neuron and every hotkey that is remembered, zeros included */
  readonly shares: ReadonlyMap<Hotkey, bigint>;
  readonly burned: {
    /** `burn`, and what no pool has */
    readonly explicit: bigint;
    /** of pools that were not filled */
    readonly unfilled: bigint;
    /** what proven slots missed of what their classes expect */
    readonly unproven: bigint;
    /** taken off by caps, uptime, probation, quarantine, idleness */
    readonly cut: bigint;
  };
  /** `shares` and, at the owner, `burned`: largest remainder, scaled so that the largest is 65535 */
  readonly u16: ReadonlyMap<Hotkey, number>;
  readonly reasons: ReadonlyMap<Hotkey, Reason>;
  readonly pools: readonly PoolPay[];
}

/**
 * Pure: the same state and facts give the same integers on every machine.
 * @param epoch not before the state's
 */
export declare function payOf(
  state: ScoringState,
  input: { readonly epoch: number; readonly facts: Facts },
): Pay;
