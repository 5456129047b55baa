// Owns: what the chain makes of a submitted weight vector. Does not own: who may submit one, how it is stored.
import { fromU16Proportion, I32F32, normalize, toU16 } from './fixed.js';

const U16_MAX = I32F32.fromInteger(65535);
/** Above it e·65535 no longer fits an I32F32, so the factor is divided first and loses bits (`vec_max_upscale_to_u16`). */
const UPSCALE_THRESHOLD = I32F32.fromInteger(32768);
const HALF = I32F32.one / 2n;

/**
 * The weights as `set_weights` stores them: scaled so that the largest is 65535
 * (subtensor epoch/math.rs `vec_u16_max_upscale_to_u16`).
 *
 * @param values u16 in the submitted order, zeros included
 * @throws RangeError when a value is no u16
 * @example maxUpscale([1, 2]) // [32768, 65535]
 */
export function maxUpscale(values: readonly number[]): number[] {
  for (const value of values) {
    if (!Number.isInteger(value) || value < 0 || value > 65535)
      throw new RangeError(`weight: expected an integer in 0..65535, got ${value}`);
  }
  return maxUpscaleFixed(values.map((value) => I32F32.fromInteger(value)));
}

/** `vec_max_upscale_to_u16` on raw I32F32. */
export function maxUpscaleFixed(values: readonly bigint[]): number[] {
  let max = 0n;
  for (const value of values) if (value > max) max = value;
  if (max === 0n) return values.map(() => 0);
  if (max > UPSCALE_THRESHOLD) {
    const factor = I32F32.div(U16_MAX, max);
    return values.map((value) => toU16(round(I32F32.mul(value, factor))));
  }
  return values.map((value) => toU16(round(I32F32.div(I32F32.mul(value, U16_MAX), max))));
}

/** Half away from zero; weights are never negative. */
const round = (raw: bigint): bigint => raw + HALF;

/** `check_vec_max_limited`: whether no share of the vector's sum exceeds `limit`/65535. */
export function isMaxLimited(values: readonly number[], limit: number): boolean {
  const shares = normalize(values.map((value) => I32F32.fromInteger(value)));
  const bound = fromU16Proportion(limit);
  return shares.every((share) => share <= bound);
}
