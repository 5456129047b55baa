// Owns: what a validator remembers of slots and hotkeys for their pay: outcomes folded, event by event. Does not own: what follows
// from it (pay.ts), outcomes themselves and their evidence (validator/ledger).
import type { Outcome } from '../model/outcome.js';
import type { ScoringPolicy } from './policy.js';

/** What of an outcome counts. */
export type Scored = Pick<
  Outcome,
  'event' | 'epoch' | 'miner' | 'kind' | 'paramsId' | 'slot' | 'verdict' | 'credit' | 'share'
> &
  Partial<Pick<Outcome, 'simulated' | 'byTurn'>>;

export interface ScoredEvent {
  readonly event: string;
  /** the chain's epoch index */
  readonly epoch: number;
  /** whether rounds that one validator runs at a time were this validator's. @default true */
  readonly ourTurn?: boolean | undefined;
  /** Of whom the event asked, where not of all: `isDrawn`. Who was not drawn and has no outcome was not absent. @default all */
  readonly sample?: Sample | undefined;
}

export interface Sample {
  /** hex of 32 bytes that nobody knew before the event */
  readonly seed: string;
  /** millionths of all slots */
  readonly share: number;
}

export interface StateParts {
  /** Class of a parameter set; needed by policies whose pools match classes. @default none is known */
  readonly classOf?: (paramsId: string) => string | undefined;
}

/**
 * One validator's view. What is told of an event counts once the event is completed, in whatever order its outcomes came; of what
 * belongs to an epoch before the newest completed event's nothing counts any more.
 */
export interface ScoringState {
  readonly policy: ScoringPolicy;
  /** of the newest completed event; undefined before the first */
  readonly epoch: number | undefined;
  started(event: ScoredEvent): void;
  /** A second one of the same event and slot changes nothing. */
  outcome(outcome: Scored): void;
  completed(event: ScoredEvent): void;
  /** JSON: the same state gives the same text. Events under way are not part of it. */
  snapshot(): string;
}

export declare function createScoringState(policy: ScoringPolicy, parts?: StateParts): ScoringState;
/** @throws AssayError `corrupt` for what is no snapshot under this policy */
export declare function restoreScoringState(
  policy: ScoringPolicy,
  snapshot: string,
  parts?: StateParts,
): ScoringState;
/** Whether an event asked this slot. */
export declare function isDrawn(sample: Sample, miner: string, slot: number): boolean;
