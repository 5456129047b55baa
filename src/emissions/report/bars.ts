// Owns: horizontal bars from a common zero, and what is compared with them. Does not own: tables, runs.
import { toTokens } from '../simulator/amounts.js';
import type { Deviation } from '../simulator/deviations.js';
import type { GroupResult } from '../simulator/groups.js';
import type { SimulationResult } from '../simulator/simulate.js';
import { type Html, html } from './html.js';
import { formatGain, formatNumber, formatSigned } from './numbers.js';
import { foldedTable } from './tables.js';

interface Bar {
  readonly value: number;
  readonly text: string;
  /** beside the text, quieter */
  readonly aside?: string;
}

interface BarRow {
  readonly name: string;
  readonly detail: string;
  /** one for each measure */
  readonly bars: readonly Bar[];
}

interface Measure {
  readonly title: string;
  readonly unit: string;
}

/** Rows with one bar for each measure; a measure has one scale for all rows. Right of zero is more, left is less. */
function barChart(measures: readonly Measure[], rows: readonly BarRow[]): Html {
  const scales = measures.map((_, i) => scaleOf(rows.map(({ bars }) => bars[i]!.value)));
  const head = measures.map(
    ({ title, unit }) => html`<span>${title} <span class="unit">${unit}</span></span>`,
  );
  const body = rows.map(
    ({
      name,
      detail,
      bars,
    }) => html`<li class="bar-row"><div class="who"><b>${name}</b><span>${detail}</span></div>
${bars.map((bar, i) => barOf(bar, scales[i]!, measures[i]!))}</li>
`,
  );
  return html`<div class="bars"><div class="bar-row head" aria-hidden="true"><span></span>${head}</div>
<ul>
${body}</ul></div>`;
}

interface Scale {
  readonly low: number;
  readonly span: number;
}

function scaleOf(values: readonly number[]): Scale {
  const low = Math.min(0, ...values);
  const high = Math.max(0, ...values);
  return { low, span: high === low ? 1 : high - low };
}

function barOf({ value, text, aside }: Bar, { low, span }: Scale, { title, unit }: Measure): Html {
  const percent = (part: number): string => ((100 * part) / span).toFixed(2);
  const zero = -low;
  const left = value < 0 ? zero + value : zero;
  return html`<div class="bar"><span class="amount"><span class="only-narrow">${title} </span>${text} <span class="only-narrow unit">${unit}</span>${aside === undefined ? undefined : html` <span class="quiet">${aside}</span>`}</span>
<span class="track"><i class="${value < 0 ? 'less' : 'more'}" style="left:${percent(left)}%;width:${percent(Math.abs(value))}%"></i><i class="zero" style="left:${percent(zero)}%"></i></span></div>`;
}

/** What each coalition gains by what it does; undefined when the honest runs were not made. */
export function deviationBars(deviations: readonly Deviation[] | undefined): Html {
  return html`<figure class="card wide" id="deviations">
<figcaption><h3>Who gains by deviating</h3><p>Each coalition as it is, against the same run with its groups honest and all else as it was. Right of the line it gains, left it loses.</p></figcaption>
${deviations === undefined ? html`<p class="empty">The honest runs were not made for this report.</p>` : deviationBody(deviations)}
</figure>`;
}

