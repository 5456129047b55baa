// Owns: what the rooms above may ask of a chain, the client of Subtensor, scores to weight rows.
// Does not own: deciding what to write, the embedded chain (localnet), emissions.
import type { ApiPromise } from '@polkadot/api';
import type { ChainObserver, ChainReader, ChainWriter } from './chain.js';
import type { SubtensorReader } from './operator-reads.js';
import type { SubtensorOptions } from './subtensor/connect.js';
import type { ChainOperator } from './subtensor/operate.js';

export type {
  Axon,
  ChainInfo,
  ChainObserver,
  ChainReader,
  ChainStatus,
  ChainWriter,
  Head,
  Landed,
  Neuron,
  Subnet,
  SudoCall,
  WeightRow,
} from './chain.js';
export { ERRORS_EXPLAINED, type Explanation } from './errors-explained.js';
export { CHAIN_LIMITS, type ChainLimits } from './limits.js';
export { NETWORKS, type Network, type NetworkName, toNetwork } from './networks.js';
export type {
  Announcement,
  Balance,
  BlockEvent,
  ChildKeys,
  Commitment,
  CommittedField,
  Delegate,
  FixedPoint,
  FreezeWindow,
  HyperparameterEntry,
  IdentityRecord,
  Prices,
  RateLimit,
  SimulatedSwap,
  StakePosition,
  SubnetEmission,
  SubnetSummary,
  SubtensorReader,
  Swap,
} from './operator-reads.js';
export type { SubtensorOptions } from './subtensor/connect.js';
export type { Features } from './subtensor/features.js';
export type { ChainOperator, Done, ItemResult, OperateOptions } from './subtensor/operate.js';
export { transfer, transferAll, transferAllowingDeath } from './subtensor/operations/balances.js';
export { type CommitmentField, setCommitment } from './subtensor/operations/commitments.js';
export {
  type Child,
  decreaseTake,
  increaseTake,
  setAutoStakeHotkey,
  setChildkeyTake,
  setChildren,
} from './subtensor/operations/delegation.js';
export {
  HYPERPARAMETERS,
  type Hyperparameter,
  type HyperparameterValue,
  parseHyperparameter,
  setAlphaValues,
  setChainParameter,
  setHyperparameter,
} from './subtensor/operations/hyperparameters.js';
export type { Operation } from './subtensor/operations/operation.js';
export {
  associateHotkey,
  burnedRegister,
  type Identity,
  registerLimit,
  rootRegister,
  setIdentity,
  swapHotkey,
} from './subtensor/operations/registration.js';
export { serveAxon, servePrometheus } from './subtensor/operations/serving.js';
export {
  addStake,
  addStakeBurn,
  addStakeLimit,
  burnAlpha,
  moveStake,
  type PriceLimit,
  recycleAlpha,
  removeAllStake,
  removeStake,
  removeStakeLimit,
  type StakeMove,
  swapStake,
  transferStake,
  unstakeAll,
  unstakeAllAlpha,
} from './subtensor/operations/staking.js';
export {
  registerNetwork,
  type SubnetIdentity,
  setActivityCutoffFactor,
  setMechanismCount,
  setMechanismEmissionSplit,
  setOwnerHotkey,
  setSubnetIdentity,
  setTempo,
  startCall,
  triggerEpoch,
  trimUids,
  updateSymbol,
} from './subtensor/operations/subnets.js';
export {
  batchCommitWeights,
  batchRevealWeights,
  batchSetWeights,
  commitTimelockedWeights,
  commitWeights,
  type Place,
  type RevealedRow,
  revealWeights,
  type Sealed,
  type SetRow,
  setWeights,
} from './subtensor/operations/weights.js';
export { asProxy, asSudo, type BatchMode, batch } from './subtensor/operations/wrapping.js';
export type { DryRun, Preview } from './subtensor/preview.js';
export {
  alreadySetThisEpoch,
  type CanSetWeights,
  canSetWeights,
  toWeightRow,
  type WeightRowInput,
  type WeightRowResult,
  type WeightsRefusal,
} from './weights.js';
export { type RetryParts, withReadRetry } from './with-retry.js';

/** As subtensor/connect.ts; @polkadot/types (measured alone: 41 MiB, 0.8 s on two vCPU) is loaded at the first call. */
export async function connectSubtensor(
  options: SubtensorOptions,
): Promise<ChainReader & SubtensorReader & ChainWriter & ChainObserver & ChainOperator> {
  const subtensor = await import('./subtensor/connect.js');
  return subtensor.connectSubtensor(options);
}

/** As subtensor/polkadot-api.ts; @polkadot/api is loaded at the first call. */
export async function openPolkadotApi(url: string, genesis?: string): Promise<ApiPromise> {
  const { openPolkadotApi: open } = await import('./subtensor/polkadot-api.js');
  return open(url, genesis);
}
