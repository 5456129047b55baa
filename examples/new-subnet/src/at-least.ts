// Owns: the scoring rule `at-least`: who proves less than a minimum in all is paid nothing, as checking it costs validators as much as
// anybody. Does not own: what a slot is worth, cuts and caps (policy.json).
import { defineScoringRule } from 'assay';
import { millionths, ONE } from 'assay/scoring';

export interface AtLeastParams {
  /** in millionths of what counts one */
  readonly least: bigint;
}

const MILLION = 1_000_000n;
const MOST = 1000;

/**
 * Whole numbers all the way, so that every validator, and whoever replays a ledger in ten years, comes to the same shares. Whoever
 * changes what it gives makes version 2, beside this one.
 *
 * Spreading over coldkeys does not pay: each must reach the minimum by itself. Where nobody reaches it, all are paid by worth: a fund
 * is somebody's.
 */
export const atLeast = defineScoringRule<AtLeastParams>({
  name: 'at-least',
  version: 1,
  // small owners are to join: `assay scoring check` says what they gain, and does not fail for it
  paysFor: ['merging'],
  params: parseParams,
  divide(claims, { least }) {
    const enough = claims.map(({ worth }) => (worth * MILLION >= least * BigInt(ONE) ? worth : 0n));
    return enough.some((worth) => worth > 0n) ? enough : claims.map(({ worth }) => worth);
  },
});

/** What a policy says of it: `"params": { "least": 0.5 }`. @throws TypeError for anything else: the policy is refused */
export function parseParams(value: unknown): AtLeastParams {
  const { least, ...others } = Object(value) as { readonly least?: unknown };
  const [other] = Object.keys(others);
  if (other !== undefined) throw new TypeError(`expected least, got ${other.slice(0, 64)}`);
  if (typeof least !== 'number' || !(least > 0 && least <= MOST))
    throw new TypeError(`least: expected a number above 0, at most ${MOST}`);
  // policies have six decimal places at most
  return { least: BigInt(millionths(least)) };
}
