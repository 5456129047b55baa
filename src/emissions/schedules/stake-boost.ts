// Owns: a multiplier of pay that grows with stake between two bounds. Does not own: the pay.
import { z } from 'zod';
import { described, inputs, NANO, positiveAmount, tokenAmount } from './token-amount.js';

export const stakeBoostSchema = z
  .strictObject({
    kind: z.literal('stake-boost'),
    ...described,
    /** below it the boost is 0 */
    minimumStake: tokenAmount,
    /** stake for which the boost is 1 */
    stakePerBoost: positiveAmount,
    /** above it the boost stays */
    maximumStake: positiveAmount,
    at: inputs,
  })
  .refine(({ minimumStake, maximumStake }) => minimumStake <= maximumStake, {
    path: ['maximumStake'],
    message: 'expected at least minimumStake',
  });

export type StakeBoost = z.output<typeof stakeBoostSchema>;

/**
 * `min(stake, maximum) / stakePerBoost`, floored to 10^-9; 0 below the minimum. Heurist: active from 10,000, "in direct
 * proportion" up to 100,000. Its sources name no constant: that 10,000 is ×1 and 100,000 is ×10 is a reading.
 *
 * @returns the factor in 10^-9
 */
export function stakeBoost(schedule: StakeBoost, stakeNano: bigint): bigint {
  if (stakeNano < schedule.minimumStake) return 0n;
  const counted = stakeNano < schedule.maximumStake ? stakeNano : schedule.maximumStake;
  return (counted * NANO) / schedule.stakePerBoost;
}
