// Owns: the economics of a subnet as pure functions in the chain's arithmetic: epoch, emission, pool, prices, schedule.
// Does not own: state, keys, blocks (localnet keeps those), what a validator scores.
export {
  DEFAULT_FEE_RATE,
  type Pool,
  price,
  priceRao,
  type Swap,
  type SwapOptions,
  swapAlphaForTao,
  swapFee,
  swapTaoForAlpha,
} from './amm.js';
export {
  accrueBlock,
  blockEmission,
  DEFAULT_BLOCK_EMISSION_RAO,
  DEFAULT_OWNER_CUT,
  DEFAULT_TAKE,
  distributeEmission,
  epochEmission,
  NO_PENDING,
  type Payee,
  type Payout,
  type PendingEmission,
  rootProportion,
  type StakeCredit,
  TOTAL_SUPPLY_RAO,
  withoutTake,
} from './coinbase.js';
export { type EpochInput, type EpochOutput, runEpoch, type U16Row } from './epoch.js';
export { runEpochInDoubles } from './epoch-in-doubles.js';
export type { LiquidAlpha } from './liquid-alpha.js';
export { joinMechanisms, type SubnetEpoch, splitEmission } from './mechanisms.js';
export {
  type BurnBounds,
  bumpBurn,
  DEFAULT_BURN_HALF_LIFE,
  DEFAULT_BURN_INCREASE,
  decayBurn,
  decayFactor,
} from './registration.js';
export {
  activityCutoffBlocks,
  blocksUntilNextEpoch,
  type EpochSchedule,
  initialLastEpochBlock,
  MAX_TEMPO,
  nextEpochBlock,
  shouldRunEpoch,
} from './schedule.js';
export { type ConsensusStake, consensusStake } from './stake.js';
export { isMaxLimited, maxUpscale } from './weights.js';
