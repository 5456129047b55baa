// Owns: the safetensors format, read strictly and written in one spelling. Does not own: which tensors a model has (decoder.ts),
// files that appear whole or not at all (the caller's).
import type { FileHandle } from 'node:fs/promises';
import { concat, fromUtf8, u64le, utf8 } from '../model/bytes.js';
import { AssayError } from '../model/errors.js';
import { invalid } from '../model/invalid-input.js';
import { isRecord, kindOf } from './foreign.js';

const BYTES_OF = {
  BOOL: 1,
  U8: 1,
  I8: 1,
  F8_E4M3: 1,
  F8_E5M2: 1,
  U16: 2,
  I16: 2,
  F16: 2,
  BF16: 2,
  U32: 4,
  I32: 4,
  F32: 4,
  U64: 8,
  I64: 8,
  F64: 8,
} as const;
export type TensorType = keyof typeof BYTES_OF;

/** A model of a thousand layers has one of some 2 MB. */
export const MAX_HEADER_BYTES = 16 << 20;
const MAX_TENSORS = 100_000;
const MAX_NAME_CHARS = 512;
const MAX_RANK = 8;
const PREFIX = 8;

/** What a file says of a tensor before its data. */
export interface TensorShape {
  readonly name: string;
  readonly dtype: TensorType;
  readonly shape: readonly number[];
}

export interface TensorEntry extends TensorShape {
  /** in the file: where its bytes begin, and how many */
  readonly at: number;
  readonly bytes: number;
}

export interface Layout {
  /** in the order of their data, which has neither holes nor overlaps */
  readonly tensors: readonly TensorEntry[];
  readonly metadata: ReadonlyMap<string, string>;
  /** of the whole file */
  readonly size: number;
}

/** Bytes that need not be in memory. */
export interface ByteSource {
  readonly size: number;
  /** exactly so many; beyond the end is a RangeError or a short file's `invalid-input` */
  read(at: number, length: number): Promise<Uint8Array>;
}

export interface Safetensors extends Layout {
  find(name: string): TensorEntry | undefined;
  /** A tensor's bytes, or `length` of them from `from`; from memory a view, from a file a copy. */
  read(entry: TensorEntry, from?: number, length?: number): Promise<Uint8Array>;
}

/**
 * @param what names the file in errors
 * @throws AssayError `invalid-input`, `limit-exceeded`
 */
export async function openSafetensors(source: ByteSource, what: string): Promise<Safetensors> {
  if (source.size < PREFIX) throw invalid(what, 'a safetensors file', `one of ${source.size} bytes`);
  const length = headerLength(await source.read(0, PREFIX), source.size, what);
  const layout = layoutOf(await source.read(PREFIX, length), source.size, what);
  const byName = new Map(layout.tensors.map((entry) => [entry.name, entry]));
  return {
    ...layout,
    find: (name) => byName.get(name),
    read(entry, from = 0, count = entry.bytes - from) {
      if (from < 0 || count < 0 || from + count > entry.bytes)
        throw new RangeError(`range of ${entry.name}: expected within ${entry.bytes}, got ${from}+${count}`);
      return source.read(entry.at + from, count);
    },
  };
}

/**
 * The layout of a whole file in memory.
 * @throws AssayError as `openSafetensors`
 */
export function parseSafetensors(bytes: Uint8Array, what: string): Layout {
  if (bytes.length < PREFIX) throw invalid(what, 'a safetensors file', `one of ${bytes.length} bytes`);
  const length = headerLength(bytes, bytes.length, what);
  return layoutOf(bytes.subarray(PREFIX, PREFIX + length), bytes.length, what);
}

export const memorySource = (bytes: Uint8Array): ByteSource => ({
  size: bytes.length,
  async read(at, length) {
    if (at < 0 || length < 0 || at + length > bytes.length)
      throw new RangeError(`range: expected within ${bytes.length}, got ${at}+${length}`);
    return bytes.subarray(at, at + length);
  },
});

/** The handle stays the caller's, to be closed after the last read. */
export async function fileSource(handle: FileHandle, what: string): Promise<ByteSource> {
  const { size } = await handle.stat();
  return {
    size,
    async read(at, length) {
      if (at < 0 || length < 0 || at + length > size)
        throw new RangeError(`range: expected within ${size}, got ${at}+${length}`);
      const bytes = new Uint8Array(length);
      for (let done = 0; done < length; ) {
        const { bytesRead } = await handle.read(bytes, done, length - done, at + done);
        if (bytesRead === 0) throw invalid(what, `${size} bytes, as when it was opened`, 'a shorter file');
        done += bytesRead;
      }
      return bytes;
    },
  };
}

