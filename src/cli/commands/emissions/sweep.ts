// Owns: `assay emissions sweep`. Does not own: points (emissions/simulator/sweep.ts), threads, the file (sweep-file.ts).
import { z } from 'zod';
import { metricNamed } from '../../../emissions/simulator/metrics.js';
import type { Scenario } from '../../../emissions/simulator/scenario.js';
import {
  countPoints,
  parseAxes,
  pointsOf,
  type SweepAxis,
  type SweepResult,
  type SweepRow,
  scenarioAt,
} from '../../../emissions/simulator/sweep.js';
import { AssayError } from '../../../model/errors.js';
import { VERSION } from '../../../model/version.js';
import { loadFlags } from '../../config.js';
import { EXIT, print, printJson } from '../../output.js';
import { createProgress } from '../../progress.js';
import { createSimulations, type Simulations } from '../../simulations.js';
import { figure, tableOf } from './figures.js';
import { loadScenario, scenarioFlags, threadsFlag } from './scenario-source.js';
import { openSweepFile, type SweepFile } from './sweep-file.js';

const flagsSchema = z.strictObject({
  ...scenarioFlags,
  vary: z.array(z.string().max(100_000), 'is required: PATH=FROM:TO:STEP or PATH=A,B,C').min(1).max(16),
  metric: z.array(z.string().max(200)).max(100).default([]),
  threads: threadsFlag,
  out: z.string().min(1).max(4096).optional(),
});

/** Groups whose profit the table shows when no metric is named. */
const SHOWN_GROUPS = 4;

/**
 * Runs a scenario at every combination of values.
 *
 * @param flags.out a file that gets each point as it is finished; with one of the same sweep, its points are not run again
 * @returns 0, or 130 when interrupted
 * @throws AssayError `invalid-config` for flags and values, `invalid-input` for scenario, axes, metrics and file
 */
export async function sweepScenario(
  nameOrFile: string,
  flags: Readonly<Record<string, unknown>>,
  signal: AbortSignal,
): Promise<number> {
  const checked = loadFlags(flagsSchema, flags);
  const scenario = await loadScenario(nameOrFile, checked);
  const axes = parseAxes(checked.vary);
  assertFits(scenario, axes);
  const sweep = { version: VERSION, seed: scenario.seed, scenario, axes };

  const simulations = createSimulations({ threads: checked.threads }, signal);
  let file: SweepFile | undefined;
  const rows = new Map<number, SweepRow>();
  try {
    await assertMetrics(simulations, scenario, checked.metric);
    file = checked.out === undefined ? undefined : openSweepFile(checked.out, sweep);
    if (file !== undefined) resume(file, rows, checked.out!, countPoints(axes));
    await runMissing(simulations, { scenario, axes, threads: checked.threads }, rows, file);
  } catch (error) {
    if (!signal.aborted) throw error;
    say(interruption(rows.size, countPoints(axes), checked.out));
    return EXIT.interrupted;
  } finally {
    await simulations.close();
    file?.close();
  }

  const result: SweepResult = { ...sweep, rows: pointsOf(axes).map((_, point) => rows.get(point)!) };
  if (checked.json) printJson(result);
  else print(sweepTable(result, checked.metric));
  return EXIT.ok;
}

/** Each value beside the first of the other axes: a wrong one is found before anything runs. */
function assertFits(scenario: Scenario, axes: readonly SweepAxis[]): void {
  const first = axes.map(({ values }) => values[0]!);
  axes.forEach(({ values }, axis) => {
    for (const value of values) scenarioAt(scenario, axes, first.with(axis, value));
  });
}

/** One epoch has every metric that a whole run has. */
async function assertMetrics(
  simulations: Simulations,
  scenario: Scenario,
  names: readonly string[],
): Promise<void> {
  if (names.length === 0) return;
  const metrics = await simulations.run({ ...scenario, epochs: 1 }, 'metrics');
  for (const name of names) metricNamed(metrics, name);
}

function resume(file: SweepFile, rows: Map<number, SweepRow>, path: string, total: number): void {
  if (file.droppedBytes > 0) say(`${path}: its last line ends in the middle; dropped, that point runs again`);
  for (const [point, row] of file.rows) rows.set(point, row);
  if (rows.size > 0) say(`${path}: ${rows.size} of ${total} points are there`);
}

/** As many lanes as threads, each taking the next point: scenarios are made when they are needed. */
async function runMissing(
  simulations: Simulations,
  plan: { readonly scenario: Scenario; readonly axes: readonly SweepAxis[]; readonly threads: number },
  rows: Map<number, SweepRow>,
  file: SweepFile | undefined,
): Promise<void> {
  const { scenario, axes, threads } = plan;
  const all = pointsOf(axes);
  // one iterator for all lanes
  const missing = all
    .map((at, point) => ({ at, point }))
    .filter(({ point }) => !rows.has(point))
    .values();
  const progress = createProgress({ unit: 'points', total: all.length, already: rows.size });
  const running = new Map<number, number>();
  const draw = (): void =>
    progress.update([...running.values()].reduce((sum, part) => sum + part, rows.size));

  const lane = async (): Promise<void> => {
    for (const { at, point } of missing) {
      const scenarioHere = scenarioAt(scenario, axes, at);
      const metrics = await simulations
        .run(scenarioHere, 'metrics', {
          onEpoch(epochs) {
            running.set(point, epochs / scenarioHere.epochs);
            draw();
          },
        })
        .catch((error: unknown) => {
          throw atPoint(error, axes, at);
        });
      running.delete(point);
      const row = { at, metrics };
      rows.set(point, row);
      file?.append(point, row);
      draw();
    }
  };
  try {
    await Promise.all(Array.from({ length: threads }, lane));
  } finally {
    progress.end();
  }
}

function atPoint(error: unknown, axes: readonly SweepAxis[], at: SweepRow['at']): unknown {
  if (!(error instanceof AssayError)) return error;
  const where = axes.map(({ path }, i) => `${path}=${at[i]}`).join(' ');
  return new AssayError(error.code, `at ${where}: ${error.message}`, error.data, { cause: error.cause });
}

const say = (line: string): void => void process.stderr.write(`${line}\n`);

const interruption = (done: number, total: number, out: string | undefined): string =>
  out === undefined
    ? `interrupted: ${done} of ${total} points were done; with --out FILE they would be kept`
    : `interrupted: ${done} of ${total} points are in ${out}; the same command goes on from there`;

function sweepTable({ axes, rows, scenario }: SweepResult, metrics: readonly string[]): string {
  const shown = metrics.length > 0 ? metrics : defaultMetrics(scenario);
  const table = tableOf([...axes.map(({ path }) => path), ...shown], 0);
  for (const row of rows)
    table.push([...row.at.map(String), ...shown.map((name) => figure(metricNamed(row.metrics, name)))]);
  return table.toString();
}

function defaultMetrics({ validators, miners }: Scenario): string[] {
  const groups = [...miners, ...validators].slice(0, SHOWN_GROUPS);
  return ['price.final', 'tao.share', ...groups.map(({ name }) => `${name}.profitTao`)];
}
