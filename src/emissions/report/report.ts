// Owns: a run as one HTML file that needs nothing else. Does not own: running, reading the chart library, writing files.
import type { Deviation } from '../simulator/deviations.js';
import type { SimulationResult } from '../simulator/simulate.js';
import type { SweepResult } from '../simulator/sweep.js';
import { deviationBars, groupBars } from './bars.js';
import { chartFrame, plotData, type TableRows } from './charts.js';
import { CLIENT_SCRIPT } from './client.js';
import { type Chapter, chaptersOf } from './figures.js';
import { sweepData, sweepSection } from './heat-map.js';
import { type Html, html, inlineScript, inlineStyle, jsonScript } from './html.js';
import { plotted } from './numbers.js';
import { type ChartLibrary, factsOf, headerOf } from './page.js';
import { STYLE } from './style.js';
import { thinned, timeAxis } from './time-axis.js';

/** Rows of a table over time: one can still be read through. */
const MAX_TABLE_ROWS = 120;

export interface ReportParts {
  readonly result: SimulationResult;
  /** undefined: the honest runs were not made */
  readonly deviations: readonly Deviation[] | undefined;
  readonly sweep?: SweepResult;
  readonly chartLibrary: ChartLibrary;
  /** that makes this report again */
  readonly command: string;
}

/** Stands at the beginning of every report. */
export const REPORT_MARK = '<meta name="generator" content="assay emissions report">';

/**
 * The whole file as text; the same parts give the same text. Nothing in it refers to anything outside, and its content
 * security policy forbids to. Without scripts the tables remain.
 *
 * @throws AssayError `limit-exceeded`, `invalid-input` for a sweep that cannot be shown
 * @throws TypeError when the chart library's text would end its own element
 *
 * @example
 * const report = renderReport({ result, deviations: deviationsOf(result), chartLibrary, command });
 */
export function renderReport({ result, deviations, sweep, chartLibrary, command }: ReportParts): string {
  const { scenario, series } = result;
  const time = timeAxis(scenario, series);
  const chapters = chaptersOf(result, series, time);
  const rows = thinned(series, MAX_TABLE_ROWS);
  const rowTime = timeAxis(scenario, rows);
  const tables = chaptersOf(result, rows, rowTime);
  const swept = sweep === undefined ? undefined : sweepData(sweep);

  const sections = chapters.map((chapter, i) =>
    sectionOf(
      chapter,
      (figure) => ({
        figure: tables[i]!.figures[figure]!,
        time: rowTime,
        epochsPerRow: rows.epochsPerPoint,
      }),
      result,
    ),
  );
  const sweepPart =
    sweep === undefined || swept === undefined
      ? undefined
      : html`<section aria-labelledby="sweep-title"><h2 id="sweep-title">Sweep</h2>
${sweepSection(sweep, swept, JSON.stringify(sweep.scenario) === JSON.stringify(scenario))}</section>`;
  const links = [
    ['deviations', 'Deviations'],
    ...chapters.map(({ id, title }) => [id, title]),
    ...(sweep === undefined ? [] : [['sweep-title', 'Sweep']]),
    ['scenario-title', 'Scenario'],
  ] as [string, string][];
  const data = {
    epochs: time.epochs,
    days: time.days.map(plotted),
    figures: Object.fromEntries(
      chapters.flatMap(({ figures }) => figures.map((figure) => [figure.id, plotData(figure)])),
    ),
    sweep: swept,
  };

  const page = html`<body>
<a class="skip" href="#deviations">Skip to the charts</a>
<div class="width">
${headerOf(result, deviations)}
</div>
<nav aria-label="Sections"><div class="width"><ul>${links.map(([id, title]) => html`<li><a href="#${id}">${title}</a></li>`)}</ul></div></nav>
<main class="width">
<noscript><p class="empty">Charts need scripts. The tables have all the numbers.</p></noscript>
<section aria-label="Deviations">
${deviationBars(deviations)}
</section>
${sections}
${sweepPart}
${factsOf(result, command, chartLibrary)}
</main>
${jsonScript('scenario', scenario)}
${jsonScript('report-data', data)}
${inlineScript(chartLibrary.script)}
${inlineScript(CLIENT_SCRIPT)}
</body>
</html>
`;
  const head = html`<title>${scenario.title}</title>
${inlineStyle(chartLibrary.style)}
${inlineStyle(STYLE)}
</head>
`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
${REPORT_MARK}
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
${head.text}${page.text}`;
}

function sectionOf(
  { id, title, figures }: Chapter,
  table: (figure: number) => TableRows,
  result: SimulationResult,
): Html {
  const role = ROLES_BY_CHAPTER[id];
  return html`<section aria-labelledby="${id}"><h2 id="${id}">${title}</h2>
<div class="grid">
${figures.map((figure, i) => chartFrame(figure, table(i)))}
${role === undefined ? undefined : groupBars(result, role)}
</div></section>
`;
}

const ROLES_BY_CHAPTER: Readonly<Record<string, 'validator' | 'miner'>> = {
  validators: 'validator',
  miners: 'miner',
};
