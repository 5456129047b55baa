// Owns: many rows of (uid, u16) pairs in three arrays, and such rows handed out as if they were lists of pairs.
// Does not own: what rows mean.
import type { U16Row } from './epoch.js';

/** Those of row r are from `starts[r]` to `starts[r + 1]`, in stored order. */
export interface PackedRows {
  readonly starts: Int32Array;
  readonly columns: Uint16Array;
  /** u16 */
  readonly values: Uint16Array;
}

const packedRows = new WeakMap<readonly U16Row[], PackedRows>();

/** Of columns below `n`. What `toRows` gave is packed already. */
export function packRows(rows: readonly U16Row[], n: number): PackedRows {
  const known = packedRows.get(rows);
  if (known !== undefined) return known;
  const size = rows.reduce((count, row) => count + row.length, 0);
  const starts = new Int32Array(rows.length + 1);
  const columns = new Uint16Array(size);
  const values = new Uint16Array(size);
  let at = 0;
  for (let row = 0; row < rows.length; row++) {
    const entries = rows[row]!;
    for (let k = 0; k < entries.length; k++) {
      const entry = entries[k]!;
      if (entry[0] >= n) continue;
      columns[at] = entry[0];
      values[at++] = entry[1];
    }
    starts[row + 1] = at;
  }
  return { starts, columns, values };
}

/**
 * The rows as lists of pairs, each made when it is first looked at: a quarter of a million pairs cost more than the
 * epoch that computed them, and the next epoch takes them packed. Frozen, so that both say the same.
 */
export function toRows(packed: PackedRows): readonly U16Row[] {
  const rows = new Array<U16Row>(packed.starts.length - 1).fill(NONE);
  for (let row = 0; row < rows.length; row++) {
    if (packed.starts[row] === packed.starts[row + 1]) continue;
    let made: U16Row | undefined;
    const get = (): U16Row => {
      made ??= toRow(packed, row);
      return made;
    };
    Object.defineProperty(rows, row, { get, enumerable: true });
  }
  packedRows.set(Object.freeze(rows), packed);
  return rows;
}
const NONE: U16Row = Object.freeze([]);

function toRow({ starts, columns, values }: PackedRows, row: number): U16Row {
  const entries: (readonly [number, number])[] = [];
  for (let at = starts[row]!; at < starts[row + 1]!; at++) entries.push([columns[at]!, values[at]!]);
  return entries;
}
