// Owns: the record of one proof of one slot, as scoring and the ledger see it.
import type { Credit } from './credit.js';
import type { Hotkey } from './ids.js';
import type { Verdict } from './verdict.js';

export interface Outcome {
  /** hex of the first 16 bytes of SHA-256 over event, validator, miner and slot; names the evidence */
  readonly id: string;
  /** hex event id, the same for every validator of the event */
  readonly event: string;
  /** block that carried the event's beacon */
  readonly eventBlock: number;
  /** the chain's epoch index (SubnetEpochIndex) in which the event's block lies */
  readonly epoch: number;
  readonly netuid: number;
  readonly validator: Hotkey;
  readonly miner: Hotkey;
  /** proof kind, e.g. `compute` */
  readonly kind: string;
  /** hex digest of the parameter set that the session ran under */
  readonly paramsId: string;
  /** slot index within the miner's claim */
  readonly slot: number;
  readonly verdict: Verdict;
  /** ms from our own Go to the arrival of the first Commit, on our own clock; undefined when none arrived */
  readonly measuredMs: number | undefined;
  /** the longest stall of our own event loop in a phase of this session, ms; at most 1 % of the phase is credited */
  readonly ownDelayMs: number;
  /** what was proven; empty unless accepted */
  readonly credit: Credit;
  /** how much of its parameter set's nominal credit that is; 0 unless accepted */
  readonly share: number;
  /** of a parameter set that counts on localnets only: its amounts are of a simulated device */
  readonly simulated?: boolean | undefined;
  /** of a kind whose rounds one validator runs at a time: events in which it was another's turn say nothing of the slot */
  readonly byTurn?: boolean | undefined;
  /** unix ms at which the verdict was reached */
  readonly at: number;
}
