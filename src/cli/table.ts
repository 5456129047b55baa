// Owns: tables: how wide they may be, what is wrapped and what is cut, that a cell is data. Does not own: what stands in them.
import CliTable from 'cli-table3';
import { filled, largest, shown, widthOf, wrapped, wrappedWhole } from './text-width.js';

type Cell = string | number | bigint | boolean | undefined;

export interface TableOptions {
  readonly head: readonly string[];
  /** @default all left */
  readonly colAligns?: readonly ('left' | 'right')[];
  /**
   * columns that a terminal does without where not all fit, the first one first; below the table stands which
   * @default none
   */
  readonly spare?: readonly string[];
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
 * whole), figures never; where that is not enough the lines between columns go, then columns that can be spared; where not
 * even that fits, each row is a block of lines instead.
 */
export class Table {
  readonly #head: readonly string[];
  readonly #aligns: readonly ('left' | 'right')[];
  readonly #spare: readonly string[];
  readonly #rows: (readonly string[])[] = [];

  constructor({ head, colAligns = [], spare = [] }: TableOptions) {
    this.#head = head.map(shown);
    this.#aligns = head.map((_, i) => colAligns[i] ?? 'left');
    this.#spare = spare;
  }

  push(...rows: readonly (readonly Cell[])[]): void {
    for (const row of rows) this.#rows.push(this.#head.map((_, i) => shown(row[i])));
  }

  toString(width: number = terminalWidth()): string {
    const columns = this.#head.map((name, i) => ({
      name,
      cells: this.#rows.map((row) => row[i]!),
      align: this.#aligns[i]!,
    }));
    for (let left = 0; left <= this.#spare.length; left++) {
      const gone = this.#spare.slice(0, left);
      const there = columns.filter(({ name }) => !gone.includes(name));
      const text = bordered(there, width) ?? plain(there, width);
      if (text === undefined) continue;
      return left === 0
        ? text
        : `${text}\n${filled(`left out here: ${gone.join(', ')} (a wider terminal, or --json)`, width)}`;
    }
    return this.#blocks(width);
  }

  #blocks(width: number): string {
    const names = largest(this.#head.map(widthOf));
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

interface Content {
  readonly name: string;
  readonly cells: readonly string[];
  readonly align: 'left' | 'right';
}

/** Of longer ones the library hands all rows to one call, which takes no more than some ten thousand. */
const MOST_BORDERED = 10_000;

function bordered(columns: readonly Content[], width: number): string | undefined {
  if (columns[0]!.cells.length > MOST_BORDERED) return undefined;
  const widths = fitted(columns.map(columnOf), width - 3 * columns.length - 1);
  if (widths === undefined) return undefined;
  const table = new CliTable({
    head: columns.map(({ name }, i) => wrapped(name, widths[i]!)),
    style: PLAIN,
    colAligns: columns.map(({ align }) => align),
    colWidths: widths.map((each) => each + 2),
  });
  for (let row = 0; row < columns[0]!.cells.length; row++)
    table.push(columns.map(({ cells }, i) => wrapped(cells[row]!, widths[i]!)));
  return table.toString();
}

/** Two spaces between columns, a rule below the head. */
function plain(columns: readonly Content[], width: number): string | undefined {
  const widths = fitted(columns.map(columnOf), width - 2 * (columns.length - 1));
  if (widths === undefined) return undefined;
  const line = (texts: readonly string[]): string => {
    const cells = texts.map((text, i) => wrapped(text, widths[i]!).split('\n'));
    const height = Math.max(...cells.map((each) => each.length));
    return Array.from({ length: height }, (_, at) =>
      cells
        .map((each, i) => padded(each[at] ?? '', widths[i]!, columns[i]!.align))
        .join('  ')
        .trimEnd(),
    ).join('\n');
  };
  return [
    line(columns.map(({ name }) => name)),
    widths.map((each) => '─'.repeat(each)).join('  '),
    ...columns[0]!.cells.map((_, row) => line(columns.map(({ cells }) => cells[row]!))),
  ].join('\n');
}

function padded(text: string, width: number, align: 'left' | 'right'): string {
  const space = ' '.repeat(Math.max(0, width - widthOf(text)));
  return align === 'left' ? `${text}${space}` : `${space}${text}`;
}

interface Column {
  readonly natural: number;
  readonly least: number;
}

function columnOf({ name: head, cells }: Content): Column {
  const body = largest(cells.map(widthOf));
  const natural = Math.max(body, widthOf(head));
  const headWord = largest(head.split(' ').map(widthOf));
  const words = cells.flatMap((cell) => cell.split(/\s+/)).map(widthOf);
  const longestWord = Math.min(LEAST_WORD, largest(words));
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
