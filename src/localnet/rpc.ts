// Owns: JSON-RPC methods and subscriptions of a Substrate node. Does not own: sockets (serve.ts), what is validated (validity.ts).
import { z } from 'zod';
import type { runtimeVersion } from '../chain/codec/runtime.js';
import { fromHex, toHex } from '../model/bytes.js';
import { AssayError } from '../model/errors.js';
import type { Block } from './blocks.js';
import { nonsenseOf } from './faults.js';
import { faultMethods } from './faults-rpc.js';
import { LIMITS } from './limits.js';
import type { Node, ServedStep } from './node.js';
import type { PoolStatus } from './pool.js';
import { createRuntimeApi } from './runtime-api.js';
import { infoMethods } from './runtime-apis/info-rpc.js';
import type { RawView } from './state.js';
import { RpcError } from './validity.js';

/** Where notifications go: one per connection. */
export interface Session {
  notify(method: string, subscription: string, result: unknown): void;
}

export interface Rpc {
  /** The answer, or `NO_ANSWER`. @throws RpcError */
  call(method: string, params: readonly unknown[], session?: Session): unknown;
  /** Ends all subscriptions of a session. */
  close(session: Session): void;
}

type Method = (params: readonly unknown[], session: Session | undefined) => unknown;

const hex = z
  .string()
  .regex(/^0x([0-9a-fA-F]{2})*$/)
  .transform((text) => text.toLowerCase());
const optionalHash = z.union([hex, z.null()]).optional();
const keyList = z.array(hex).max(LIMITS.storageKeys);

