// Owns: which subnet an event of the chain is about. Does not own: reading events.
import { SUBNETS_PER_MECHANISM } from '../../../chain/codec/weight-commits.js';
import type { BlockEvent } from '../../../chain/operator-reads.js';

/**
 * Where events of SubtensorModule without field names have a netuid, beside the first place, where most have it
 * (subtensor macros/events.rs). Storage indices among them: netuid + 4096 x mechanism.
 */
const ELSEWHERE: Readonly<Record<string, readonly number[]>> = {
  StakeAdded: [4],
  StakeRemoved: [4],
  StakeMoved: [2, 4],
  StakeTransferred: [3, 4],
  StakeSwapped: [2, 3],
  SetChildrenScheduled: [1],
  SetChildren: [1],
  CRV3WeightsCommitted: [1],
  WeightsCommitted: [1],
  WeightsRevealed: [1],
  WeightsBatchRevealed: [1],
  TimelockedWeightsCommitted: [1],
  AlphaRecycled: [3],
  AlphaBurned: [3],
};

/** Events whose first field is a number and no netuid. */
const CHAIN_WIDE =
  /^(DefaultTakeSet|Max(EpochsPerBlock|ChildKeyTake|DelegateTake)Set|Min(ChildKeyTake|DelegateTake)Set|Tx\w*RateLimitSet|AdminFreezeWindowSet|OwnerHyperparamRateLimitSet|StakeThresholdSet|SubnetOwnerCutSet|Network(RateLimit|ImmunityPeriod|MinLockCost|LockCostReductionInterval)Set|StartCallDelaySet|SubnetLimitSet|NominatorMinRequiredStakeSet|ColdkeySwap\w*Set)$/;

/** False where the event does not say. */
export function isOfSubnet({ pallet, name, data }: BlockEvent, netuid: number): boolean {
  if ('netuid' in data) return isNetuid(data['netuid'], netuid);
  if (pallet !== 'SubtensorModule' || CHAIN_WIDE.test(name)) return false;
  return (ELSEWHERE[name] ?? [0]).some((place) => isNetuid(data[place], netuid));
}

const isNetuid = (value: unknown, netuid: number): boolean =>
  (typeof value === 'number' || typeof value === 'bigint') &&
  Number(value) % SUBNETS_PER_MECHANISM === netuid % SUBNETS_PER_MECHANISM;
