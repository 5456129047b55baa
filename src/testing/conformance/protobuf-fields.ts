// Owns: a message of protobuf as its fields, without its schema: read, and written again with others in it. Does not own: what is done to them.
import { concat } from '../../model/bytes.js';

export interface Field {
  readonly number: number;
  readonly value: bigint | Uint8Array;
}

/** Of a field: varints are 0, what has a length is 2. */
export const tag = (number: number, wire: number): bigint => BigInt(number * 8 + wire);

export function varint(value: bigint): Uint8Array {
  const out: number[] = [];
  let rest = value;
  do {
    out.push(Number(rest & 127n) | (rest > 127n ? 128 : 0));
    rest >>= 7n;
  } while (rest > 0n);
  return Uint8Array.from(out);
}

export const encodeFields = (fields: readonly Field[]): Uint8Array =>
  concat(
    ...fields.flatMap(({ number, value }) =>
      typeof value === 'bigint'
        ? [varint(tag(number, 0)), varint(value)]
        : [varint(tag(number, 2)), varint(BigInt(value.length)), value],
    ),
  );

/** Fields of a message, if the bytes read as one whose numbers are small: nearly no hash or row does. */
export function fieldsOf(bytes: Uint8Array): readonly Field[] | undefined {
  const fields: Field[] = [];
  let at = 0;
  const number = (): bigint | undefined => {
    let value = 0n;
    for (let shift = 0n; at < bytes.length && shift < 70n; shift += 7n) {
      const byte = bytes[at++]!;
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return value;
    }
    return undefined;
  };
  while (at < bytes.length) {
    const head = number();
    const value = number();
    if (head === undefined || value === undefined || head < 8n || head >> 3n > 63n) return undefined;
    const field = Number(head >> 3n);
    if ((head & 7n) === 0n) fields.push({ number: field, value });
    else if ((head & 7n) === 2n && value <= BigInt(bytes.length - at)) {
      fields.push({ number: field, value: bytes.subarray(at, at + Number(value)) });
      at += Number(value);
    } else return undefined;
  }
  return fields;
}