function deviationBody(deviations: readonly Deviation[]): Html {
  if (deviations.length === 0) return html`<p class="empty">Nobody deviates: all groups are honest.</p>`;
  const chart = barChart(
    [
      { title: 'Earned', unit: 'alpha' },
      { title: 'Profit', unit: 'TAO' },
    ],
    deviations.map(({ coalition, behaviours, gain, ...run }) => {
      const alpha = run.earnedAlpha - run.honestEarnedAlpha;
      const tao = run.profitTao - run.honestProfitTao;
      return {
        name: coalition,
        detail: behaviours,
        bars: [
          {
            value: alpha,
            text: formatSigned(alpha),
            aside: gain === undefined ? 'honest: nothing' : formatGain(gain),
          },
          { value: tao, text: formatSigned(tao) },
        ],
      };
    }),
  );
  const column = (heading: string, unit: string, of: (deviation: Deviation) => number | undefined) => ({
    heading,
    unit,
    values: deviations.map(of),
  });
  return html`${chart}
${foldedTable('Who gains by deviating', [
  { heading: 'coalition', texts: deviations.map(({ coalition }) => coalition) },
  { heading: 'groups', texts: deviations.map(({ behaviours }) => behaviours) },
  column('earned', 'alpha', ({ earnedAlpha }) => earnedAlpha),
  column('earned if honest', 'alpha', ({ honestEarnedAlpha }) => honestEarnedAlpha),
  column('gain', 'alpha', (run) => run.earnedAlpha - run.honestEarnedAlpha),
  column('gain', '%', ({ gain }) => (gain === undefined ? undefined : gain * 100)),
  column('profit', 'TAO', ({ profitTao }) => profitTao),
  column('profit if honest', 'TAO', ({ honestProfitTao }) => honestProfitTao),
  column('gain', 'TAO', (run) => run.profitTao - run.honestProfitTao),
])}`;
}

const ROLES = {
  validator: { id: 'validators-in-all', title: 'Validators over the whole run' },
  miner: { id: 'miners-in-all', title: 'Miners over the whole run' },
} as const;

/** What each group of a role had at the end, all its numbers in the table. */
export function groupBars({ groups }: SimulationResult, role: GroupResult['role']): Html {
  const own = groups.filter((group) => group.role === role);
  const { id, title } = ROLES[role];
  const chart = barChart(
    [
      { title: 'Earned', unit: 'alpha' },
      { title: 'Profit', unit: 'TAO' },
    ],
    own.map(({ name, behaviour, uids, earnedAlphaRao, profitTao }) => ({
      name,
      detail: `${behaviour}, ${uids} ${uids === 1 ? 'uid' : 'uids'} at the end`,
      bars: [
        { value: toTokens(earnedAlphaRao), text: formatNumber(toTokens(earnedAlphaRao)) },
        { value: profitTao, text: formatSigned(profitTao) },
      ],
    })),
  );
  return html`<figure class="card wide" id="${id}">
<figcaption><h3>${title}</h3><p>Profit is sales, rent and outside income less cost and registrations; what was not sold counts at the last price.</p></figcaption>
${chart}
${groupTable(title, own)}
</figure>`;
}

function groupTable(caption: string, groups: readonly GroupResult[]): Html {
  const text = (heading: string, of: (group: GroupResult) => string) => ({ heading, texts: groups.map(of) });
  const number = (heading: string, unit: string, of: (group: GroupResult) => number) => ({
    heading,
    unit,
    values: groups.map(of),
  });
  return foldedTable(caption, [
    text('group', ({ name }) => name),
    text('coalition', ({ coalition }) => coalition),
    text('behaviour', ({ behaviour }) => behaviour),
    number('uids at the end', '', ({ uids }) => uids),
    number('earned', 'alpha', ({ earnedAlphaRao }) => toTokens(earnedAlphaRao)),
    number('sold', 'alpha', ({ soldAlphaRao }) => toTokens(soldAlphaRao)),
    number('sales', 'TAO', ({ salesTaoRao }) => toTokens(salesTaoRao)),
    number('registrations', 'TAO', ({ registrationTaoRao }) => toTokens(registrationTaoRao)),
    number('rent', 'TAO', ({ rentTao }) => rentTao),
    number('outside', 'TAO', ({ outsideTao }) => outsideTao),
    number('cost', 'TAO', ({ costTao }) => costTao),
    number('profit', 'TAO', ({ profitTao }) => profitTao),
    number('incentive', '%', ({ incentiveShare }) => incentiveShare * 100),
    number('dividends', '%', ({ dividendShare }) => dividendShare * 100),
    number('stake', '%', ({ stakeShare }) => stakeShare * 100),
    number('validator trust', '%', ({ validatorTrust }) => validatorTrust * 100),
    number('serving', '%', ({ servingShare }) => servingShare * 100),
  ]);
}
