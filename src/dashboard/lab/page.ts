// Owns: the page of the lab: a scenario, a few values, the report of its run. Does not own: running it (the source), the report
// (emissions/report).
import { parameterAt, type Scenario } from '../../emissions/simulator/scenario.js';
import { scenarioNamed, scenarios } from '../../emissions/simulator/scenarios/index.js';
import type { SweepRow } from '../../emissions/simulator/sweep.js';
import { AssayError } from '../../model/errors.js';
import { invalid } from '../../model/invalid-input.js';
import type { FramedDocument, Links, Page, PageAnswer, PageRequest } from '../page.js';
import {
  card,
  duration,
  empty,
  type Html,
  html,
  live,
  notice,
  number,
  percent,
  sentence,
  stranger,
  table,
  tiles,
} from '../parts.js';
import {
  commandOf,
  FREE_FIELDS,
  formOf,
  isOfForm,
  LAB_FIELDS,
  LAB_LIMITS,
  type LabForm,
  type LabOrder,
  orderOf,
} from './order.js';

export const LAB_TOPIC = 'lab';

export interface LabResult {
  /** the report's whole document, and the texts of its scripts */
  readonly report: FramedDocument;
  readonly metrics: Readonly<Record<string, number>>;
  /** of a sweep, in the order of its values */
  readonly sweep: readonly SweepRow[];
  readonly tookMs: number;
}

export type LabState =
  | { readonly is: 'done'; readonly result: LabResult }
  | { readonly is: 'running'; readonly done: number; readonly sinceMs: number }
  | { readonly is: 'waiting'; readonly before: number }
  /** too many wait */
  | { readonly is: 'refused' }
  | { readonly is: 'failed'; readonly why: string };

export interface LabSource {
  /** What is known of an order; begins it unless it is known. Resolves at once, or within a moment where it ends in it. */
  ask(order: LabOrder, signal: AbortSignal): Promise<LabState>;
  /** A result that is kept; begins nothing. */
  kept(id: string): LabResult | undefined;
}

export const createLabPage = (source: LabSource): Page => ({
  name: 'lab',
  label: 'Lab',
  isPrivate: true,
  async render({ rest, query, links, signal }: PageRequest) {
    if (rest.length === 1 && rest[0] === 'report') return reportOf(source, query);
    if (rest.length > 0)
      return { status: 404, title: 'No such page', body: empty('The lab has one page, and its reports.') };
    const form = formOf(query);
    let order: LabOrder;
    try {
      order = orderOf(form);
    } catch (error) {
      // the form stays, so that what was wrong can be mended
      if (isOfForm(error))
        return answer(form, notice('bad', html`This cannot be run: ${error.message}`), 400);
      throw error;
    }
    if (!form.run) return answer(form, introduction(order.scenario));
    const state = await source.ask(order, signal);
    return answer(form, stateOf(state, order, query, links), state.is === 'refused' ? 503 : 200);
  },
});

const answer = (form: LabForm, below: Html, status: NonNullable<PageAnswer['status']> = 200): PageAnswer => ({
  status,
  title: 'Lab',
  lead: html`What a subnet's economics come to, in the chain's own arithmetic, before anybody tries it.`,
  body: html`${formHtml(form)}
${below}`,
  topics: [LAB_TOPIC],
});

function formHtml({ scenario: name, values, deviations, vary }: LabForm): Html {
  const scenario = scenarioNamed(name)!; // formOf has seen to it
  const field = (of: string, label: string, placeholder: string, unit?: string): Html =>
    html`<label>${label}${unit === undefined ? undefined : html` <span class="unit">${unit}</span>`} <input name="${of}" value="${values.get(of) ?? ''}" placeholder="${placeholder}" maxlength="${LAB_LIMITS.fieldChars}" autocomplete="off" spellcheck="false"></label>
`;
  const options = scenarios.map(
    ({ name: each, title }) =>
      html`<option value="${each}"${each === name ? html` selected` : undefined}>${title}</option>`,
  );
  return html`<form class="filters" method="get">
<label class="grow">Scenario <select name="scenario">${options}</select></label>
${field('epochs', 'Epochs', `${scenario.epochs}`)}
${field('seed', 'Seed', scenario.seed)}
${LAB_FIELDS.map(({ path, label, unit }) => field(path, sentence(label), shownValue(scenario, path), unit))}
${FREE_FIELDS.map((each, i) => field(each, `Also set ${i + 1}`, 'subnet.tempo=99'))}
<label class="grow">Sweep <span class="unit">path=from:to:step</span> <input name="vary" value="${vary}" placeholder="owner.burnShare=0:1:0.2" maxlength="${LAB_LIMITS.fieldChars}" autocomplete="off" spellcheck="false"></label>
<label class="check"><input type="checkbox" name="deviations" value="1"${deviations ? html` checked` : undefined}> Honest twin runs</label>
<button type="submit" name="run" value="1">Run</button> <button type="submit">Show the scenario</button></form>`;
}

function shownValue(scenario: Scenario, path: string): string {
  try {
    return `${parameterAt(scenario, path)}`;
  } catch (error) {
    if (error instanceof AssayError) return '';
    throw error;
  }
}

