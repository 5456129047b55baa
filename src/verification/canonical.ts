// Owns: the one spelling of a message. Does not own: what the messages of a kind are (kinds/*/codec.ts).
import { type DescMessage, fromBinary, type MessageShape, toBinary } from '@bufbuild/protobuf';

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
    const message = fromBinary(schema, bytes, { readUnknownFields: false });
    // openings are megabytes: compared as memory, not byte by byte
    return Buffer.compare(toBinary(schema, message), bytes) === 0 ? message : undefined;
  } catch {
    // the peer's bytes are no protobuf: no message, whatever the parser's complaint
    return undefined;
  }
}
