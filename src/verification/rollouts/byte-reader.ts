// Owns: reading little-endian records of our own back. Does not own: what they mean. Nothing is allocated for a count that the
// bytes left cannot hold.

export interface ByteReader {
  u8(): number;
  u32(): number;
  /** of 8 bytes, those that a double holds */
  u53(): number;
  u64(): bigint;
  bytes(length: number): Uint8Array;
  /** behind a length of 32 bits */
  sized(): Uint8Array;
  oneOf<T>(names: readonly T[]): T;
  /** a count of 32 bits, then as many */
  list<T>(atLeastBytes: number, read: () => T): T[];
  /** @throws RangeError when bytes are left */
  end(): void;
}

/** Each method throws a RangeError for bytes that are not there or not that. */
export function readBytes(from: Uint8Array, what: string): ByteReader {
  const view = new DataView(from.buffer, from.byteOffset, from.length);
  let at = 0;
  const take = (length: number): number => {
    if (length > from.length - at) throw new RangeError(`${what}: ends within a field`);
    at += length;
    return at - length;
  };
  const reader: ByteReader = {
    u8: () => view.getUint8(take(1)),
    u32: () => view.getUint32(take(4), true),
    u64: () => view.getBigUint64(take(8), true),
    u53() {
      const value = reader.u64();
      if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw new RangeError(`${what}: a number beyond 2^53`);
      return Number(value);
    },
    bytes(length) {
      const start = take(length);
      return from.slice(start, start + length);
    },
    sized: () => reader.bytes(reader.u32()),
    oneOf(names) {
      const name = names[reader.u8()];
      if (name === undefined) throw new RangeError(`${what}: an unknown name`);
      return name;
    },
    list(atLeastBytes, read) {
      const count = reader.u32();
      if (count * atLeastBytes > from.length - at)
        throw new RangeError(`${what}: a list longer than its bytes`);
      return Array.from({ length: count }, read);
    },
    end() {
      if (at !== from.length) throw new RangeError(`${what}: ${from.length - at} bytes too many`);
    },
  };
  return reader;
}
