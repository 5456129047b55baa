// Owns: how rarely chance alone gives what was seen: exactly for counts, by bounds for ranks. Does not own: what was seen.

/** Of all pairs that are looked at together, in whatever way, chance may name one in so many analyses. */
export const ONE_IN = 1000;

/**
 * Fisher's exact test of two hotkeys' late events: of `events` both were asked in, one was late in `a`, the other in `b`.
 * @param both events in which both were
 * @param side `fewer`: the probability of so few or fewer; `more`: of so many or more
 * @returns a fraction of integers, so that nothing is rounded before it is compared
 */
export function coincidence(
  {
    events,
    a,
    b,
    both,
  }: { readonly events: number; readonly a: number; readonly b: number; readonly both: number },
  side: 'fewer' | 'more',
): readonly [bigint, bigint] {
  for (const [name, value] of Object.entries({ events, a, b, both }))
    if (!Number.isInteger(value) || value < 0)
      throw new RangeError(`${name}: expected a count, got ${value}`);
  if (a > events || b > events || both > Math.min(a, b))
    throw new RangeError(`both: expected at most a and b of ${events}, got ${both} of ${a} and ${b}`);
  const all = choose(events, b);
  const [from, to] = side === 'fewer' ? [Math.max(0, a + b - events), both] : [both, Math.min(a, b)];
  let sum = 0n;
  for (let i = from; i <= to; i++) sum += choose(a, i) * choose(events - a, b - i);
  return [sum, all];
}

function choose(n: number, k: number): bigint {
  if (k < 0 || k > n) return 0n;
  let result = 1n;
  for (let i = 1; i <= Math.min(k, n - k); i++) result = (result * BigInt(n - i + 1)) / BigInt(i);
  return result;
}

/** Whether a probability is so small that over all `pairs`, each as often as it is looked at, chance names one in ONE_IN analyses. */
export const isBeyondChance = ([part, all]: readonly [bigint, bigint], pairs: number): boolean =>
  part * BigInt(Math.max(1, pairs)) * BigInt(ONE_IN) <= all;

/** How many times rarer than always, for comparing: to the precision of a double. */
export const oddsOf = ([part, all]: readonly [bigint, bigint]): number =>
  part === 0n ? Number.POSITIVE_INFINITY : Number(all) / Number(part);

/** `1 in 184,756`, to three digits. */
export function oddsText([part, all]: readonly [bigint, bigint]): string {
  if (part === 0n) return 'never';
  const digits = `${all / part}`;
  if (digits.length <= 6) return `1 in ${Number(digits).toLocaleString('en')}`;
  return `1 in ${digits[0]}.${digits[1]}e${digits.length - 1}`;
}

/**
 * The rank correlation that chance exceeds once in ONE_IN analyses of `pairs` pairs over `events` events: Fisher's z of it
 * times sqrt(events - 3) is standard normal, whose tail at z is at most exp(-z²/2) / 2.
 */
export function rareCorrelation(events: number, pairs: number): number {
  if (events <= 3) return 1;
  const z = Math.sqrt(2 * Math.log(Math.max(1, pairs) * ONE_IN));
  return Math.tanh(z / Math.sqrt(events - 3));
}
