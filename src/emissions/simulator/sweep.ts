// Owns: which points a sweep visits and what it keeps of each. Does not own: running them, files, threads.
import { AssayError } from '../../model/errors.js';
import { type Scenario, withParameters } from './scenario.js';

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

/** The scenario at one point. @throws AssayError as `withParameters` */
export function scenarioAt(
  scenario: Scenario,
  axes: readonly SweepAxis[],
  at: readonly SweepValue[],
): Scenario {
  return withParameters(
    scenario,
    axes.map(({ path }, i) => [path, at[i]] as const),
  );
}

/** More points than this are a mistake in a range. */
const MAX_POINTS = 100_000;

/**
 * An axis as a flag says it: `owner.burnShare=0:1:0.1` (the end too, where a step meets it) or `subnet.yuma3=true,false`.
 *
 * @throws AssayError `invalid-input`
 */
function parseAxis(text: string): SweepAxis {
  const equals = text.indexOf('=');
  const path = text.slice(0, equals);
  const values = equals > 0 ? valuesOf(text.slice(equals + 1)) : [];
  if (values.length === 0 || values.length > MAX_POINTS)
    throw new AssayError('invalid-input', `--vary ${text}: expected PATH=FROM:TO:STEP or PATH=A,B,C`, {
      what: '--vary',
      expected: 'PATH=FROM:TO:STEP or PATH=A,B,C',
      got: text,
    });
  return { path, values };
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
  if (count > MAX_POINTS)
    throw new AssayError('invalid-input', `--vary: ${count} points, at most ${MAX_POINTS}`, {
      what: '--vary',
      expected: `at most ${MAX_POINTS} points`,
      got: `${count}`,
    });
  return axes;
}

function valuesOf(text: string): SweepValue[] {
  const range = /^(-?[\d.]+):(-?[\d.]+):([\d.]+)$/.exec(text);
  if (range === null && text.includes(':')) return [];
  if (range === null)
    return text
      .split(',')
      .filter((part) => part !== '')
      .map(readValue);
  const [from, to, step] = range.slice(1).map(Number) as [number, number, number];
  const count = Math.floor((to - from) / step + 1e-9) + 1;
  if (!(step > 0) || !Number.isFinite(count) || count < 1 || count > MAX_POINTS) return [];
  // to nine decimals, or 0.1 added thrice would be 0.30000000000000004 in every table
  return Array.from({ length: count }, (_, i) => Math.round((from + i * step) * 1e9) / 1e9);
}

function readValue(text: string): SweepValue {
  if (text === 'true' || text === 'false') return text === 'true';
  return /^-?\d*\.?\d+(e-?\d+)?$/.test(text) ? Number(text) : text;
}
