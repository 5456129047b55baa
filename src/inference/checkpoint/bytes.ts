// Owns: the fields of this folder's records: writing them, and reading them with an eye on their end. Does not own: which they are.
import { fromUtf8, utf8 } from '../../model/bytes.js';
import { invalid } from '../../model/invalid-input.js';
import { lengthPrefixed } from '../spec/tagged.js';

export const text = (value: string): Uint8Array => lengthPrefixed(utf8(value));

/** LEB128, at most 8 bytes: counts up to 2^53 - 1. */
export function leb128(value: number): Uint8Array {
  const out: number[] = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return Uint8Array.from([...out, rest]);
    out.push((rest % 128) | 128);
  }
}

/** Every method throws `invalid-input` beyond the end. */
export interface Reader {
  readonly at: number;
  u8(field: string): number;
  u32(field: string): number;
  /** at most 2^53 - 1 */
  u64(field: string): number;
  /** in its shortest form */
  leb128(field: string): number;
  /** a copy */
  bytes(length: number, field: string): Uint8Array;
  /** UTF-8 behind its length */
  text(maxBytes: number, field: string): string;
  /** bytes that must stand here */
  expect(bytes: Uint8Array, what: string): void;
  /** what was not read */
  rest(): Uint8Array;
  end(): void;
}

/** @param what names the record in errors */
export function createReader(bytes: Uint8Array, what: string): Reader {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let at = 0;
  const take = (length: number, field: string): number => {
    if (length > bytes.length - at)
      throw invalid(`${field} of ${what}`, `${length} bytes`, `${bytes.length - at}, the end`);
    const from = at;
    at += length;
    return from;
  };
  const count = (value: bigint | number, field: string): number => {
    if (value > Number.MAX_SAFE_INTEGER) throw invalid(`${field} of ${what}`, 'less than 2^53', `${value}`);
    return Number(value);
  };
  const reader: Reader = {
    get at() {
      return at;
    },
    u8: (field) => view.getUint8(take(1, field)),
    u32: (field) => view.getUint32(take(4, field), true),
    u64: (field) => count(view.getBigUint64(take(8, field), true), field),
    leb128(field) {
      let value = 0;
      for (let scale = 1; scale < 2 ** 56; scale *= 128) {
        const byte = reader.u8(field);
        value += (byte & 127) * scale;
        if (byte > 127) continue;
        if (byte === 0 && scale > 1) break;
        return count(value, field);
      }
      throw invalid(`${field} of ${what}`, 'a number in its shortest form', 'another');
    },
    bytes(length, field) {
      const from = take(length, field);
      return new Uint8Array(bytes.subarray(from, from + length)); // slice of a Buffer is no copy
    },
    text(maxBytes, field) {
      const length = reader.u32(field);
      if (length > maxBytes) throw invalid(`${field} of ${what}`, `at most ${maxBytes} bytes`, `${length}`);
      try {
        return fromUtf8(reader.bytes(length, field));
      } catch (error) {
        throw error instanceof TypeError
          ? invalid(`${field} of ${what}`, 'UTF-8', 'other bytes', error)
          : error;
      }
    },
    expect(expected, name) {
      const found = reader.bytes(expected.length, name);
      if (!found.every((byte, i) => byte === expected[i])) throw invalid(what, name, 'other bytes');
    },
    rest: () => bytes.subarray(at),
    end() {
      if (at !== bytes.length) throw invalid(what, `${at} bytes`, `${bytes.length}`);
    },
  };
  return reader;
}
