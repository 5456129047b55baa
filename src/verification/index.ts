// Owns: proof kinds as functions of their arguments. Does not own: sessions, sockets, time, what a verdict pays.

export { paramsId } from './checked-params.js';
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
export { eventId, nonceCommitment, slotPlace, slotSeed } from './seed.js';
