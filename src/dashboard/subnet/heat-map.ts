// Owns: weights as a picture of bounded size: validators down, miners across, miners together where there are too many. Does not own:
// the numbers (agreement.ts).
import { type Html, html } from '../parts.js';
import type { Agreement } from './agreement.js';

/** Columns and rows of the picture: a cell can still be seen at 390 pixels when it is scrolled. */
export const MOST_COLUMNS = 128;
export const MOST_ROWS = 64;
/** Tones beside nothing: .h1 to .h5 of the style sheet. */
const LEVELS = 5;

export interface HeatMap {
  /** uids, in the picture's order: validators that count, by stake */
  readonly rows: readonly number[];
  /** uids of miners of each column, by consensus, the best first */
  readonly columns: readonly (readonly number[])[];
  /** by row, then by column: 0 for none, 1..LEVELS */
  readonly levels: readonly (readonly number[])[];
  /** what the darkest tone stands for, of a row */
  readonly most: number;
  /** validators that are not in it */
  readonly rowsLeftOut: number;
}

export function heatMapOf({ validators, consensus, rows }: Agreement): HeatMap {
  const all = validators.filter(({ uid }) => rows.has(uid));
  const shown = all.slice(0, MOST_ROWS).map(({ uid }) => uid);
  const given = new Float64Array(consensus.length);
  for (const row of rows.values())
    row.forEach((value, column) => {
      given[column]! += value;
    });
  const miners = [...consensus.keys()]
    .filter((uid) => given[uid]! > 0)
    .sort((x, y) => consensus[y]! - consensus[x]! || given[y]! - given[x]! || x - y);
  const size = Math.max(1, Math.ceil(miners.length / MOST_COLUMNS));
  const columns = Array.from({ length: Math.ceil(miners.length / size) }, (_, i) =>
    miners.slice(i * size, (i + 1) * size),
  );
  const values = shown.map((uid) => {
    const row = rows.get(uid)!;
    return columns.map((group) => group.reduce((sum, to) => sum + row[to]!, 0) / group.length);
  });
  const most = values.flat().reduce((max, value) => Math.max(max, value), 0);
  return {
    rows: shown,
    columns,
    // by the root: what is small beside the largest is still told from nothing
    levels: values.map((row) =>
      row.map((value) => (value === 0 ? 0 : Math.max(1, Math.round(LEVELS * Math.sqrt(value / most))))),
    ),
    most,
    rowsLeftOut: all.length - shown.length,
  };
}

const LEFT = 44;

/** Few cells are large ones: a picture of three validators is no line. */
const cellOf = (columns: number, rows: number): { readonly width: number; readonly height: number } => ({
  width: columns <= 32 ? 26 : columns <= 64 ? 14 : 8,
  height: rows <= 8 ? 24 : rows <= 24 ? 16 : 12,
});

/** One path for each tone, runs of one tone as one rectangle: some kilobytes, whatever the subnet. */
export function heatMapSvg({ rows, columns, levels, most }: HeatMap): Html {
  const cell = cellOf(columns.length, rows.length);
  const width = LEFT + columns.length * cell.width;
  const height = rows.length * cell.height;
  const paths = Array.from({ length: LEVELS }, () => '');
  levels.forEach((row, y) => {
    for (let from = 0; from < row.length; ) {
      let to = from + 1;
      while (to < row.length && row[to] === row[from]) to++;
      const level = row[from]!;
      if (level > 0)
        paths[level - 1] +=
          `M${LEFT + from * cell.width} ${y * cell.height}h${(to - from) * cell.width}v${cell.height - 1}h${(from - to) * cell.width}z`;
      from = to;
    }
  });
  const many = columns.reduce((sum, group) => sum + group.length, 0);
  const name = `Weights of ${rows.length} validators on ${many} miners; the darkest is ${(most * 100).toPrecision(3)} % of a row. The tables below have the numbers.`;
  return html`<svg class="heat" viewBox="0 0 ${width} ${Math.max(1, height)}" width="${width}" height="${height}" role="img" aria-label="${name}">
${rows.map((uid, y) => html`<text x="${LEFT - 6}" y="${(y + 0.5) * cell.height + 3}" text-anchor="end" font-size="9" fill="currentColor">${uid}</text>`)}
${paths.map((path, i) => (path === '' ? html`` : html`<path class="h${i + 1}" d="${path}"/>`))}
</svg>`;
}
