// Owns: SCALE, as codecs that carry their own type description. Does not own: any pallet (pallets/), storage keys (storage.ts).

/** What metadata.ts needs to describe a codec's type to a client. */
export type Shape =
  | { readonly kind: 'primitive'; readonly name: Primitive }
  | { readonly kind: 'compact'; readonly of: Codec<unknown> }
  | { readonly kind: 'sequence'; readonly of: Codec<unknown> }
  | { readonly kind: 'array'; readonly length: number; readonly of: Codec<unknown> }
  | { readonly kind: 'tuple'; readonly of: readonly Codec<unknown>[] }
  | {
      readonly kind: 'composite';
      readonly path: string;
      readonly params: readonly TypeParam[];
      readonly fields: readonly Field[];
    }
  | {
      readonly kind: 'variant';
      readonly path: string;
      readonly params: readonly TypeParam[];
      readonly variants: readonly VariantShape[];
    }
  | { readonly kind: 'lazy'; readonly of: () => Codec<unknown> };

export type Primitive = 'bool' | 'str' | 'u8' | 'u16' | 'u32' | 'u64' | 'u128' | 'i16' | 'i64' | 'i128';
export type TypeParam = readonly [name: string, type: Codec<unknown>];
/** `undefined` names a tuple-like field. */
export type Field = readonly [name: string | undefined, type: Codec<unknown>];
export interface VariantShape {
  readonly name: string;
  readonly index: number;
  readonly fields: readonly Field[];
}

export interface Codec<T> {
  readonly shape: Shape;
  /** @throws RangeError when `value` does not fit */
  encode(value: T, out: Writer): void;
  /** @throws RangeError when the bytes are no such value */
  decode(input: Reader): T;
}
export type ValueOf<C> = C extends Codec<infer T> ? T : never;

/** Nested calls beyond this depth are refused, as Substrate's decode_with_depth_limit does with 256. */
const MAX_DEPTH = 64;

/**
 * Codecs of calls that stand for others while one value is written or read: the same pallet in another version of the
 * runtime. Carried by Writer and Reader, so that it holds for calls inside of calls.
 */
export type Instead = ReadonlyMap<Codec<unknown>, Codec<unknown>>;

export class Writer {
  #bytes = new Uint8Array(64);
  #length = 0;

  constructor(readonly instead?: Instead) {}

