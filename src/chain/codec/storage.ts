// Owns: storage items and their hashed keys. Does not own: the values' types (types.ts), a store (localnet/state.ts).
import { blake2AsU8a, xxhashAsU8a } from '@polkadot/util-crypto';
import { concat, toHex, utf8 } from '../../model/bytes.js';
import { type Codec, encode, Reader } from './scale.js';

/** As written in metadata; the three that Subtensor uses, each of which keeps the key readable. */
export type Hasher = 'Identity' | 'Blake2_128Concat' | 'Twox64Concat';
const DIGEST_BYTES: Record<Hasher, number> = { Identity: 0, Blake2_128Concat: 16, Twox64Concat: 8 };

export interface KeyPart<T> {
  readonly hasher: Hasher;
  readonly codec: Codec<T>;
}
export const id = <T>(codec: Codec<T>): KeyPart<T> => ({ hasher: 'Identity', codec });
export const blake = <T>(codec: Codec<T>): KeyPart<T> => ({ hasher: 'Blake2_128Concat', codec });
export const twox = <T>(codec: Codec<T>): KeyPart<T> => ({ hasher: 'Twox64Concat', codec });

type KeysOf<P extends readonly KeyPart<unknown>[]> = {
  readonly [I in keyof P]: P[I] extends KeyPart<infer T> ? T : never;
};

/** What a pallet writes down; `pallet` and `name` are added by `storageOf`. */
export interface StorageDef<K extends readonly unknown[], V, R extends V | undefined> {
  readonly parts: readonly KeyPart<unknown>[];
  readonly value: Codec<V>;
  readonly modifier: 'Default' | 'Optional';
  /** what an absent key reads as */
  readonly fallback: R;
  /** carries K for inference only */
  readonly keys?: K;
}

export interface StorageItem<K extends readonly unknown[], V, R extends V | undefined>
  extends StorageDef<K, V, R> {
  readonly pallet: string;
  readonly name: string;
  /** twox128(pallet) twox128(name), 0x-hex */
  readonly prefix: string;
  /** Full key, or the key prefix of all entries that start with these keys; 0x-hex. */
  key(...keys: Partial<K>): string;
  /** The keys back out of a full key. @throws RangeError when `key` is no key of this item */
  keysOf(key: string): K;
}
// biome-ignore lint/suspicious/noExplicitAny: keys are contravariant in `key`; only `any` admits every item
export type AnyStorageItem = StorageItem<any, any, any>;

/** A map (or plain value, without parts) that reads as `fallback` where nothing is stored. */
export const map = <P extends readonly KeyPart<unknown>[], V>(
  parts: P,
  value: Codec<V>,
  fallback: V,
): StorageDef<KeysOf<P>, V, V> => ({ parts, value, modifier: 'Default', fallback });

export const optionalMap = <P extends readonly KeyPart<unknown>[], V>(
  parts: P,
  value: Codec<V>,
): StorageDef<KeysOf<P>, V, V | undefined> => ({
  parts,
  value,
  modifier: 'Optional',
  fallback: undefined,
});

export const value = <V>(codec: Codec<V>, fallback: V): StorageDef<readonly [], V, V> => ({
  parts: [],
  value: codec,
  modifier: 'Default',
  fallback,
});

export const optionalValue = <V>(codec: Codec<V>): StorageDef<readonly [], V, V | undefined> => ({
  parts: [],
  value: codec,
  modifier: 'Optional',
  fallback: undefined,
});

// biome-ignore lint/suspicious/noExplicitAny: see AnyStorageItem
type StorageDefs = Readonly<Record<string, StorageDef<any, any, any>>>;
export type StorageOf<D extends StorageDefs> = {
  readonly [N in keyof D]: D[N] extends StorageDef<infer K, infer V, infer R> ? StorageItem<K, V, R> : never;
};

export function storageOf<D extends StorageDefs>(pallet: string, defs: D): StorageOf<D> {
  const out: Record<string, AnyStorageItem> = {};
  for (const [name, def] of Object.entries(defs)) out[name] = toItem(pallet, name, def);
  return out as StorageOf<D>; // one item per definition, of its types
}

function toItem<K extends readonly unknown[], V, R extends V | undefined>(
  pallet: string,
  name: string,
  def: StorageDef<K, V, R>,
): StorageItem<K, V, R> {
  const { parts } = def;
  const prefix = `0x${toHex(twox128(pallet))}${toHex(twox128(name))}`;
  return {
    ...def,
    pallet,
    name,
    prefix,
    key(...keys) {
      let out = prefix;
      for (let i = 0; i < keys.length && i < parts.length; i++)
        out += hashedHex(parts[i]!.hasher, encode(parts[i]!.codec, keys[i]));
      return out;
    },
    keysOf(key) {
      if (!key.startsWith(prefix)) throw new RangeError(`${pallet}.${name}: not a key of it: ${key}`);
      const input = new Reader(Buffer.from(key.slice(prefix.length), 'hex'));
      return parts.map(({ hasher, codec }) => {
        input.raw(DIGEST_BYTES[hasher]);
        return codec.decode(input);
      }) as unknown as K; // decoded part by part from the same table
    },
  };
}

export const twox128 = (text: string): Uint8Array => xxhashAsU8a(utf8(text), 128);
export const blake2b256 = (...parts: readonly Uint8Array[]): Uint8Array => blake2AsU8a(concat(...parts), 256);

const HASH_CACHE = 16_384;
const hashed = new Map<string, string>();

/** Account keys repeat all the time, so their hashes are remembered, within a bound. */
function hashedHex(hasher: Hasher, bytes: Uint8Array): string {
  const hex = toHex(bytes);
  if (hasher === 'Identity') return hex;
  const cacheKey = hasher + hex;
  let out = hashed.get(cacheKey);
  if (out === undefined) {
    if (hashed.size >= HASH_CACHE) hashed.clear();
    out = toHex(hasher === 'Twox64Concat' ? xxhashAsU8a(bytes, 64) : blake2AsU8a(bytes, 128)) + hex;
    hashed.set(cacheKey, out);
  }
  return out;
}
