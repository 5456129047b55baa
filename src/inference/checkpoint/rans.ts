// Owns: a static range coder (rANS) for streams of bytes under tables of frequencies, and those tables' bytes.
// Does not own: which byte is coded under which table (delta.ts).
// Integers alone, so that every implementation makes the same bytes; node:zlib's differ between versions, and cost more.

/** Frequencies of a table sum to it: 12 bits keep a decoding table in the first cache. */
export const SCALE_BITS = 12;
const SCALE = 1 << SCALE_BITS;
/** The coder's state is never below it between symbols: 16-bit words go in and out, at most one a symbol. */
const LOW = 0x10000;

/** 256 frequencies that sum to 4096, or all zero: a table that codes nothing. */
export type Frequencies = Uint16Array;

/**
 * Counts as frequencies: floors, at least 1 of what occurs; what is left over goes to the largest remainders, what is too
 * much comes from the largest frequencies; of equal ones the lowest byte first.
 */
export function normalise(counts: Float64Array): Frequencies {
  const out = new Uint16Array(256);
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (total === 0) return out;
  let sum = 0;
  const remainders = new Float64Array(256);
  for (let i = 0; i < 256; i++) {
    const scaled = counts[i]! * SCALE;
    if (scaled === 0) continue;
    const floor = Math.floor(scaled / total);
    out[i] = Math.max(1, floor);
    remainders[i] = floor === 0 ? 0 : scaled % total;
    sum += out[i]!;
  }
  for (; sum < SCALE; sum++) {
    const most = largest(remainders);
    out[most]!++;
    remainders[most] = 0;
  }
  for (; sum > SCALE; sum--) out[largest(out)]!--;
  return out;
}

function largest(values: Float64Array | Uint16Array): number {
  let best = 0;
  for (let i = 1; i < values.length; i++) if (values[i]! > values[best]!) best = i;
  return best;
}

/** LEB128 of each frequency; a zero is followed by one byte: how many more zeros follow it. */
export function tableBytes(table: Frequencies): Uint8Array {
  const out: number[] = [];
  for (let i = 0; i < 256; i++) {
    const frequency = table[i]!;
    if (frequency === 0) {
      let more = 0;
      while (i + 1 < 256 && table[i + 1] === 0) {
        more++;
        i++;
      }
      out.push(0, more);
    } else if (frequency < 128) out.push(frequency);
    else out.push((frequency & 127) | 128, frequency >>> 7);
  }
  return Uint8Array.from(out);
}

/** @returns undefined for bytes that are no table in its one spelling; `end`: where it ends in `bytes` */
export function parseTable(bytes: Uint8Array, at: number): { table: Frequencies; end: number } | undefined {
  const table = new Uint16Array(256);
  let sum = 0;
  let afterZeros = false;
  for (let i = 0; i < 256; ) {
    const [first, second] = [bytes[at], bytes[at + 1]];
    if (first === undefined || sum > SCALE) return undefined;
    if (first === 0) {
      // a run of zeros is written once
      if (second === undefined || afterZeros || i + 1 + second > 256) return undefined;
      i += 1 + second;
      at += 2;
      afterZeros = true;
    } else {
      if (first > 127 && (second === undefined || second === 0 || second > SCALE >>> 7)) return undefined;
      const frequency = first > 127 ? (first & 127) | (second! << 7) : first;
      table[i++] = frequency;
      sum += frequency;
      at += first > 127 ? 2 : 1;
      afterZeros = false;
    }
  }
  return sum === SCALE || sum === 0 ? { table, end: at } : undefined;
}

/** For each of the 4096 slots: byte (8 bits) | frequency - 1 (12) << 8 | slot - start (12) << 20. */
export type Slots = Uint32Array;

/** Of a table that codes nothing: empty, which a decoder takes for a malformed stream. */
export function slotsOf(table: Frequencies): Slots {
  let sum = 0;
  for (const frequency of table) sum += frequency;
  const slots = new Uint32Array(sum === SCALE ? SCALE : 0);
  if (slots.length === 0) return slots;
  for (let byte = 0, start = 0; byte < 256; byte++)
    for (let i = 0, frequency = table[byte]!; i < frequency; i++)
      slots[start++] = byte | ((frequency - 1) << 8) | (i << 20);
  return slots;
}

/** Writes symbols from the last to the first, as rANS must, so that they are read from the first to the last. */
export interface Encoder {
  /** @param table under which `byte` occurs */
  put(byte: number, table: EncodingTable): void;
  /** state, then the words, as a decoder reads them; nothing for no symbols */
  finish(): Uint8Array;
}

export interface EncodingTable {
  readonly frequency: Uint16Array;
  readonly start: Uint16Array;
}

export function encodingTable(frequency: Frequencies): EncodingTable {
  const start = new Uint16Array(256);
  for (let i = 1; i < 256; i++) start[i] = start[i - 1]! + frequency[i - 1]!;
  return { frequency, start };
}

/** @param symbols how many will be put, at most */
export function createEncoder(symbols: number): Encoder {
  const words = new Uint16Array(symbols);
  let at = symbols;
  let state = LOW;
  let isEmpty = true;
  return {
    put(byte, { frequency, start }) {
      const f = frequency[byte]!;
      if (state >= f * 0x100000) {
        words[--at] = state & 0xffff;
        state >>>= 16;
      }
      const quotient = (state / f) >>> 0;
      state = (quotient * SCALE + (state - quotient * f) + start[byte]!) >>> 0;
      isEmpty = false;
    },
    finish() {
      if (isEmpty) return new Uint8Array(0);
      const out = new Uint8Array(4 + 2 * (symbols - at));
      const view = new DataView(out.buffer);
      view.setUint32(0, state, true);
      for (let i = at, to = 4; i < symbols; i++, to += 2) view.setUint16(to, words[i]!, true);
      return out;
    },
  };
}

/** The state after the last symbol: a stream that ends in another was not written by an encoder. */
export const FINAL_STATE = LOW;
