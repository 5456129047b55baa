// Owns: exact confidence intervals of a rate from counts. Does not own: what is counted (run.ts).

/** Ends of an interval of rates, both within [0, 1]. */
export type Interval = readonly [low: number, high: number];

/**
 * The interval of Clopper and Pearson: every rate under which neither so many successes nor so few are rarer than
 * (1 - confidence) / 2. Exact for any count, zero and all included, where a normal approximation says nothing.
 *
 * @throws RangeError
 */
export function exactInterval(successes: number, runs: number, confidence: number): Interval {
  if (
    !Number.isInteger(successes) ||
    !Number.isInteger(runs) ||
    successes < 0 ||
    runs < 1 ||
    successes > runs
  )
    throw new RangeError(`successes: expected an integer in 0..runs, got ${successes} of ${runs}`);
  if (!(confidence > 0 && confidence < 1))
    throw new RangeError(`confidence: expected a share between 0 and 1, got ${confidence}`);
  const tail = (1 - confidence) / 2;
  return [
    successes === 0 ? 0 : betaQuantile(tail, successes, runs - successes + 1),
    successes === runs ? 1 : betaQuantile(1 - tail, successes + 1, runs - successes),
  ];
}

/** Halving: the distribution is monotonous, and 60 halvings are all that a double holds. */
function betaQuantile(share: number, a: number, b: number): number {
  let low = 0;
  let high = 1;
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2;
    if (betaDistribution(middle, a, b) < share) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/** The regularised incomplete beta function, by Lentz's continued fraction on the side where it converges fast. */
function betaDistribution(x: number, a: number, b: number): number {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  if (x > (a + 1) / (a + b + 2)) return 1 - betaDistribution(1 - x, b, a);
  const front = Math.exp(logGamma(a + b) - logGamma(a) - logGamma(b) + a * Math.log(x) + b * Math.log1p(-x));
  return (front * betaFraction(x, a, b)) / a;
}

function betaFraction(x: number, a: number, b: number): number {
  const tiny = 1e-300;
  const away = (value: number): number => (Math.abs(value) < tiny ? tiny : value);
  let c = 1;
  let d = 1 / away(1 - ((a + b) * x) / (a + 1));
  let fraction = d;
  for (let m = 1; m <= 10_000; m++) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / away(1 + even * d);
    c = away(1 + even / c);
    fraction *= d * c;
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / away(1 + odd * d);
    c = away(1 + odd / c);
    const step = d * c;
    fraction *= step;
    if (Math.abs(step - 1) < 1e-14) break;
  }
  return fraction;
}

/** Lanczos' coefficients for g = 7 (Numerical Recipes 6.1 gives the method): 15 digits for x >= 1. */
const LANCZOS = [
  0.999_999_999_999_809_9, 676.520_368_121_885_1, -1259.139_216_722_402_8, 771.323_428_777_653_1,
  -176.615_029_162_140_6, 12.507_343_278_686_905, -0.138_571_095_265_720_12, 9.984_369_578_019_572e-6,
  1.505_632_735_149_311_6e-7,
] as const;

function logGamma(x: number): number {
  const z = x - 1;
  const sum = LANCZOS.slice(1).reduce((all, term, i) => all + term / (z + i + 1), LANCZOS[0] as number);
  const t = z + 7.5;
  return 0.5 * Math.log(2 * Math.PI) + (z + 0.5) * Math.log(t) - t + Math.log(sum);
}
