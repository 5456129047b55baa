// Owns: the head of a report with its first numbers, and its end with scenario, seed, version and command. Does not own:
// charts.
import { toTokens } from '../simulator/amounts.js';
import type { Deviation } from '../simulator/deviations.js';
import type { SimulationResult } from '../simulator/simulate.js';
import { unpaidRao } from '../simulator/subnet.js';
import { type Html, html } from './html.js';
import { formatExact, formatGain, formatNumber } from './numbers.js';
import { foldedTable } from './tables.js';

/** uPlot, as its package has it. */
export interface ChartLibrary {
  readonly name: string;
  /** that defines `uPlot` */
  readonly script: string;
  readonly style: string;
  /** goes with every copy */
  readonly licence: string;
}

export function headerOf(result: SimulationResult, deviations: readonly Deviation[] | undefined): Html {
  const { scenario, epochs, days, seed, version } = result;
  const paragraphs = scenario.description.split(/\n{2,}/).filter((text) => text.trim() !== '');
  return html`<header>
<p class="eyebrow">${scenario.name} · ${formatExact(epochs)} ${epochs === 1 ? 'epoch' : 'epochs'}, ${formatNumber(days)} ${days === 1 ? 'day' : 'days'} · seed <code>${seed}</code> · assay ${version}</p>
<h1>${scenario.title}</h1>
<div class="about">${paragraphs.map((text) => html`<p>${text}</p>`)}</div>
<ul class="tiles">${tilesOf(result, deviations)}</ul>
</header>`;
}

function tilesOf(result: SimulationResult, deviations: readonly Deviation[] | undefined): Html[] {
  const { totals, days, final, taoShare } = result;
  const withheld = totals.burnedRao + totals.recycledRao;
  const first = result.series.points[0]![result.series.columns.findIndex(({ name }) => name === 'price')]!;
  const change = first === 0 ? undefined : final.price / first - 1;
  const best = [...(deviations ?? [])]
    .filter(({ gain }) => gain !== undefined)
    .sort((a, b) => b.gain! - a.gain!)[0];
  return [
    tile(
      'Price of alpha',
      formatNumber(final.price),
      'TAO',
      change === undefined ? '' : `${formatGain(change)} since the start`,
    ),
    tile("Part of the chain's TAO", formatNumber(taoShare * 100), '%', 'mean of all epochs'),
    tile(
      'From the chain',
      formatNumber(toTokens(totals.taoInRao + totals.excessTaoRao) / days),
      'TAO',
      `per day; ${formatNumber(toTokens(totals.excessTaoRao) / days)} of it buys alpha`,
    ),
    tile('To miners', formatNumber(toTokens(totals.minersRao) / days), 'alpha', 'per day, mean of the run'),
    tile('Burned or recycled', formatNumber(toTokens(withheld) / days), 'alpha', 'per day, mean of the run'),
    ...(best === undefined
      ? []
      : [
          tile(
            best.gain! > 0 ? 'Gains most by deviating' : 'Loses least by deviating',
            best.coalition,
            '',
            `${formatGain(best.gain!)} alpha against honest`,
          ),
        ]),
  ];
}

const tile = (what: string, value: string, unit: string, how: string): Html =>
  html`<li><span class="what">${what}</span><b>${value}${unit === '' ? undefined : html` <span class="unit">${unit}</span>`}</b><span class="how">${how}</span></li>
`;

export function factsOf(result: SimulationResult, command: string, { name, licence }: ChartLibrary): Html {
  const { scenario, seed, version } = result;
  return html`<section aria-labelledby="scenario-title"><h2 id="scenario-title">Scenario</h2>
<div class="card">
<dl class="facts">
<dt>Scenario</dt><dd>${scenario.name}</dd>
<dt>Seed</dt><dd><code>${seed}</code></dd>
<dt>Version</dt><dd>assay ${version}, chain spec ${scenario.network.specVersion}</dd>
<dt>Made by</dt><dd><code id="command">${command}</code> <button type="button" class="small" data-copy="command">Copy command</button></dd>
</dl>
<details><summary>Scenario with all its defaults</summary>
<button type="button" class="small" data-copy="scenario-text">Copy scenario</button>
<pre id="scenario-text" tabindex="0">${JSON.stringify(scenario, null, 2)}</pre></details>
${totalsTable(result)}
</div></section>
<footer><p>Charts are drawn with ${name}; the file needs no network.</p><details><summary>Licence of ${name}</summary><pre>${licence}</pre></details></footer>`;
}

function totalsTable({ totals, final, days }: SimulationResult): Html {
  const rows: [string, string, number][] = [
    ['days', 'days', days],
    ['paid to miners', 'alpha', toTokens(totals.minersRao)],
    ['paid to validators and their stakers', 'alpha', toTokens(totals.validatorsRao)],
    ['paid to the owner', 'alpha', toTokens(totals.ownerRao)],
    ['set aside for root', 'alpha', toTokens(totals.rootRao)],
    ['burned', 'alpha', toTokens(totals.burnedRao)],
    ['recycled', 'alpha', toTokens(totals.recycledRao)],
    ['minted for them and paid to nobody', 'alpha', toTokens(unpaidRao(totals))],
    ['injected into the pool', 'TAO', toTokens(totals.taoInRao)],
    ['injected into the pool', 'alpha', toTokens(totals.alphaInRao)],
    ['spent by the chain on alpha', 'TAO', toTokens(totals.excessTaoRao)],
    ['bought by the chain', 'alpha', toTokens(totals.boughtAlphaRao)],
    ['paid for registrations', 'TAO', toTokens(totals.registeredTaoRao)],
    ['bought by registrations', 'alpha', toTokens(totals.registeredAlphaRao)],
    ['minted on the whole chain', 'TAO', toTokens(totals.mintedTaoRao)],
    ['minted', 'alpha', toTokens(totals.mintedAlphaRao)],
    ['in the pool at the end', 'TAO', toTokens(final.poolTaoRao)],
    ['in the pool at the end', 'alpha', toTokens(final.poolAlphaRao)],
    ['outside the pool at the end', 'alpha', toTokens(final.alphaOutRao)],
    ['price at the end', 'TAO per alpha', final.price],
    ['moving price at the end', 'TAO per alpha', final.movingPrice],
    ['price of registering at the end', 'TAO', toTokens(final.burnTaoRao)],
  ];
  return foldedTable(
    'Sums of the run',
    [
      { heading: 'what', texts: rows.map(([what]) => what) },
      { heading: 'amount', texts: rows.map(([, , amount]) => formatNumber(amount)) },
      { heading: 'unit', texts: rows.map(([, unit]) => unit) },
    ],
    { summary: 'Sums of the run' },
  );
}
