// Owns: how rare counts are, and rates bounded from counts, exactly and in integers: verdicts hang on them and must be the same
// everywhere. Does not own: intervals for reports, in doubles (testing/attacks/interval.ts), what is counted.

/** A rate or a probability: numerator over denominator. */
export type Ratio = readonly [numerator: bigint, denominator: bigint];

/** A subnet has 256 miners, and one miner's audits of twelve windows are some hundreds; the numbers grow with trials squared. */
export const MAX_TRIALS = 4096;

/** Rates are bounded in units of 2^-20. */
export const RATE_ONE = 2 ** 20;

/**
 * Whether `successes` or more of `trials` have a probability of at most `limit`, each having `rate`.
 * Both sides are sums of integers, so there is nothing to round.
 */
export function isRare(successes: number, trials: number, rate: Ratio, limit: Ratio): boolean {
  checkCounts(successes, trials);
  const [a, whole] = rate;
  if (!(a >= 0n && a <= whole && whole > 0n)) throw new RangeError('rate: expected a share of 0..1');
  if (successes === 0) return limit[0] >= limit[1];
  const b = whole - a;
  const all = whole ** BigInt(trials);
  // the side with fewer terms: failures up to trials - successes, or what is left by successes up to successes - 1
  const reached =
    trials - successes < successes
      ? lowerTerms(trials, trials - successes, b, a)
      : all - lowerTerms(trials, successes - 1, a, b);
  return reached * limit[1] <= all * limit[0];
}

/** Sum over j = 0..last of C(trials, j) u^j v^(trials - j). */
function lowerTerms(trials: number, last: number, u: bigint, v: bigint): bigint {
  let term = 1n; // C(trials, j) u^j
  let sum = 1n;
  for (let j = 1; j <= last; j++) {
    term = ((term * BigInt(trials - j + 1)) / BigInt(j)) * u;
    sum = sum * v + term;
  }
  return sum * v ** BigInt(trials - last);
}

/**
 * The lower bound of Clopper and Pearson, one-sided: the highest rate, in units of 2^-20, under which so many successes have a
 * probability of at most `limit`. Rounded down.
 */
export function lowerBound(successes: number, trials: number, limit: Ratio): number {
  checkCounts(successes, trials);
  if (successes === 0) return 0;
  let low = 0; // always rare: nothing succeeds at rate 0
  let high = RATE_ONE + 1;
  while (high - low > 1) {
    const middle = (low + high) >>> 1;
    if (isRare(successes, trials, [BigInt(middle), BigInt(RATE_ONE)], limit)) low = middle;
    else high = middle;
  }
  return low;
}

function checkCounts(successes: number, trials: number): void {
  if (!Number.isInteger(trials) || trials < 1 || trials > MAX_TRIALS)
    throw new RangeError(`trials: expected an integer in 1..${MAX_TRIALS}, got ${trials}`);
  if (!Number.isInteger(successes) || successes < 0 || successes > trials)
    throw new RangeError(`successes: expected an integer in 0..${trials}, got ${successes}`);
}
