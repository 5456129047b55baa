// Owns: questions about a submitted weight vector. Does not own: its scaling (model/max-upscale.ts), who may submit one.
import { fromU16Proportion, I32F32, normalize } from './fixed.js';

export { maxUpscale, maxUpscaleFixed } from '../model/max-upscale.js';

/** `check_vec_max_limited`: whether no share of the vector's sum exceeds `limit`/65535. */
export function isMaxLimited(values: readonly number[], limit: number): boolean {
  const shares = normalize(values.map((value) => I32F32.fromInteger(value)));
  const bound = fromU16Proportion(limit);
  return shares.every((share) => share <= bound);
}
