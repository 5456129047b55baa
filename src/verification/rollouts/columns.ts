// Owns: columns of whole numbers as bytes, and lists of byte strings in MessagePack. Does not own: which columns there are.
import { Packr } from 'msgpackr';

/** Bytes of the longest spelling of 32 bits. */
export const MAX_VARINT = 5;

/** Seven bits a byte, lowest first, the high bit set on all but the last (LEB128). */
export function encodeColumn(values: ArrayLike<number>): Uint8Array {
  let length = 0;
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    length += value < 0x80 ? 1 : value < 0x4000 ? 2 : value < 0x200000 ? 3 : value < 0x10000000 ? 4 : 5;
  }
  const out = new Uint8Array(length);
  let at = 0;
  for (let i = 0; i < values.length; i++) {
    let value = values[i]!;
    while (value >= 0x80) {
      out[at++] = (value & 0x7f) | 0x80;
      value >>>= 7;
    }
    out[at++] = value;
  }
  return out;
}

/**
 * @param out filled
 * @returns whether `bytes` are exactly `out.length` numbers, none above `max`, each in its shortest spelling
 */
export function decodeColumn(bytes: Uint8Array, out: Uint32Array, max: number): boolean {
  const end = bytes.length;
  if (end < out.length) return false;
  let at = 0;
  for (let i = 0; i < out.length; i++) {
    if (at >= end) return false;
    let byte = bytes[at++]!;
    let value = byte;
    if (byte >= 0x80) {
      value &= 0x7f;
      // multiplied, not shifted: the fifth byte goes beyond 31 bits
      for (let unit = 0x80; ; unit *= 0x80) {
        if (at >= end) return false;
        byte = bytes[at++]!;
        value += (byte & 0x7f) * unit;
        if (byte < 0x80) break;
        // and no farther: zero times a place value beyond a double is no number, which no comparison refuses
        if (unit >= 2 ** 28) return false;
      }
      if (byte === 0) return false; // a shorter spelling exists
    }
    if (value > max) return false;
    out[i] = value;
  }
  return at === end;
}

/** `useRecords`: an extension of its own, which other readers do not know. */
const packr = () => new Packr({ useRecords: false });

/** A MessagePack array of byte strings, at most 15, each in the shortest form. */
export const encodeBins = (bins: readonly Uint8Array[]): Uint8Array => packr().pack(bins);

/**
 * Views of the byte strings; undefined unless the bytes are the spelling that `encodeBins` gives to `count` of them.
 * Walked here and not by msgpackr: from a stranger's bytes its reader makes dates, errors, sets, records and typed arrays, and
 * takes every spelling of a length.
 */
export function decodeBins(bytes: Uint8Array, count: number): Uint8Array[] | undefined {
  if (bytes[0] !== (0x90 | count)) return undefined;
  const bins: Uint8Array[] = [];
  let at = 1;
  for (let i = 0; i < count; i++) {
    const width = BIN_WIDTHS.get(bytes[at++] ?? 0);
    if (width === undefined || at + width > bytes.length) return undefined;
    let length = 0;
    for (let k = 0; k < width; k++) length = length * 256 + bytes[at++]!;
    const shortest = length < 0x100 ? 1 : length < 0x10000 ? 2 : 4;
    if (width !== shortest || at + length > bytes.length) return undefined;
    bins.push(bytes.subarray(at, at + length));
    at += length;
  }
  return at === bytes.length ? bins : undefined;
}

/** MessagePack's three types of byte strings, and the bytes of the length (big-endian) that follows. */
const BIN_WIDTHS: ReadonlyMap<number, number> = new Map([
  [0xc4, 1],
  [0xc5, 2],
  [0xc6, 4],
]);