const introduction = (scenario: Scenario): Html =>
  card(
    'scenario',
    scenario.title,
    html`${scenario.description.split(/\n{2,}/).map((text) => html`<p>${text}</p>`)}
<dl class="facts"><dt>Epochs</dt><dd>${scenario.epochs}, of ${scenario.subnet.tempo} blocks</dd>
<dt>Validators</dt><dd>${groupsOf(scenario.validators)}</dd><dt>Miners</dt><dd>${groupsOf(scenario.miners)}</dd></dl>`,
    `The lab runs one order at a time, on a thread of its own at the lowest priority, for at most ${LAB_LIMITS.ms / 1000} seconds. Larger ones: assay emissions simulate, sweep, report.`,
  );

const groupsOf = (
  groups: readonly {
    readonly name: string;
    readonly count: number;
    readonly behaviour: { readonly kind: string };
  }[],
): string =>
  groups.length === 0
    ? 'none'
    : groups.map(({ name, count, behaviour }) => `${count} ${name} (${behaviour.kind})`).join(', ');

function stateOf(state: LabState, order: LabOrder, query: URLSearchParams, links: Links): Html {
  const again = links.page('lab', [], Object.fromEntries(query));
  switch (state.is) {
    case 'done':
      return resultHtml(state.result, order, query, links);
    case 'running':
    case 'waiting':
      return html`${live(LAB_TOPIC, progressHtml(state, order.epochs), { isLoud: true })}
<p><a class="button" href="${again}">Look again</a></p>`;
    case 'refused':
      return notice('warn', 'Too many orders wait already. Try again in a minute.');
    case 'failed':
      return notice('bad', html`The run ended without a result: ${stranger(state.why, 300)}`);
  }
}

/** The inside of the live region, in events too. */
export const progressHtml = (
  state: Extract<LabState, { is: 'running' | 'waiting' }>,
  epochs: number,
): Html => {
  if (state.is === 'running')
    return html`<p>Running: ${state.done} of ${epochs} epochs, ${percent(Math.min(1, state.done / Math.max(1, epochs)), 0)}, since ${duration(state.sinceMs)}.</p>
<meter min="0" max="${epochs}" value="${Math.min(state.done, epochs)}" aria-label="epochs that are done">${state.done} of ${epochs}</meter>`;
  return html`<p>Waiting: ${state.before} ${state.before === 1 ? 'order is' : 'orders are'} before this one.</p>`;
};

export const overHtml: Html = html`<p>It is over: look again for what came of it.</p>`;

const MAIN: readonly (readonly [name: string, what: string, unit: string])[] = [
  ['price.final', 'Price at the end', 'TAO'],
  ['tao.share', "Part of the chain's TAO", 'of 1'],
  ['emission.miners', 'To miners', 'alpha a day'],
  ['emission.validators', 'To validators', 'alpha a day'],
  ['emission.burned', 'Burned or recycled', 'alpha a day'],
  ['burn.price', 'Registering costs', 'TAO'],
];

function resultHtml(
  { metrics, sweep, tookMs }: LabResult,
  order: LabOrder,
  query: URLSearchParams,
  links: Links,
): Html {
  const report = links.page('lab', ['report'], Object.fromEntries(query));
  const rows = Object.entries(metrics);
  return html`${tiles(MAIN.map(([name, what, unit]) => ({ what, value: number(metrics[name]), unit })))}
${order.settings.length === 0 ? undefined : html`<p class="about">Changed: ${order.settings.map((text) => html`<code>${text}</code> `)}</p>`}
${sweep.length === 0 ? undefined : sweepCard(sweep, order)}
${card(
  'report',
  'Report',
  html`<iframe src="${report}" title="Report of ${order.scenario.name}" loading="lazy"></iframe>
<p><a href="${report}">The report by itself</a></p>`,
  html`Run in ${duration(tookMs)}. The same outside the lab: <code>${commandOf(order)}</code>`,
)}
<details><summary>All ${rows.length} numbers of the run</summary>
${table(
  'Numbers of the run',
  [
    { heading: 'name', kind: 'text', cell: ([name]) => html`<code>${name}</code>` },
    { heading: 'value', cell: ([, value]) => number(value) },
  ],
  rows,
)}</details>`;
}

function sweepCard(sweep: readonly SweepRow[], { axes }: LabOrder): Html {
  const title = `Sweep of ${axes[0]!.path}`;
  return card(
    'sweep',
    title,
    table<SweepRow>(
      title,
      [
        { heading: 'value', cell: ({ at }) => `${at[0]}` },
        ...MAIN.map(([name, what, unit]) => ({
          heading: html`${what}<br><span class="unit">${unit}</span>`,
          cell: ({ metrics }: SweepRow) => number(metrics[name]),
        })),
      ],
      sweep,
    ),
  );
}

/** Nothing is run for it: it stands in the frame of a page that has a result. */
function reportOf(source: LabSource, query: URLSearchParams): FramedDocument | PageAnswer {
  const form = formOf(query);
  let order: LabOrder;
  try {
    order = orderOf(form);
  } catch (error) {
    if (!isOfForm(error)) throw error;
    throw invalid('order', 'one that the lab runs', error.message);
  }
  const result = source.kept(order.id);
  if (result) return result.report;
  return {
    status: 404,
    title: 'No such report',
    body: empty('It was not run, or is kept no longer: run it in the lab.'),
  };
}
