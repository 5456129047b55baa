// Owns: a run that is done in a moment, and its report with a library of one line. Does not own: assertions.
import type { ChartLibrary } from '../../../../src/emissions/report/page.js';
import { type ReportParts, renderReport } from '../../../../src/emissions/report/report.js';
import { parseScenario, type ScenarioFile } from '../../../../src/emissions/simulator/scenario.js';
import { type SimulationResult, simulate } from '../../../../src/emissions/simulator/simulate.js';

const library: ChartLibrary = {
  name: 'uPlot 0.0.0',
  script: 'var uPlot = class {};',
  style: '.uplot{color:red}',
  licence: 'MIT',
};

const file = (changes: Partial<ScenarioFile>): ScenarioFile => ({
  name: 'small',
  title: 'A small subnet',
  seed: 'report',
  epochs: 6,
  subnet: { tempo: 90 },
  validators: [
    { name: 'honest', count: 2, stakeAlpha: 50_000, rootTao: 1000 },
    { name: 'lazy', stakeAlpha: 20_000, behaviour: { kind: 'lazy', refreshEpochs: 3 } },
  ],
  miners: [
    { name: 'good', count: 2, costTaoPerHour: 0.0001 },
    { name: 'twin', behaviour: { kind: 'sybil', copies: 2 } },
  ],
  ...changes,
});

export const smallRun = (changes: Partial<ScenarioFile> = {}): SimulationResult =>
  simulate(parseScenario(file(changes)));

export const reportOf = (result: SimulationResult, changes: Partial<ReportParts> = {}): string =>
  renderReport({
    result,
    deviations: [],
    chartLibrary: library,
    command: 'assay emissions report small.json',
    ...changes,
  });

/** The page without scripts that run: markup, tables and JSON. */
export const withoutCode = (html: string): string => html.replace(/<script>[\s\S]*?<\/script>/g, '');

/** What the page holds as JSON under an id. */
export function jsonIn(html: string, id: string): unknown {
  const match = new RegExp(`<script type="application/json" id="${id}">([\\s\\S]*?)</script>`).exec(html);
  if (match === null) throw new Error(`no JSON with id ${id}`);
  return JSON.parse(match[1]!);
}

/** Rows of the table with that caption, as the texts of their cells. */
export function tableIn(html: string, caption: string): string[][] {
  const start = html.indexOf(`<caption>${caption}</caption>`);
  if (start < 0) throw new Error(`no table ${caption}`);
  const table = html.slice(start, html.indexOf('</table>', start));
  return [...table.matchAll(/<tr>([\s\S]*?)<\/tr>/g)].map(([, row]) =>
    [...row!.matchAll(/<t[hd][^>]*>([\s\S]*?)<\/t[hd]>/g)].map(([, cell]) => cell!.replace(/<[^>]*>/g, '')),
  );
}
