// Owns: SCALE from JSON by a codec's own shape. Does not own: where the JSON comes from (snapshot-file.ts).
import { fromAddress } from '../../keys/ss58.js';
import { fromHex } from '../../model/bytes.js';
import type { SnapshotValue } from '../snapshot-file.js';
import { type Codec, decode, type Primitive, type Shape, Writer, writeCompact } from './scale.js';

const BYTES: Readonly<Record<Exclude<Primitive, 'bool' | 'str'>, number>> = {
  u8: 1,
  u16: 2,
  u32: 4,
  u64: 8,
  u128: 16,
  i16: 2,
  i64: 8,
  i128: 16,
};

/**
 * The bytes of a storage value that a snapshot holds (SnapshotValue).
 *
 * @throws RangeError when it is no value of `codec`. @throws AssayError `invalid-input` for an address that is none
 */
export function encodeJson(codec: Codec<unknown>, json: SnapshotValue): Uint8Array {
  const out = new Writer();
  write(codec.shape, json, out);
  const bytes = out.finish();
  decode(codec, bytes); // bounds that shapes do not tell
  return bytes;
}

function write(shape: Shape, json: SnapshotValue | undefined, out: Writer): void {
  switch (shape.kind) {
    case 'lazy':
      write(shape.of().shape, json, out);
      break;
    case 'primitive':
      writePrimitive(shape.name, json, out);
      break;
    case 'compact':
      writeCompact(integer(json), out);
      break;
    case 'sequence':
      writeSequence(shape.of, json, out);
      break;
    case 'array':
      writeAll(shape.of, list(json, shape.length), out);
      break;
    case 'tuple': {
      const parts = list(json, shape.of.length);
      shape.of.forEach((part, index) => void write(part.shape, parts[index], out));
      break;
    }
    case 'composite':
      writeComposite(shape, json, out);
      break;
    case 'variant':
      writeVariant(shape, json, out);
  }
}

function writePrimitive(name: Primitive, json: SnapshotValue | undefined, out: Writer): void {
  if (name === 'bool') {
    if (typeof json !== 'boolean') throw unfit(name, json);
    out.u8(json ? 1 : 0);
    return;
  }
  if (name === 'str') throw unfit('a value without text', json);
  const bits = 8n * BigInt(BYTES[name]);
  const value = integer(json);
  const low = name.startsWith('i') ? -(1n << (bits - 1n)) : 0n;
  if (value < low || value >= low + (1n << bits)) throw unfit(name, json);
  out.big(value, BYTES[name]);
}

function writeSequence(of: Codec<unknown>, json: SnapshotValue | undefined, out: Writer): void {
  if (typeof json === 'string' && of.shape.kind === 'primitive' && of.shape.name === 'u8') {
    const bytes = fromHex(json);
    writeCompact(bytes.length, out);
    out.raw(bytes);
    return;
  }
  const parts = list(json);
  writeCompact(parts.length, out);
  writeAll(of, parts, out);
}

function writeComposite(
  { path, fields }: Extract<Shape, { kind: 'composite' }>,
  json: SnapshotValue | undefined,
  out: Writer,
): void {
  if (path.endsWith('::AccountId32')) {
    if (typeof json !== 'string') throw unfit('an address', json);
    out.raw(fromAddress(json));
    return;
  }
  // a newtype has its content's value
  if (fields.length === 1 && (typeof json !== 'object' || Array.isArray(json))) {
    write(fields[0]![1].shape, json, out);
    return;
  }
  if (typeof json !== 'object' || Array.isArray(json)) throw unfit(path, json);
  const named = json as Readonly<Record<string, SnapshotValue>>; // neither a plain value nor a list
  for (const [name, type] of fields) write(type.shape, name === undefined ? undefined : named[name], out);
}

function writeVariant(
  { path, variants }: Extract<Shape, { kind: 'variant' }>,
  json: SnapshotValue | undefined,
  out: Writer,
): void {
  const found = variants.find(({ name, fields }) => name === json && fields.length === 0);
  if (!found) throw unfit(path, json);
  out.u8(found.index);
}

function writeAll(of: Codec<unknown>, parts: readonly SnapshotValue[], out: Writer): void {
  for (const part of parts) write(of.shape, part, out);
}

function list(json: SnapshotValue | undefined, length?: number): readonly SnapshotValue[] {
  if (!Array.isArray(json) || (length !== undefined && json.length !== length))
    throw unfit(length === undefined ? 'a list' : `a list of ${length}`, json);
  return json as readonly SnapshotValue[];
}

function integer(json: SnapshotValue | undefined): bigint {
  if (typeof json === 'number' && Number.isSafeInteger(json)) return BigInt(json);
  if (typeof json === 'string' && /^-?\d{1,40}$/.test(json)) return BigInt(json);
  throw unfit('an integer', json);
}

const unfit = (expected: string, got: SnapshotValue | undefined): RangeError =>
  new RangeError(`expected ${expected}, got ${(JSON.stringify(got) ?? 'nothing').slice(0, 80)}`);
