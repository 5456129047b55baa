// Owns: batched storage reads under live metadata. Does not own: which items make a subnet (reader.ts).
//
// Requests go to the node directly, not through api.query: it would need one request per item, and @polkadot/rpc-core
// memoises what it was asked by its arguments (bundle.js, `memoize`), so each distinct key set would grow a process that
// runs for months.
import { unwrapStorageType } from '@polkadot/types';
import type { Codec } from '@polkadot/types/types';
import { compactStripLength } from '@polkadot/util';
import { toAddress } from '../../keys/ss58.js';
import { fromHex, toHex } from '../../model/bytes.js';
import { AssayError } from '../../model/errors.js';
import { CHAIN_LIMITS } from '../limits.js';
import type { Connection } from './connection.js';
import { isRecord, plainOf } from './plain.js';
import type { Runtime } from './runtime.js';

type Items = Runtime['items'];
type Item = Items[string][string];

/** One storage entry to be read, and how to understand it. */
export interface Read<T> {
  /** hex; undefined for what this chain cannot hold: nothing is asked */
  readonly key: string | undefined;
  /** @param raw the stored bytes, undefined when there are none */
  decode(raw: Uint8Array | undefined): T;
}

/** Keys as @polkadot/types takes them; objects for those that are enums. */
type Args = readonly (string | number | bigint | object)[];

/** False for a plain value, and for what the runtime does not have. */
export const isMap = ({ items }: Runtime, pallet: string, name: string): boolean =>
  find(items, pallet, name)?.meta.type.isMap ?? false;

export function hasItem({ items }: Runtime, pallet: string, name: string): boolean {
  return find(items, pallet, name) !== undefined;
}

/**
 * The value as `parse` sees it, in plain form (plain.ts). undefined when nothing is stored and the metadata gives no default.
 * @throws AssayError `chain-unknown` when the metadata has no such item
 */
export function optionOf<T>(
  runtime: Runtime,
  pallet: string,
  name: string,
  args: Args,
  parse: (plain: unknown) => T,
): Read<T | undefined> {
  const { item, key } = locate(runtime, pallet, name, args);
  return {
    key,
    decode(raw) {
      const bytes = raw ?? (item.meta.modifier.isDefault ? item.meta.fallback.toU8a(true) : undefined);
      return bytes === undefined ? undefined : parse(plainOf(decode(runtime, item, bytes)));
    },
  };
}

/** As optionOf, for an item that always has a value: stored, or the metadata's default. */
export function requiredOf<T>(
  runtime: Runtime,
  pallet: string,
  name: string,
  args: Args,
  parse: (plain: unknown) => T,
): Read<T> {
  const inner = optionOf(runtime, pallet, name, args, parse);
  return {
    key: inner.key,
    decode(raw) {
      const value = inner.decode(raw);
      if (value !== undefined) return value;
      const what = `${pallet}.${name}(${args.join(', ')})`;
      throw new AssayError('chain-unknown', `${what} has no value`, { what });
    },
  };
}

/** As optionOf; `otherwise` where nothing is stored, or the runtime has no such item. */
export function readOr<T, D>(
  runtime: Runtime,
  pallet: string,
  name: string,
  args: Args,
  parse: (plain: unknown) => T,
  otherwise: D,
): Read<T | D> {
  if (!hasItem(runtime, pallet, name)) return { key: undefined, decode: () => otherwise };
  const inner = optionOf(runtime, pallet, name, args, parse);
  return {
    key: inner.key,
    decode(raw) {
      const value = inner.decode(raw);
      return value === undefined ? otherwise : value;
    },
  };
}

/** As optionOf, but undefined also where the metadata has a default: only what somebody put there. */
export function storedOf<T>(
  runtime: Runtime,
  pallet: string,
  name: string,
  args: Args,
  parse: (codec: Codec) => T,
): Read<T | undefined> {
  if (!hasItem(runtime, pallet, name)) return NOTHING;
  const { key, decode: toCodec } = codecOf(runtime, pallet, name, args);
  return { key, decode: (raw) => (raw === undefined ? undefined : parse(toCodec(raw))) };
}

