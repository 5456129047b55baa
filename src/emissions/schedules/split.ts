// Owns: dividing an amount among roles so that nothing is lost.
import { z } from 'zod';

const MAX_ROLES = 32;
const share = z.int().min(1).max(1_000_000_000);

export const splitSchema = z
  .strictObject({
    /** what all shares add up to: 10000 for basis points */
    of: share,
    shares: z.record(
      z
        .string()
        .regex(/^[a-z][a-z0-9-]{0,31}$/, 'a role: a letter, then up to 31 small letters, digits and dashes'),
      share,
    ),
  })
  .superRefine(({ of, shares }, context) => {
    const values = Object.values(shares);
    const sum = values.reduce((total, value) => total + value, 0);
    const problem =
      values.length > MAX_ROLES
        ? `${values.length} roles, at most ${MAX_ROLES}`
        : `shares add up to ${sum}, expected ${of}`;
    if (values.length > MAX_ROLES || sum !== of)
      context.addIssue({ code: 'custom', path: ['shares'], message: problem });
  });

/** Shares of a whole, by role. */
export type Split = z.output<typeof splitSchema>;

/**
 * Each role gets its share rounded down; the units left over go, one each, to the largest remainders, and among equal
 * ones to the role named first. The parts sum to the amount.
 *
 * @param amountNano at least 0, any unit
 * @throws RangeError when the amount is negative
 * @example splitAmount(10n, { of: 3, shares: { a: 1, b: 2 } }) // { a: 3n, b: 7n }
 */
export function splitAmount(amountNano: bigint, split: Split): Readonly<Record<string, bigint>> {
  if (amountNano < 0n) throw new RangeError(`amount: expected at least 0, got ${amountNano}`);
  const of = BigInt(split.of);
  const parts = Object.entries(split.shares).map(([role, value]) => {
    const product = amountNano * BigInt(value);
    return { role, floor: product / of, remainder: product % of };
  });
  let left = amountNano - parts.reduce((sum, { floor }) => sum + floor, 0n);
  const amounts = Object.fromEntries(parts.map(({ role, floor }) => [role, floor]));
  // a stable sort, so equal remainders keep the order of the data
  for (const { role } of parts.toSorted((a, b) => Number(b.remainder - a.remainder))) {
    if (left-- <= 0n) break;
    amounts[role]! += 1n;
  }
  return amounts;
}
