// Owns: finding where along one parameter something begins or ceases to hold. Does not own: what it is (target.ts), runs, threads.

export interface SearchInput<J> {
  readonly from: number;
  readonly to: number;
  /** the end that is wanted of where it holds */
  readonly want: 'smallest' | 'largest';
  /**
   * only whole numbers
   * @default false
   */
  readonly integer?: boolean;
  /**
   * width of the bracket at which the search ends
   * @default a thousandth of the range; 1 for whole numbers
   */
  readonly tolerance?: number;
  /**
   * values over the whole range that come first, both ends included
   * @default 9
   */
  readonly samples?: number;
  /** Called for all samples at once, then for one value after another. The search ends with its first rejection. */
  readonly judge: (value: number) => Promise<J>;
}

export type Probe<J> = J & { readonly value: number };

export interface SearchResult<J> {
  readonly outcome: 'found' | 'holds-everywhere' | 'holds-nowhere';
  /** the wanted end, which holds; undefined when none of the samples did */
  readonly value: number | undefined;
  /** a value that fails and one that holds, `tolerance` apart at most; undefined when `value` is an end of the range */
  readonly bracket: readonly [lastFails: number, firstHolds: number] | undefined;
  readonly evaluations: number;
  /** false when the samples change sides more than once: between them it may hold elsewhere too */
  readonly monotone: boolean;
  /** ascending */
  readonly samples: readonly Probe<J>[];
  /** what came after the samples, in that order */
  readonly bisection: readonly Probe<J>[];
}

/**
 * Samples the range, which shows whether there is one change of sides, then halves the interval in which the wanted end
 * lies. Where nothing of a sample holds, nothing is searched: more samples may find what holds between them.
 *
 * @throws RangeError for a range, tolerance or number of samples that cannot be
 *
 * @example
 * // the largest burn share at which miners still break even
 * const { value } = await search({ from: 0, to: 1, want: 'largest', judge: async (burn) => judged(await run(burn)) });
 */
export async function search<J extends { readonly holds: boolean }>(
  input: SearchInput<J>,
): Promise<SearchResult<J>> {
  const { want, judge } = input;
  const { tolerance, values } = planOf(input);
  const probe = async (value: number): Promise<Probe<J>> => ({ ...(await judge(value)), value });
  const samples = await Promise.all(values.map(probe));

  const holding = samples.filter(({ holds }) => holds).length;
  const changes = samples.filter(({ holds }, i) => i > 0 && holds !== samples[i - 1]!.holds).length;
  const shared = { samples, monotone: changes <= 1 };
  if (holding === 0)
    return {
      ...shared,
      outcome: 'holds-nowhere',
      value: undefined,
      bracket: undefined,
      evaluations: samples.length,
      bisection: [],
    };

  const first =
    want === 'smallest'
      ? samples.findIndex(({ holds }) => holds)
      : samples.findLastIndex(({ holds }) => holds);
  let holds = samples[first]!.value;
  let fails = samples[first + (want === 'smallest' ? -1 : 1)]?.value;
  const bisection: Probe<J>[] = [];
  while (fails !== undefined && Math.abs(holds - fails) > tolerance) {
    const middle = between(fails, holds, input.integer ?? false);
    if (middle === fails || middle === holds) break;
    const found = await probe(middle);
    bisection.push(found);
    if (found.holds) holds = middle;
    else fails = middle;
  }
  return {
    ...shared,
    outcome: holding === samples.length ? 'holds-everywhere' : 'found',
    value: holds,
    bracket: fails === undefined ? undefined : [fails, holds],
    evaluations: samples.length + bisection.length,
    bisection,
  };
}

/** How often `judge` is called at most. */
export function mostEvaluations(input: Omit<SearchInput<unknown>, 'judge' | 'want'>): number {
  const { tolerance, values } = planOf(input);
  const widest = values.reduce((most, value, i) => Math.max(most, i === 0 ? 0 : value - values[i - 1]!), 0);
  return values.length + Math.max(0, Math.ceil(Math.log2(widest / tolerance)));
}

function planOf(input: Omit<SearchInput<unknown>, 'judge' | 'want'>): {
  tolerance: number;
  values: readonly number[];
} {
  const { from, to, integer = false, samples = 9 } = input;
  if (!(from < to) || !Number.isFinite(to - from))
    throw new RangeError(`search: expected from < to, got ${from} and ${to}`);
  if (integer && !(Number.isInteger(from) && Number.isInteger(to)))
    throw new RangeError(`search: expected whole numbers, got ${from} and ${to}`);
  const { tolerance = integer ? 1 : (to - from) / 1000 } = input;
  if (!(tolerance > 0)) throw new RangeError(`search: expected a tolerance above 0, got ${tolerance}`);
  if (!Number.isInteger(samples) || samples < 2)
    throw new RangeError(`search: expected at least 2 samples, got ${samples}`);
  const values = Array.from({ length: samples }, (_, i) =>
    i === samples - 1 ? to : rounded(from + ((to - from) * i) / (samples - 1), integer),
  );
  return { tolerance, values: [...new Set(values)] };
}

const between = (a: number, b: number, integer: boolean): number => rounded((a + b) / 2, integer);

/** To nine decimals: amounts of tokens are not finer than that. */
const rounded = (value: number, integer: boolean): number =>
  integer ? Math.round(value) : Math.round(value * 1e9) / 1e9;
