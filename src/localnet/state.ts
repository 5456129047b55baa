// Owns: storage under real hashed keys, with the last blocks' values. Does not own: what is stored, blocks.
import { decode, encode } from '../chain/codec/scale.js';
import type { StorageItem } from '../chain/codec/storage.js';

/** A value as of the end of `block`; undefined: deleted. */
interface Version {
  block: number;
  bytes: Uint8Array | undefined;
  /** remembered result of decoding `bytes`: never to be changed by who reads it */
  decoded?: unknown;
}

/** Pallet prefix and item prefix: two twox128 hashes, `0x` and 64 digits. */
const ITEM_PREFIX_CHARS = 66;

/** What is read of a state, at the head or at a past block. */
export interface StateView {
  get<K extends readonly unknown[], V, R extends V | undefined>(
    item: StorageItem<K, V, R>,
    ...keys: K
  ): V | R;
  has<K extends readonly unknown[], V, R extends V | undefined>(
    item: StorageItem<K, V, R>,
    ...keys: K
  ): boolean;
  /** Keys of all entries that start with these, in the order of their hashed keys. */
  keys<K extends readonly unknown[], V, R extends V | undefined>(
    item: StorageItem<K, V, R>,
    ...prefix: Partial<K>
  ): K[];
}

/** `0x`-hex keys and raw values, as RPC speaks of them. */
export interface RawView {
  raw(key: string): Uint8Array | undefined;
  rawKeys(prefix: string): string[];
}

/**
 * Each key holds its versions, newest last; a past block is read by bisection, so keeping history costs what changed
 * and not what exists. Writes since `mark` can be taken back: an extrinsic that fails leaves nothing.
 */
export class State implements StateView, RawView {
  readonly #versions = new Map<string, Version[]>();
  /** item prefix -> its keys that have any version */
  readonly #items = new Map<string, Set<string>>();
  /** block -> keys it changed, for pruning */
  readonly #changed = new Map<number, Set<string>>();
  #journal: { readonly key: string; readonly previous: Version | undefined }[] = [];
  #block = 0;
  #pruned = -1;

  /** @param historyBlocks how many blocks before the current one stay readable */
  constructor(private readonly historyBlocks: number) {}

  /** Starts block `number`: from here on writes belong to it. */
  open(number: number): void {
    this.#block = number;
    this.#journal = [];
    this.#prune(number - this.historyBlocks - 1);
  }

  /** Oldest block whose state is complete. */
  get oldest(): number {
    return this.#pruned + 1;
  }