/** @param dev serves the `dev_` methods, with which whoever connects rules the chain */
export function createRpc(node: Node, { dev }: { readonly dev: boolean }): Rpc {
  const { store } = node;
  const sessions = new Map<Session, Map<string, () => void>>();
  let lastSubscription = 0;

  const served = (): Block => node.served().head;
  /** Of a node that lags, later blocks have not come yet. */
  const lookUp = (hash: string | null | undefined): Block | undefined => {
    if (!hash) return served();
    const block = node.blockByHash(hash);
    return block && (block.number <= served().number || !node.isCanonical(block)) ? block : undefined;
  };
  const blockAt = (hash: string | null | undefined): Block => {
    const block = lookUp(hash);
    if (!block)
      throw new RpcError(4003, `Client error: UnknownBlock: Header was not found in the database: ${hash}`);
    return block;
  };
  const stateAt = (hash: string | null | undefined): RawView => {
    const block = blockAt(hash);
    const { number } = block;
    if (number < store.oldest || !node.isCanonical(block))
      throw new RpcError(4003, `Client error: UnknownBlock: State already discarded for ${hash}`);
    return number === node.head().number ? store : store.at(number);
  };
  /** The number of a block whose state is there. */
  const stateBlock = (hash: string | null | undefined): number => {
    stateAt(hash);
    return blockAt(hash).number;
  };
  const api = createRuntimeApi(node);

  function subscribe(
    session: Session | undefined,
    start: (id: string, session: Session, end: () => void) => () => void,
  ): string {
    if (!session) throw new RpcError(-32601, 'Subscriptions are not available here');
    let own = sessions.get(session);
    if (!own) {
      own = new Map();
      sessions.set(session, own);
    }
    if (own.size >= LIMITS.subscriptionsPerConnection)
      throw new RpcError(-32006, `Too many subscriptions: at most ${LIMITS.subscriptionsPerConnection}`);
    const id = `0x${(++lastSubscription).toString(16).padStart(16, '0')}`;
    const subscriptions = own;
    let isOver = false;
    const stop = start(id, session, () => {
      isOver = true;
      subscriptions.delete(id);
    });
    if (!isOver) own.set(id, stop);
    return id;
  }
  const unsubscribe: Method = ([id], session) => {
    const own = session && sessions.get(session);
    const stop = typeof id === 'string' ? own?.get(id) : undefined;
    if (!own || !stop) return false;
    stop();
    return own.delete(id as string); // found under it, so it is a string
  };

  const subscribeHeads =
    (method: string, pick: (step: ServedStep) => readonly Block[]): Method =>
    (_params, session) =>
      subscribe(session, (id, to) => {
        // the first answer is where things stand; blocks made before it is sent are part of it
        let started = false;
        queueMicrotask(() => {
          started = true;
          to.notify(method, id, headerJson(served()));
        });
        return node.onServed((step) => {
          if (started) for (const block of pick(step)) to.notify(method, id, headerJson(block));
        });
      });
  const subscribeFinalizedHeads: Method = (_params, session) =>
    subscribe(session, (id, to) => {
      let last = -1;
      // hears of every block, also when several became final at once
      const tell = (): void => {
        const { number } = node.served().finalized;
        for (let next = last < 0 ? number : last + 1; next <= number; next++)
          to.notify('chain_finalizedHead', id, headerJson(node.block(next)!));
        last = Math.max(last, number);
      };
      queueMicrotask(tell);
      return node.onServed(tell);
    });

  const methods: Record<string, Method> = {
    // chain
    chain_getBlockHash([at]) {
      if (at === undefined || at === null) return hashJson(served().hash);
      if (Array.isArray(at)) return at.map((one) => methods.chain_getBlockHash!([one], undefined));
      const number = typeof at === 'string' ? Number(at) : at;
      if (typeof number !== 'number' || !Number.isSafeInteger(number) || number < 0)
        throw invalidParams('block number');
      const block = number > served().number ? undefined : node.block(number);
      return block ? hashJson(block.hash) : null;
    },
    chain_getHeader: (params) => {
      const [hash] = parse(params, z.tuple([optionalHash]).partial());
      const block = lookUp(hash);
      return block ? headerJson(block) : null;
    },
    chain_getBlock: (params) => {
      const [hash] = parse(params, z.tuple([optionalHash]).partial());
      const block = lookUp(hash);
      if (!block) return null;
      const extrinsics = block.extrinsics.map(toPrefixedHex);
      return { block: { header: headerJson(block), extrinsics }, justifications: null };
    },
    chain_getFinalizedHead: () => hashJson(node.served().finalized.hash),
    chain_subscribeNewHeads: subscribeHeads('chain_newHead', ({ head }) => [head]),
    chain_subscribeAllHeads: subscribeHeads('chain_allHead', ({ imported }) => imported),
    chain_subscribeFinalizedHeads: subscribeFinalizedHeads,

    // state
    state_getRuntimeVersion: (params) => {
      const [hash] = parse(params, z.tuple([optionalHash]).partial());
      return versionJson(node.runtimeAt(stateBlock(hash)).version);
    },
    state_getMetadata: (params) => {
      const [hash] = parse(params, z.tuple([optionalHash]).partial());
      return toPrefixedHex(api.metadata(stateBlock(hash)));
    },
    state_call: (params) => {
      const [name, data, hash] = parse(params, z.tuple([z.string().max(256), hex, optionalHash.optional()]));
      return toPrefixedHex(api.call(name, fromHex(data), stateBlock(hash)));
    },
    state_getStorage: (params) => {
      const [key, hash] = parse(params, z.tuple([hex, optionalHash.optional()]));
      return valueJson(stateAt(hash).raw(key));
    },
    state_getStorageHash: (params) => {
      const [key, hash] = parse(params, z.tuple([hex, optionalHash.optional()]));
      return api.storageHash(stateAt(hash).raw(key));
    },
    state_getStorageSize: (params) => {
      const [key, hash] = parse(params, z.tuple([hex, optionalHash.optional()]));
      return stateAt(hash).raw(key)?.length ?? null;
    },
    state_queryStorageAt: (params) => {
      const [keys, hash] = parse(params, z.tuple([keyList, optionalHash.optional()]));
      const block = blockAt(hash);
      const view = stateAt(hash);
      return [{ block: hashJson(block.hash), changes: keys.map((key) => [key, valueJson(view.raw(key))]) }];
    },
    state_getKeys: (params) => {
      const [prefix, hash] = parse(params, z.tuple([hex, optionalHash.optional()]));
      return stateAt(hash).rawKeys(prefix);
    },
    state_getKeysPaged: (params) => {
      const [prefix, count, after, hash] = parse(
        params,
        z.tuple([
          z.union([hex, z.null()]),
          z.number().int().min(0).max(LIMITS.keysPerPage),
          optionalHash.optional(),
          optionalHash.optional(),
        ]),
      );
      const keys = stateAt(hash).rawKeys(prefix ?? '0x');
      const from = after ? keys.findIndex((key) => key > after) : 0;
      return from < 0 ? [] : keys.slice(from, from + count);
    },
    state_subscribeRuntimeVersion: (_params, session) =>
      subscribe(session, (id, to) => {
        let told: number | undefined;
        const tell = (): void => {
          const { version } = node.runtimeAt(served().number);
          if (version.spec_version === told) return;
          told = version.spec_version;
          to.notify('state_runtimeVersion', id, versionJson(version));
        };
        queueMicrotask(tell);
        return node.onServed(tell);
      }),
    state_subscribeStorage: (params, session) => {
      const [keys] = parse(params, z.tuple([keyList]));
      return subscribe(session, (id, to) => {
        const wanted = new Set(keys);
        const tell = (changed: Iterable<string>): void => {
          const view = stateAt(undefined);
          const changes = [...changed].map((key) => [key, valueJson(view.raw(key))]);
          if (changes.length > 0) to.notify('state_storage', id, { block: hashJson(served().hash), changes });
        };
        // the first answer holds every key; blocks made before it is sent are part of it
        let started = false;
        queueMicrotask(() => {
          started = true;
          tell(wanted);
        });
        return node.onServed(({ changed }) => {
          if (started) tell(changed?.filter((key) => wanted.has(key)) ?? wanted);
        });
      });
    },

    // author
    author_submitExtrinsic: (params) => {
      const [bytes] = parse(params, z.tuple([hex]));
      return node.submitBytes(fromHex(bytes)).hash;
    },
    author_submitAndWatchExtrinsic: (params, session) => {
      const [bytes] = parse(params, z.tuple([hex]));
      return subscribe(session, (id, to, end) => watchExtrinsic(node, fromHex(bytes), id, to, end));
    },
    author_pendingExtrinsics: () => node.pendingExtrinsics().map(toPrefixedHex),

    // system
    system_chain: () => 'Assay Localnet',
    system_chainType: () => 'Development',
    system_name: () => 'Assay Localnet Node',
    system_version: () => `${node.runtimeAt(served().number).version.spec_version}`,
    system_properties: () => ({ ss58Format: 42, tokenDecimals: 9, tokenSymbol: 'TAO' }),
    system_health: () => ({ peers: 0, isSyncing: false, shouldHavePeers: false }),
    system_peers: () => [],
    system_nodeRoles: () => ['Authority'],
    system_localPeerId: () => '12D3KooWAssayLocalnet',
    system_localListenAddresses: () => [],
    system_syncState: () => {
      const { number } = served();
      return { startingBlock: 0, currentBlock: number, highestBlock: number };
    },
    system_accountNextIndex: (params) => {
      const [address] = parse(params, z.tuple([z.string().max(128)]));
      try {
        return node.nextNonce(api.accountOf(address));
      } catch (error) {
        if (error instanceof AssayError) throw invalidParams('address', error.message);
        throw error;
      }
    },

    rpc_methods: () => ({ methods: Object.keys(methods).sort() }),
  };
  Object.assign(methods, infoMethods({ api, blockNumber: stateBlock, parse }));
  if (dev)
    Object.assign(methods, faultMethods(node, { known: (name) => Object.hasOwn(methods, name), parse }));

  const aliases: Readonly<Record<string, string>> = {
    chain_getHead: 'chain_getBlockHash',
    chain_getRuntimeVersion: 'state_getRuntimeVersion',
    chain_getFinalisedHead: 'chain_getFinalizedHead',
    chain_subscribeNewHead: 'chain_subscribeNewHeads',
    chain_subscribeFinalisedHeads: 'chain_subscribeFinalizedHeads',
    chain_subscribeRuntimeVersion: 'state_subscribeRuntimeVersion',
    state_getStorageAt: 'state_getStorage',
    state_getStorageHashAt: 'state_getStorageHash',
    state_getStorageSizeAt: 'state_getStorageSize',
    state_getKeysPagedAt: 'state_getKeysPaged',
    state_callAt: 'state_call',
    account_nextIndex: 'system_accountNextIndex',
  };
  for (const [alias, name] of Object.entries(aliases)) methods[alias] = methods[name]!;
  for (const name of [
    'chain_unsubscribeNewHead',
    'chain_unsubscribeNewHeads',
    'chain_unsubscribeAllHeads',
    'chain_unsubscribeFinalizedHeads',
    'chain_unsubscribeFinalisedHeads',
    'chain_unsubscribeRuntimeVersion',
    'state_unsubscribeRuntimeVersion',
    'state_unsubscribeStorage',
    'author_unwatchExtrinsic',
  ])
    methods[name] = unsubscribe;

  return {
    call(method, params, session) {
      const handler = Object.hasOwn(methods, method) ? methods[method] : undefined;
      if (!handler) throw new RpcError(-32601, 'Method not found');
      const kind = Object.hasOwn(node.faults.nonsense, method) ? node.faults.nonsense[method] : undefined;
      return kind ? nonsenseOf(kind, () => handler(params, session)) : handler(params, session);
    },
    close(session) {
      for (const stop of sessions.get(session)?.values() ?? []) stop();
      sessions.delete(session);
    },
  };
}

