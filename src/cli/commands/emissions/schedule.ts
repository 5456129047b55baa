// Owns: `assay emissions schedule`. Does not own: the schedules.
import { z } from 'zod';
import { accessRates } from '../../../emissions/schedules/budget-access.js';
import {
  type CurveSchedule,
  curveRows,
  type DailySchedule,
  dailyRows,
  isDaily,
  MAX_SCHEDULE_DAYS,
  parseSchedule,
  type ScheduleData,
} from '../../../emissions/schedules/evaluate.js';
import { lastDecayDay } from '../../../emissions/schedules/linear-decay.js';
import { SCHEDULE_PRESETS } from '../../../emissions/schedules/presets.js';
import { NANO, parseTokens, tokenAmount } from '../../../emissions/schedules/token-amount.js';
import { AssayError } from '../../../model/errors.js';
import { loadFlags } from '../../config.js';
import { readInputJson } from '../../input-text.js';
import { EXIT, print, printJson } from '../../output.js';
import { Table } from '../../table.js';

/** A schedule file larger than this is not ours. */
const MAX_FILE_BYTES = 1 << 20;
/** four halvings of four years */
const DEFAULT_DAYS = 5844;
const DEFAULT_ROWS = 20;

const dayCount = z.number().int().min(1).max(MAX_SCHEDULE_DAYS).optional();

const flagsSchema = z.strictObject({
  json: z.boolean().default(false),
  days: dayCount,
  every: dayCount,
  burnRate: z
    .union([z.number(), z.string()])
    .transform(String)
    .pipe(
      z
        .string()
        .regex(/^(?:0(?:\.\d{1,9})?|1(?:\.0{1,9})?)$/, 'expected 0 to 1 with at most 9 decimals')
        .transform(parseTokens),
    )
    .optional(),
  at: z.array(tokenAmount).min(1).max(1000).optional(),
  /** every command of emissions takes it; nothing here is random */
  seed: z.unknown().optional(),
});
type Flags = z.output<typeof flagsSchema>;

/** A preset's data or a file's, with the name to print. */
interface Named {
  readonly name: string;
  readonly data: unknown;
}

/**
 * Without a name lists the presets; with one, a JSON file, or `-` for standard input, prints its rows.
 *
 * @throws AssayError `invalid-config` for flags, `invalid-input` for the name or the file
 */
export async function showSchedule(
  nameOrFile: string | undefined,
  flags: Readonly<Record<string, unknown>>,
): Promise<number> {
  const checked = loadFlags(flagsSchema, flags);
  if (nameOrFile === undefined) listPresets(checked.json);
  else {
    const named = await load(nameOrFile);
    const schedule = parseSchedule(named.data, named.name);
    if (isDaily(schedule)) showDays(named, schedule, checked);
    else showCurve(named, schedule, checked);
  }
  return EXIT.ok;
}

function listPresets(json: boolean): void {
  const presets: [string, ScheduleData][] = Object.entries(SCHEDULE_PRESETS);
  if (json) {
    printJson({ presets: presets.map(([name, schedule]) => ({ name, schedule })) });
    return;
  }
  const table = new Table({ head: ['name', 'kind', 'what it is'] });
  for (const [name, { kind, about }] of presets) table.push([name, kind, about]);
  print(table.toString());
}

function showDays(named: Named, schedule: DailySchedule, flags: Flags): void {
  const hasTail = schedule.kind === 'linear-decay' && schedule.tail !== undefined;
  if (flags.at !== undefined) throw unfit('at', `${schedule.kind} has days, not inputs: use --days, --every`);
  if (flags.burnRate !== undefined && !hasTail)
    throw unfit('burn-rate', `${named.name} has no tail emission`);
  const days = flags.days ?? lifeDays(schedule);
  const every = flags.every ?? Math.ceil(days / DEFAULT_ROWS);
  const burnRateNano = flags.burnRate ?? 0n;
  const rows = dailyRows(schedule, { days, every, burnRateNano });

  if (flags.json) {
    const burn = hasTail ? { burnRateNano } : {};
    printJson({ name: named.name, schedule: named.data, days, every, ...burn, rows });
    return;
  }
  const { about, token = 'tokens' } = schedule;
  const roles = Object.keys(rows[0]!.splitNano);
  const what = schedule.kind === 'linear-vesting' ? 'vests' : 'emission';
  const table = numbers(['day', `${what}, ${token}`, 'cumulative', ...roles]);
  for (const { day, emissionNano, cumulativeNano, splitNano } of rows)
    table.push([day, ...[emissionNano, cumulativeNano, ...Object.values(splitNano)].map(decimal)]);
  if (about !== undefined) print(about);
  print(table.toString());
  print(`The ${roles.length > 0 ? 'amount and its split are' : 'amount is'} of the day alone.`);
  if (hasTail && flags.burnRate === undefined) print('No tail emission without --burn-rate.');
}

function showCurve(named: Named, schedule: CurveSchedule, flags: Flags): void {
  const flag = (['days', 'every', 'burnRate'] as const).find((name) => flags[name] !== undefined);
  if (flag !== undefined)
    throw unfit(flag === 'burnRate' ? 'burn-rate' : flag, `${schedule.kind} has inputs, not days: use --at`);
  const rows = curveRows(schedule, flags.at);
  const rates = schedule.kind === 'budget-access' ? accessRates(schedule) : undefined;

  if (flags.json) {
    printJson({ name: named.name, schedule: named.data, ...rates, rows });
    return;
  }
  const { about, token = 'tokens' } = schedule;
  if (about !== undefined) print(about);
  if (rates !== undefined) {
    print(`budget a day   ${decimal(rates.budgetNano)} ${token}`);
    print(`buys           ${decimal(rates.maxIpsNano)} inferences per second`);
    print(`for one token  ${decimal(rates.accessRateNano)} inferences per second`);
  }
  const table = numbers(
    rates === undefined ? [`stake, ${token}`, 'boost'] : [`held, ${token}`, 'inferences per second'],
  );
  for (const { inputNano, outputNano } of rows) table.push([decimal(inputNano), decimal(outputNano)]);
  print(table.toString());
}

/** Days after which nothing changes any more, where there are such. */
function lifeDays(schedule: DailySchedule): number {
  const life =
    schedule.kind === 'linear-decay'
      ? lastDecayDay(schedule) + 1
      : schedule.kind === 'linear-vesting'
        ? schedule.days + 1
        : DEFAULT_DAYS;
  return Math.min(life, MAX_SCHEDULE_DAYS);
}

async function load(nameOrFile: string): Promise<Named> {
  if (Object.hasOwn(SCHEDULE_PRESETS, nameOrFile))
    return { name: nameOrFile, data: SCHEDULE_PRESETS[nameOrFile as keyof typeof SCHEDULE_PRESETS] };
  const limits = { maxBytes: MAX_FILE_BYTES, names: () => Object.keys(SCHEDULE_PRESETS) };
  return { name: nameOrFile, data: await readInputJson(nameOrFile, limits) };
}

const unfit = (flag: string, problem: string): AssayError =>
  new AssayError('invalid-config', `--${flag}: ${problem}`, { source: 'flags', problems: [problem] });

const numbers = (head: string[]): Table => new Table({ head, colAligns: head.map(() => 'right') });

/** 14,400.000000000 */
const decimal = (nano: bigint): string =>
  `${(nano / NANO).toLocaleString('en-US')}.${(nano % NANO).toString().padStart(9, '0')}`;