/** An account as SS58 of prefix 42; undefined when absent or the zero account, the chain's "nobody". */
export function accountOf(
  runtime: Runtime,
  pallet: string,
  name: string,
  args: Args,
): Read<string | undefined> {
  const { key } = locate(runtime, pallet, name, args);
  return {
    key,
    // the raw bytes: the registry would print them with the prefix that the node declares
    decode(raw) {
      if (raw !== undefined && raw.length !== 32)
        throw malformed(QUERY, undefined, `${raw.length} bytes for an account`);
      return raw?.some((byte) => byte !== 0) ? toAddress(raw) : undefined;
    },
  };
}

/** The codec itself, where its methods are needed (events); Null for an optional item of which nothing is stored. */
export function codecOf(runtime: Runtime, pallet: string, name: string, args: Args): Read<Codec> {
  const { item, key } = locate(runtime, pallet, name, args);
  return {
    key,
    decode(raw) {
      if (raw === undefined && item.meta.modifier.isOptional) return runtime.registry.createType('Null');
      return decode(runtime, item, raw ?? item.meta.fallback.toU8a(true));
    },
  };
}

type Values<R extends readonly Read<unknown>[]> = { [K in keyof R]: R[K] extends Read<infer T> ? T : never };

/** All of `reads` from the state of one block, in few requests. @param at hex hash; the best block without it */
export async function readAll<const R extends readonly Read<unknown>[]>(
  connection: Connection,
  reads: R,
  at?: string,
): Promise<Values<R>> {
  const found = new Map<string, Uint8Array>();
  const keys = [...new Set(reads.flatMap((read) => read.key ?? []))];
  const pages: Promise<void>[] = [];
  for (let i = 0; i < keys.length; i += CHAIN_LIMITS.storageKeysPerRequest)
    pages.push(readPage(connection, keys.slice(i, i + CHAIN_LIMITS.storageKeysPerRequest), at, found));
  await Promise.all(pages);
  return reads.map((read) =>
    read.decode(read.key === undefined ? undefined : found.get(read.key)),
  ) as Values<R>; // element by element, as `reads` says
}

/**
 * The stored keys of a map under its first keys, from the state of one block, page by page.
 * @throws AssayError `limit-exceeded` for more than `storageKeysPerMap`
 */
export async function keysOf(
  connection: Connection,
  runtime: Runtime,
  { pallet, name, args }: { readonly pallet: string; readonly name: string; readonly args: Args },
  at: string,
): Promise<readonly string[]> {
  const prefix = `0x${toHex(itemOf(runtime, pallet, name).keyPrefix(...args))}`;
  const limit = CHAIN_LIMITS.storageKeysPerMap;
  const keys: string[] = [];
  for (;;) {
    const params = [prefix, CHAIN_LIMITS.storageKeysPerPage, keys.at(-1) ?? null, at];
    const page = await connection.request('state_getKeysPaged', params);
    if (!Array.isArray(page) || !page.every((key) => typeof key === 'string' && key.startsWith(prefix)))
      throw malformed('state_getKeysPaged');
    keys.push(...(page as string[]));
    if (page.length < CHAIN_LIMITS.storageKeysPerPage) return keys;
    if (keys.length > limit)
      throw new AssayError('limit-exceeded', `${pallet}.${name} has more than ${limit} entries`, {
        what: `entries of ${pallet}.${name}`,
        limit,
        got: keys.length,
      });
  }
}

/** An entry whose key came from keysOf. */
export function entryOf<T>(
  runtime: Runtime,
  pallet: string,
  name: string,
  key: string,
  parse: (plain: unknown) => T,
): Read<T | undefined> {
  const item = itemOf(runtime, pallet, name);
  return {
    key,
    decode: (raw) => (raw === undefined ? undefined : parse(plainOf(decode(runtime, item, raw)))),
  };
}

/** The last key of a map's entry, where it is an account: all hashers of Subtensor's maps leave it readable. */
export const lastAccountOf = (key: string): string => toAddress(fromHex(key).slice(-32));

type Lists<L extends readonly (readonly Read<unknown>[])[]> = {
  [K in keyof L]: L[K] extends readonly Read<infer T>[] ? readonly T[] : never;
};

