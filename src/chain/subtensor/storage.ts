// Owns: batched storage reads under live metadata. Does not own: which items make a subnet (reader.ts).
//
// Requests go to the node directly, not through api.query: it would need one request per item, and @polkadot/rpc-core
// memoises what it was asked by its arguments (bundle.js, `memoize`), so each distinct key set would grow a process that
// runs for months.
import type { ApiPromise } from '@polkadot/api';
import { decorateStorage, type Metadata, unwrapStorageType } from '@polkadot/types';
import type { Codec, Registry } from '@polkadot/types/types';
import { compactStripLength } from '@polkadot/util';
import { toAddress } from '../../keys/ss58.js';
import { fromHex, toHex } from '../../model/bytes.js';
import { AssayError } from '../../model/errors.js';
import { CHAIN_LIMITS } from '../limits.js';
import type { Connection } from './connection.js';

type Items = ReturnType<typeof decorateStorage>;
type Item = Items[string][string];

/** The types in force at a block: by them keys are made and values decoded. */
export interface Runtime {
  readonly registry: Registry;
  readonly items: Items;
}

const runtimes = new WeakMap<Metadata, Runtime>();

function runtimeOf(registry: Registry, metadata: Metadata): Runtime {
  let runtime = runtimes.get(metadata);
  if (!runtime) {
    runtime = { registry, items: decorateStorage(registry, metadata.asLatest, metadata.version) };
    runtimes.set(metadata, runtime);
  }
  return runtime;
}

export const currentRuntime = (api: ApiPromise): Runtime => runtimeOf(api.registry, api.runtimeMetadata);

/**
 * The runtime whose layout the state after block `hash` has: that of its parent's code, for an upgrade installed in a
 * block migrates storage in the next.
 * @param parent hex hash of its parent
 */
export async function runtimeAt(connection: Connection, hash: string, parent: string): Promise<Runtime> {
  const { api } = connection;
  if (/^0x0*$/.test(parent)) return currentRuntime(api);
  const version = await connection.request('state_getRuntimeVersion', [parent]);
  if (isRecord(version) && version.specVersion === api.runtimeVersion.specVersion.toNumber())
    return currentRuntime(api);
  const { registry, metadata } = await connection.orLost(api.getBlockRegistry(fromHex(hash)));
  return runtimeOf(registry, metadata);
}

/** One storage entry to be read, and how to understand it. */
export interface Read<T> {
  /** hex */
  readonly key: string;
  /** @param raw the stored bytes, undefined when there are none */
  decode(raw: Uint8Array | undefined): T;
}

type Args = readonly (string | number | bigint)[];

export function hasItem({ items }: Runtime, pallet: string, name: string): boolean {
  return find(items, pallet, name) !== undefined;
}

/**
 * The value as `parse` sees it: numbers, decimal strings for what exceeds 2^53, booleans, arrays, objects with
 * camelCase keys. undefined when nothing is stored and the metadata gives no default.
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
      return bytes === undefined ? undefined : parse(decode(runtime, item, bytes).toPrimitive());
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
    decode: (raw) => (raw?.length === 32 && raw.some((byte) => byte !== 0) ? toAddress(raw) : undefined),
  };
}

/** The codec itself, where its methods are needed (events). */
export function codecOf(runtime: Runtime, pallet: string, name: string, args: Args): Read<Codec> {
  const { item, key } = locate(runtime, pallet, name, args);
  return { key, decode: (raw) => decode(runtime, item, raw ?? item.meta.fallback.toU8a(true)) };
}

type Values<R extends readonly Read<unknown>[]> = { [K in keyof R]: R[K] extends Read<infer T> ? T : never };

/** All of `reads` from the state of one block, in few requests. @param at hex hash; the best block without it */
export async function readAll<const R extends readonly Read<unknown>[]>(
  connection: Connection,
  reads: R,
  at?: string,
): Promise<Values<R>> {
  const found = new Map<string, Uint8Array>();
  const keys = [...new Set(reads.map((read) => read.key))];
  const pages: Promise<void>[] = [];
  for (let i = 0; i < keys.length; i += CHAIN_LIMITS.storageKeysPerRequest)
    pages.push(readPage(connection, keys.slice(i, i + CHAIN_LIMITS.storageKeysPerRequest), at, found));
  await Promise.all(pages);
  return reads.map((read) => read.decode(found.get(read.key))) as Values<R>; // element by element, as `reads` says
}

