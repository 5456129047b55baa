// Owns: what a form of the lab asks for, and how much anybody may ask: a scenario, values changed, an axis to sweep. Does not own:
// running it.

import { deviatingCoalitions } from '../../emissions/simulator/deviations.js';
import { parseScenario, type Scenario, withParameters } from '../../emissions/simulator/scenario.js';
import { scenarioNamed, scenarios } from '../../emissions/simulator/scenarios/index.js';
import { parseSetting } from '../../emissions/simulator/setting.js';
import { countPoints, parseAxes, type SweepAxis, scenarioAt } from '../../emissions/simulator/sweep.js';
import { toHex, utf8 } from '../../model/bytes.js';
import { canonicalJson } from '../../model/canonical-json.js';
import { AssayError } from '../../model/errors.js';
import { sha256 } from '../../model/hash.js';
import { invalid } from '../../model/invalid-input.js';
import { shellWord } from '../../model/shell-word.js';

export const LAB_LIMITS = {
  epochs: 20_000,
  /** of validators and miners together: rows grow with their product */
  uids: 1024,
  points: 16,
  /** blocks and rows of all runs together; a million takes some ten seconds of a core */
  work: 4_000_000,
  /** of one order, whatever it is */
  ms: 90_000,
  /** orders that wait behind the one that runs */
  waiting: 4,
  /** results kept */
  kept: 8,
  fieldChars: 200,
} as const;

/** Values that the form has a field of its own for. */
export const LAB_FIELDS = [
  { path: 'owner.burnShare', label: 'burned by validators', unit: '0 to 1' },
  { path: 'subnet.pool.tao', label: 'TAO in the pool', unit: 'TAO' },
  { path: 'network.otherPrices', label: "the others' prices", unit: 'TAO, their sum' },
  { path: 'market.buyTaoPerDay', label: 'bought a day', unit: 'TAO' },
  { path: 'market.sellAlphaPerDay', label: 'sold a day', unit: 'alpha' },
] as const;
export const FREE_FIELDS = ['set1', 'set2', 'set3'] as const;

export interface LabOrder {
  /** the same for the same order */
  readonly id: string;
  readonly scenario: Scenario;
  /** PATH=VALUE of what differs from what ships */
  readonly settings: readonly string[];
  /** whether honest twin runs are made */
  readonly deviations: boolean;
  readonly axes: readonly SweepAxis[];
  /** as it was written; '' for no sweep */
  readonly vary: string;
  /** epochs of all runs */
  readonly epochs: number;
}

export interface LabForm {
  readonly scenario: string;
  readonly values: ReadonlyMap<string, string>;
  readonly deviations: boolean;
  readonly vary: string;
  /** somebody pressed the button */
  readonly run: boolean;
}

const KEYS: readonly string[] = [
  'scenario',
  'epochs',
  'seed',
  'deviations',
  'vary',
  'run',
  ...LAB_FIELDS.map(({ path }) => path),
  ...FREE_FIELDS,
];

/** @throws AssayError `invalid-input` for a field that no form of ours has, or that is too long */
export function formOf(query: URLSearchParams): LabForm {
  const values = new Map<string, string>();
  for (const [name, given] of query) {
    if (!KEYS.includes(name)) throw invalid(name.slice(0, 40), `one of ${KEYS.join(', ')}`, 'another');
    const value = given.trim();
    if (value.length > LAB_LIMITS.fieldChars)
      throw invalid(name, `at most ${LAB_LIMITS.fieldChars} characters`, `${value.length}`);
    if (value !== '') values.set(name, value);
  }
  const scenario = values.get('scenario') ?? scenarios[0]!.name;
  if (!scenarioNamed(scenario))
    throw invalid('scenario', `one of ${scenarios.map(({ name }) => name).join(', ')}`, scenario);
  return {
    scenario,
    values,
    deviations: values.get('deviations') === '1',
    vary: values.get('vary') ?? '',
    run: values.get('run') === '1',
  };
}