  /** Keys that block `number` wrote, in writing order. */
  changedKeys(number: number): readonly string[] {
    return [...(this.#changed.get(number) ?? [])];
  }

  mark(): number {
    return this.#journal.length;
  }

  rollback(mark: number): void {
    for (const { key, previous } of this.#journal.splice(mark).reverse()) {
      const versions = this.#versions.get(key)!;
      versions.pop();
      if (previous) versions.push(previous);
      if (versions.length === 0) this.#forget(key);
    }
  }

  get<K extends readonly unknown[], V, R extends V | undefined>(
    item: StorageItem<K, V, R>,
    ...keys: K
  ): V | R {
    return read(item, this.#versions.get(item.key(...keys))?.at(-1));
  }

  has<K extends readonly unknown[], V, R extends V | undefined>(
    item: StorageItem<K, V, R>,
    ...keys: K
  ): boolean {
    return this.raw(item.key(...keys)) !== undefined;
  }

  put<K extends readonly unknown[], V, R extends V | undefined>(
    item: StorageItem<K, V, R>,
    keys: K,
    value: V,
  ): void {
    this.#write(item.key(...keys), encode(item.value, value));
  }

  delete<K extends readonly unknown[], V, R extends V | undefined>(
    item: StorageItem<K, V, R>,
    ...keys: K
  ): void {
    const key = item.key(...keys);
    if (this.raw(key) !== undefined) this.#write(key, undefined);
  }

  keys<K extends readonly unknown[], V, R extends V | undefined>(
    item: StorageItem<K, V, R>,
    ...prefix: Partial<K>
  ): K[] {
    return this.rawKeys(item.key(...prefix)).map((key) => item.keysOf(key));
  }

  raw(key: string): Uint8Array | undefined {
    return this.#versions.get(key)?.at(-1)?.bytes;
  }

  rawKeys(prefix: string): string[] {
    return this.#matching(prefix, (versions) => versions.at(-1)?.bytes !== undefined);
  }

  /** The state as of the end of block `number`, which must not be older than `oldest`. */
  at(number: number): StateView & RawView {
    const versionOf = (key: string): Version | undefined => atBlock(this.#versions.get(key) ?? [], number);
    return {
      get: (item, ...keys) => read(item, versionOf(item.key(...keys))),
      has: (item, ...keys) => versionOf(item.key(...keys))?.bytes !== undefined,
      keys: (item, ...prefix) =>
        this.#matching(item.key(...prefix), (versions) => atBlock(versions, number)?.bytes !== undefined).map(
          (key) => item.keysOf(key),
        ),
      raw: (key) => versionOf(key)?.bytes,
      rawKeys: (prefix) =>
        this.#matching(prefix, (versions) => atBlock(versions, number)?.bytes !== undefined),
    };
  }

  #matching(prefix: string, isLive: (versions: readonly Version[]) => boolean): string[] {
    const out: string[] = [];
    const scan = (keys: Iterable<string>): void => {
      for (const key of keys) if (key.startsWith(prefix) && isLive(this.#versions.get(key)!)) out.push(key);
    };
    if (prefix.length >= ITEM_PREFIX_CHARS) scan(this.#items.get(prefix.slice(0, ITEM_PREFIX_CHARS)) ?? []);
    else scan(this.#versions.keys());
    return out.sort();
  }

  #write(key: string, bytes: Uint8Array | undefined): void {
    let versions = this.#versions.get(key);
    if (!versions) {
      versions = [];
      this.#versions.set(key, versions);
      const item = key.slice(0, ITEM_PREFIX_CHARS);
      const keys = this.#items.get(item);
      if (keys) keys.add(key);
      else this.#items.set(item, new Set([key]));
    }
    const last = versions.at(-1);
    const previous = last?.block === this.#block ? last : undefined;
    if (previous) versions.pop();
    else if (last) last.decoded = undefined; // history is read seldom: keep its bytes, not its objects
    this.#journal.push({ key, previous });
    versions.push({ block: this.#block, bytes });
    let changed = this.#changed.get(this.#block);
    if (!changed) {
      changed = new Set();
      this.#changed.set(this.#block, changed);
    }
    changed.add(key);
  }

  /** Drops versions that only blocks up to `number` can see. */
  #prune(number: number): void {
    while (this.#pruned < number) {
      const block = ++this.#pruned;
      // `block` itself becomes unreadable; its versions stay as what later blocks inherit
      for (const key of this.#changed.get(block) ?? []) {
        const versions = this.#versions.get(key);
        if (!versions) continue;
        while (versions.length > 1 && versions[1]!.block <= block + 1) versions.shift();
        if (versions.length === 1 && versions[0]!.bytes === undefined) this.#forget(key);
      }
      this.#changed.delete(block);
    }
  }

  #forget(key: string): void {
    this.#versions.delete(key);
    this.#items.get(key.slice(0, ITEM_PREFIX_CHARS))?.delete(key);
  }
}

function atBlock(versions: readonly Version[], number: number): Version | undefined {
  let low = 0;
  let high = versions.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (versions[middle]!.block <= number) low = middle + 1;
    else high = middle;
  }
  return versions[low - 1];
}

function read<K extends readonly unknown[], V, R extends V | undefined>(
  item: StorageItem<K, V, R>,
  version: Version | undefined,
): V | R {
  if (version?.bytes === undefined) return item.fallback;
  if (version.decoded === undefined) version.decoded = decode(item.value, version.bytes);
  return version.decoded as V; // decoded by the item that owns the key
}
