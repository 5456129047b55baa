// Owns: a fixed budget of compute, and the rate of access that holding the token gives. Does not own: limiting calls.
import { z } from 'zod';
import { described, inputs, NANO, positiveAmount } from './token-amount.js';

export const budgetAccessSchema = z.strictObject({
  kind: z.literal('budget-access'),
  ...described,
  /** tokens there are */
  supply: positiveAmount,
  /** tokens set aside for compute, the day before */
  balance: positiveAmount,
  /** part of the balance spent in a day */
  budgetBps: z.int().min(1).max(10_000),
  /** dollars for a token */
  tokenPrice: positiveAmount,
  /** dollars for 1,000 inferences per second (IPS) */
  pricePer1000: positiveAmount,
  at: inputs,
});

export type BudgetAccess = z.output<typeof budgetAccessSchema>;

/** All in 10^-9, each floored once from exact inputs. */
export interface AccessRates {
  /** tokens a day */
  readonly budgetNano: bigint;
  /** inferences per second that the budget buys */
  readonly maxIpsNano: bigint;
  /** inferences per second for one token held */
  readonly accessRateNano: bigint;
}

/**
 * `maxIps = budget × tokenPrice / pricePer1000 × 1000`, `accessRate = maxIps / supply`. While 24 % of the supply is set
 * aside and 1 % of that spent, the rate is 2.4 × tokenPrice / pricePer1000 on any day. The Yellowstone paper prints
 * 48.067 for its example, which is 47,999.9446: the thousands separator became a decimal point, and it is 0.14 % off besides.
 */
export function accessRates(schedule: BudgetAccess): AccessRates {
  const budget = schedule.balance * BigInt(schedule.budgetBps);
  return {
    budgetNano: budget / 10_000n,
    maxIpsNano: (budget * schedule.tokenPrice) / (10n * schedule.pricePer1000),
    accessRateNano: userMax(schedule, NANO),
  };
}

/**
 * What a holder may use: `accessRate × held`. For 10 tokens the Yellowstone paper prints 480.067, which is 479,999.4463
 * and not even ten times its own rate.
 *
 * @returns inferences per second in 10^-9
 */
export function userMax(s: BudgetAccess, heldNano: bigint): bigint {
  // ×1000 for the price of a thousand, /10,000 for basis points: /10 in all
  return (s.balance * BigInt(s.budgetBps) * s.tokenPrice * heldNano) / (10n * s.pricePer1000 * s.supply);
}
