// Owns: the frame of a chart over time: title, legend, place to draw, table. Does not own: drawing (client.ts).
import type { Figure, Line } from './figures.js';
import { type Html, html } from './html.js';
import { formatNumber, type Measured, plotted } from './numbers.js';
import { foldedTable } from './tables.js';
import type { TimeAxis } from './time-axis.js';

/** The same figure with as many points as its table shall have rows. */
export interface TableRows {
  readonly figure: Figure;
  readonly time: TimeAxis;
  readonly epochsPerRow: number;
}

export function chartFrame(figure: Figure, table: TableRows): Html {
  const { id, title, note, unit, lines, isWide } = figure;
  return html`<figure class="card${isWide ? ' wide' : ''}" id="${id}" data-figure="${id}">
<figcaption><h3>${title} <span class="unit">${unit}</span></h3><p>${note}</p></figcaption>
${legend(lines)}
<div class="plot" tabindex="0" role="slider" aria-label="${title}, point in time" aria-valuemin="0" aria-valuemax="0" aria-valuenow="0"></div>
${foldedTable(
  title,
  [
    { heading: 'epoch', values: table.time.epochs },
    { heading: 'day', values: table.time.days },
    ...table.figure.lines.map(({ label, values }) => ({ heading: label, unit, values })),
    ...table.figure.beside.map(({ label, unit: own, values }) => ({ heading: label, unit: own, values })),
  ],
  table.epochsPerRow === 1 ? {} : { aside: `each for ${table.epochsPerRow} epochs` },
)}
</figure>`;
}

/** Buttons that take a line away and bring it back; beside each the value where the cursor is, at first the last one. */
function legend(lines: readonly Line[]): Html {
  const item = (
    { label, colour, dash, values }: Line,
    i: number,
  ): Html => html`<li><button type="button" aria-pressed="true" data-line="${i}">${swatch(colour, dash)}<span class="name">${label}</span> <span class="value">${formatNumber(values[values.length - 1])}</span></button></li>
`;
  return html`<div class="key"><ul class="legend">
${lines.map(item)}</ul><p class="when"></p></div>`;
}

const swatch = (colour: string, dash: string): Html =>
  html`<svg class="swatch" width="22" height="10" aria-hidden="true"><line x1="1" y1="5" x2="21" y2="5" stroke="var(${colour})" stroke-width="4" stroke-dasharray="${dash}"/></svg>`;

/** What the script draws a figure from. */
export interface PlotData {
  readonly shape: 'stack' | 'lines';
  readonly unit: string;
  readonly isFromZero: boolean;
  readonly lines: readonly {
    readonly label: string;
    readonly colour: string;
    readonly dash: readonly number[];
    readonly values: readonly (number | null)[];
  }[];
}

export const plotData = ({ shape, unit, isFromZero, lines }: Omit<Figure, 'beside'>): PlotData => ({
  shape,
  unit,
  isFromZero,
  lines: lines.map(({ label, colour, dash, values }) => ({
    label,
    colour,
    dash: dash === '' ? [] : dash.split(' ').map(Number),
    values: values.map((value: Measured) => plotted(value)),
  })),
});
