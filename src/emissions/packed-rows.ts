// Owns: many rows of (uid, u16) pairs in three arrays, and such rows handed out as if they were lists of pairs.
// Does not own: what rows mean.
import { type EpochInput, type U16Row, wrongEntry } from './epoch.js';

/** Those of row r are from `starts[r]` to `starts[r + 1]`, in stored order. */
export interface PackedRows {
  readonly starts: Int32Array;
  readonly columns: Uint16Array;
  /** u16 */
  readonly values: Uint16Array;
}

/** One row: uids in stored order, and their u16 values. */
export interface PackedRow {
  readonly uids: Uint16Array;
  readonly values: Uint16Array;
}

export const EMPTY_ROW: PackedRow = { uids: new Uint16Array(0), values: new Uint16Array(0) };

/** Rows of uids below their own number, as an epoch takes them: packed, and lists of pairs to whoever looks. */
export function joinRows(rows: readonly PackedRow[]): readonly U16Row[] {
  const size = rows.reduce((count, { uids }) => count + uids.length, 0);
  const packed = {
    starts: new Int32Array(rows.length + 1),
    columns: new Uint16Array(size),
    values: new Uint16Array(size),
  };
  let at = 0;
  rows.forEach(({ uids, values }, row) => {
    packed.columns.set(uids, at);
    packed.values.set(values, at);
    at += uids.length;
    packed.starts[row + 1] = at;
  });
  return toRows(packed);
}

const packedRows = new WeakMap<readonly U16Row[], PackedRows>();

/**
 * Of columns below `n`. What `toRows` gave and nobody has looked at is packed already.
 *
 * @throws RangeError for an entry that is no pair of u16, naming it
 */
export function packRows(input: EpochInput, name: 'weights' | 'bonds'): PackedRows {
  const { [name]: rows, n } = input;
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
      const uid = entry[0];
      const value = entry[1];
      // only a u16 is its own lower 16 bits
      if ((uid & 0xffff) !== uid || (value & 0xffff) !== value) throw wrongEntry(name, row, k, entry);
      if (uid >= n) continue;
      columns[at] = uid;
      values[at++] = value;
    }
    starts[row + 1] = at;
  }
  return { starts, columns, values };
}

/**
 * The rows as lists of pairs, each made when it is first looked at: a quarter of a million pairs cost more than the
 * epoch that computed them, and the next epoch takes them packed. No row can be replaced. Whoever looks at one could
 * write into it, so from then on they are read as any other rows: freezing every pair would make an epoch whose bonds are looked at a third slower (measured).
 */
export function toRows(packed: PackedRows): readonly U16Row[] {
  const rows = new Array<U16Row>(packed.starts.length - 1).fill(NONE);
  for (let row = 0; row < rows.length; row++) {
    if (packed.starts[row] === packed.starts[row + 1]) continue;
    let made: U16Row | undefined;
    const get = (): U16Row => {
      if (made === undefined) {
        made = toRow(packed, row);
        packedRows.delete(rows);
      }
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
