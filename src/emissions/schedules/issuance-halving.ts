// Owns: the chain's own halving, by what has been issued, laid out over days. Does not own: the rule (coinbase.ts).
import { z } from 'zod';
import { blockEmission, TOTAL_SUPPLY_RAO } from '../coinbase.js';
import { type Era, eraAfter, issuedByBlocks } from './eras.js';
import { splitSchema } from './split.js';
import { described, tokenAmount } from './token-amount.js';

export const issuanceHalvingSchema = z.strictObject({
  kind: z.literal('issuance-halving'),
  ...described,
  blocksPerDay: z.int().min(1).max(864_000),
  /** issued before day 1: TAO in all, or a subnet's `SubnetAlphaIn + SubnetAlphaOut` */
  issuedBefore: tokenAmount.refine(
    (amount) => amount <= TOTAL_SUPPLY_RAO,
    'more than the 21 million there can be',
  ),
  split: splitSchema.optional(),
});

export type IssuanceHalving = z.output<typeof issuanceHalvingSchema>;

/**
 * Cumulative emission by day, each block by `blockEmission` of all issued so far. Left out is what else moves a subnet's
 * issuance: alpha injected into its pool, which brings halvings sooner, and recycling, which puts them off.
 */
export function issuanceHalvingCumulative(schedule: IssuanceHalving): (day: number) => bigint {
  const eras = erasFrom(schedule.issuedBefore);
  return (day) => issuedByBlocks(eras, BigInt(day) * BigInt(schedule.blocksPerDay));
}

function erasFrom(issuedBefore: bigint): readonly Era[] {
  let era: Era = { firstBlock: 0n, rewardNano: blockEmission(issuedBefore), issuedBeforeNano: 0n };
  const eras = [era];
  while (era.rewardNano > 0n) {
    const issued = issuedBefore + era.issuedBeforeNano;
    const blocks = blocksAtReward(issued, era.rewardNano);
    era = eraAfter(era, blocks, blockEmission(issued + blocks * era.rewardNano));
    eras.push(era);
  }
  return eras;
}

/** How many blocks in a row pay `reward`, the first of them at `issued`: emission never rises with issuance. */
function blocksAtReward(issued: bigint, reward: bigint): bigint {
  let paid = 1n;
  let unpaid = (TOTAL_SUPPLY_RAO - issued) / reward + 2n;
  while (unpaid - paid > 1n) {
    const middle = (paid + unpaid) / 2n;
    if (blockEmission(issued + (middle - 1n) * reward) === reward) paid = middle;
    else unpaid = middle;
  }
  return paid;
}
