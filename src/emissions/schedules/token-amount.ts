// Owns: token amounts as people write them in data, and as the integers that schedules compute with.
// Does not own: how they are printed.
import { z } from 'zod';

/** Units in a token: every amount here is an integer of 10^-9 token, which for TAO and alpha is the rao. */
export const NANO = 1_000_000_000n;

const DECIMAL = /^(?:0|[1-9]\d{0,14})(?:\.\d{1,9})?$/;

/**
 * A decimal number of tokens as text, exactly. JSON numbers are refused: most decimals are no doubles.
 *
 * @throws RangeError on anything but digits with at most 15 before and 9 after the point
 * @example parseTokens('2.468994701') // 2_468_994_701n
 */
export function parseTokens(text: string): bigint {
  if (!DECIMAL.test(text)) throw new RangeError(`tokens: expected a decimal such as 14400.5, got ${text}`);
  const [whole = '', fraction = ''] = text.split('.');
  return BigInt(whole) * NANO + BigInt(fraction.padEnd(9, '0'));
}

export const tokenAmount = z
  .string('expected a decimal in quotes, such as "14400.5"')
  .regex(DECIMAL, 'expected digits, at most 15 before and 9 after the point, no sign')
  .transform(parseTokens);

export const positiveAmount = tokenAmount.refine((amount) => amount > 0n, 'expected more than 0');

/** Points of a curve that are shown when no others are asked for. */
export const inputs = z.array(tokenAmount).min(1).max(1000);

// these are printed as they are, so nothing may move a terminal's cursor
const printable = z.string().regex(/^\P{C}+$/u, 'expected text on one line, without control characters');

/** Fields that every kind may carry. */
export const described = {
  /** one sentence: what this is */
  about: printable.max(1000).optional(),
  /** symbol that heads the columns */
  token: printable.max(16).optional(),
};
