// Owns: what is bound to the public port, from the generated descriptors, as grpc-js wants it.
import type { DescMethod, DescService } from '@bufbuild/protobuf';
import type { MethodDefinition } from '@grpc/grpc-js';
import { MinerService, SignedSchema } from '../gen/assay/v1/miner_pb.js';

/** Every service of the public port. A test walks them and shows that no method answers without a valid envelope. */
export const PUBLIC_SERVICES: readonly DescService[] = [MinerService];

/** A message's bytes and when they were complete: grpc-js calls the deserializer in its data path, before any queue. */
export interface Bytes {
  readonly bytes: Uint8Array;
  /** monotonic ms */
  readonly at: number;
}

/** Serialised by us, so that sizes are known before sending and bytes that do not parse meet our own errors. */
export function toDefinition(
  method: DescMethod,
  monotonic: () => number,
): MethodDefinition<Uint8Array, Bytes> {
  if (method.input.typeName !== SignedSchema.typeName || method.output.typeName !== SignedSchema.typeName)
    throw new TypeError(`${method.name}: expected Signed both ways, got ${method.input.typeName}`);
  const serialize = (bytes: Uint8Array): Buffer =>
    Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const deserialize = (bytes: Buffer): Bytes => ({ bytes, at: monotonic() });
  return {
    path: `/${method.parent.typeName}/${method.name}`,
    requestStream: method.methodKind === 'client_streaming' || method.methodKind === 'bidi_streaming',
    responseStream: method.methodKind === 'server_streaming' || method.methodKind === 'bidi_streaming',
    requestSerialize: serialize,
    requestDeserialize: deserialize as never, // both directions carry bytes; grpc-js types them as one message type each
    responseSerialize: serialize as never,
    responseDeserialize: deserialize,
  };
}
