// Owns: one block's state as checks and effects read it; what they ask for in one turn becomes one request.
// Does not own: which block, what they ask.
import { stringCamelCase } from '@polkadot/util';
import { toAddress } from '../../keys/ss58.js';
import { AssayError, isAssayError } from '../../model/errors.js';
import { type RetryParts, retryRead } from '../with-retry.js';
import type { Connection } from './connection.js';
import { type Keys, type State, SUBTENSOR } from './operations/operation.js';
import { asBigint, asBoolean, plainOf } from './plain.js';
import type { Runtime } from './runtime.js';
import { callApi, hasApi } from './runtime-api.js';
import { hasItem, optionOf, type Read, readAll, storedOf } from './storage.js';

export interface StateOf {
  readonly signer: string;
  readonly byRoot?: boolean;
  readonly block: number;
  /** hex hash of the block */
  readonly at: string;
  readonly runtime: Runtime;
}

/** @param parts reads are tried again as with-retry.ts says */
export function createState(
  connection: Connection,
  parts: RetryParts,
  { signer, byRoot = false, block, at, runtime }: StateOf,
): State {
  const read = inTurns((reads) =>
    retryRead(parts, 'chain state', () => readAll(connection, reads, at) as Promise<unknown[]>),
  );
  const locate = (item: string): [pallet: string, name: string] => {
    const dot = item.indexOf('.');
    return dot < 0 ? [SUBTENSOR, item] : [item.slice(0, dot), item.slice(dot + 1)];
  };
  // keys of enums and tuples are encoded by the registry as well as numbers and addresses are
  const plainKeys = (keys: Keys) => keys as readonly (string | number)[];
  const get = async (item: string, ...keys: Keys): Promise<unknown> =>
    read(locatable(item, () => optionOf(runtime, ...locate(item), plainKeys(keys), (plain) => plain)));
  return {
    signer,
    byRoot,
    block,
    has: (item) => hasItem(runtime, ...locate(item)),
    get,
    stored: async (item, ...keys) =>
      read(locatable(item, () => storedOf(runtime, ...locate(item), plainKeys(keys), plainOf))),
    integer: async (item, ...keys) => asBigint(await get(item, ...keys)),
    flag: async (item, ...keys) => asBoolean(await get(item, ...keys)),
    async account(item, ...keys) {
      const value = await get(item, ...keys);
      return value === NOBODY || typeof value !== 'string' ? undefined : value;
    },
    async api(name, ...args) {
      if (!hasApi(runtime, name)) return undefined;
      try {
        return await retryRead(parts, name, () => callApi(connection, runtime, name, args, at));
      } catch (error) {
        // a node that does not answer it, or cannot: what is looked at beforehand must not keep a call from being made
        if (isAssayError(error, 'refused') || isAssayError(error, 'unsupported')) return undefined;
        throw error;
      }
    },
    constant(pallet, name) {
      const constant = runtime.constants[stringCamelCase(pallet)]?.[stringCamelCase(name)];
      return constant && plainOf(constant);
    },
  };
}

/** An item that has other keys under this runtime is another item. */
function locatable<T>(item: string, locate: () => T): T {
  try {
    return locate();
  } catch (cause) {
    if (cause instanceof AssayError) throw cause;
    const what = `storage ${item} with these keys`;
    throw new AssayError('chain-unknown', `the chain has no ${what}`, { what }, { cause });
  }
}

const NOBODY = toAddress(new Uint8Array(32));

/** Collects what is asked before the caller's turn ends, and answers all of it with one call. */
function inTurns(readMany: (reads: readonly Read<unknown>[]) => Promise<readonly unknown[]>) {
  let waiting: {
    read: Read<unknown>;
    resolve: (value: unknown) => void;
    reject: (error: unknown) => void;
  }[] = [];
  return (read: Read<unknown>): Promise<unknown> =>
    new Promise((resolve, reject) => {
      waiting.push({ read, resolve, reject });
      if (waiting.length > 1) return;
      queueMicrotask(() => {
        const now = waiting;
        waiting = [];
        readMany(now.map((one) => one.read)).then(
          (values) => {
            for (const [i, one] of now.entries()) one.resolve(values[i]);
          },
          (error: unknown) => {
            for (const one of now) one.reject(error);
          },
        );
      });
    });
}
