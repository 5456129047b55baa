// Owns: the bytes of a delta: what brings the tensors of one checkpoint to those of another. Does not own: what differs
// (changes.ts), the coder (rans.ts), whether the result is right (apply.ts).
import { concat, u32le } from '../../model/bytes.js';
import { AssayError } from '../../model/errors.js';
import { invalid } from '../../model/invalid-input.js';
import { createReader, leb128, text } from './bytes.js';
import { type Changes, ESCAPE, signedStep } from './changes.js';
import {
  createEncoder,
  encodingTable,
  FINAL_STATE,
  type Frequencies,
  normalise,
  parseTable,
  type Slots,
  slotsOf,
  tableBytes,
} from './rans.js';

/** Name of the codec in manifests. */
export const DELTA_CODEC = 'bf16-steps/1';
const TAG = text('assay/rollouts/delta/1');
const DIGEST_BYTES = 32;
/** Of one delta: it is held in memory, and a full file is cheaper long before. */
export const MAX_DELTA_BYTES = 2 ** 31 - 1;
/** As many as a checkpoint may have (safetensors.ts). */
const MAX_FRAMES = 100_000;
/** Half octaves of density that a tensor of 2^53 elements can lie in. */
const MAX_CLASSES = 128;
/** Tables cost some 400 bytes: a class of fewer changes than this borrows its neighbour's. */
const WORTH_A_TABLE = 8192;

/** What one tensor becomes: steps from what it is, or, of other types and where steps would cost more, its bytes. */
export type TensorChange =
  | { readonly tensor: number; readonly elements: number; readonly steps: Changes }
  | { readonly tensor: number; readonly raw: Uint8Array };

export interface DeltaContent {
  /** Merkle roots of the tensors (manifest.ts) before and after */
  readonly baseRoot: Uint8Array;
  readonly resultRoot: Uint8Array;
  /** ascending by tensor, each at most once; those that stay are not here */
  readonly changes: readonly TensorChange[];
}

export interface Delta {
  readonly baseRoot: Uint8Array;
  readonly resultRoot: Uint8Array;
  readonly frames: readonly Frame[];
}

/** One tensor's part of the file. Frames share nothing but tables: they can be read in parallel. */
export type Frame = RawFrame | StepsFrame;
export interface RawFrame {
  readonly kind: 'raw';
  readonly tensor: number;
  readonly bytes: Uint8Array;
}
export interface StepsFrame {
  readonly kind: 'steps';
  readonly tensor: number;
  readonly count: number;
  readonly tables: Tables<Slots>;
  readonly gaps: Uint8Array;
  readonly steps: Uint8Array;
  readonly escapes: Uint8Array;
}

interface Tables<T> {
  /** of the first byte of a gap */
  readonly gap: T;
  /** of its later bytes */
  readonly more: T;
  readonly step: T;
}
const TABLES = ['gap', 'more', 'step'] as const;

/** The same content is the same bytes, whoever encodes it. */
export function encodeDelta({ baseRoot, resultRoot, changes }: DeltaContent): Uint8Array {
  const classes = classesOf(changes);
  const encoding = classes.tables.map(({ gap, more, step }) => ({
    gap: encodingTable(gap),
    more: encodingTable(more),
    step: encodingTable(step),
  }));
  const index: Uint8Array[] = [];
  const payloads: Uint8Array[] = [];
  let before = -1;
  for (const change of changes) {
    if (change.tensor <= before) throw new RangeError(`changes: expected ascending tensors, each once`);
    index.push(leb128(change.tensor - before - 1));
    before = change.tensor;
    if ('raw' in change) {
      index.push(Uint8Array.of(0), leb128(change.raw.length));
      payloads.push(change.raw);
      continue;
    }
    const { steps } = change;
    const at = classes.of(change);
    const tables = encoding[at]!;
    const coded = [codedGaps(steps.gaps, tables), codedSteps(steps.steps, tables.step), steps.escapes];
    const numbers = [at, steps.count, ...coded.map(({ length }) => length)];
    index.push(Uint8Array.of(1), ...numbers.map(leb128));
    payloads.push(...coded);
  }
  return concat(
    TAG,
    baseRoot,
    resultRoot,
    u32le(classes.tables.length),
    ...classes.tables.flatMap((tables) => TABLES.map((name) => tableBytes(tables[name]))),
    u32le(changes.length),
    ...index,
    ...payloads,
  );
}

/** Tensors of one density share tables: that is what the gaps' distribution hangs on. */
function classesOf(changes: readonly TensorChange[]) {
  const bySparsity = new Map<number, Changes[]>();
  for (const change of changes)
    if ('steps' in change) {
      const key = sparsity(change);
      bySparsity.set(key, [...(bySparsity.get(key) ?? []), change.steps]);
    }
  const keys = [...bySparsity.keys()].sort((a, b) => a - b);
  const index = new Map<number, number>();
  const groups: Changes[][] = [];
  let changed = 0;
  for (const key of keys) {
    const members = bySparsity.get(key)!;
    // the first class takes those after it in until it is worth its tables; so does each, the last joins the one before
    if (groups.length === 0 || changed >= WORTH_A_TABLE) {
      groups.push([]);
      changed = 0;
    }
    groups.at(-1)!.push(...members);
    for (const { count } of members) changed += count;
    index.set(key, groups.length - 1);
  }
  if (groups.length > 1 && changed < WORTH_A_TABLE) {
    groups.at(-2)!.push(...groups.pop()!);
    for (const [key, at] of index) if (at === groups.length) index.set(key, at - 1);
  }
  return {
    tables: groups.map(frequenciesOf),
    of: (change: { elements: number; steps: Changes }) => index.get(sparsity(change))!,
  };
}

