// Owns: `assay emissions search`. Does not own: how it is searched, what a target says (emissions/simulator).
import { z } from 'zod';
import { parameterAt, type Scenario, withParameter } from '../../../emissions/simulator/scenario.js';
import {
  mostEvaluations,
  type Probe,
  type SearchResult,
  search,
} from '../../../emissions/simulator/search.js';
import {
  type Judgement,
  judgeTarget,
  parseTarget,
  type Target,
} from '../../../emissions/simulator/target.js';
import { isAssayError } from '../../../model/errors.js';
import { VERSION } from '../../../model/version.js';
import { loadFlags } from '../../config.js';
import { invalid } from '../../invalid-input.js';
import { EXIT, print, printJson } from '../../output.js';
import { createProgress } from '../../progress.js';
import { createSimulations } from '../../simulations.js';
import { figure, tableOf } from './figures.js';
import { loadScenario, scenarioFlags, threadsFlag } from './scenario-source.js';

const flagsSchema = z.strictObject({
  ...scenarioFlags,
  vary: z.string('is required: the path of a number, such as owner.burnShare').min(1).max(200),
  from: z.number('is required: a number'),
  to: z.number('is required: a number'),
  integer: z.boolean().default(false),
  target: z.string('is required: such as "farm.profitTao >= 0"').min(1),
  smallest: z.boolean().default(false),
  largest: z.boolean().default(false),
  tolerance: z.number().gt(0).optional(),
  samples: z.number().int().min(2).max(10_000).default(9),
  threads: threadsFlag,
});
type Flags = z.output<typeof flagsSchema>;

interface Found {
  readonly scenario: Scenario;
  readonly path: string;
  readonly target: Target;
  readonly want: 'smallest' | 'largest';
  readonly result: SearchResult<Judgement>;
}

/**
 * Finds the smallest or largest value of one parameter at which a target holds.
 *
 * @returns 0; 1 when it holds nowhere; 130 when interrupted
 * @throws AssayError `invalid-config` for flags and values, `invalid-input` for scenario, path, range and target
 */
export async function searchScenario(
  nameOrFile: string,
  flags: Readonly<Record<string, unknown>>,
  signal: AbortSignal,
): Promise<number> {
  const checked = loadFlags(flagsSchema, flags);
  const want = wantOf(checked);
  const target = parseTarget(checked.target);
  const scenario = await loadScenario(nameOrFile, checked);
  assertRange(scenario, checked);

  const found = { scenario, path: checked.vary, target, want };
  const result = await runSearch(found, checked, signal);
  if (result === undefined) return EXIT.interrupted;
  if (checked.json) {
    const { scenario: _, ...said } = found;
    printJson({ version: VERSION, seed: scenario.seed, scenario, ...said, target: target.text, ...result });
  } else printFound({ ...found, result });
  return result.outcome === 'holds-nowhere' ? EXIT.failed : EXIT.ok;
}

function wantOf({ smallest, largest }: Flags): Found['want'] {
  if (smallest !== largest) return smallest ? 'smallest' : 'largest';
  throw invalid('search', 'one of --smallest and --largest', smallest ? 'both' : 'neither');
}

function assertRange(scenario: Scenario, { vary, from, to, integer }: Flags): void {
  if (!(from < to)) throw invalid('--from', `less than --to ${to}`, `${from}`);
  if (integer && !(Number.isInteger(from) && Number.isInteger(to)))
    throw invalid('--integer', 'whole numbers for --from and --to', `${from} and ${to}`);
  const present = parameterAt(scenario, vary);
  if (present !== undefined && typeof present !== 'number')
    throw invalid(`--vary ${vary}`, 'the path of a number', JSON.stringify(present));
  // as fine as the search goes
  const middle = Math.round(((from + to) / 2) * 1e9) / 1e9;
  // where the middle is a whole number, other values of the search are not
  const tried = integer ? Math.round(middle) : Number.isInteger(middle) ? Math.min(middle + 0.5, to) : middle;
  for (const value of [from, to, tried]) assertFits(scenario, vary, value);
}

function assertFits(scenario: Scenario, path: string, value: number): void {
  try {
    withParameter(scenario, path, value);
  } catch (error) {
    if (!isAssayError(error, 'invalid-config')) throw error;
    if (!error.data.problems.some((problem) => problem.includes('expected int'))) throw error;
    throw invalid(`--vary ${path}`, '--integer, as only whole numbers fit there', `${value}`, error);
  }
}

/** Undefined when interrupted. */
async function runSearch(
  { scenario, path, target, want }: Omit<Found, 'result'>,
  { from, to, integer, samples, threads, tolerance }: Flags,
  signal: AbortSignal,
): Promise<SearchResult<Judgement> | undefined> {
  const range = { from, to, integer, samples, ...(tolerance === undefined ? {} : { tolerance }) };
  const simulations = createSimulations({ threads }, signal);
  const progress = createProgress({ unit: 'runs', total: mostEvaluations(range) });
  let done = 0;
  const judge = async (value: number): Promise<Judgement> => {
    const metrics = await simulations.run(withParameter(scenario, path, value), 'metrics');
    progress.update(++done);
    return judgeTarget(target, metrics);
  };
  try {
    // a name that is none is found in one epoch rather than in all runs
    const metrics = await simulations.run({ ...scenario, epochs: 1 }, 'metrics');
    judgeTarget(target, metrics);
    return await search({ ...range, want, judge });
  } catch (error) {
    if (signal.aborted) return undefined;
    throw error;
  } finally {
    progress.end();
    await simulations.close();
  }
}

function printFound({ path, target, want, result }: Found): void {
  const { value, bracket, evaluations, monotone, outcome } = result;
  const ends = `${result.samples[0]!.value} to ${result.samples.at(-1)!.value}`;
  if (outcome === 'holds-nowhere') print(`${target.text}: holds nowhere from ${path} = ${ends}`);
  else {
    const everywhere = outcome === 'holds-everywhere' ? '; it holds at every sample' : '';
    const edge = bracket === undefined ? `an end of the range${everywhere}` : `at ${bracket[0]} it fails`;
    print(`${target.text}: the ${want} ${path} is ${value} (${edge})`);
  }
  if (!monotone)
    print('The samples change sides more than once: it may hold elsewhere too. More --samples show more.');
  print(`${evaluations} runs`);
  print('');
  print(probeTable([...result.samples, ...result.bisection], path, target));
}

function probeTable(probes: readonly Probe<Judgement>[], path: string, target: Target): string {
  const heads = target.comparisons.flatMap(({ left, right }) =>
    [left, right].flatMap(({ factor, metric }) =>
      metric === undefined ? [] : [factor === 1 ? metric : `${factor} * ${metric}`],
    ),
  );
  const table = tableOf([path, ...heads, 'holds'], 0);
  for (const { value, holds, sides } of probes.toSorted((a, b) => a.value - b.value)) {
    const cells = target.comparisons.flatMap(({ left, right }, i) => [
      ...(left.metric === undefined ? [] : [figure(sides[i]!.left)]),
      ...(right.metric === undefined ? [] : [figure(sides[i]!.right)]),
    ]);
    table.push([`${value}`, ...cells, holds ? 'yes' : 'no']);
  }
  return table.toString();
}