/**
 * Length prefix and header of a file that holds `tensors` in this order without gaps. One spelling: metadata first with sorted
 * keys, then `dtype`, `shape`, `data_offsets`, no spaces but those at the end that bring the data to a multiple of 8.
 * @throws RangeError for names, types or shapes that `parseSafetensors` would refuse
 */
export function encodeHeader(
  tensors: readonly TensorShape[],
  metadata: ReadonlyMap<string, string> = new Map(),
): Uint8Array {
  const parts: string[] = [];
  if (metadata.size > 0) {
    const sorted = [...metadata].sort(([a], [b]) => (a < b ? -1 : 1));
    const fields = sorted.map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`);
    parts.push(`"__metadata__":{${fields.join(',')}}`);
  }
  let at = 0;
  for (const { name, dtype, shape } of tensors) {
    const end = at + byteLength(dtype, shape);
    parts.push(
      `${JSON.stringify(name)}:{"dtype":"${dtype}","shape":[${shape.join(',')}],"data_offsets":[${at},${end}]}`,
    );
    at = end;
  }
  const json = utf8(`{${parts.join(',')}}`);
  const header = new Uint8Array(Math.ceil(json.length / 8) * 8).fill(0x20);
  header.set(json);
  const prefixed = concat(u64le(header.length), header);
  try {
    layoutOf(header, prefixed.length + at, 'tensors to write');
  } catch (error) {
    throw new RangeError(`safetensors: ${error instanceof Error ? error.message : error}`, { cause: error });
  }
  return prefixed;
}

/** A whole file of tensors in this order; the same tensors are always the same bytes. */
export function encodeSafetensors(
  tensors: readonly (TensorShape & { readonly data: Uint8Array })[],
  metadata?: ReadonlyMap<string, string>,
): Uint8Array {
  for (const { name, dtype, shape, data } of tensors) {
    const expected = byteLength(dtype, shape);
    if (data.length !== expected)
      throw new RangeError(`data of ${name}: expected ${expected} bytes, got ${data.length}`);
  }
  return concat(encodeHeader(tensors, metadata), ...tensors.map(({ data }) => data));
}

/** Whether the file is spelt as `encodeHeader` spells it: then equal tensors in equal order are equal bytes. */
export async function isCanonical(source: ByteSource, layout: Layout): Promise<boolean> {
  const own = encodeHeader(layout.tensors, layout.metadata);
  const first = layout.tensors[0]?.at ?? layout.size;
  if (first !== own.length) return false;
  const found = await source.read(0, own.length);
  return own.every((byte, i) => byte === found[i]);
}

/** @throws RangeError for a type that is none, a shape too large to count */
export function byteLength(dtype: TensorType, shape: readonly number[]): number {
  const size: number | undefined = Object.hasOwn(BYTES_OF, dtype) ? BYTES_OF[dtype] : undefined;
  if (size === undefined) throw new RangeError(`dtype: expected a safetensors type, got ${dtype}`);
  // in integers without bounds: a product of shapes of strangers may pass 2^53 and come back
  const bytes = shape.reduce((product, side) => product * BigInt(side), BigInt(size));
  if (bytes > BigInt(Number.MAX_SAFE_INTEGER)) throw new RangeError(`shape: too large, [${shape}]`);
  return Number(bytes);
}

function headerLength(prefix: Uint8Array, size: number, what: string): number {
  const length = new DataView(prefix.buffer, prefix.byteOffset, PREFIX).getBigUint64(0, true);
  if (length > BigInt(MAX_HEADER_BYTES))
    throw new AssayError('limit-exceeded', `${what}: header of ${length} bytes, limit ${MAX_HEADER_BYTES}`, {
      what: `header of ${what}`,
      limit: MAX_HEADER_BYTES,
      got: Number(length),
    });
  if (PREFIX + Number(length) > size)
    throw invalid(what, `a header of ${length} bytes`, `a file of ${size} bytes in all`);
  return Number(length);
}

function layoutOf(header: Uint8Array, size: number, what: string): Layout {
  const fields = jsonObject(header, what);
  const metadata = new Map<string, string>();
  const tensors: TensorEntry[] = [];
  for (const [name, value] of fields) {
    if (name === '__metadata__') {
      if (!isRecord(value)) throw invalid(`__metadata__ of ${what}`, 'an object of strings', kindOf(value));
      for (const [key, text] of Object.entries(value)) {
        if (typeof text !== 'string')
          throw invalid(`__metadata__ of ${what}`, 'an object of strings', kindOf(text));
        metadata.set(key, text);
      }
    } else tensors.push(entryOf(name, value, PREFIX + header.length, what));
  }
  // writers list tensors as they please; empty ones before those that begin where they do
  tensors.sort((a, b) => a.at - b.at || a.bytes - b.bytes || (a.name < b.name ? -1 : 1));
  let at = PREFIX + header.length;
  for (const entry of tensors) {
    if (entry.at !== at)
      throw invalid(
        `data of '${entry.name}' in ${what}`,
        `to begin at ${at - PREFIX - header.length}, where the one before ends`,
        `${entry.at - PREFIX - header.length}, ${entry.at < at ? 'an overlap' : 'a hole'}`,
      );
    at += entry.bytes;
  }
  if (at !== size) throw invalid(what, `${at} bytes, as its header says`, `${size}`);
  return { tensors, metadata, size };
}

function entryOf(name: string, value: unknown, dataAt: number, what: string): TensorEntry {
  const where = `tensor '${name.slice(0, 80)}' of ${what}`;
  if (name.length === 0 || name.length > MAX_NAME_CHARS)
    throw invalid(where, `a name of 1..${MAX_NAME_CHARS} characters`, `${name.length}`);
  if (!isRecord(value)) throw invalid(where, 'an object', kindOf(value));
  const { dtype, shape, data_offsets: offsets, ...rest } = value;
  const other = Object.keys(rest)[0];
  if (other !== undefined)
    throw invalid(where, 'dtype, shape and data_offsets alone', `a field '${other.slice(0, 40)}'`);
  if (typeof dtype !== 'string' || !Object.hasOwn(BYTES_OF, dtype))
    throw invalid(`dtype of ${where}`, `one of ${Object.keys(BYTES_OF).join(', ')}`, kindOf(dtype));
  if (!Array.isArray(shape) || shape.length > MAX_RANK || !shape.every(isCount))
    throw invalid(`shape of ${where}`, `at most ${MAX_RANK} counts`, kindOf(shape));
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isCount))
    throw invalid(`data_offsets of ${where}`, 'two counts', kindOf(offsets));
  const [begin, end] = offsets as [number, number];
  const type = dtype as TensorType; // one of the keys, as asked above
  let bytes: number;
  try {
    bytes = byteLength(type, shape);
  } catch (error) {
    throw invalid(`shape of ${where}`, 'one whose bytes can be counted', `[${shape}]`, error);
  }
  if (end - begin !== bytes)
    throw invalid(`data_offsets of ${where}`, `${bytes} bytes of [${shape}] in ${dtype}`, `${end - begin}`);
  return { name, dtype: type, shape, at: dataAt + begin, bytes };
}

/** The fields of a JSON object in UTF-8, as written; no name twice, at any depth: readers differ in which one they keep. */
function jsonObject(bytes: Uint8Array, what: string): [string, unknown][] {
  let text: string;
  let value: unknown;
  try {
    text = fromUtf8(bytes);
    value = JSON.parse(text);
  } catch (error) {
    throw invalid(`header of ${what}`, 'JSON in UTF-8', 'something else', error);
  }
  if (!isRecord(value) || !text.startsWith('{'))
    throw invalid(`header of ${what}`, 'a JSON object from its first byte', kindOf(value));
  const twice = nameTwice(text);
  if (twice !== undefined)
    throw invalid(`header of ${what}`, 'each name once', `'${twice.slice(0, 80)}' twice`);
  const fields = Object.entries(value);
  if (fields.length > MAX_TENSORS)
    throw new AssayError('limit-exceeded', `${what}: ${fields.length} tensors, limit ${MAX_TENSORS}`, {
      what: `tensors of ${what}`,
      limit: MAX_TENSORS,
      got: fields.length,
    });
  return fields;
}

/** @param text JSON that parses: only strings and braces matter */
function nameTwice(text: string): string | undefined {
  const open: Set<string>[] = [];
  for (let at = 0; at < text.length; at++) {
    const char = text[at];
    if (char === '{') open.push(new Set());
    else if (char === '}') open.pop();
    else if (char === '"') {
      const begin = at;
      for (at++; text[at] !== '"'; at++) if (text[at] === '\\') at++;
      let after = at + 1;
      while (' \t\n\r'.includes(text[after] ?? 'end')) after++;
      if (text[after] !== ':') continue;
      const name = JSON.parse(text.slice(begin, at + 1)) as string;
      const names = open.at(-1)!; // a name stands in an object
      if (names.has(name)) return name;
      names.add(name);
    }
  }
  return undefined;
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
