// Owns: the validator's side: events, sessions, verdicts on its own clock, the ledger of evidence, weights once an epoch.
// Does not own: what content is worth (verification), what a verdict pays (scoring), sockets (protocol), the chain (chain).
export {
  type ParameterShelf,
  type ParametersParts,
  type ParametersStatus,
  type PublicationSource,
  publicationsOf,
} from '../parameters/parameters.js';
export type { Anchor } from './anchors.js';
export type { ProofKinds } from './assign.js';
export type { FileDoor } from './file-door.js';
export {
  type ExportOptions,
  exportLedger,
  type ImportOptions,
  importLedger,
} from './ledger/bundle.js';
export { type Compared, compareLedgers, type Difference } from './ledger/compare.js';
export {
  type Ledger,
  type LedgerOptions,
  type LedgerReader,
  openLedger,
  openLedgerReader,
  type WritableLedgerOptions,
} from './ledger/ledger.js';
export {
  type Replay,
  type ReplayCheck,
  type ReplayParts,
  replayOutcome,
  type VerifyChain,
} from './ledger/replay.js';
export { type ReplayAllParts, type ReplayedAll, replayAll } from './ledger/replay-all.js';
export { eventLoopDelay, noDelay, type OwnDelay } from './own-delay.js';
export { ALARMS, type Alarm } from './rollouts/alarms.js';
export {
  type AuditJudge,
  createWindowBook,
  createWindowJudge,
  type JudgeParts,
  type JudgeRules,
  type WindowBook,
} from './rollouts/judge.js';
export {
  type Delivery,
  memoryRolloutLedger,
  openRolloutLedger,
  type ProvenEntry,
  type ReadRolloutLedger,
  type RolloutEntry,
  type RolloutLedger,
  type RolloutLedgerOf,
  readRolloutLedger,
} from './rollouts/ledger.js';
export {
  createProofs,
  findProof,
  leaveProof,
  type ProofFinding,
  type ProofLedger,
  type ProofParts,
  type ProofRules,
  type Proofs,
} from './rollouts/proofs.js';
export {
  type ReplayedVerdict,
  type ReplayParts as RolloutReplayParts,
  type ReplayRules as RolloutReplayRules,
  replayLedger,
} from './rollouts/replay.js';
export {
  createRolloutValidator,
  type RolloutValidator,
  type RolloutValidatorOptions,
  type RolloutValidatorParts,
  type RolloutValidatorStatus,
  type WindowJudge,
} from './rollouts/run.js';
export {
  announcedEvent,
  DEFAULT_HOLD,
  type EpochFrame,
  type EventPlan,
  eventSegments,
  holdOf,
  type Segment,
} from './schedule.js';
export { type EpochScore, scoreEpoch } from './score.js';
export { serveVerdicts } from './serve-verdicts.js';
export type { ValidatorAlert, ValidatorStatus } from './status.js';
export { runValidator, type ValidatorOptions, type ValidatorParts } from './validator.js';
export {
  createVerifierPool,
  DEFAULT_VERIFIER_THREADS,
  type ThreadModule,
  type VerifierPool,
  type Verifiers,
  verifyHere,
} from './verifiers.js';
export { memoryWeightsBook, openWeightsBook, type WeightsBook } from './weights/book.js';