/** Half octaves of elements per change: within one, a table loses some 0.2 %. Exact in IEEE doubles: every encoder agrees. */
function sparsity({ elements, steps }: { elements: number; steps: Changes }): number {
  let octaves = 0;
  let ratio = elements / steps.count;
  for (; ratio >= 2; ratio /= 2) octaves++;
  return 2 * octaves + (ratio * ratio >= 2 ? 1 : 0);
}

function frequenciesOf(members: readonly Changes[]): Tables<Frequencies> {
  const counts = { gap: new Float64Array(256), more: new Float64Array(256), step: new Float64Array(256) };
  for (const { gaps, steps } of members) {
    let isFirst = true;
    for (let i = 0; i < gaps.length; i++) {
      const byte = gaps[i]!;
      if (isFirst) counts.gap[byte]!++;
      else counts.more[byte]!++;
      isFirst = byte < 128;
    }
    for (let i = 0; i < steps.length; i++) counts.step[steps[i]!]!++;
  }
  return { gap: normalise(counts.gap), more: normalise(counts.more), step: normalise(counts.step) };
}

type Encoding = ReturnType<typeof encodingTable>;

function codedGaps(gaps: Uint8Array, { gap, more }: Tables<Encoding>): Uint8Array {
  const encoder = createEncoder(gaps.length);
  for (let i = gaps.length - 1; i >= 0; i--) encoder.put(gaps[i]!, i > 0 && gaps[i - 1]! > 127 ? more : gap);
  return encoder.finish();
}

function codedSteps(steps: Uint8Array, table: Encoding): Uint8Array {
  const encoder = createEncoder(steps.length);
  for (let i = steps.length - 1; i >= 0; i--) encoder.put(steps[i]!, table);
  return encoder.finish();
}

/**
 * The file's structure; what is in its streams shows when they are followed.
 * @throws AssayError `invalid-input`, `limit-exceeded`
 */
export function parseDelta(bytes: Uint8Array, what = 'delta'): Delta {
  limited(`bytes of ${what}`, bytes.length, MAX_DELTA_BYTES);
  const reader = createReader(bytes, what);
  reader.expect(TAG, 'a delta of version 1');
  const baseRoot = reader.bytes(DIGEST_BYTES, 'base root');
  const resultRoot = reader.bytes(DIGEST_BYTES, 'result root');
  const classCount = reader.u32('number of classes');
  limited(`classes of ${what}`, classCount, MAX_CLASSES);
  const classes = Array.from({ length: classCount }, () => {
    const [gap, more, step] = TABLES.map((name) => {
      const parsed = parseTable(bytes, reader.at);
      if (!parsed) throw invalid(`tables of ${what}`, 'frequencies that sum to 4096', 'others');
      reader.bytes(parsed.end - reader.at, `${name} table`);
      return slotsOf(parsed.table);
    });
    return { gap: gap!, more: more!, step: step! };
  });
  const frameCount = reader.u32('number of frames');
  limited(`frames of ${what}`, frameCount, MAX_FRAMES);
  const index = Array.from({ length: frameCount }, () => {
    const skipped = reader.leb128('tensor');
    const kind = reader.u8('kind');
    if (kind === 0) return { skipped, lengths: [reader.leb128('bytes')] };
    if (kind !== 1) throw invalid(`kind of a frame of ${what}`, '0 or 1', `${kind}`);
    const tables = classes[reader.leb128('class')];
    if (!tables) throw invalid(`class of a frame of ${what}`, `below ${classCount}`, 'another');
    const count = reader.leb128('changes');
    if (count === 0) throw invalid(`a frame of ${what}`, 'changes', 'none');
    const lengths = [reader.leb128('gaps'), reader.leb128('steps'), reader.leb128('escapes')];
    return { skipped, lengths, tables, count };
  });
  const payload = bytes.subarray(reader.at);
  let at = 0;
  let tensor = -1;
  const take = (length: number): Uint8Array => {
    if (length > payload.length - at)
      throw invalid(`payload of ${what}`, `${at + length} bytes or more`, `${payload.length}`);
    at += length;
    return payload.subarray(at - length, at);
  };
  const frames = index.map(({ skipped, lengths, tables, count }): Frame => {
    tensor += skipped + 1;
    if (tensor >= MAX_FRAMES) throw invalid(`tensor of ${what}`, `below ${MAX_FRAMES}`, `${tensor}`);
    const [first, second, third] = lengths.map(take);
    if (!tables) return { kind: 'raw', tensor, bytes: first! };
    return { kind: 'steps', tensor, count: count!, tables, gaps: first!, steps: second!, escapes: third! };
  });
  if (at !== payload.length) throw invalid(`payload of ${what}`, `${at} bytes`, `${payload.length}`);
  return { baseRoot, resultRoot, frames };
}