  reserve(more: number): number {
    const at = this.#length;
    if (at + more > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(at + more, 2 * this.#bytes.length));
      grown.set(this.#bytes.subarray(0, at));
      this.#bytes = grown;
    }
    this.#length += more;
    return at;
  }

  u8(value: number): void {
    const at = this.reserve(1); // may replace the buffer: not inside the index
    this.#bytes[at] = value;
  }

  /** Little-endian unsigned integer of `size` <= 6 bytes. */
  uint(value: number, size: number): void {
    let at = this.reserve(size);
    let rest = value;
    for (let i = 0; i < size; i++) {
      this.#bytes[at++] = rest & 255;
      rest = Math.floor(rest / 256);
    }
  }

  /** Little-endian two's complement of `size` bytes. */
  big(value: bigint, size: number): void {
    let at = this.reserve(size);
    let rest = value;
    for (let i = 0; i < size; i++) {
      this.#bytes[at++] = Number(rest & 255n);
      rest >>= 8n;
    }
  }

  raw(bytes: Uint8Array): void {
    const at = this.reserve(bytes.length);
    this.#bytes.set(bytes, at);
  }

  finish(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }
}

export class Reader {
  #at = 0;
  #depth = 0;

  constructor(
    private readonly bytes: Uint8Array,
    readonly instead?: Instead,
  ) {}

  get remaining(): number {
    return this.bytes.length - this.#at;
  }

  raw(length: number): Uint8Array {
    const from = this.#take(length);
    return this.bytes.slice(from, this.#at);
  }

  u8(): number {
    if (this.remaining < 1) throw new RangeError('scale: expected 1 more byte, got 0');
    return this.bytes[this.#at++]!;
  }

  uint(size: number): number {
    const from = this.#take(size);
    let value = 0;
    for (let i = from + size - 1; i >= from; i--) value = value * 256 + this.bytes[i]!;
    return value;
  }

  big(size: number): bigint {
    let value = 0n;
    const from = this.#take(size);
    for (let i = from + size; i > from; i -= 4) {
      const low = Math.max(from, i - 4);
      let part = 0;
      for (let j = i - 1; j >= low; j--) part = part * 256 + this.bytes[j]!;
      value = (value << BigInt(8 * (i - low))) | BigInt(part);
    }
    return value;
  }

  /** In place: integers are most of what is read, and a copy for each was most of the garbage (measured). */
  #take(length: number): number {
    if (length > this.remaining)
      throw new RangeError(`scale: expected ${length} more bytes, got ${this.remaining}`);
    const from = this.#at;
    this.#at += length;
    return from;
  }

  /** Runs `decode` one level deeper. */
  nested<T>(decode: () => T): T {
    if (++this.#depth > MAX_DEPTH) throw new RangeError(`scale: nested deeper than ${MAX_DEPTH}`);
    try {
      return decode();
    } finally {
      this.#depth--;
    }
  }
}

export function encode<T>(codec: Codec<T>, value: T, instead?: Instead): Uint8Array {
  const out = new Writer(instead);
  codec.encode(value, out);
  return out.finish();
}

/** @throws RangeError when `bytes` is not exactly one value */
export function decode<T>(codec: Codec<T>, bytes: Uint8Array): T {
  const input = new Reader(bytes);
  const value = codec.decode(input);
  if (input.remaining > 0) throw new RangeError(`scale: ${input.remaining} bytes left over`);
  return value;
}

const small = (name: Primitive, size: number): Codec<number> => ({
  shape: { kind: 'primitive', name },
  encode(value, out) {
    if (!Number.isInteger(value) || value < 0 || value >= 2 ** (8 * size))
      throw new RangeError(`${name}: expected an integer of ${size} bytes, got ${value}`);
    out.uint(value, size);
  },
  decode: (input) => input.uint(size),
});
const large = (name: Primitive, size: number, signed = false): Codec<bigint> => {
  const bits = BigInt(8 * size);
  const low = signed ? -(1n << (bits - 1n)) : 0n;
  const high = low + (1n << bits);
  return {
    shape: { kind: 'primitive', name },
    encode(value, out) {
      if (typeof value !== 'bigint' || value < low || value >= high)
        throw new RangeError(`${name}: expected a bigint of ${size} bytes, got ${value}`);
      out.big(value, size);
    },
    decode: (input) => {
      const value = input.big(size);
      return signed ? BigInt.asIntN(8 * size, value) : value;
    },
  };
};

export const u8 = small('u8', 1);
export const u16 = small('u16', 2);
export const u32 = small('u32', 4);
export const u64 = large('u64', 8);
export const u128 = large('u128', 16);
export const i64 = large('i64', 8, true);
export const i128 = large('i128', 16, true);
/** A u64 that is a block number or duration: a plain number, refused beyond 2^53. */
export const blocks: Codec<number> = {
  shape: { kind: 'primitive', name: 'u64' },
  encode(value, out) {
    if (!Number.isSafeInteger(value) || value < 0)
      throw new RangeError(`u64: expected a safe integer, got ${value}`);
    out.big(BigInt(value), 8);
  },
  decode(input) {
    const value = input.big(8);
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw new RangeError(`u64: ${value} is no block number`);
    return Number(value);
  },
};
export const i16: Codec<number> = {
  shape: { kind: 'primitive', name: 'i16' },
  encode(value, out) {
    if (!Number.isInteger(value) || value < -32768 || value > 32767)
      throw new RangeError(`i16: expected an integer of 2 bytes, got ${value}`);
    out.uint(value & 0xffff, 2);
  },
  decode: (input) => (input.uint(2) << 16) >> 16,
};

export const bool: Codec<boolean> = {
  shape: { kind: 'primitive', name: 'bool' },
  encode: (value, out) => out.u8(value ? 1 : 0),
  decode(input) {
    const byte = input.u8();
    if (byte > 1) throw new RangeError(`bool: expected 0 or 1, got ${byte}`);
    return byte === 1;
  },
};

export function writeCompact(value: bigint | number, out: Writer): void {
  const n = BigInt(value);
  if (n < 0n || n >= 1n << 536n) throw new RangeError(`compact: expected 0 <= n < 2^536, got ${value}`);
  if (n < 1n << 6n) out.uint(Number(n) * 4, 1);
  else if (n < 1n << 14n) out.uint(Number(n) * 4 + 1, 2);
  else if (n < 1n << 30n) out.uint(Number(n) * 4 + 2, 4);
  else {
    let size = 4;
    while (n >> BigInt(8 * size) > 0n) size++;
    out.u8((size - 4) * 4 + 3);
    out.big(n, size);
  }
}

export function readCompact(input: Reader): bigint {
  const first = input.u8();
  const mode = first & 3;
  if (mode === 0) return BigInt(first >> 2);
  if (mode === 1) return BigInt((first + input.u8() * 256) >>> 2);
  if (mode === 2) return BigInt(Math.floor((first + input.uint(3) * 256) / 4));
  return input.big((first >> 2) + 4);
}

/** A length prefix, bounded by what is left: a claimed length never allocates more than was sent. */
export function readLength(input: Reader): number {
  const length = readCompact(input);
  if (length > BigInt(input.remaining))
    throw new RangeError(`scale: a length of ${length} with ${input.remaining} bytes left`);
  return Number(length);
}

/** A fixed-width unsigned codec, written compactly. */
export function compact<T extends number | bigint>(of: Codec<T>): Codec<T> {
  const shape = of.shape;
  if (shape.kind !== 'primitive') throw new TypeError(`compact: expected an integer, got ${shape.kind}`);
  const bits = BigInt(shape.name.slice(1));
  const isBig = bits > 32n;
  return {
    shape: { kind: 'compact', of },
    encode(value, out) {
      if (BigInt(value) >> bits !== 0n) throw new RangeError(`compact ${shape.name}: got ${value}`);
      writeCompact(value, out);
    },
    decode(input) {
      const value = readCompact(input);
      if (value >> bits !== 0n) throw new RangeError(`compact ${shape.name}: got ${value}`);
      return (isBig ? value : Number(value)) as T; // T is number or bigint by the primitive's width
    },
  };
}

export const bytes: Codec<Uint8Array> = {
  shape: { kind: 'sequence', of: u8 },
  encode(value, out) {
    writeCompact(value.length, out);
    out.raw(value);
  },
  decode: (input) => input.raw(readLength(input)),
};

export function fixedBytes(length: number): Codec<Uint8Array> {
  return {
    shape: { kind: 'array', length, of: u8 },
    encode(value, out) {
      if (value.length !== length) throw new RangeError(`[u8; ${length}]: got ${value.length} bytes`);
      out.raw(value);
    },
    decode: (input) => input.raw(length),
  };
}

const textEncoder = new TextEncoder();
const textDecoder = new TextDecoder();
export const text: Codec<string> = {
  shape: { kind: 'primitive', name: 'str' },
  encode: (value, out) => bytes.encode(textEncoder.encode(value), out),
  decode: (input) => textDecoder.decode(bytes.decode(input)),
};

export function vec<T>(of: Codec<T>): Codec<readonly T[]> {
  return {
    shape: { kind: 'sequence', of },
    encode(value, out) {
      writeCompact(value.length, out);
      for (const item of value) of.encode(item, out);
    },
    decode(input) {
      const length = readLength(input);
      const out: T[] = [];
      for (let i = 0; i < length; i++) out.push(of.decode(input));
      return out;
    },
  };
}

/** A BTreeMap: its entries, which the chain keeps in the order of their encoded keys' values. */
export const btreeMap = <K, V>(key: Codec<K>, value: Codec<V>): Codec<readonly (readonly [K, V])[]> =>
  newtype('BTreeMap', vec(tuple(key, value)) as Codec<readonly (readonly [K, V])[]>, undefined, [
    ['K', key],
    ['V', value],
  ]);

/** A BTreeSet: ascending, as the map's keys. */
export const btreeSet = <T>(of: Codec<T>): Codec<readonly T[]> =>
  newtype('BTreeSet', vec(of), undefined, [['T', of]]);

type TupleOf<C extends readonly Codec<unknown>[]> = { readonly [I in keyof C]: ValueOf<C[I]> };

export function tuple<C extends readonly Codec<unknown>[]>(...of: C): Codec<TupleOf<C>> {
  return {
    shape: { kind: 'tuple', of },
    encode: (value, out) => of.forEach((codec, i) => void codec.encode(value[i], out)),
    decode: (input) => of.map((codec) => codec.decode(input)) as TupleOf<C>, // positions carry the types
  };
}

export const unit: Codec<undefined> = {
  shape: { kind: 'tuple', of: [] },
  encode: () => {},
  decode: () => undefined,
};

/** Named fields as an object, or positions as an array. */
export type Fields = Readonly<Record<string, Codec<unknown>>> | readonly Codec<unknown>[];
export type FieldsValue<F extends Fields> = F extends readonly Codec<unknown>[]
  ? TupleOf<F>
  : { readonly [K in keyof F]: F[K] extends Codec<infer T> ? T : never };

export function fieldsShape(fields: Fields): readonly Field[] {
  return Array.isArray(fields)
    ? (fields as readonly Codec<unknown>[]).map((type): Field => [undefined, type])
    : Object.entries(fields as Record<string, Codec<unknown>>);
}

/** Encoding of a field list without any type of its own. */
export function fieldsCodec<F extends Fields>(fields: F): Pick<Codec<FieldsValue<F>>, 'encode' | 'decode'> {
  if (Array.isArray(fields)) {
    const list = fields as readonly Codec<unknown>[];
    return {
      encode: (value, out) => list.forEach((codec, i) => void codec.encode((value as unknown[])[i], out)),
      decode: (input) => list.map((codec) => codec.decode(input)) as unknown as FieldsValue<F>,
    };
  }
  const entries = Object.entries(fields as Record<string, Codec<unknown>>);
  return {
    encode(value, out) {
      for (const [name, codec] of entries) codec.encode((value as Record<string, unknown>)[name], out);
    },
    decode(input) {
      const out: Record<string, unknown> = {};
      for (const [name, codec] of entries) out[name] = codec.decode(input);
      return out as FieldsValue<F>; // built field by field from the same table
    },
  };
}

export function struct<F extends Readonly<Record<string, Codec<unknown>>>>(
  path: string,
  fields: F,
  params: readonly TypeParam[] = [],
): Codec<FieldsValue<F>> {
  return { shape: { kind: 'composite', path, params, fields: fieldsShape(fields) }, ...fieldsCodec(fields) };
}

/** The same bytes and value as `inner`, under a path of its own (AccountId32, H256, fixed point as `bits`). */
export function newtype<T>(
  path: string,
  inner: Codec<T>,
  field?: string,
  params: readonly TypeParam[] = [],
): Codec<T> {
  return {
    shape: { kind: 'composite', path, params, fields: [[field, inner]] },
    encode: (value, out) => inner.encode(value, out),
    decode: (input) => inner.decode(input),
  };
}

export interface VariantDef<F extends Fields = Fields> {
  readonly index: number;
  readonly fields: F;
}
export type VariantDefs = Readonly<Record<string, VariantDef>>;
/** `{ type: 'Name', value: fields }` */
export type VariantValue<D extends VariantDefs> = {
  [N in keyof D & string]: { readonly type: N; readonly value: FieldsValue<D[N]['fields']> };
}[keyof D & string];

export const variant = <F extends Fields>(index: number, fields: F): VariantDef<F> => ({ index, fields });

export function variants<D extends VariantDefs>(
  path: string,
  defs: D,
  params: readonly TypeParam[] = [],
): Codec<VariantValue<D>> {
  const list = Object.entries(defs).map(([name, { index, fields }]) => ({
    name,
    index,
    fields: fieldsShape(fields),
    codec: fieldsCodec(fields),
  }));
  const byName = new Map(list.map((entry) => [entry.name, entry]));
  const byIndex = new Map(list.map((entry) => [entry.index, entry]));
  return {
    shape: { kind: 'variant', path, params, variants: list },
    encode(value, out) {
      const entry = byName.get(value.type);
      if (!entry) throw new RangeError(`${path}: no variant ${value.type}`);
      out.u8(entry.index);
      entry.codec.encode(value.value as FieldsValue<Fields>, out);
    },
    decode(input) {
      const index = input.u8();
      const entry = byIndex.get(index);
      if (!entry) throw new RangeError(`${path}: no variant of index ${index}`);
      return { type: entry.name, value: entry.codec.decode(input) } as unknown as VariantValue<D>;
    },
  };
}

/** An enum without data: the value is the name. */
export function names<N extends string>(path: string, ...list: readonly N[]): Codec<N> {
  return {
    shape: {
      kind: 'variant',
      path,
      params: [],
      variants: list.map((name, index) => ({ name, index, fields: [] })),
    },
    encode(value, out) {
      const index = list.indexOf(value);
      if (index < 0) throw new RangeError(`${path}: no variant ${value}`);
      out.u8(index);
    },
    decode(input) {
      const index = input.u8();
      const name = list[index];
      if (name === undefined) throw new RangeError(`${path}: no variant of index ${index}`);
      return name;
    },
  };
}

export function option<T>(of: Codec<T>): Codec<T | undefined> {
  return {
    shape: {
      kind: 'variant',
      path: 'Option',
      params: [['T', of]],
      variants: [
        { name: 'None', index: 0, fields: [] },
        { name: 'Some', index: 1, fields: [[undefined, of]] },
      ],
    },
    encode(value, out) {
      out.u8(value === undefined ? 0 : 1);
      if (value !== undefined) of.encode(value, out);
    },
    decode(input) {
      const tag = input.u8();
      if (tag > 1) throw new RangeError(`Option: expected 0 or 1, got ${tag}`);
      return tag === 0 ? undefined : of.decode(input);
    },
  };
}

/** For types that contain themselves: Sudo.sudo takes a call. */
export function lazy<T>(of: () => Codec<T>): Codec<T> {
  return {
    shape: { kind: 'lazy', of },
    encode: (value, out) => of().encode(value, out),
    decode: (input) => input.nested(() => of().decode(input)),
  };
}
