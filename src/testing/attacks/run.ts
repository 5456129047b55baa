// Owns: an attack run often, and what its counts say about its bound. Does not own: the attacks, how rows are printed.
import { setImmediate as turn } from 'node:timers/promises';
import { createSeededRandom } from '../../model/prng.js';
import type { Attack, Run } from './attack.js';
import { exactInterval, type Interval } from './interval.js';

/** One line of the table: one attack at one strength, with the rule that stops it or without. */
export interface AttackRow {
  readonly kind: string;
  readonly attack: string;
  readonly strength: number;
  /** false: run against checks without the rule that stops it, to show that it is an attack */
  readonly asBuilt: boolean;
  readonly runs: number;
  readonly accepted: number;
  readonly rate: number;
  readonly interval: Interval;
  /** what the formula bounds, and its value; without the rule nothing is bounded */
  readonly bounds: Attack['bounds'];
  readonly bound: number | undefined;
  /** in devices */
  readonly meanCredit: number;
  readonly maxCredit: number;
  readonly own: number;
  /** some run was credited more than the attacker's own */
  readonly succeeds: boolean;
  /** on the mean it is: by the formula where that says how often it is accepted, else by what is sure of the runs */
  readonly pays: boolean;
  /**
   * `above`: more than the bound allows, which is a hole. `below`: far less than a formula that says what happens, which is an
   * attacker that does not do its best.
   */
  readonly verdict: 'within' | 'above' | 'below' | 'unbounded';
}

export interface RunOptions {
  readonly runs: number;
  readonly seed: string;
  /** of the interval; `above` and `below` are at least this sure on either side */
  readonly confidence: number;
  /** told after each run */
  readonly onRun?: (done: number) => void;
}

/** Of credits: what double arithmetic in other orders may differ by. */
const ROUNDING = 1e-9;

export async function runAttack(
  attack: Attack,
  strength: number,
  options: RunOptions,
  signal: AbortSignal,
): Promise<AttackRow> {
  return runRow(attack, attack.run, strength, true, options, signal);
}

/** The same where the rule that stops it is missing; undefined for an attack that needs no such showing. */
export async function runWithoutRule(
  attack: Attack,
  strength: number,
  options: RunOptions,
  signal: AbortSignal,
): Promise<AttackRow | undefined> {
  return attack.without && runRow(attack, attack.without.run, strength, false, options, signal);
}

async function runRow(
  attack: Attack,
  run: Run,
  strength: number,
  asBuilt: boolean,
  options: RunOptions,
  signal: AbortSignal,
): Promise<AttackRow> {
  const { seed, confidence, onRun } = options;
  const runs = Math.min(options.runs, attack.atMostRuns ?? options.runs);
  const own = attack.own(strength);
  let accepted = 0;
  let credits = 0;
  let maxCredit = 0;
  let chances = 0;
  for (let i = 0; i < runs; i++) {
    const rule = asBuilt ? '' : '/without';
    const random = createSeededRandom(`${seed}/${attack.kind}/${attack.name}/${strength}${rule}/${i}`);
    const attempt = await run(strength, random);
    if (attempt.accepted) accepted++;
    credits += attempt.credit;
    maxCredit = Math.max(maxCredit, attempt.credit);
    chances += attempt.chance ?? attack.bound(strength);
    onRun?.(i + 1);
    await turn(); // signals are seen between runs
    signal.throwIfAborted();
  }
  const interval = exactInterval(accepted, runs, confidence);
  const bound = asBuilt ? chances / runs : undefined;
  const meanCredit = credits / runs;
  return {
    kind: attack.kind,
    attack: attack.name,
    strength,
    asBuilt,
    runs,
    accepted,
    rate: accepted / runs,
    interval,
    bounds: attack.bounds,
    bound,
    meanCredit,
    maxCredit,
    own,
    succeeds: exceeds(maxCredit, own),
    pays: exceeds(expected(attack, { interval, bound, meanCredit, maxCredit }), own),
    verdict: verdictOf(attack, { interval, bound, maxCredit }),
  };
}

/** Means of few runs are noise: of what is accepted now and then the formula says more, and without one the interval. */
function expected(
  { bounds }: Attack,
  {
    interval,
    bound,
    meanCredit,
    maxCredit,
  }: Pick<AttackRow, 'interval' | 'bound' | 'meanCredit' | 'maxCredit'>,
): number {
  return bounds === 'credit' ? meanCredit : (bound ?? interval[0]) * maxCredit;
}

const exceeds = (credit: number, limit: number): boolean => credit > limit * (1 + ROUNDING) + ROUNDING;

function verdictOf(
  { bounds, tight }: Attack,
  { interval, bound, maxCredit }: { interval: Interval; bound: number | undefined; maxCredit: number },
): AttackRow['verdict'] {
  if (bound === undefined) return 'unbounded';
  if (bounds === 'credit') {
    if (exceeds(maxCredit, bound)) return 'above';
    return tight && maxCredit < bound * 0.9 ? 'below' : 'within';
  }
  if (interval[0] > bound + ROUNDING) return 'above';
  return tight && interval[1] < bound - ROUNDING ? 'below' : 'within';
}

/** What all rows of one attack say together. */
export interface AttackSummary {
  readonly kind: string;
  readonly attack: string;
  /** the strengths at which some run was credited more than its own, with the rule */
  readonly succeedsAt: readonly number[];
  /** the same without it */
  readonly succeedsWithout: readonly number[];
  /** the strengths at which it pays on the mean, with the rule */
  readonly paysAt: readonly number[];
  /** neighbouring strengths of which it pays at one and not at the other, with the rule */
  readonly crossings: readonly (readonly [from: number, to: number])[];
  /** it succeeds nowhere: a broken attack, which says nothing about the rule */
  readonly broken: boolean;
  readonly above: boolean;
  readonly below: boolean;
}

export function summarise(attack: Attack, rows: readonly AttackRow[]): AttackSummary {
  const own = rows.filter((row) => row.kind === attack.kind && row.attack === attack.name);
  const built = own.filter(({ asBuilt }) => asBuilt);
  const at = (some: readonly AttackRow[]): number[] =>
    some.filter(({ succeeds }) => succeeds).map(({ strength }) => strength);
  const succeedsAt = at(built);
  const succeedsWithout = at(own.filter(({ asBuilt }) => !asBuilt));
  return {
    kind: attack.kind,
    attack: attack.name,
    succeedsAt,
    succeedsWithout,
    paysAt: built.filter(({ pays }) => pays).map(({ strength }) => strength),
    crossings: built.slice(1).flatMap((row, i) => {
      const before = built[i]!;
      return before.pays === row.pays ? [] : [[before.strength, row.strength] as const];
    }),
    broken: succeedsAt.length + succeedsWithout.length === 0,
    above: built.some(({ verdict }) => verdict === 'above'),
    below: built.some(({ verdict }) => verdict === 'below'),
  };
}