function limited(what: string, got: number, limit: number): void {
  if (got > limit)
    throw new AssayError('limit-exceeded', `${what}: ${got}, limit ${limit}`, { what, limit, got });
}

export interface ChangeReader {
  /**
   * The next changes in ascending order, as many as fit; places lie within the tensor.
   * @returns how many; 0 after the last one, when all streams ended where they must
   * @throws AssayError `invalid-input` for streams that no encoder writes
   */
  read(positions: Float64Array, steps: Int32Array): number;
}

/**
 * Memory is the caller's two arrays, time is in the number of changes, which is at most that of elements.
 * @param elements of the tensor
 */
export function readChanges(frame: StepsFrame, elements: number, what = 'delta'): ChangeReader {
  const { count, tables, escapes } = frame;
  const fail = (expected: string): never => {
    throw invalid(`tensor ${frame.tensor} of ${what}`, expected, 'another');
  };
  if (count > elements) fail(`at most ${elements} changes`);
  const gapWords = wordsOf(frame.gaps);
  const stepWords = wordsOf(frame.steps);
  if (!gapWords || !stepWords || tables.gap.length === 0 || tables.step.length === 0) fail('coded streams');
  const [gaps, steppings] = [gapWords!, stepWords!];
  let gapState = gaps.state;
  let stepState = steppings.state;
  let gapAt = 0;
  let stepAt = 0;
  let escapeAt = 0;
  let position = -1;
  let done = 0;

  const finish = (): number => {
    if (gapAt !== gaps.words.length || gapState !== FINAL_STATE) fail('gaps that end with their stream');
    if (stepAt !== steppings.words.length || stepState !== FINAL_STATE)
      fail('steps that end with their stream');
    if (escapeAt !== escapes.length) fail('as many escapes as steps say');
    return 0;
  };

  return {
    read(positions, steps) {
      const wanted = Math.min(count - done, positions.length, steps.length);
      if (wanted === 0) return done === count ? finish() : 0;
      // in variables of this call: measured twice as quick as those of the closure
      const { gap: first, more, step: third } = tables;
      const { words: g } = gaps;
      const { words: s } = steppings;
      let [x, y, i, j, place] = [gapState, stepState, gapAt, stepAt, position];
      for (let n = 0; n < wanted; n++) {
        let slot = first[x & 4095]!;
        x = (Math.imul(((slot >>> 8) & 4095) + 1, x >>> 12) + (slot >>> 20)) >>> 0;
        if (x < 65536) x = ((x << 16) | g[i++]!) >>> 0;
        let byte = slot & 255;
        place += 1 + (byte & 127);
        for (let scale = 128; byte > 127; scale *= 128) {
          if (more.length === 0 || scale > 2 ** 49) fail('a gap below 2^53');
          slot = more[x & 4095]!;
          x = (Math.imul(((slot >>> 8) & 4095) + 1, x >>> 12) + (slot >>> 20)) >>> 0;
          if (x < 65536) x = ((x << 16) | g[i++]!) >>> 0;
          byte = slot & 255;
          if (byte === 0) fail('gaps in their shortest form');
          place += (byte & 127) * scale;
        }
        if (place >= elements) fail(`changes within its ${elements} elements`);

        slot = third[y & 4095]!;
        y = (Math.imul(((slot >>> 8) & 4095) + 1, y >>> 12) + (slot >>> 20)) >>> 0;
        if (y < 65536) y = ((y << 16) | s[j++]!) >>> 0;
        byte = slot & 255;
        let step: number;
        if (byte !== ESCAPE) step = byte & 1 ? -((byte + 1) >>> 1) : (byte >>> 1) + 1;
        else {
          if (escapeAt + 2 > escapes.length) fail('as many escapes as steps say');
          step = signedStep(escapes[escapeAt]! | (escapes[escapeAt + 1]! << 8));
          if (step === 0) fail('steps');
          escapeAt += 2;
        }
        positions[n] = place;
        steps[n] = step;
      }
      // reading beyond a stream's end gives zeros: that they were read is looked at once a call, which bounds the work
      if (i > g.length || j > s.length) fail('as many coded words as its changes need');
      [gapState, stepState, gapAt, stepAt, position] = [x, y, i, j, place];
      done += wanted;
      return wanted;
    },
  };
}

/** State and words of a coded stream; undefined for a length that none has. */
function wordsOf(stream: Uint8Array): { state: number; words: Uint16Array } | undefined {
  if (stream.length < 4 || stream.length % 2 !== 0) return undefined;
  const view = new DataView(stream.buffer, stream.byteOffset, stream.length);
  const state = view.getUint32(0, true);
  if (state < FINAL_STATE) return undefined;
  const words = new Uint16Array((stream.length - 4) / 2);
  for (let i = 0; i < words.length; i++) words[i] = view.getUint16(4 + 2 * i, true);
  return { state, words };
}
