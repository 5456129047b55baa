// Owns: tables: how wide they may be, what is wrapped and what is cut, that a cell is data. Does not own: what stands in them.
import CliTable from 'cli-table3';
import { shown, widthOf, wrapped, wrappedWhole } from './text-width.js';

type Cell = string | number | bigint | boolean | undefined;

export interface TableOptions {
  readonly head: readonly string[];
  /** @default all left */
  readonly colAligns?: readonly ('left' | 'right')[];
}

/** No colours and no line between rows: tables are piped and pasted. */
const PLAIN = { head: [], border: [], compact: true };
/** A word that is longer is an address, a digest or a path, and may be cut in the middle. */
const LEAST_WORD = 13;
/** Of texts of several words: narrower, they are lists of syllables. */
const LEAST_TEXT = 12;

/**
 * Columns of a terminal; no limit where output is piped: files and other programs get every byte.
 * `COLUMNS` is not asked: shells do not export it, and what does means its own terminal.
 */
export const terminalWidth = (
  stream: { readonly isTTY?: boolean; readonly columns?: number } = process.stdout,
): number => (stream.isTTY === true ? stream.columns || 80 : Number.POSITIVE_INFINITY);

/**
 * Rows under a head. In a terminal they fit it: texts are wrapped, long words cut in the middle with … (`--json` has them
 * whole), numbers never; where not even that fits, each row is a block of lines instead.
 */
export class Table {
  readonly #head: readonly string[];
  readonly #aligns: readonly ('left' | 'right')[];
  readonly #rows: (readonly string[])[] = [];

  constructor({ head, colAligns = [] }: TableOptions) {
    this.#head = head.map(shown);
    this.#aligns = head.map((_, i) => colAligns[i] ?? 'left');
  }

  push(...rows: readonly (readonly Cell[])[]): void {
    for (const row of rows) this.#rows.push(this.#head.map((_, i) => shown(row[i])));
  }

  toString(width: number = terminalWidth()): string {
    const columns = this.#head.map((head, i) =>
      columnOf(
        head,
        this.#rows.map((row) => row[i]!),
      ),
    );
    const borders = 3 * columns.length + 1;
    const widths = fitted(columns, width - borders);
    if (widths === undefined) return this.#blocks(width);
    const table = new CliTable({
      head: this.#head.map((text, i) => wrapped(text, widths[i]!)),
      style: PLAIN,
      colAligns: [...this.#aligns],
      colWidths: widths.map((each) => each + 2),
    });
    for (const row of this.#rows) table.push(row.map((text, i) => wrapped(text, widths[i]!)));
    return table.toString();
  }

  #blocks(width: number): string {
    const names = Math.max(...this.#head.map(widthOf));
    return this.#rows
      .map((row) =>
        row
          .map((text, i) => {
            const name = this.#head[i]!;
            const lines = wrappedWhole(text, Math.max(LEAST_TEXT, width - names - 2)).split('\n');
            const indent = `\n${' '.repeat(names + 2)}`;
            return `${name}${' '.repeat(names - widthOf(name) + 2)}${lines.join(indent)}`.trimEnd();
          })
          .join('\n'),
      )
      .join('\n\n');
  }
}

interface Column {
  readonly natural: number;
  readonly least: number;
}

function columnOf(head: string, cells: readonly string[]): Column {
  const body = Math.max(0, ...cells.map(widthOf));
  const natural = Math.max(body, widthOf(head));
  const headWord = Math.max(...head.split(' ').map(widthOf));
  const words = cells.flatMap((cell) => cell.split(/\s+/)).map(widthOf);
  const longestWord = Math.min(LEAST_WORD, Math.max(0, ...words));
  const least = cells.every(isFigure)
    ? body
    : cells.some((cell) => cell.includes(' '))
      ? Math.max(longestWord, Math.min(LEAST_TEXT, body))
      : longestWord;
  return { natural, least: Math.min(natural, Math.max(least, headWord)) };
}

/** A figure with its unit is never cut nor broken: half of it would be another. */
const isFigure = (cell: string): boolean => /^(|-|yes|no|[-+~]?[\d.,:/]+( ?[%\p{L}²/]{1,6})?)$/u.test(cell);

/** The widest give way first; undefined where not even the least of all fits. */
function fitted(columns: readonly Column[], space: number): readonly number[] | undefined {
  const sum = (of: readonly number[]) => of.reduce((a, b) => a + b, 0);
  const natural = columns.map((column) => column.natural);
  if (sum(natural) <= space) return natural;
  if (sum(columns.map(({ least }) => least)) > space) return undefined;
  const capped = (cap: number) => columns.map(({ natural: n, least }) => Math.max(least, Math.min(n, cap)));
  let cap = Math.max(...natural);
  while (sum(capped(cap)) > space) cap--;
  const widths = capped(cap);
  // what whole columns left over goes to those that were cut, from the left
  for (const [i, { natural: n }] of columns.entries())
    if (sum(widths) < space && widths[i]! < n && widths[i]! >= cap) widths[i]! += 1;
  return widths;
}
