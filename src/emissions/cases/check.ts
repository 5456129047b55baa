// Owns: comparing what a case gave with what its file expects. Does not own: running it (run.ts).
import { z } from 'zod';
import { maxUpscale } from '../weights.js';
import { type EpochCase, list, type Path, parse, refused, type StatedCase, u16Row } from './parse.js';
import type { EpochCaseResult } from './run.js';
import { STEP_FIELDS, type StepField } from './text.js';

export interface CaseCheck {
  /** values that agree; counting ends at the first that does not */
  readonly compared: number;
  readonly difference: CaseDifference | undefined;
  /** what is stated in words, or of something that a step does not have */
  readonly notCompared: readonly string[];
}

export interface CaseDifference {
  readonly id: string;
  /** from 0 */
  readonly step: number;
  /** of the step; `stored` for what a set_weights action says is stored */
  readonly field: StepField | 'stored';
  /** e.g. `uid 2`, or `uid 2 towards uid 3` of a bond */
  readonly where: string;
  readonly expected: string;
  readonly got: string;
}

interface Comparison extends Pick<CaseDifference, 'field' | 'where' | 'expected' | 'got'> {
  readonly agrees: boolean;
}

const value = z.union([z.number(), z.boolean(), z.string().regex(/^-?\d+$/)], {
  error: 'a number, or true or false',
});
const computed = z.partialRecord(z.enum(Object.keys(STEP_FIELDS) as StepField[]), z.unknown(), {
  error: 'an object of the fields of a step',
});
const byUid = list(value);
const keyed = z.record(z.string(), value, { error: 'a list, or an object by uid' });
const expectations = z.looseObject({
  tolerance: z.number({ error: 'a number' }).optional(),
  steps: list(
    z.looseObject({
      actions: list(z.looseObject({ stored: list(u16Row.element).optional() })),
      tolerance: z.number({ error: 'a number' }).optional(),
      computed: computed.optional(),
      expected_upstream: z
        .union([z.string(), z.record(z.string(), z.unknown())], { error: 'text, or an object of fields' })
        .optional(),
    }),
  ),
});
type StatedStep = z.output<typeof expectations>['steps'][number];

/**
 * Compares every value that the file states: `stored` and `computed` exactly, `expected_upstream` exactly or, with
 * `@prop` of a u16 field, as proportions within the step's or the case's `tolerance`. A bond that a row does not have
 * is 0. Other keys of `expected_upstream` are not compared, and said not to be.
 *
 * @throws AssayError invalid-input when what is stated has no form that can be compared, naming its path
 */
export function checkEpochCase(stated: StatedCase, epochCase: EpochCase, result: EpochCaseResult): CaseCheck {
  const { steps, tolerance } = parse(expectations, stated.json, stated.path);
  const notCompared: string[] = [];
  let compared = 0;
  for (const [step, one] of steps.entries()) {
    const about: Stated = {
      epochCase,
      result,
      step,
      path: [...stated.path, 'steps', step],
      tolerance: one.tolerance ?? tolerance,
      leave: (what) => notCompared.push(`step ${step} ${what}`),
    };
    for (const { agrees, ...found } of comparisons(about, one)) {
      if (!agrees) return { compared, difference: { id: epochCase.id, step, ...found }, notCompared };
      compared++;
    }
  }
  return { compared, difference: undefined, notCompared };
}

interface Stated {
  readonly epochCase: EpochCase;
  readonly result: EpochCaseResult;
  readonly step: number;
  /** of the step */
  readonly path: Path;
  readonly tolerance: number | undefined;
  leave(what: string): void;
}

function* comparisons(about: Stated, stated: StatedStep): Generator<Comparison> {
  yield* storedRows(about, stated);
  for (const [field, expected] of Object.entries(stated.computed ?? {}))
    yield* exactly(about, field as StepField, expected);
  const upstream = stated.expected_upstream;
  if (typeof upstream === 'string') about.leave(`expected_upstream: ${upstream}`);
  else for (const [key, expected] of Object.entries(upstream ?? {})) yield* asserted(about, key, expected);
}

function* storedRows({ epochCase, step }: Stated, stated: StatedStep): Generator<Comparison> {
  for (const [k, { stored }] of stated.actions.entries()) {
    const action = epochCase.steps[step]!.actions[k]!;
    if (stored === undefined || action.op !== 'set_weights') continue;
    const upscaled = maxUpscale(action.values);
    const row = action.uids.map((uid, i) => [uid, upscaled[i]!]);
    yield* entryByEntry('stored', `uid ${action.uid}`, stored, row);
  }
}

