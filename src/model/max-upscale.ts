// Owns: how the chain scales a submitted weight vector, which the localnet stores and the client expects to read back.

const MAX = 65_535n;
/** I32F32: 32 fraction bits. */
const ONE = 1n << 32n;
/** Above it e * 65535 no longer fits an I32F32, so the factor is divided first and loses bits. */
const THRESHOLD = 32_768n * ONE;

/**
 * The weights as `set_weights` stores them: scaled so that the largest is 65535; a vector whose largest is 65535
 * stays as it is (subtensor epoch/math.rs `vec_u16_max_upscale_to_u16`).
 *
 * @param values u16 in the submitted order, zeros included
 * @throws RangeError when a value is no u16
 * @example maxUpscale([1, 2]) // [32768, 65535]
 */
export function maxUpscale(values: readonly number[]): number[] {
  for (const value of values)
    if (!Number.isInteger(value) || value < 0 || value > 65_535)
      throw new RangeError(`weight: expected an integer in 0..65535, got ${value}`);
  return maxUpscaleFixed(values.map((value) => BigInt(value) * ONE));
}

/** The same on raw I32F32, never negative; products floor, quotients truncate, rounding is half away from zero. */
export function maxUpscaleFixed(values: readonly bigint[]): number[] {
  let max = 0n;
  for (const value of values) if (value > max) max = value;
  if (max === 0n) return values.map(() => 0);
  const factor = (MAX * ONE * ONE) / max;
  return values.map((value) => {
    const scaled = max > THRESHOLD ? (value * factor) / ONE : (value * MAX * ONE) / max;
    const rounded = (scaled + ONE / 2n) / ONE;
    return Number(rounded > MAX ? MAX : rounded);
  });
}