/**
 * Statuses as sc-transaction-pool sends them: ready or future, inBlock, finalized; retracted and ready again when its
 * block is taken back; invalid when it can no longer get into one. After the last of them nothing is left to watch.
 *
 * @param end gives the subscription's place back
 */
function watchExtrinsic(
  node: Node,
  bytes: Uint8Array,
  id: string,
  session: Session,
  end: () => void,
): () => void {
  let stop = (): void => {};
  let watching = true;
  const tell = (status: unknown): void => {
    if (watching) session.notify('author_extrinsicUpdate', id, status);
  };
  let placed: { readonly block: number; readonly hash: string } | undefined;
  let told = false;
  const advance = (): void => {
    if (!placed) return;
    const { head, finalized } = node.served();
    if (head.number < placed.block) return; // of a node that lags
    if (!told) tell({ inBlock: placed.hash });
    told = true;
    if (finalized.number < placed.block) return;
    stop();
    tell({ finalized: placed.hash });
    placed = undefined;
    end();
  };
  const onStatus = (status: PoolStatus): void => {
    if (status.type === 'included') {
      placed = { block: status.block, hash: hashJson(status.hash) };
      told = false;
      stop();
      stop = node.onServed(advance);
      advance();
    } else if (status.type === 'retracted') {
      if (told) tell({ retracted: hashJson(status.hash) });
      if (told) tell('ready');
      placed = undefined;
    } else {
      stop();
      tell('invalid');
      end();
    }
  };
  const { ready } = node.submitBytes(bytes, onStatus);
  queueMicrotask(() => tell(ready ? 'ready' : 'future'));
  return () => {
    watching = false;
    stop();
  };
}

