// Owns: tables of numbers under charts. Does not own: which numbers.
import { type Html, html } from './html.js';
import { columnDecimals, formatFixed, type Measured } from './numbers.js';

export interface TextColumn {
  readonly heading: string;
  readonly texts: readonly string[];
}
export interface NumberColumn {
  readonly heading: string;
  readonly unit?: string;
  readonly values: readonly Measured[];
}
export type Column = TextColumn | NumberColumn;

interface Fold {
  /** @default 'Table' */
  readonly summary?: string;
  /** what a row stands for, where that is not plain */
  readonly aside?: string;
}

/**
 * A table that is folded away until it is asked for. The first column names the rows. Columns are of one length;
 * each has its own number of decimals.
 */
export function foldedTable(
  caption: string,
  columns: readonly Column[],
  { summary = 'Table', aside }: Fold = {},
): Html {
  const [first] = columns;
  if (first === undefined) throw new RangeError('columns: expected at least one, got none');
  const cells = columns.map(cellsOf);
  const rows = cells[0]!.map(
    (_, row) => html`<tr>${columns.map((column, i) => cell(column, i, cells[i]![row]!))}</tr>
`,
  );
  return html`<details class="table">
<summary>${summary} <span class="quiet">${rows.length} ${rows.length === 1 ? 'row' : 'rows'}${aside === undefined ? undefined : `, ${aside}`}</span></summary>
<div class="scroll" tabindex="0" role="region" aria-label="${caption}">
<table><caption>${caption}</caption>
<thead><tr>${columns.map(heading)}</tr></thead>
<tbody>
${rows}</tbody></table>
</div>
<button type="button" class="small" data-copy-table>Copy table</button>
</details>`;
}

const isText = (column: Column): column is TextColumn => 'texts' in column;

const heading = (column: Column): Html =>
  isText(column)
    ? html`<th scope="col" class="text">${column.heading}</th>`
    : html`<th scope="col">${column.heading}${column.unit === undefined ? undefined : html` <span class="unit">${column.unit}</span>`}</th>`;

function cellsOf(column: Column): string[] {
  if (isText(column)) return [...column.texts];
  const decimals = columnDecimals(column.values);
  return column.values.map((value) => formatFixed(value, decimals));
}

function cell(column: Column, index: number, text: string): Html {
  const kind = isText(column) ? html` class="text"` : undefined;
  return index === 0 ? html`<th scope="row"${kind}>${text}</th>` : html`<td${kind}>${text}</td>`;
}