async function readPage(
  connection: Connection,
  keys: readonly string[],
  at: string | undefined,
  found: Map<string, Uint8Array>,
): Promise<void> {
  const answer = await connection.request('state_queryStorageAt', at === undefined ? [keys] : [keys, at]);
  // [{ block, changes: [[key, value | null], ...] }], one element since one block was asked for
  const changes = Array.isArray(answer) && isRecord(answer[0]) ? answer[0].changes : undefined;
  if (!Array.isArray(changes)) throw malformed('state_queryStorageAt');
  for (const change of changes) {
    const [key, value] = Array.isArray(change) ? (change as unknown[]) : [];
    if (typeof key !== 'string') throw malformed('state_queryStorageAt');
    if (typeof value === 'string') found.set(key, fromHex(value));
  }
}

function find(items: Items, pallet: string, name: string): Item | undefined {
  // decorated names are camelCase; of a pallet or item that starts with several capitals the rest stays (CKBurn: ckBurn)
  const group = items[lowerFirst(pallet)];
  if (!group) return undefined;
  return group[lowerFirst(name)] ?? Object.values(group).find((item) => item.method === name);
}

const lowerFirst = (name: string): string => name.charAt(0).toLowerCase() + name.slice(1);

function locate(runtime: Runtime, pallet: string, name: string, args: Args): { item: Item; key: string } {
  const item = find(runtime.items, pallet, name);
  if (!item)
    throw new AssayError('chain-unknown', `the chain has no storage ${pallet}.${name}`, {
      what: `storage ${pallet}.${name}`,
    });
  // a key comes with its SCALE length before it
  return { item, key: `0x${toHex(compactStripLength(item(...args))[1])}` };
}

function decode({ registry }: Runtime, item: Item, bytes: Uint8Array): Codec {
  const type = unwrapStorageType(registry, item.meta.type);
  try {
    return registry.createTypeUnsafe(type, [bytes]);
  } catch (cause) {
    const what = `storage ${item.prefix}.${item.method} does not decode as ${type}`;
    throw new AssayError('internal', what, { what }, { cause });
  }
}

export const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export const malformed = (method: string): AssayError =>
  new AssayError('invalid-input', `${method}: malformed answer`, {
    what: `answer to ${method}`,
    expected: 'the form Substrate nodes give it',
    got: 'another',
  });

// Plain forms of codecs, narrowed. A misfit means that the chain's type is not what Subtensor's is.

export function asNumber(plain: unknown): number {
  if (typeof plain === 'number') return plain;
  const big = asBigint(plain);
  if (big > BigInt(Number.MAX_SAFE_INTEGER)) throw misfit('a number below 2^53', plain);
  return Number(big);
}

export function asBigint(plain: unknown): bigint {
  if (typeof plain === 'bigint') return plain;
  if (typeof plain === 'number' && Number.isInteger(plain)) return BigInt(plain);
  if (typeof plain === 'string' && /^\d+$/.test(plain)) return BigInt(plain);
  throw misfit('an integer', plain);
}

export function asBoolean(plain: unknown): boolean {
  if (typeof plain === 'boolean') return plain;
  throw misfit('a boolean', plain);
}

export const asList =
  <T>(of: (plain: unknown) => T) =>
  (plain: unknown): readonly T[] => {
    if (!Array.isArray(plain)) throw misfit('a list', plain);
    return plain.map(of);
  };

export function asRecord(plain: unknown): Readonly<Record<string, unknown>> {
  if (isRecord(plain)) return plain;
  throw misfit('a struct', plain);
}

function misfit(expected: string, got: unknown): AssayError {
  return new AssayError('invalid-input', `chain value: expected ${expected}, got ${typeof got}`, {
    what: 'chain value',
    expected,
    got: Array.isArray(got) ? 'a list' : typeof got,
  });
}
