// Owns: storage under real hashed keys, with the last blocks' values. Does not own: what is stored, blocks.
import { decode, encode } from '../chain/codec/scale.js';
import type { StorageItem } from '../chain/codec/storage.js';

/** A value as of the end of `block`; undefined: deleted. */
interface Version {
  block: number;
  /** text of one byte each once it is history: a third of the memory of an array with a buffer of its own */
  bytes: Uint8Array | string | undefined;
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
  /** item prefix -> its keys that have any version, each with the text that stands for it */
  readonly #items = new Map<string, Map<string, string>>();
  /** block -> keys it changed, for pruning */
  readonly #changed = new Map<number, readonly string[]>();
  /** of the block being written */
  #changing = new Set<string>();
  #journal: { readonly key: string; readonly previous: Version | undefined }[] = [];
  #block: number;
  #pruned: number;

  /**
   * @param historyBlocks how many blocks before the current one stay readable
   * @param firstBlock where the state begins: there is nothing before it
   */
  constructor(
    private readonly historyBlocks: number,
    firstBlock = 0,
  ) {
    this.#block = firstBlock;
    this.#pruned = firstBlock - 1;
  }

  /** Starts block `number`: from here on writes belong to it. */
  open(number: number): void {
    this.#changed.set(this.#block, [...this.#changing]);
    this.#changing = new Set();
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
    return number === this.#block ? [...this.#changing] : (this.#changed.get(number) ?? []);
  }

  /** What block `number` wrote, as it was at its end; undefined: deleted. */
  changes(number: number): (readonly [key: string, value: Uint8Array | undefined])[] {
    return this.changedKeys(number).map((key) => [
      key,
      bytesOf(atBlock(this.#versions.get(key) ?? [], number)),
    ]);
  }

  /** Forgets the blocks after `number`, which must not be older than `oldest`: the state is as it was at its end. */
  revert(number: number): void {
    for (let block = this.#block; block > number; block--) {
      for (const key of this.changedKeys(block)) {
        const versions = this.#versions.get(key);
        while (versions !== undefined && versions.length > 0 && versions.at(-1)!.block > number)
          versions.pop();
        if (versions?.length === 0) this.#forget(key);
      }
      this.#changed.delete(block);
    }
    if (number < this.#block) this.#changing = new Set(this.#changed.get(number));
    this.#block = number;
    this.#journal = [];
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

  /** Writes what another state holds under a hashed key; undefined deletes. */
  putRaw(key: string, bytes: Uint8Array | undefined): void {
    if (bytes !== undefined || this.raw(key) !== undefined) this.#write(key, bytes);
  }

  raw(key: string): Uint8Array | undefined {
    return bytesOf(this.#versions.get(key)?.at(-1));
  }

  rawKeys(prefix: string): string[] {
    return this.#matching(prefix, (versions) => versions.at(-1)?.bytes !== undefined);
  }

  /** The state as of the end of block `number`, which must not be older than `oldest`. */
  at(number: number): StateView & RawView {
    const versionOf = (key: string): Version | undefined => atBlock(this.#versions.get(key) ?? [], number);
    return {
      get: (item, ...keys) => readOnce(item, versionOf(item.key(...keys))),
      has: (item, ...keys) => versionOf(item.key(...keys))?.bytes !== undefined,
      keys: (item, ...prefix) =>
        this.#matching(item.key(...prefix), (versions) => atBlock(versions, number)?.bytes !== undefined).map(
          (key) => item.keysOf(key),
        ),
      raw: (key) => bytesOf(versionOf(key)),
      rawKeys: (prefix) =>
        this.#matching(prefix, (versions) => atBlock(versions, number)?.bytes !== undefined),
    };
  }

  #matching(prefix: string, isLive: (versions: readonly Version[]) => boolean): string[] {
    const out: string[] = [];
    const scan = (keys: Iterable<string>): void => {
      for (const key of keys) if (key.startsWith(prefix) && isLive(this.#versions.get(key)!)) out.push(key);
    };
    if (prefix.length >= ITEM_PREFIX_CHARS)
      scan(this.#items.get(prefix.slice(0, ITEM_PREFIX_CHARS))?.keys() ?? []);
    else scan(this.#versions.keys());
    return out.sort();
  }

  #write(written: string, bytes: Uint8Array | undefined): void {
    // one text for each key: equal ones, built anew for each write, would be kept with every block
    const key = this.#items.get(written.slice(0, ITEM_PREFIX_CHARS))?.get(written) ?? flat(written);
    let versions = this.#versions.get(key);
    if (!versions) {
      versions = [];
      this.#versions.set(key, versions);
      const item = key.slice(0, ITEM_PREFIX_CHARS);
      const keys = this.#items.get(item);
      if (keys) keys.set(key, key);
      else this.#items.set(item, new Map([[key, key]]));
    }
    const last = versions.at(-1);
    const previous = last?.block === this.#block ? last : undefined;
    if (previous) versions.pop();
    else if (last) toHistory(last);
    this.#journal.push({ key, previous });
    versions.push({ block: this.#block, bytes });
    this.#changing.add(key);
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
  if (version.decoded === undefined) version.decoded = decode(item.value, bytesOf(version)!);
  return version.decoded as V; // decoded by the item that owns the key
}

/** Of history, which is read seldom: nothing is remembered. */
function readOnce<K extends readonly unknown[], V, R extends V | undefined>(
  item: StorageItem<K, V, R>,
  version: Version | undefined,
): V | R {
  if (version?.decoded !== undefined) return version.decoded as V; // it is the head's as well
  const bytes = bytesOf(version);
  return bytes === undefined ? item.fallback : decode(item.value, bytes);
}

/** Without the parts that it was put together from, which V8 keeps with it. */
const flat = (text: string): string => Buffer.from(text, 'latin1').toString('latin1');

function toHistory(version: Version): void {
  version.decoded = undefined;
  const { bytes } = version;
  if (bytes !== undefined && typeof bytes !== 'string')
    version.bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
}

function bytesOf(version: Version | undefined): Uint8Array | undefined {
  const bytes = version?.bytes;
  return typeof bytes === 'string' ? Uint8Array.from(Buffer.from(bytes, 'latin1')) : bytes;
}
