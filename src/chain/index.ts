// Owns: what the rooms above may ask of a chain, the client of Subtensor, scores to weight rows.
// Does not own: deciding what to write, the embedded chain (localnet), emissions.
import type { ChainReader, ChainWriter } from './chain.js';
import type { SubtensorOptions } from './subtensor/connect.js';

export type {
  Axon,
  ChainInfo,
  ChainReader,
  ChainWriter,
  Head,
  Landed,
  Neuron,
  Subnet,
  SudoCall,
  WeightRow,
} from './chain.js';
export { CHAIN_LIMITS, type ChainLimits } from './limits.js';
export type { SubtensorOptions } from './subtensor/connect.js';
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

/** As subtensor/connect.ts; @polkadot/api (measured: 46 MB with the keys room, 0.4 s) is loaded at the first call. */
export async function connectSubtensor(options: SubtensorOptions): Promise<ChainReader & ChainWriter> {
  const subtensor = await import('./subtensor/connect.js');
  return subtensor.connectSubtensor(options);
}
