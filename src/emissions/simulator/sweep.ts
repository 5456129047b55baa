// Owns: which points a sweep visits and what it keeps of each. Does not own: running them, files, threads.
import { AssayError } from '../../model/errors.js';
import { parameterAt, type Scenario, withParameters } from './scenario.js';

export type SweepValue = number | string | boolean;

export interface SweepAxis {
  /** path of a value in the scenario, such as `owner.burnShare` */
  readonly path: string;
  readonly values: readonly SweepValue[];
}

export interface SweepRow {
  /** one value for each axis */
  readonly at: readonly SweepValue[];
  /** by name (metrics.ts) */
  readonly metrics: Readonly<Record<string, number>>;
}

export interface SweepResult {
  readonly version: string;
  readonly seed: string;
  readonly scenario: Scenario;
  readonly axes: readonly SweepAxis[];
  /** in the order of `pointsOf` */
  readonly rows: readonly SweepRow[];
}

/** How many combinations there are. */
export const countPoints = (axes: readonly SweepAxis[]): number =>
  axes.reduce((count, { values }) => count * values.length, 1);

/** All combinations, the last axis fastest. */
export function pointsOf(axes: readonly SweepAxis[]): SweepValue[][] {
  return axes.reduce<SweepValue[][]>(
    (points, { values }) => points.flatMap((point) => values.map((value) => [...point, value])),
    [[]],
  );
}

/** The scenario at one point; where it holds text, such as a seed, a number becomes text. @throws AssayError as `withParameters` */
export function scenarioAt(
  scenario: Scenario,
  axes: readonly SweepAxis[],
  at: readonly SweepValue[],
): Scenario {
  return withParameters(
    scenario,
    axes.map(({ path }, i) => [path, holdsText(scenario, path) ? String(at[i]) : at[i]] as const),
  );
}

/** False too where nothing is. */
export function holdsText(scenario: Scenario, path: string): boolean {
  try {
    return typeof parameterAt(scenario, path) === 'string';
  } catch (error) {
    if (error instanceof AssayError) return false;
    throw error;
  }
}

/** More points than this are a mistake in a range. */
const MAX_POINTS = 100_000;

const FORM = 'PATH=FROM:TO:STEP or PATH=A,B,C';
/** characters of a flag that an error repeats */
const SHOWN = 200;

/**
 * An axis as a flag says it: `owner.burnShare=0:1:0.1` (the end too, where a step meets it) or `subnet.yuma3=true,false`.
 *
 * @throws AssayError `invalid-input`
 */
function parseAxis(text: string): SweepAxis {
  const equals = text.indexOf('=');
  const path = text.slice(0, equals);
  const values = equals > 0 ? valuesOf(text.slice(equals + 1), path) : [];
  if (values.length > 0) return { path, values };
  const got = text.slice(0, SHOWN);
  throw new AssayError('invalid-input', `--vary ${got}: expected ${FORM}`, {
    what: '--vary',
    expected: FORM,
    got,
  });
}

/**
 * Several axes, with as many points together as a sweep may have.
 *
 * @throws AssayError `invalid-input`
 */
export function parseAxes(texts: readonly string[]): SweepAxis[] {
  const axes = texts.map(parseAxis);
  const paths = axes.map(({ path }) => path);
  const twice = paths.find((path, i) => paths.indexOf(path) !== i);
  if (twice !== undefined)
    throw new AssayError('invalid-input', `--vary ${twice}: given twice`, {
      what: '--vary',
      expected: 'each path once',
      got: twice,
    });
  const count = countPoints(axes);
  assertCount('--vary', count);
  return axes;
}

function assertCount(what: string, count: number): void {
  if (count <= MAX_POINTS) return;
  throw new AssayError('invalid-input', `${what}: ${count} points, at most ${MAX_POINTS}`, {
    what,
    expected: `at most ${MAX_POINTS} points`,
    got: `${count}`,
  });
}

const NUMBER = String.raw`-?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?`;
const IS_NUMBER = new RegExp(`^${NUMBER}$`, 'i');
const RANGE = new RegExp(`^(${NUMBER}):(${NUMBER}):(${NUMBER})$`, 'i');

/** Empty when it is neither. */
function valuesOf(text: string, path: string): SweepValue[] {
  const range = RANGE.exec(text)?.slice(1);
  if (range !== undefined) return stepsOf(range, path);
  if (text.includes(':')) return [];
  const values = text.split(',').filter((part) => part !== '');
  assertCount(`--vary ${path}`, values.length);
  return values.map(readValue);
}

function stepsOf(range: readonly string[], path: string): number[] {
  const [from, to, step] = range.map(Number) as [number, number, number];
  const count = Math.floor((to - from) / step + 1e-9) + 1;
  if (!(step > 0) || !Number.isFinite(count) || count < 1) return [];
  assertCount(`--vary ${path}`, count);
  // as many decimals as were given, or 0.1 added thrice would be 0.30000000000000004 in every table; 0 is no -0
  const decimals = Math.max(decimalsOf(range[0]!), decimalsOf(range[2]!));
  return Array.from({ length: count }, (_, i) => Number((from + i * step).toFixed(decimals)) + 0);
}

/** Of a number as it was written: 3 for `1.5e-2`; at most what toFixed takes. */
function decimalsOf(text: string): number {
  const [mantissa, exponent] = text.toLowerCase().split('e') as [string, string?];
  const written = mantissa.split('.')[1]?.length ?? 0;
  return Math.min(100, Math.max(0, written - Number(exponent ?? 0)));
}

function readValue(text: string): SweepValue {
  if (text === 'true' || text === 'false') return text === 'true';
  return IS_NUMBER.test(text) ? Number(text) : text;
}
