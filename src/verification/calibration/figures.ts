// Owns: what was measured, as figures with a spread: what they could be at most, which number of a class hangs on them, and
// what would have to change. Pure. Does not own: measuring (a file for each device beside this one), who signs it (cli).

/** How a figure is counted. */
export const UNITS = ['op/s', 'B/s', 'ms', 'ns', 'labels', 'leaves/s', 'sectors/s', 'share'] as const;
export type Unit = (typeof UNITS)[number];

/** Of one figure over all runs. */
export interface Figure {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

export interface Measured extends Figure {
  readonly name: string;
  readonly unit: Unit;
  /** what nothing on this host exceeds (of times: is quicker than), where that is known */
  readonly peak?: { readonly value: number; readonly of: string };
  /** the number of the class that hangs on it: what it is there, and what it would be by this host */
  readonly parameter?: { readonly name: string; readonly set: number; readonly here: number };
}

export interface Advice {
  readonly parameter: string;
  readonly from: number;
  readonly to: number;
  readonly why: string;
}

export interface Findings {
  readonly figures: readonly Measured[];
  /** what would have to change, were the class made after this host */
  readonly advice: readonly Advice[];
  /** what was looked at and is no reason to change anything */
  readonly notes: readonly string[];
  /** what these figures do not say, of whatever class */
  readonly limits: readonly string[];
}

export function figureOf(values: readonly number[]): Figure {
  if (values.length === 0) throw new RangeError('values: expected at least one, got none');
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const median = sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
  return { median, min: sorted[0]!, max: sorted.at(-1)! };
}

/** Between the extremes, of the median. */
export const spreadOf = ({ median, min, max }: Figure): number => (median === 0 ? 0 : (max - min) / median);

const TIMES: ReadonlySet<Unit> = new Set(['ms', 'ns']);

/** Share of the peak that was reached; undefined where none is known. */
export function achieved({ median, unit, peak }: Measured): number | undefined {
  if (!peak || median === 0 || peak.value === 0) return undefined;
  return TIMES.has(unit) ? peak.value / median : median / peak.value;
}

/** Above it runs differ by more than what one would change for. */
export const STEADY_SPREAD = 0.15;
/** A class is for many devices: a tenth more or less is the same class. */
export const SAME_CLASS = 0.1;

/** Of every kind with steps: what is measured is the whole of a step, and a miner never has it. */
export const KEPT_FOR_THE_WAY =
  'a miner keeps a tenth of each step for the way to the validators, and begins nothing that it may not finish: `assay miner doctor` shows so much less';

/** Why nothing is advised, where runs differ too much. */
export function unsteady(what: string, figures: readonly Figure[]): string | undefined {
  const spread = Math.max(0, ...figures.map(spreadOf));
  if (spread <= STEADY_SPREAD) return undefined;
  return `${what} differ by ${percent(spread)} between runs, more than ${percent(STEADY_SPREAD)}: end what else runs here, and measure again`;
}

/**
 * What a host that counts one is expected to do: advised where this one is a tenth or more off.
 * @param found what this host does in the class's time
 */
export function nominalAdvice(
  parameter: string,
  { set, found, why }: { readonly set: number; readonly found: number; readonly why: string },
): { readonly advice: readonly Advice[]; readonly notes: readonly string[] } {
  if (Math.abs(found - set) <= SAME_CLASS * set)
    return { advice: [], notes: [`${parameter} stays: ${found} here, ${set} count one`] };
  return { advice: [{ parameter, from: set, to: found, why }], notes: [] };
}

/** What nobody may exceed, or be quicker than: advised only where this host does, for then credit is given for nothing. */
export function boundAdvice(
  parameter: string,
  {
    set,
    found,
    quicker = false,
  }: { readonly set: number; readonly found: number; readonly quicker?: boolean },
): { readonly advice: readonly Advice[]; readonly notes: readonly string[] } {
  const broken = quicker ? found < set : found > set;
  if (!broken)
    return {
      advice: [],
      notes: [
        `${parameter} holds: nobody of the class is taken to be ${quicker ? 'quicker' : 'faster'}, and this host is not`,
      ],
    };
  const to = Math.round(found);
  const why = `this honest host does that already, and a cheat's is not slower`;
  return { advice: [{ parameter, from: set, to, why }], notes: [] };
}

export const percent = (share: number): string => `${Number((100 * share).toPrecision(2))} %`;