function parse<T>(params: readonly unknown[], schema: z.ZodType<T>): T {
  const result = schema.safeParse(params);
  if (!result.success) {
    const [issue] = result.error.issues; // a failure has one at least
    const place = issue!.path.length === 0 ? 'params' : `params[${issue!.path.map(String).join('][')}]`;
    throw invalidParams('params', `${place}: ${issue!.message}`.slice(0, 300));
  }
  return result.data;
}

const invalidParams = (what: string, why?: string): RpcError =>
  new RpcError(-32602, `Invalid params: ${what}`, why);

const toPrefixedHex = (bytes: Uint8Array): string => `0x${toHex(bytes)}`;
const hashJson = toPrefixedHex;
const valueJson = (value: Uint8Array | undefined): string | null =>
  value === undefined ? null : toPrefixedHex(value);

const headerJson = ({ header }: Block) => ({
  parentHash: toPrefixedHex(header.parentHash),
  number: `0x${header.number.toString(16)}`,
  stateRoot: toPrefixedHex(header.stateRoot),
  extrinsicsRoot: toPrefixedHex(header.extrinsicsRoot),
  digest: { logs: [] },
});

const versionJson = (version: typeof runtimeVersion) => ({
  specName: version.spec_name,
  implName: version.impl_name,
  authoringVersion: version.authoring_version,
  specVersion: version.spec_version,
  implVersion: version.impl_version,
  apis: version.apis.map(([name, version]) => [toPrefixedHex(name), version]),
  transactionVersion: version.transaction_version,
  stateVersion: version.system_version,
});
