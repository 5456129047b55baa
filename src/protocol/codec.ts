// Owns: protobuf bytes in and out, with our errors. Does not own: what the messages mean.
import { type DescMessage, fromBinary, type MessageShape, toBinary } from '@bufbuild/protobuf';
import { invalidInput } from './errors.js';
import { type Signed, SignedSchema } from './gen/assay/v1/miner_pb.js';

/** @throws AssayError `invalid-input` naming `what` for any bytes that are no such message */
export function decode<T extends DescMessage>(schema: T, bytes: Uint8Array, what: string): MessageShape<T> {
  try {
    return fromBinary(schema, bytes, { readUnknownFields: false });
  } catch {
    throw invalidInput(what, schema.typeName, `${bytes.length} bytes that are none`);
  }
}

/** A view without Buffer's habits (its `slice` does not copy), so that fields of the message are plain too. */
export const decodeSigned = (bytes: Uint8Array): Signed =>
  decode(SignedSchema, new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength), 'message');

export const encodeSigned = (message: Signed): Uint8Array => toBinary(SignedSchema, message);
