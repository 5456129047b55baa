// Owns: storage under real hashed keys, with the last blocks' values. Does not own: what is stored, blocks.
import { decode, encode } from '../chain/codec/scale.js';
import type { StorageItem } from '../chain/codec/storage.js';
import { History } from './history.js';

/** A key with its present value and its past ones. */
interface Entry {
  readonly key: string;
  /** that wrote the present value */
  block: number;
  /** undefined: deleted */
  bytes: Uint8Array | undefined;
  /** remembered result of decoding `bytes`: never to be changed by who reads it */
  decoded: unknown;
  past: History | undefined;
}

/** What a write took the place of. */
type Undo =
  | { readonly entry: Entry; readonly was: 'nothing' | 'older' }
  | { readonly entry: Entry; readonly was: 'of this block'; readonly bytes: Uint8Array | undefined };

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
 * Each key holds its past values, so keeping history costs what changed and not what exists. Writes since `mark` can be
 * taken back: an extrinsic that fails leaves nothing.
 */
export class State implements StateView, RawView {
  readonly #entries = new Map<string, Entry>();
  /** item prefix -> its entries, present or past */
  readonly #items = new Map<string, Set<Entry>>();
  /** block -> keys it changed, for pruning */
  readonly #changed = new Map<number, readonly string[]>();
  /** of the block being written */
  #changing = new Set<string>();
  #journal: Undo[] = [];
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
    return this.changedKeys(number).map((key) => [key, bytesAt(this.#entries.get(key), number)]);
  }

  /** Forgets the blocks after `number`, which must not be older than `oldest`: the state is as it was at its end. */
  revert(number: number): void {
    for (let block = this.#block; block > number; block--) {
      for (const key of this.changedKeys(block)) {
        const entry = this.#entries.get(key);
        while (entry && entry.block > number && this.#restore(entry));
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
    for (const undo of this.#journal.splice(mark).reverse()) {
      const { entry } = undo;
      if (undo.was === 'of this block') {
        entry.bytes = undo.bytes;
        entry.decoded = undefined;
      } else this.#restore(entry);
    }
  }

  get<K extends readonly unknown[], V, R extends V | undefined>(
    item: StorageItem<K, V, R>,
    ...keys: K
  ): V | R {
    const entry = this.#entries.get(item.key(...keys));
    if (entry?.bytes === undefined) return item.fallback;
    if (entry.decoded === undefined) entry.decoded = decode(item.value, entry.bytes);
    return entry.decoded as V; // decoded by the item that owns the key
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
    return this.#entries.get(key)?.bytes;
  }

  rawKeys(prefix: string): string[] {
    return this.#matching(prefix, ({ bytes }) => bytes !== undefined);
  }

  /** The state as of the end of block `number`, which must not be older than `oldest`. */
  at(number: number): StateView & RawView {
    const raw = (key: string): Uint8Array | undefined => bytesAt(this.#entries.get(key), number);
    const rawKeys = (prefix: string): string[] =>
      this.#matching(prefix, (entry) => bytesAt(entry, number) !== undefined);
    return {
      get: (item, ...keys) => {
        const key = item.key(...keys);
        if ((this.#entries.get(key)?.block ?? number) <= number) return this.get(item, ...keys);
        const bytes = raw(key);
        return bytes === undefined ? item.fallback : decode(item.value, bytes);
      },
      has: (item, ...keys) => raw(item.key(...keys)) !== undefined,
      keys: (item, ...prefix) => rawKeys(item.key(...prefix)).map((key) => item.keysOf(key)),
      raw,
      rawKeys,
    };
  }

  #matching(prefix: string, isLive: (entry: Entry) => boolean): string[] {
    const out: string[] = [];
    const scan = (entries: Iterable<Entry>): void => {
      for (const entry of entries) if (entry.key.startsWith(prefix) && isLive(entry)) out.push(entry.key);
    };
    if (prefix.length >= ITEM_PREFIX_CHARS) scan(this.#items.get(prefix.slice(0, ITEM_PREFIX_CHARS)) ?? []);
    else scan(this.#entries.values());
    return out.sort();
  }

  #write(key: string, bytes: Uint8Array | undefined): void {
    const entry = this.#entries.get(key) ?? this.#create(key);
    if (entry.block === this.#block) {
      this.#journal.push({ entry, was: 'of this block', bytes: entry.bytes });
    } else if (entry.block < 0) {
      this.#journal.push({ entry, was: 'nothing' });
    } else {
      this.#journal.push({ entry, was: 'older' });
      entry.past ??= new History();
      entry.past.push(entry.block, entry.bytes);
    }
    entry.block = this.#block;
    entry.bytes = bytes;
    entry.decoded = undefined;
    // the entry's own text: an equal one, put together anew for each write, would be kept with every block
    this.#changing.add(entry.key);
  }

  #create(written: string): Entry {
    // without the parts that it was put together from, which V8 keeps with it
    const key = Buffer.from(written, 'latin1').toString('latin1');
    const entry: Entry = { key, block: -1, bytes: undefined, decoded: undefined, past: undefined };
    this.#entries.set(key, entry);
    const item = key.slice(0, ITEM_PREFIX_CHARS);
    const entries = this.#items.get(item);
    if (entries) entries.add(entry);
    else this.#items.set(item, new Set([entry]));
    return entry;
  }

  /** Back to the value before the present one. @returns false when there was none: the entry is gone */
  #restore(entry: Entry): boolean {
    if (!entry.past || entry.past.length === 0) {
      this.#forget(entry);
      return false;
    }
    const { block, value } = entry.past.pop();
    entry.block = block;
    entry.bytes = value;
    entry.decoded = undefined;
    return true;
  }

  /** Drops values that only blocks up to `number` can see. */
  #prune(number: number): void {
    while (this.#pruned < number) {
      const block = ++this.#pruned;
      // `block` itself becomes unreadable; its values stay as what later blocks inherit
      for (const key of this.#changed.get(block) ?? []) {
        const entry = this.#entries.get(key);
        if (!entry) continue;
        entry.past?.dropBefore(block + 1, entry.block);
        if (entry.past?.length === 0) entry.past = undefined;
        if (!entry.past && entry.bytes === undefined && entry.block <= block + 1) this.#forget(entry);
      }
      this.#changed.delete(block);
    }
  }

  #forget(entry: Entry): void {
    this.#entries.delete(entry.key);
    this.#items.get(entry.key.slice(0, ITEM_PREFIX_CHARS))?.delete(entry);
  }
}

function bytesAt(entry: Entry | undefined, number: number): Uint8Array | undefined {
  if (!entry) return undefined;
  return entry.block <= number ? entry.bytes : entry.past?.at(number);
}
