// Owns: the one spelling of a message. Does not own: what the messages of a kind are (kinds/*/codec.ts).
import { type DescMessage, fromBinary, type MessageShape, toBinary } from '@bufbuild/protobuf';
import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';

/** More than parameters can ask for (eight for each of 1024 samples), and few enough to be held. */
const MAX_PARTS = 16_384;

/**
 * Protobuf has many encodings of one message; evidence has one. Re-encoding is the plainest way to say so: unknown
 * fields are dropped on reading and everything else is written shortest, so any other spelling differs.
 */
export function decode<D extends DescMessage>(
  schema: D,
  bytes: Uint8Array,
  maxBytes: number,
): MessageShape<D> | undefined {
  if (bytes.length > maxBytes) return undefined;
  try {
    if (partsOf(schema, bytes, MAX_PARTS) > MAX_PARTS) return undefined;
    const message = fromBinary(schema, bytes, { readUnknownFields: false });
    // openings are megabytes: compared as memory, not byte by byte
    return Buffer.compare(toBinary(schema, message), bytes) === 0 ? message : undefined;
  } catch {
    // the peer's bytes are no protobuf: no message, whatever the parser's complaint
    return undefined;
  }
}

/**
 * Messages and elements of lists, at any depth; more than `most` are not counted on. An empty one is two bytes, and a thousand
 * once it is parsed: an opening of nothing else would fill any memory.
 */
function partsOf(schema: DescMessage, bytes: Uint8Array, most: number): number {
  const reader = new BinaryReader(bytes);
  const fields = new Map(schema.fields.map((field) => [field.number, field]));
  let parts = 0;
  while (reader.pos < reader.len && parts <= most) {
    const [number, wireType] = reader.tag();
    if (wireType !== WireType.LengthDelimited) {
      reader.skip(wireType, number);
      continue;
    }
    const within = reader.bytes();
    const field = fields.get(number);
    if (field?.message) parts += 1 + partsOf(field.message, within, most - parts);
    else if (field?.fieldKind === 'list') parts++;
  }
  return parts;
}