/** As readAll, for several lists at once. */
export async function readLists<const L extends readonly (readonly Read<unknown>[])[]>(
  connection: Connection,
  lists: L,
  at: string,
): Promise<Lists<L>> {
  const values = await readAll(connection, lists.flat(), at);
  const rest = [...values];
  return lists.map((list) => rest.splice(0, list.length)) as Lists<L>; // list by list, as `lists` says
}

/** Asks nothing and is undefined: a place in a list that needs no answer. */
export const NOTHING: Read<undefined> = { key: undefined, decode: () => undefined };

const QUERY = 'state_queryStorageAt';

/**
 * A key that the answer does not name is no empty one: nodes name all they were asked for.
 * @throws AssayError `invalid-input` (`malformed`) for anything else, and for another block's state
 */
async function readPage(
  connection: Connection,
  keys: readonly string[],
  at: string | undefined,
  found: Map<string, Uint8Array>,
): Promise<void> {
  const answer = await connection.request(QUERY, at === undefined ? [keys] : [keys, at]);
  // [{ block, changes: [[key, value | null], ...] }], one element since one block was asked for
  const { block, changes } = Array.isArray(answer) && isRecord(answer[0]) ? answer[0] : {};
  if (!Array.isArray(changes)) throw malformed(QUERY);
  if (at !== undefined && block !== at) throw malformed(QUERY, undefined, 'the state of another block');
  const missing = new Set(keys);
  for (const change of changes) {
    const [key, value] = Array.isArray(change) ? (change as unknown[]) : [];
    if (typeof key !== 'string') throw malformed(QUERY);
    missing.delete(key);
    if (value !== null) found.set(key, bytesOf(value));
  }
  if (missing.size > 0)
    throw malformed(QUERY, undefined, `nothing about ${missing.size} of ${keys.length} keys`);
}

function bytesOf(value: unknown): Uint8Array {
  if (typeof value !== 'string') throw malformed(QUERY);
  try {
    return fromHex(value);
  } catch (cause) {
    throw malformed(QUERY, cause);
  }
}

function find(items: Items, pallet: string, name: string): Item | undefined {
  // decorated names are camelCase; of a pallet or item that starts with several capitals the rest stays (CKBurn: ckBurn)
  const group = items[lowerFirst(pallet)];
  if (!group) return undefined;
  return group[lowerFirst(name)] ?? Object.values(group).find((item) => item.meta.name.toString() === name);
}

const lowerFirst = (name: string): string => name.charAt(0).toLowerCase() + name.slice(1);

/** @throws AssayError `chain-unknown` when the metadata has no such item */
export function itemOf(runtime: Runtime, pallet: string, name: string): Item {
  const item = find(runtime.items, pallet, name);
  if (item) return item;
  throw new AssayError('chain-unknown', `the chain has no storage ${pallet}.${name}`, {
    what: `storage ${pallet}.${name}`,
  });
}

function locate(runtime: Runtime, pallet: string, name: string, args: Args): { item: Item; key: string } {
  const item = itemOf(runtime, pallet, name);
  // a key comes with its SCALE length before it
  return { item, key: `0x${toHex(compactStripLength(item(...args))[1])}` };
}

function decode({ registry }: Runtime, item: Item, bytes: Uint8Array): Codec {
  const type = unwrapStorageType(registry, item.meta.type);
  const misfit = (cause?: unknown) =>
    malformed(QUERY, cause, `${bytes.length} bytes that are no ${type} (${item.prefix}.${item.method})`);
  let codec: Codec;
  try {
    codec = registry.createTypeUnsafe(type, [bytes]);
  } catch (cause) {
    throw misfit(cause);
  }
  // the registry fills up what is cut off with zeros; what follows a value the chain itself ignores
  if (codec.encodedLength > bytes.length) throw misfit();
  return codec;
}

/** Of a node that is then left for another, where there is one (with-retry.ts). */
export const malformed = (method: string, cause?: unknown, got = 'another'): AssayError =>
  new AssayError(
    'invalid-input',
    `${method}: malformed answer`,
    {
      what: `answer to ${method}`,
      expected: 'the form Substrate nodes give it',
      got,
    },
    { cause },
  );
