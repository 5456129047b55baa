// Owns: proof kinds as functions of their arguments. Does not own: sessions, sockets, time, what a verdict pays.

export { paramsId } from './checked-params.js';
export {
  COMPUTE_PARAMS,
  type ComputeParams,
  computeOps,
  findParams,
  paramsByClass,
} from './kinds/compute/params.js';
export type { ComputeSecret } from './kinds/compute/secret.js';
export { type AnyProofKind, computeProof, kinds, livenessProof, storageProof } from './kinds/index.js';
export { type LivenessParams, livenessParamsByClass } from './kinds/liveness/params.js';
export { type StorageParams, storageParamsByClass } from './kinds/storage/params.js';
export {
  type Challenge,
  defineProof,
  type Evidence,
  type ParamsFacts,
  type ProofKind,
  type Proving,
} from './proof.js';
export { eventId, nonceCommitment, slotPlace, slotSeed } from './seed.js';
