// Owns: the decimal floats that a hotkey's stakers hold its pool in, and what shares are worth (crate share-pool,
// `SafeFloat`). Does not own: where they are stored (localnet), who stakes.

/** mantissa × 10^exponent; a mantissa above 10^20 and up to 10^21, or 0. */
export interface SafeFloat {
  /** u128 */
  readonly mantissa: bigint;
  /** i64 */
  readonly exponent: bigint;
}

export const ZERO_FLOAT: SafeFloat = { mantissa: 0n, exponent: 0n };

const MAX_MANTISSA = 10n ** 21n;
const MIN_MANTISSA = 10n ** 20n;
const MAX_DIGITS = 21n;
const U64_MAX = (1n << 64n) - 1n;

/** A staker's part of a hotkey's pool on one subnet, as storage has it. */
export interface Shares {
  /** `TotalHotkeyAlpha`, rao */
  readonly poolRao: bigint;
  /** `TotalHotkeySharesV2` */
  readonly total: SafeFloat;
  /** `AlphaV2` of the staker */
  readonly own: SafeFloat;
}

/** `SafeFloat::from` of an integer; digits beyond 21 are cut. @throws RangeError for a negative one */
export function toFloat(value: bigint): SafeFloat {
  if (value < 0n) throw new RangeError(`SafeFloat: expected no negative value, got ${value}`);
  return normalized(value, 0n);
}

/** What a staker's shares are worth, rao: pool × own / total, cut to 21 digits, then floored (`get_value`). */
export const shareValue = ({ poolRao, total, own }: Shares): bigint =>
  floor(mulDiv(toFloat(poolRao), own, total));

/**
 * `update_value_for_one`: the pool after one staker's part grew or shrank by `deltaRao`, at the pool's present worth of a
 * share. The first staker's shares are the amount itself. What is withdrawn beyond the pool counts as all of it.
 */
export function withStakeChanged({ poolRao, total, own }: Shares, deltaRao: bigint): Shares {
  const amount = deltaRao < 0n ? -deltaRao : deltaRao;
  const pool = poolRao + deltaRao;
  const changed = { poolRao: pool < 0n ? 0n : pool > U64_MAX ? U64_MAX : pool };
  if (total.mantissa === 0n) return { ...changed, total: toFloat(amount), own: toFloat(amount) };
  const shares = mulDiv(toFloat(amount), total, toFloat(poolRao));
  const combine = deltaRao > 0n ? add : subtract;
  return { ...changed, total: combine(total, shares), own: combine(own, shares) };
}

/** `sim_update_value_for_one`: whether an amount is so small against the pool that it would buy no share at all. */
export const buysShares = (poolRao: bigint, total: SafeFloat, amountRao: bigint): boolean =>
  total.mantissa === 0n || mulDiv(toFloat(amountRao), total, toFloat(poolRao)).mantissa !== 0n;

/** `mul_div`: a × b / c in one step; 0 where nothing can be divided by. */
function mulDiv(a: SafeFloat, b: SafeFloat, c: SafeFloat): SafeFloat {
  if (c.mantissa === 0n) return ZERO_FLOAT;
  return normalized((a.mantissa * b.mantissa) / c.mantissa, a.exponent + b.exponent - c.exponent);
}

const add = (a: SafeFloat, b: SafeFloat): SafeFloat => {
  if (a.mantissa === 0n) return b;
  if (b.mantissa === 0n) return a;
  const exponent = a.exponent > b.exponent ? a.exponent : b.exponent;
  return normalized(alignedTo(exponent, a) + alignedTo(exponent, b), exponent);
};

/** What would be negative is 0, but for taking something of nothing, which changes nothing. */
const subtract = (a: SafeFloat, b: SafeFloat): SafeFloat => {
  if (a.mantissa === 0n || b.mantissa === 0n) return a;
  const exponent = a.exponent > b.exponent ? a.exponent : b.exponent;
  const left = alignedTo(exponent, a) - alignedTo(exponent, b);
  return normalized(left < 0n ? 0n : left, exponent);
};

/** The mantissa for a larger exponent, its last digits cut. */
const alignedTo = (exponent: bigint, value: SafeFloat): bigint =>
  value.mantissa / cappedPowerOf10(exponent - value.exponent);

/** `cappow10`: no more than takes every digit of a mantissa away. */
const cappedPowerOf10 = (digits: bigint): bigint =>
  10n ** (digits > MAX_DIGITS + 1n ? MAX_DIGITS + 1n : digits);

function normalized(mantissa: bigint, exponent: bigint): SafeFloat {
  if (mantissa === 0n) return ZERO_FLOAT;
  let digits = mantissa;
  let power = exponent;
  while (digits > MAX_MANTISSA) {
    digits /= 10n;
    power++;
  }
  while (digits <= MIN_MANTISSA) {
    digits *= 10n;
    power--;
  }
  return { mantissa: digits, exponent: power };
}

/** `u64::from`: floored, at most 2^64−1. */
function floor({ mantissa, exponent }: SafeFloat): bigint {
  const scale = cappedPowerOf10(exponent < 0n ? -exponent : exponent);
  const value = exponent > 0n ? mantissa * scale : mantissa / scale;
  return value > U64_MAX ? U64_MAX : value;
}
