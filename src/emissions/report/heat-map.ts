// Owns: a sweep in the report: what can be chosen, the data of its chart, the table. Does not own: drawing (client.ts), runs.
import { AssayError } from '../../model/errors.js';
import { deviatingCoalitions } from '../simulator/deviations.js';
import { pointsOf, type SweepResult, type SweepValue } from '../simulator/sweep.js';
import { type Html, html } from './html.js';
import { formatExact, type Measured, plotted } from './numbers.js';
import { foldedTable } from './tables.js';

const SELECTED = html` selected`;
/** More squares than this nobody can tell apart, and the file would not open in a moment. */
const MAX_SWEEP_POINTS = 10_000;
const MAX_TABLE_ROWS = 500;

/** What the script draws: one value for each point, in the order of `pointsOf`; null where the sweep has none. */
export interface SweepData {
  readonly axes: readonly {
    readonly path: string;
    readonly values: readonly string[];
    readonly at: readonly number[];
  }[];
  readonly metrics: readonly {
    readonly name: string;
    readonly unit: string;
    readonly values: readonly (number | null)[];
  }[];
  /** of the metric that is shown first */
  readonly first: number;
}

/** @throws AssayError `limit-exceeded` above 10,000 points, `invalid-input` without an axis or a point */
export function sweepData(sweep: SweepResult): SweepData {
  const grid = gridOf(sweep);
  const metrics = grid.names.map((name) => ({
    name,
    unit: unitOfMetric(name),
    values: grid.rows.map((row) => plotted(row?.[name])),
  }));
  return {
    axes: sweep.axes.map(({ path, values }) => ({
      path,
      values: values.map(axisText),
      at: positions(values),
    })),
    metrics,
    first: firstMetric(sweep, metrics),
  };
}

/** @throws as `sweepData` */
export function sweepSection(sweep: SweepResult, data: SweepData, isOfThisRun: boolean): Html {
  const { axes, metrics, first } = data;
  const grid = gridOf(sweep);
  const missing = grid.rows.filter((row) => row === undefined).length;
  const shown = grid.points.slice(0, MAX_TABLE_ROWS);
  const isMap = axes.length > 1;
  const caption = `Sweep over ${axes.map(({ path }) => path).join(' and ')}`;
  return html`<figure class="card wide" id="sweep" data-sweep>
<figcaption><h3>${caption}</h3><p>${sweep.rows.length} runs of ${sweep.scenario.epochs} epochs, seed <code>${sweep.seed}</code>.${isOfThisRun ? undefined : html` They start from a scenario that differs from the one above: <code>${sweep.scenario.name}</code> as it was when the sweep ran.`}${missing === 0 ? undefined : html` ${missing} points have not been run and stay empty.`}</p></figcaption>
<div class="choices">
<label>Metric <select data-metric>${metrics.map(({ name }, i) => html`<option value="${i}"${i === first ? SELECTED : undefined}>${name}</option>`)}</select></label>
${axes.slice(2).map(
  ({ path, values }, i) =>
    html`<label>${path} <select data-fixed="${i + 2}">${values.map((value, j) => html`<option value="${j}">${value}</option>`)}</select></label>
`,
)}</div>
${
  isMap
    ? html`<div class="heat" data-heat></div>
<p class="readout" data-readout role="status"></p>
<div class="scale" data-scale aria-hidden="true"></div>`
    : html`<div class="plot" data-line-plot tabindex="0" role="slider" aria-label="${caption}, point" aria-valuemin="0" aria-valuemax="0" aria-valuenow="0"></div>
<p class="readout" data-readout></p>`
}
${foldedTable(
  shown.length < grid.points.length
    ? `${caption}: the first ${shown.length} of ${grid.points.length} points`
    : caption,
  [
    ...sweep.axes.map(({ path }, i) => ({ heading: path, texts: shown.map((at) => axisText(at[i]!)) })),
    ...metrics.map(({ name, unit }) => ({
      heading: name,
      unit,
      values: shown.map((_, row): Measured => grid.rows[row]?.[name]),
    })),
  ],
)}
</figure>`;
}

interface Grid {
  readonly points: readonly SweepValue[][];
  /** metrics by point */
  readonly rows: readonly (Readonly<Record<string, number>> | undefined)[];
  readonly names: readonly string[];
}

/** Rows in the order of the axes, whatever order they came in: threads finish when they finish. */
function gridOf({ axes, rows }: SweepResult): Grid {
  const size = axes.reduce((product, { values }) => product * values.length, 1);
  if (size > MAX_SWEEP_POINTS)
    throw new AssayError(
      'limit-exceeded',
      `sweep: ${size} points, a report shows ${MAX_SWEEP_POINTS} at most`,
      {
        what: 'sweep',
        limit: MAX_SWEEP_POINTS,
        got: size,
      },
    );
  if (axes.length === 0 || rows.length === 0)
    throw new AssayError('invalid-input', 'sweep: expected an axis and a point that was run', {
      what: 'sweep',
      expected: 'at least one axis and one row',
      got: `${axes.length} axes, ${rows.length} rows`,
    });
  const byPoint = new Map(rows.map(({ at, metrics }) => [JSON.stringify(at), metrics]));
  const points = pointsOf(axes);
  return {
    points,
    rows: points.map((at) => byPoint.get(JSON.stringify(at))),
    names: [...new Set(rows.flatMap(({ metrics }) => Object.keys(metrics)))],
  };
}

const axisText = (value: SweepValue): string =>
  typeof value === 'number' ? formatExact(value) : String(value);

/** Where the values of an axis stand on a line: numbers at themselves, others side by side. */
const positions = (values: readonly SweepValue[]): number[] =>
  values.every((value) => typeof value === 'number') ? [...values] : values.map((_, i) => i);

/** The profit of whoever deviates where there is one: that is what a sweep usually asks. Else the first that varies. */
function firstMetric({ scenario }: SweepResult, metrics: SweepData['metrics']): number {
  const isVarying = ({ values }: SweepData['metrics'][number]): boolean => new Set(values).size > 1;
  const [coalition] = deviatingCoalitions(scenario);
  const group = [...scenario.validators, ...scenario.miners].find(
    (each) => (each.coalition ?? each.name) === coalition,
  );
  const wanted = metrics.findIndex(
    (metric) => metric.name === `${group?.name}.profitTao` && isVarying(metric),
  );
  return wanted >= 0 ? wanted : Math.max(metrics.findIndex(isVarying), 0);
}

const UNITS: readonly (readonly [RegExp, string])[] = [
  [/\.alphaPerDay$|^emission\./, 'alpha per day'],
  [/^tao\.perDay$|[.]taoPerDay$/, 'TAO per day'],
  [/^price\./, 'TAO per alpha'],
  [/^pool\.alpha$/, 'alpha'],
  [/^pool\.tao$|^burn\.price$|Tao$/, 'TAO'],
  [/[sS]hare$|Trust$/, 'of 1'],
  [/PerStake$/, 'times'],
];

const unitOfMetric = (name: string): string => UNITS.find(([pattern]) => pattern.test(name))?.[1] ?? '';
