// Owns: the chain's binary fixed point on raw bigints, with its rounding. Does not own: what is computed with it.

/**
 * One fixed-point format of the chain (crate substrate-fixed). A value is its raw integer: value × 2^fractionBits.
 * Rounding is the chain's, and every consensus value hangs on it: products floor, quotients truncate.
 */
export interface FixedPoint {
  readonly fractionBits: bigint;
  readonly one: bigint;
  readonly min: bigint;
  readonly max: bigint;
  /** `saturating_from_num` of an integer */
  fromInteger(value: bigint | number): bigint;
  /** `saturating_to_num::<u64>`: floor, negative to 0 */
  toU64(raw: bigint): bigint;
  add(a: bigint, b: bigint): bigint;
  sub(a: bigint, b: bigint): bigint;
  /** `saturating_mul`: floor(a·b / 2^fractionBits) */
  mul(a: bigint, b: bigint): bigint;
  /** `safe_div`: trunc(a·2^fractionBits / b); 0 where the quotient is undefined or does not fit (safe-math `SafeDiv`) */
  div(a: bigint, b: bigint): bigint;
}

const U64_MAX = (1n << 64n) - 1n;

function createFixedPoint(bits: bigint, fractionBits: bigint, signed: boolean): FixedPoint {
  const max = (1n << (signed ? bits - 1n : bits)) - 1n;
  const min = signed ? -(1n << (bits - 1n)) : 0n;
  const clamp = (raw: bigint): bigint => (raw > max ? max : raw < min ? min : raw);
  return {
    fractionBits,
    one: 1n << fractionBits,
    min,
    max,
    fromInteger: (value) => clamp(BigInt(value) << fractionBits),
    toU64(raw) {
      const integer = raw >> fractionBits;
      return integer < 0n ? 0n : integer > U64_MAX ? U64_MAX : integer;
    },
    add: (a, b) => clamp(a + b),
    sub: (a, b) => clamp(a - b),
    mul: (a, b) => clamp((a * b) >> fractionBits),
    div(a, b) {
      if (b === 0n) return 0n;
      const raw = (a << fractionBits) / b;
      return raw > max || raw < min ? 0n : raw;
    },
  };
}

/** Weights, consensus, bonds, shares (64 bits, signed). */
export const I32F32 = createFixedPoint(64n, 32n, true);
/** Sums of stake before normalisation. */
export const I64F64 = createFixedPoint(128n, 64n, true);
/** Share × rao in the epoch; the emission curve. */
export const I96F32 = createFixedPoint(128n, 32n, true);
/** Everything in the coinbase. */
export const U96F32 = createFixedPoint(128n, 32n, false);
/** Prices, fees, multipliers. */
export const U64F64 = createFixedPoint(128n, 64n, false);

const U16_MAX = I32F32.fromInteger(65535);

/** `u16_proportion_to_fixed`: v/65535 as I32F32; exactly 1 for 65535. */
export function fromU16Proportion(value: number): bigint {
  return I32F32.div(I32F32.fromInteger(value), U16_MAX);
}

/** `fixed_proportion_to_u16`: floor(x·65535), so 1−ε gives 65534. */
export function toU16Proportion(raw: bigint): number {
  return toU16(I32F32.mul(raw, U16_MAX));
}

/** `saturating_to_num::<u16>` of an I32F32: floor, clamped to 0..65535. */
export function toU16(raw: bigint): number {
  const integer = raw >> I32F32.fractionBits;
  return integer < 0n ? 0 : integer > 65535n ? 65535 : Number(integer);
}

export function sum(values: readonly bigint[]): bigint {
  let total = 0n;
  for (const value of values) total += value;
  return total;
}

/** `inplace_normalize`: each v/Σv, truncated; unchanged when Σv is 0. */
export function normalize(values: readonly bigint[], format: FixedPoint = I32F32): readonly bigint[] {
  return normalizeBy(values, sum(values), format);
}

/** `inplace_normalize_using_sum` */
export function normalizeBy(
  values: readonly bigint[],
  total: bigint,
  format: FixedPoint = I32F32,
): readonly bigint[] {
  return total === 0n ? values : values.map((value) => format.div(value, total));
}
