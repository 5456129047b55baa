// Owns: the two charts of a miner's page: credit by epoch, times within their window. Does not own: numbers (view.ts).
import type { Check } from '../history.js';
import type { ParameterFacts } from '../parameter-facts.js';
import { type Html, html } from '../parts.js';
import type { MinerStory, Timing } from './view.js';

const WIDTH = 640;
const HEIGHT = 180;
const LEFT = 56;
const BOTTOM = 22;
const TOP = 10;

/** Bars of the mean credit of each epoch or day; the dashed line is all that the class is expected to prove. */
export function creditChart(credit: MinerStory['credit'], of: MinerStory['of']): Html {
  const top = Math.max(1.1, ...credit.map(({ share }) => share ?? 0));
  const y = (share: number): number => round(HEIGHT - BOTTOM - (share / top) * (HEIGHT - BOTTOM - TOP));
  const step = (WIDTH - LEFT) / Math.max(credit.length, 8);
  const bars = credit.map(({ label, share, checks }, i) => {
    const x = round(LEFT + i * step + step * 0.14);
    const said = share === undefined ? 'nothing judged' : share.toFixed(3);
    return html`<rect class="${share === undefined ? 'axis' : 'dot'}" x="${x}" y="${y(share ?? 0)}" width="${round(step * 0.72)}" height="${round(HEIGHT - BOTTOM - y(share ?? 0))}"><title>${label}: ${said}, ${checks} checks</title></rect>`;
  });
  const every = Math.max(1, Math.ceil((credit.length * 46) / (WIDTH - LEFT)));
  const labels = credit.map(({ label }, i) =>
    i % every === 0
      ? html`<text x="${round(LEFT + (i + 0.5) * step)}" y="${HEIGHT - 6}" text-anchor="middle">${label}</text>`
      : html``,
  );
  return html`<svg class="chart" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="Mean credit of each ${of}: ${creditSaid(credit, of)}">
<line class="axis" x1="${LEFT}" y1="${HEIGHT - BOTTOM}" x2="${WIDTH}" y2="${HEIGHT - BOTTOM}"/>
${bars}<line class="edge" x1="${LEFT}" y1="${y(1)}" x2="${WIDTH}" y2="${y(1)}"/>
<text x="${LEFT - 6}" y="${round(y(1) + 4)}" text-anchor="end">1.00</text><text x="${LEFT - 6}" y="${HEIGHT - BOTTOM + 4}" text-anchor="end">0</text>
${labels}</svg>`;
}

function creditSaid(credit: MinerStory['credit'], of: MinerStory['of']): string {
  const known = credit.flatMap(({ share }) => (share === undefined ? [] : [share]));
  if (known.length === 0) return 'nothing judged';
  return `${credit.length} ${credit.length === 1 ? of : `${of}s`}, from ${known[0]!.toFixed(2)} to ${known.at(-1)!.toFixed(2)}, lowest ${Math.min(...known).toFixed(2)}`;
}

/** Checks that are drawn, the newest. */
const MOST_DOTS = 400;

/** Each check as a dot: its time as a part of its window. The band is where eight in ten of the class's accepted ones are. */
export function timingChart(
  checks: readonly Check[],
  timings: readonly Timing[],
  parameters: ParameterFacts,
): Html {
  const dots = checks
    .slice(0, MOST_DOTS)
    .reverse()
    .flatMap(({ paramsId, measuredMs, verdict, reason, slot, block }) => {
      const window = parameters.set(paramsId)?.windowMs;
      return window === undefined || measuredMs === undefined
        ? []
        : [{ part: measuredMs / window, measuredMs, verdict, reason, slot, block }];
    });
  if (dots.length === 0)
    return html`<p class="empty">No check here was timed within a window that is known.</p>`;
  const top = 1.25;
  const y = (part: number): number =>
    round(HEIGHT - BOTTOM - (Math.min(part, top) / top) * (HEIGHT - BOTTOM - TOP));
  const x = (i: number): number => round(LEFT + 8 + (i * (WIDTH - LEFT - 16)) / Math.max(1, dots.length - 1));
  const bands = timings.flatMap(({ band, windowMs, className }) =>
    band === undefined || windowMs === undefined
      ? []
      : [
          html`<rect class="band" x="${LEFT}" y="${y(band.p90 / windowMs)}" width="${WIDTH - LEFT}" height="${round(Math.max(2, y(band.p10 / windowMs) - y(band.p90 / windowMs)))}"><title>${className ?? 'class'}: ${band.p10.toFixed(0)} to ${band.p90.toFixed(0)} ms</title></rect>`,
        ],
  );
  const tone = { accepted: 'good', rejected: 'bad', inconclusive: 'warn' } as const;
  return html`<svg class="chart" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="Times of ${dots.length} checks as parts of their window; ${dots.filter(({ part }) => part > 1).length} came after it">
${bands}<line class="axis" x1="${LEFT}" y1="${HEIGHT - BOTTOM}" x2="${WIDTH}" y2="${HEIGHT - BOTTOM}"/>
<line class="edge" x1="${LEFT}" y1="${y(1)}" x2="${WIDTH}" y2="${y(1)}"/>
${dots.map(
  ({ part, measuredMs, verdict, reason, slot, block }, i) =>
    html`<circle class="${tone[verdict]}" cx="${x(i)}" cy="${y(part)}" r="3"><title>block ${block}, slot ${slot}: ${measuredMs.toFixed(0)} ms, ${verdict}${reason === '' ? '' : ` ${reason}`}</title></circle>`,
)}
<text x="${LEFT - 6}" y="${round(y(1) + 4)}" text-anchor="end">window</text><text x="${LEFT - 6}" y="${HEIGHT - BOTTOM + 4}" text-anchor="end">Go</text>
<text x="${LEFT}" y="${HEIGHT - 6}">older</text><text x="${WIDTH - 4}" y="${HEIGHT - 6}" text-anchor="end">newer</text></svg>`;
}

const round = (value: number): number => Math.round(value * 10) / 10;
