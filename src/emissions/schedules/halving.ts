// Owns: a reward that halves after a fixed number of blocks, as Bitcoin's does.
// Does not own: halving by issuance (issuance-halving.ts), fees, the real time between blocks.
import { z } from 'zod';
import { type Era, eraAfter, issuedByBlocks } from './eras.js';
import { splitSchema } from './split.js';
import { described, positiveAmount } from './token-amount.js';

export const halvingSchema = z
  .strictObject({
    kind: z.literal('halving'),
    ...described,
    rewardPerBlock: positiveAmount,
    blocksPerHalving: z.int().min(1).max(1_000_000_000),
    blocksPerDay: z.int().min(1).max(864_000),
    /** decimals of the token's smallest unit, to which rewards floor */
    decimals: z.int().min(0).max(9),
    supplyCap: positiveAmount,
    split: splitSchema.optional(),
  })
  .refine(({ rewardPerBlock, decimals }) => rewardPerBlock % unit(decimals) === 0n, {
    path: ['rewardPerBlock'],
    message: 'has more decimals than the token',
  });

export type Halving = z.output<typeof halvingSchema>;

/**
 * Cumulative emission by day: `reward >> era` a block, in the token's smallest unit (Bitcoin Core `GetBlockSubsidy`),
 * until nothing is left or the cap is reached. Day 1 begins with block 0.
 */
export function halvingCumulative(schedule: Halving): (day: number) => bigint {
  const smallest = unit(schedule.decimals);
  const first: Era = { firstBlock: 0n, rewardNano: schedule.rewardPerBlock, issuedBeforeNano: 0n };
  const eras = [first];
  for (let era = first; era.rewardNano > 0n; eras.push(era)) {
    const halved = (era.rewardNano / smallest / 2n) * smallest;
    era = eraAfter(era, BigInt(schedule.blocksPerHalving), halved);
  }
  return (day) => {
    const issued = issuedByBlocks(eras, BigInt(day) * BigInt(schedule.blocksPerDay));
    return issued < schedule.supplyCap ? issued : schedule.supplyCap;
  };
}

const unit = (decimals: number): bigint => 10n ** BigInt(9 - decimals);