/** @throws AssayError `invalid-input`, `invalid-config` naming the value, `limit-exceeded` for more than the lab runs */
export function orderOf({ scenario: name, values, deviations, vary }: LabForm): LabOrder {
  const shipped = scenarioNamed(name)!; // formOf has seen to it
  const settings = [
    ...LAB_FIELDS.flatMap(({ path }) => (values.has(path) ? [`${path}=${values.get(path)}`] : [])),
    ...FREE_FIELDS.flatMap((field) => values.get(field) ?? []),
    ...['epochs', 'seed'].flatMap((field) => (values.has(field) ? [`${field}=${values.get(field)}`] : [])),
  ];
  const replacements = settings.map((text) => parseSetting(text, shipped, text));
  const scenario =
    replacements.length === 0 ? parseScenario(shipped, name) : withParameters(shipped, replacements);
  const axes = vary === '' ? [] : parseAxes([vary]);
  // each value, before anything runs
  const all = axes.length === 0 ? [] : axes[0]!.values.map((value) => scenarioAt(scenario, axes, [value]));
  const order = { scenario, deviations, axes, vary, settings };
  return { ...order, id: idOf(order), epochs: assertWithinLimits(order, all) };
}

/** @returns epochs of all runs */
function assertWithinLimits(
  { scenario, deviations, axes }: Pick<LabOrder, 'scenario' | 'deviations' | 'axes'>,
  points: readonly Scenario[],
): number {
  const limit = (what: string, most: number, got: number): void => {
    if (got <= most) return;
    throw invalid(what, `at most ${most} in the lab; assay emissions runs more`, `${got}`);
  };
  limit('points of the sweep', LAB_LIMITS.points, axes.length === 0 ? 0 : countPoints(axes));
  const runs = [
    scenario,
    ...points,
    ...(deviations ? deviatingCoalitions(scenario).map(() => scenario) : []),
  ];
  let work = 0;
  for (const run of runs) {
    limit('epochs', LAB_LIMITS.epochs, run.epochs);
    const [validators, miners] = uidsOf(run);
    limit('validators and miners', LAB_LIMITS.uids, validators + miners);
    work += run.epochs * (run.subnet.tempo + validators * miners);
  }
  limit('blocks and weights of all runs', LAB_LIMITS.work, work);
  return runs.reduce((sum, { epochs }) => sum + epochs, 0);
}

function uidsOf({ validators, miners }: Scenario): [number, number] {
  const of = ({ count, behaviour }: Scenario['miners'][number]): number =>
    behaviour.kind === 'sybil' ? count * behaviour.copies : count;
  return [
    validators.reduce((sum, { count }) => sum + count, 0),
    miners.reduce((sum, group) => sum + of(group), 0),
  ];
}

const idOf = ({ scenario, deviations, vary }: Pick<LabOrder, 'scenario' | 'deviations' | 'vary'>): string =>
  toHex(sha256(utf8(canonicalJson({ scenario, deviations, vary })))).slice(0, 32);

/** What to type for the same outside the lab, for a POSIX shell; a sweep is a command of its own before the report. */
export function commandOf({ scenario, settings, deviations, vary }: LabOrder): string {
  const set = settings.flatMap((setting) => ['--set', setting]);
  const command = (name: string, ...flags: string[]): string =>
    ['assay', 'emissions', name, scenario.name, ...set, ...flags].map(shellWord).join(' ');
  const without = deviations ? [] : ['--no-deviations'];
  if (vary === '') return command('report', ...without);
  const file = `${scenario.name}-sweep.jsonl`;
  return `${command('sweep', '--vary', vary, '--out', file)} && ${command('report', '--sweep', file, ...without)}`;
}

/** Whether an error is of whoever filled the form in. */
export const isOfForm = (error: unknown): error is AssayError =>
  error instanceof AssayError && ['invalid-input', 'invalid-config', 'limit-exceeded'].includes(error.code);
