// Owns: one amount that becomes free evenly, day by day. Does not own: locks on unstaking.
import { z } from 'zod';
import { described, positiveAmount } from './token-amount.js';

export const linearVestingSchema = z.strictObject({
  kind: z.literal('linear-vesting'),
  ...described,
  amount: positiveAmount,
  days: z.int().min(1).max(100_000),
});

export type LinearVesting = z.output<typeof linearVestingSchema>;

/** Vested by day: `amount × min(day, days) / days`, floored; all of it on the last day. */
export const linearVestingCumulative =
  ({ amount, days }: LinearVesting): ((day: number) => bigint) =>
  (day) =>
    (amount * BigInt(Math.min(day, days))) / BigInt(days);