function* exactly(about: Stated, field: StepField, expected: unknown): Generator<Comparison> {
  const path = [...about.path, 'computed', field];
  if (field === 'bonds') {
    const rows = listOfN(about, list(u16Row), expected, path);
    for (const [uid, row] of rows.entries())
      yield* entryByEntry('bonds', `uid ${uid}`, row, outputOf(about).bonds[uid]!);
    return;
  }
  for (const [uid, one] of listOfN(about, byUid, expected, path).entries())
    yield same(field, `uid ${uid}`, one, outputOf(about)[STEP_FIELDS[field]][uid]!);
}

/** Rows agree in order too: it is that in which the chain stores them. */
function* entryByEntry(
  field: 'bonds' | 'stored',
  where: string,
  expected: readonly (readonly number[])[],
  got: readonly (readonly number[])[],
): Generator<Comparison> {
  for (let k = 0; k < Math.max(expected.length, got.length); k++) {
    const [wanted, found] = [expected[k], got[k]];
    yield {
      ...same(field, `${where} towards uid ${(wanted ?? found)![0]}`, shown(wanted), shown(found)),
    };
  }
}
const shown = (entry: readonly number[] | undefined): string =>
  entry === undefined ? 'no entry' : JSON.stringify(entry);

/** One key of `expected_upstream`, e.g. `dividends@prop` or `bonds`. */
function* asserted(about: Stated, key: string, expected: unknown): Generator<Comparison> {
  const path = [...about.path, 'expected_upstream', key];
  const [name, suffix] = key.split('@');
  if (!isStepField(name) || (suffix !== undefined && !(suffix === 'prop' && PROPORTIONS.has(name)))) {
    about.leave(`expected_upstream.${key}`);
    return;
  }
  const tolerance = suffix === 'prop' ? about.tolerance : 0;
  if (tolerance === undefined) throw refused([...about.path, 'tolerance'], 'a number', undefined);
  const entries = Array.isArray(expected)
    ? [...listOfN(about, byUid, expected, path).entries()].map(([uid, one]) => [`${uid}`, one] as const)
    : Object.entries(parse(keyed, expected, path));
  for (const [place, one] of entries) {
    const { where, got } = placeOf(about, name, place, [...path, place]);
    if (suffix === undefined) yield same(name, where, one, got);
    else {
      const proportion = Number(got) / 65_535;
      const agrees = Math.abs(proportion - Number(one)) <= tolerance;
      yield { field: name, where, expected: `${one} ± ${tolerance}`, got: `${proportion}`, agrees };
    }
  }
}

/** u16 of 65535: amounts and permits are no proportions */
const PROPORTIONS: ReadonlySet<StepField> = new Set([
  'consensus',
  'incentive',
  'dividends',
  'validator_trust',
  'stake_weight',
  'bonds',
]);

const isStepField = (name: string | undefined): name is StepField =>
  name !== undefined && Object.hasOwn(STEP_FIELDS, name);

/** @param place `uid`, or `row,column` of a bond */
function placeOf(
  about: Stated,
  field: StepField,
  place: string,
  path: Path,
): { where: string; got: number | bigint | boolean } {
  const uids = place.split(',').map(Number);
  const known = uids.every((uid) => Number.isInteger(uid) && uid >= 0 && uid < about.epochCase.n);
  if (!known || uids.length !== (field === 'bonds' ? 2 : 1))
    throw refused(path, field === 'bonds' ? 'a key "row,column" of uids' : 'a key that is a uid', place);
  const [uid, column] = uids as [number, number];
  const output = outputOf(about);
  if (field !== 'bonds') return { where: `uid ${uid}`, got: output[STEP_FIELDS[field]][uid]! };
  const bond = output.bonds[uid]!.find(([towards]) => towards === column);
  return { where: `uid ${uid} towards uid ${column}`, got: bond?.[1] ?? 0 };
}

const outputOf = ({ result, step }: Stated) => result.steps[step]!;

function listOfN<T extends z.ZodType<readonly unknown[]>>(
  { epochCase: { n } }: Stated,
  schema: T,
  json: unknown,
  path: Path,
): z.output<T> {
  const items = parse(schema, json, path);
  if (items.length !== n) throw refused(path, `${n} entries, one for each uid`, items);
  return items;
}

/** Equal when they are written alike: amounts may be numbers, bigints or decimal strings. */
function same(
  field: Comparison['field'],
  where: string,
  expected: number | bigint | boolean | string,
  got: number | bigint | boolean | string,
): Comparison {
  return { field, where, expected: `${expected}`, got: `${got}`, agrees: `${expected}` === `${got}` };
}
