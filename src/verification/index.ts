// Owns: proof kinds as functions of their arguments. Does not own: sessions, sockets, time, what a verdict pays.

export {
  type Check,
  type Checks,
  checkedParams,
  className,
  exactly,
  flag,
  integer,
  paramsId,
  paramsTable,
} from './checked-params.js';
export { createEnvironment, ENVIRONMENT_IDS } from './environments/catalogue.js';
export type { Environment, Grade, Task } from './environments/environment.js';
export type { EnvironmentParts } from './environments/parts.js';
export { byteTokenizer, type Tokenizer } from './environments/tokenizer.js';
export { type Blame, blame, type Complaint } from './kinds/bandwidth/blame.js';
export { type BandwidthParams, paramsByClass as bandwidthParamsByClass } from './kinds/bandwidth/params.js';
export {
  COMPUTE_PARAMS,
  type ComputeParams,
  computeOps,
  findParams,
  paramsByClass,
} from './kinds/compute/params.js';
export type { ComputeSecret } from './kinds/compute/secret.js';
export {
  type AnyProofKind,
  bandwidthProof,
  computeProof,
  kinds,
  livenessProof,
  storageProof,
} from './kinds/index.js';
export { type LivenessParams, livenessParamsByClass } from './kinds/liveness/params.js';
export { type StorageParams, storageParamsByClass } from './kinds/storage/params.js';
export { NoSecret } from './no-secret.js';
export {
  builtInFile,
  encodeParameterFile,
  type KindsByName,
  type ParameterFile,
  type ParameterSet,
  readParameterFile,
} from './parameter-file.js';
export {
  type Briefing,
  type Challenge,
  defineProof,
  type Evidence,
  type ParamsFacts,
  type Participant,
  type ProofKind,
  type Proving,
  type Report,
  type Round,
} from './proof.js';
export { encodePublication, nextPublication, type Publication } from './publication.js';
export {
  type AuditInput,
  type AuditParts,
  type AuditState,
  audit as auditRollouts,
  type Handed,
  type Replayed,
  replay as replayVerdict,
} from './rollouts/audit.js';
export {
  type Calibration,
  calibrationDigest,
  type LoadedCalibration,
  loadCalibration,
  rulesOf,
  signCalibration,
} from './rollouts/calibration.js';
export {
  type Confirmation,
  type Consumable,
  type Consumed,
  confirmFraud,
  type FraudProof,
  verifyConsumed,
} from './rollouts/consumed.js';
export { isAboveBound, isBroken, isEvasive, statisticMillis } from './rollouts/detector.js';
export { type AuditSubject, drawRulesFor, privateMessage } from './rollouts/draw.js';
export {
  checkEquivocation,
  type Equivocation,
  encodeEquivocation,
} from './rollouts/equivocation.js';
export { type RolloutFile, rolloutAt } from './rollouts/file.js';
export { decodeFraudProof, encodeFraudProof, MAX_FRAUD_PROOF_BYTES } from './rollouts/fraud-proof.js';
export { openManifest, type SignedManifest, signManifest } from './rollouts/manifest.js';
export { createLengths, type Lengths, type Pay, paidLength, payOf, trainingGroups } from './rollouts/paid.js';
export { type Checked, type Refusal, ROLLOUT_REASONS, type RolloutReason } from './rollouts/reasons.js';
export {
  checkOpening,
  encodeRecord,
  type RolloutOpening,
  type RolloutTree,
  treeOf,
} from './rollouts/record.js';
export type { Manifest, Rollout } from './rollouts/rollout.js';
export { type AuditRules, FP32_BOUND_PPB, FP32_DELTA, rulesDigest } from './rollouts/rules.js';
export { lookCloser, NEW_STANDING, type Standing, settle, weightMillis } from './rollouts/standing.js';
export {
  type Reading,
  type ReadRollouts,
  readFile as readRolloutFile,
  readManifest as readRolloutManifest,
  type Submission,
  writeSubmission,
} from './rollouts/submission.js';
export { decodeVerdict, encodeVerdict, type VerdictRecord, verdictDigest } from './rollouts/verdict.js';
export { eventId, nonceCommitment, slotPlace, slotSeed } from './seed.js';
