// Owns: what differs between two tensors of bfloat16, as streams of gaps and steps, and how such streams are followed.
// Does not own: how the streams are coded (rans.ts), files of them (delta.ts).
// Bit patterns are compared, never numbers: -0 and 0, and every NaN, are patterns of their own.
import { unsupported } from '../../model/errors.js';
import { fromOrdered, toOrdered } from './bf16-order.js';

/** One tensor's changes, in the order of their places; a structure of arrays. */
export interface Changes {
  readonly count: number;
  /** for each: elements since the one before (from the first element: its index), LEB128 */
  readonly gaps: Uint8Array;
  /** for each: the step in units of the last place, zigzag without zero; 255 where that is not below 255 */
  readonly steps: Uint8Array;
  /** for each 255: the step modulo 2^16, u16 little-endian */
  readonly escapes: Uint8Array;
}

export const ESCAPE = 255;

/** A step as its byte of the stream: 1, -1, 2, -2 ... are 0, 1, 2, 3 ... */
const zigzag = (step: number): number => (step > 0 ? 2 * step - 2 : -2 * step - 1);

/** A step modulo 2^16 as the shortest one: -32768 ... 32767. */
export const signedStep = (step: number): number => (step << 16) >> 16;

/** Takes changes in ascending order of their places. */
export interface ChangeWriter {
  /** @param step modulo 2^16, not 0 */
  add(position: number, step: number): void;
  finish(): Changes;
}

export function createChangeWriter(): ChangeWriter {
  let gaps = new Uint8Array(4096);
  let steps = new Uint8Array(4096);
  const escapes: number[] = [];
  let gapsAt = 0;
  let count = 0;
  let next = 0;
  return {
    add(position, step) {
      if (gapsAt + 8 > gaps.length) gaps = doubled(gaps);
      if (count === steps.length) steps = doubled(steps);
      let gap = position - next;
      next = position + 1;
      for (; gap > 127; gap = gap < 0x80000000 ? gap >>> 7 : Math.floor(gap / 128))
        gaps[gapsAt++] = (gap % 128) | 128;
      gaps[gapsAt++] = gap;
      const byte = zigzag(signedStep(step));
      if (byte >= ESCAPE) escapes.push(step & 255, (step >>> 8) & 255);
      steps[count++] = Math.min(byte, ESCAPE);
    },
    finish: () => ({
      count,
      gaps: gaps.subarray(0, gapsAt),
      steps: steps.subarray(0, count),
      escapes: Uint8Array.from(escapes),
    }),
  };
}

function doubled(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(2 * bytes.length);
  out.set(bytes);
  return out;
}

/** Two weights at a time, as long as they are equal. */
export function changesBetween(a: Uint16Array, b: Uint16Array): Changes {
  assertLittleEndian();
  if (a.length !== b.length) throw new RangeError(`elements: expected ${a.length}, got ${b.length}`);
  const [base, next] = [aligned(a), aligned(b)];
  const writer = createChangeWriter();
  const pairs = base.length >>> 1;
  const before = new Int32Array(base.buffer, base.byteOffset, pairs);
  const after = new Int32Array(next.buffer, next.byteOffset, pairs);
  const compare = (i: number): void => {
    const [from, to] = [base[i]!, next[i]!];
    if (from !== to) writer.add(i, toOrdered(to) - toOrdered(from));
  };
  for (let i = 0; i < pairs; i++) {
    if (before[i] === after[i]) continue;
    compare(2 * i);
    compare(2 * i + 1);
  }
  if (base.length & 1) compare(base.length - 1);
  return writer.finish();
}

const aligned = (words: Uint16Array): Uint16Array => (words.byteOffset % 4 === 0 ? words : words.slice());

/** In place: `words[positions[i]]` moves by `steps[i]`, for the first `count`. */
export function move(words: Uint16Array, positions: Float64Array, steps: Int32Array, count: number): void {
  for (let i = 0; i < count; i++) {
    const position = positions[i]!;
    words[position] = fromOrdered((toOrdered(words[position]!) + steps[i]!) & 0xffff);
  }
}

/** Words are taken as they lie in memory: elsewhere the same file would be other numbers. */
export function assertLittleEndian(): void {
  if (new Uint8Array(Uint16Array.of(1).buffer)[0] !== 1)
    throw unsupported('deltas of checkpoints', 'this host keeps the high byte of a number first');
}
