// Owns: schedules as data: what a file must hold, and the rows that follow from it. Does not own: the kinds' formulas,
// files, printing.
import { z } from 'zod';
import { AssayError } from '../../model/errors.js';
import { budgetAccessSchema, userMax } from './budget-access.js';
import { halvingCumulative, halvingSchema } from './halving.js';
import { issuanceHalvingCumulative, issuanceHalvingSchema } from './issuance-halving.js';
import { linearDecayCumulative, linearDecaySchema } from './linear-decay.js';
import { linearVestingCumulative, linearVestingSchema } from './linear-vesting.js';
import { splitAmount } from './split.js';
import { stakeBoost, stakeBoostSchema } from './stake-boost.js';

/** No row lies beyond this day: 273 years. */
export const MAX_SCHEDULE_DAYS = 100_000;
const MAX_PROBLEMS = 5;

const daily = [halvingSchema, issuanceHalvingSchema, linearDecaySchema, linearVestingSchema] as const;
const curves = [stakeBoostSchema, budgetAccessSchema] as const;

const scheduleSchema = z.discriminatedUnion('kind', [...daily, ...curves], {
  error: `expected one of ${[...daily, ...curves].map(({ shape }) => shape.kind.value).join(', ')}`,
});

/** As it stands in a file: amounts are decimal text. */
export type ScheduleData = z.input<typeof scheduleSchema>;
/** Checked, amounts in 10^-9. */
export type Schedule = z.output<typeof scheduleSchema>;
/** An amount for each day. */
export type DailySchedule = z.output<(typeof daily)[number]>;
/** An output for each input. */
export type CurveSchedule = z.output<(typeof curves)[number]>;

/**
 * A schedule from outside, checked.
 *
 * @param name what errors call it: a file
 * @throws AssayError `invalid-input` with the path of each of the first five problems
 * @example
 * const vesting = parseSchedule({ kind: 'linear-vesting', amount: '3650', days: 365 });
 * if (isDaily(vesting)) dailyRows(vesting, { days: 1 }); // [{ day: 1, emissionNano: 10_000_000_000n, ... }]
 */
export function parseSchedule(value: unknown, name = 'schedule'): Schedule {
  const parsed = scheduleSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const { issues } = parsed.error;
  const problems = issues
    .slice(0, MAX_PROBLEMS)
    .map(({ path, message }) => `${path.length === 0 ? '' : `${path.join('.')}: `}${message}`);
  if (issues.length > MAX_PROBLEMS) problems.push(`and ${issues.length - MAX_PROBLEMS} more`);
  throw new AssayError('invalid-input', `${name}: ${problems.join('; ')}`, {
    what: [name, ...issues[0]!.path].join('.'),
    expected: issues[0]!.message,
    got: excerptAt(value, issues[0]!.path),
  });
}

export const isDaily = (schedule: Schedule): schedule is DailySchedule =>
  schedule.kind !== 'stake-boost' && schedule.kind !== 'budget-access';

export interface DayRow {
  /** from 1 */
  readonly day: number;
  /** of this day alone */
  readonly emissionNano: bigint;
  /** of all days up to this one */
  readonly cumulativeNano: bigint;
  /** this day's emission by role, nothing lost; empty without a split */
  readonly splitNano: Readonly<Record<string, bigint>>;
}

/**
 * Rows of day 1, of every `every`-th day and of the last day, each for that day alone.
 *
 * @throws RangeError unless `days` and `every` are whole numbers from 1 to 100,000
 */
export function dailyRows(
  schedule: DailySchedule,
  options: {
    readonly days: number;
    /** @default 1 */
    readonly every?: number;
    /** part of the supply burned in each tail epoch, 10^9 for all; read by a linear decay with a tail @default 0n */
    readonly burnRateNano?: bigint;
  },
): readonly DayRow[] {
  const { days, every = 1, burnRateNano = 0n } = options;
  assertDays('days', days);
  assertDays('every', every);
  const cumulative = cumulativeOf(schedule, burnRateNano);
  const rows: DayRow[] = [];
  for (let day = 1; day <= days; day++) {
    if (day !== 1 && day !== days && day % every !== 0) continue;
    const cumulativeNano = cumulative(day);
    const emissionNano = cumulativeNano - cumulative(day - 1);
    const split = 'split' in schedule ? schedule.split : undefined;
    const splitNano = split === undefined ? {} : splitAmount(emissionNano, split);
    rows.push({ day, emissionNano, cumulativeNano, splitNano });
  }
  return rows;
}

export interface CurveRow {
  /** tokens in 10^-9 */
  readonly inputNano: bigint;
  /** in 10^-9: a factor for a boost, inferences per second for access */
  readonly outputNano: bigint;
}

/** Rows for the given inputs, or for those that the data names. */
export const curveRows = (
  schedule: CurveSchedule,
  inputsNano: readonly bigint[] = schedule.at,
): readonly CurveRow[] =>
  inputsNano.map((inputNano) => ({
    inputNano,
    outputNano:
      schedule.kind === 'stake-boost' ? stakeBoost(schedule, inputNano) : userMax(schedule, inputNano),
  }));

function cumulativeOf(schedule: DailySchedule, burnRateNano: bigint): (day: number) => bigint {
  switch (schedule.kind) {
    case 'halving':
      return halvingCumulative(schedule);
    case 'issuance-halving':
      return issuanceHalvingCumulative(schedule);
    case 'linear-decay':
      return linearDecayCumulative(schedule, burnRateNano);
    case 'linear-vesting':
      return linearVestingCumulative(schedule);
  }
}

function assertDays(label: string, value: number): void {
  if (!Number.isInteger(value) || value < 1 || value > MAX_SCHEDULE_DAYS)
    throw new RangeError(`${label}: expected 1 to ${MAX_SCHEDULE_DAYS}, got ${value}`);
}

function excerptAt(value: unknown, path: readonly PropertyKey[]): string {
  const at = path.reduce<unknown>(
    (inner, key) => (typeof inner === 'object' && inner !== null ? Reflect.get(inner, key) : undefined),
    value,
  );
  return (JSON.stringify(at) ?? String(at)).slice(0, 100);
}
