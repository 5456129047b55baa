// Owns: token amounts of a scenario as exact rao, and rao as plain numbers for what is shown. Does not own: bounds.

const DECIMALS = 9;

/** What JSON writes of a number: digits, a fraction, an exponent. */
const FORM = /^(\d+)(?:\.(\d+))?(?:e([+-]\d+))?$/;

/**
 * Tokens as a JSON number to rao, through its shortest decimal form, so that 0.1 is 100 000 000 rao; undefined when it
 * is negative, not finite, or finer than a rao.
 */
export function raoOf(tokens: number): bigint | undefined {
  const match = FORM.exec(String(tokens));
  if (match === null) return undefined;
  const [, whole = '', fraction = '', exponent = '0'] = match;
  const shift = DECIMALS + Number(exponent) - fraction.length;
  const digits = BigInt(whole + fraction);
  if (shift >= 0) return digits * 10n ** BigInt(shift);
  const scale = 10n ** BigInt(-shift);
  return digits % scale === 0n ? digits / scale : undefined;
}

/** Of an amount that the schema has let through. */
export function toRao(tokens: number): bigint {
  const rao = raoOf(tokens);
  if (rao === undefined) throw new RangeError(`tokens: expected an amount in whole rao, got ${tokens}`);
  return rao;
}

/** For series and tables, rounded to a double. */
export const toTokens = (rao: bigint): number => Number(rao) / 1e9;
