// Owns: the numbers that audits judge by, and their digest. Does not own: where they come from (calibration), what rollouts are
// paid (paid.ts).
import { taggedHash } from '../../inference/spec/tagged.js';
import { concat, u32le, u64le } from '../../model/bytes.js';
import type { DrawRules } from './draw.js';

/** The probability that an honest rollout is found wrong, bounded from above for lengths up to `upTo` tokens. */
export interface LengthBound {
  readonly upTo: number;
  /** 10^-9 */
  readonly ppb: number;
}

export interface AuditRules {
  readonly draw: DrawRules;
  /** delta of the pair of profiles, the miner's and the verifier's: 2^-20 logits (inference/spec/race.ts) */
  readonly tolerance: number;
  /** ascending; of a longer rollout the last one holds */
  readonly bounds: readonly LengthBound[];
  /** price of a prompt token, in thousandths of a completion token */
  readonly promptMillis: number;
}

/**
 * Of 20,000 honest rollouts, judged at every position by the same kind of engine, none may be found wrong: with 95 % confidence
 * fewer than 1.5 in 10,000 are.
 */
export const FP32_BOUND_PPB = 200_000;

/** Five times the largest difference between engines of 32 bits that was measured on logits of a trained decoder: 2e-5. */
export const FP32_DELTA = 1e-4;

/** @throws RangeError for rules that judge nothing */
export function boundOf({ bounds }: Pick<AuditRules, 'bounds'>, length: number): number {
  const bound = bounds.find(({ upTo }) => length <= upTo) ?? bounds.at(-1);
  if (!bound) throw new RangeError('bounds: expected one at least');
  return bound.ppb;
}

export const rulesDigest = ({ draw, tolerance, bounds, promptMillis }: AuditRules): Uint8Array =>
  taggedHash(
    'rules',
    concat(u32le(draw.rollouts), u32le(draw.deep), u32le(draw.positions)),
    u64le(tolerance),
    concat(...bounds.map(({ upTo, ppb }) => concat(u32le(upTo), u32le(ppb)))),
    u32le(promptMillis),
  );
