// Owns: what a validator says of itself after each step: a value for the command line, metrics and the dashboard.
import type { WeightRow } from '../chain/chain.js';
import type { Hotkey } from '../model/ids.js';
import type { Declined } from '../model/verdict.js';
import type { ParametersStatus } from '../parameters/parameters.js';
import type { QueueStatus } from './queue/job-queue.js';
import type { BreakerView } from './scorer.js';
import type { VerifierTally } from './verifiers.js';

export interface EventTally {
  readonly accepted: number;
  readonly rejected: number;
  readonly inconclusive: number;
  /** of these, those that miners declined: slots in maintenance, and at their owner's cap; absent where none was */
  readonly declined?: Readonly<Partial<Record<Declined, number>>>;
  /** longest delay of our own in any of its sessions, ms: event loop and writing Go; 1 % of the window is credited */
  readonly ownDelayMs: number;
}

/** What an operator must know now. */
export type ValidatorAlert = { readonly netuid: number; readonly hotkey: Hotkey; readonly epoch: number } & (
  | { readonly kind: 'weights-late'; readonly blocksLeft: number; readonly reason?: string }
  | { readonly kind: 'weights-failed'; readonly reason: string }
  /** `policy` is the digest of the one that counts, where the owner published one */
  | { readonly kind: 'weights-withheld'; readonly reason: string; readonly policy?: string | undefined }
  /** many owners whose miners were honest failed together; `heldUntil` while scores are held for it, and asks for a decision */
  | {
      readonly kind: 'mass-failure';
      readonly owners: number;
      readonly drifted: number;
      readonly heldUntil?: number | undefined;
    }
  /** evidence that ends verifier threads: `assay validator replay` of the outcome shows it, on a thread */
  | { readonly kind: 'poison-evidence'; readonly miner: Hotkey; readonly outcome: string }
);

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
  readonly lastEvent?: EventTally & { readonly block: number; readonly epoch: number };
  /** how far the newest weights are: waiting, refused, revealed, applied, failed */
  readonly weightsStage?: { readonly epoch: number; readonly stage: string; readonly reason?: string };
  /** whose parameters we judge by in this epoch; `whyNot` where by none, and then no weights are set */
  readonly parameters?: ParametersStatus;
  /** digest of the owner's policy that the epoch goes by; `whyNot` where it is not to be had, and then no weights are set */
  readonly policy?: { readonly digest?: string | undefined; readonly whyNot?: string | undefined };
  /** the newest row that was made: by which policy, and at which block the chain was read for it */
  readonly lastScored?: { readonly epoch: number; readonly block: number; readonly policy: string };
  /** how the breaker stood when an epoch's scores were due last */
  readonly breaker?: BreakerView;
  /** what verifier threads left unanswered since this process began; undefined where there are none */
  readonly verifiers?: VerifierTally;
  /** jobs under way, and what became of others; undefined where no queue stands before the threads */
  readonly queue?: QueueStatus;
  /** outcomes that were to be recorded a second time, and were not */
  readonly doubledOutcomes?: number;
  /** events of this process that were not over as the next one, or a check, began: their plan keeps too few blocks, or we are too slow */
  readonly overlapped?: number;
  readonly lastWeights?: { readonly epoch: number; readonly block: number; readonly row: WeightRow };
}
