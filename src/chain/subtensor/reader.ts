// Owns: ChainReader over one connection. Does not own: trying again (with-retry.ts), what the answers are used for.

import { equals, fromHex, toHex } from '../../model/bytes.js';
import { AssayError, isAssayError } from '../../model/errors.js';
import { type Hotkey, type Netuid, toColdkey, toHotkey, toNetuid, toUid, type Uid } from '../../model/ids.js';
import { fromChainIp } from '../address.js';
import type { Axon, ChainInfo, ChainReader, Head, Neuron, Subnet, WeightRow } from '../chain.js';
import { toSchedule } from '../schedule.js';
import type { Connection, Subscription, SubscriptionKind } from './connection.js';
import {
  accountOf,
  asBigint,
  asBoolean,
  asList,
  asNumber,
  asRecord,
  currentRuntime,
  hasItem,
  isRecord,
  malformed,
  optionOf,
  type Runtime,
  readAll,
  requiredOf,
  runtimeAt,
} from './storage.js';

const MODULE = 'SubtensorModule';

/** A block by number, hash and parent; hashes in hex as the node has them. */
export interface BlockRef {
  readonly number: number;
  readonly hash: string;
  readonly parent: string;
}

export function createReader(connection: Connection): ChainReader {
  return {
    info: () => readInfo(connection),
    async head() {
      return toHead(await readBlock(connection));
    },
    async blockHash(number) {
      if (!Number.isInteger(number) || number < 0 || number > 0xffff_ffff)
        throw new RangeError(`block number: expected an integer in 0..2^32-1, got ${number}`);
      const hash = await connection.request('chain_getBlockHash', [number]);
      if (typeof hash !== 'string') throw unknownItem(`block ${number}`);
      return fromHex(hash);
    },
    subnet: (netuid, at) => readSubnet(connection, netuid, at),
    weights: (netuid, uid, at) => readWeights(connection, netuid, uid, at),
    async balanceRao(address) {
      const [account] = await readAll(connection, [balanceOf(currentRuntime(connection.api), address)]);
      return account;
    },
    async alphaRao(hotkey, netuid) {
      const [alpha] = await readAll(connection, [alphaOf(currentRuntime(connection.api), hotkey, netuid)]);
      return alpha;
    },
    watchHeads: (onHead, signal) => watchHeads(connection, onHead, signal),
    close: () => connection.close(),
  };
}

async function readInfo(connection: Connection): Promise<ChainInfo> {
  const [name, type] = await Promise.all([
    connection.request('system_chain', []),
    connection.request('system_chainType', []).catch((error: unknown) => {
      // a node that does not say counts as live: the type decides only whether simulated devices may earn
      if (isAssayError(error, 'unsupported')) return 'Live';
      throw error;
    }),
  ]);
  if (typeof name !== 'string') throw malformed('system_chain');
  return {
    name,
    type: type === 'Development' ? 'development' : type === 'Local' ? 'local' : 'live',
    specVersion: connection.api.runtimeVersion.specVersion.toNumber(),
    genesisHash: connection.api.genesisHash.toU8a(),
  };
}

/** @throws AssayError `chain-unknown` when the node does not have the block. @param hash hex; the best head without */
export async function readBlock(connection: Connection, hash?: string): Promise<BlockRef> {
  const header = await connection.request('chain_getHeader', hash === undefined ? [] : [hash]);
  if (header === null) throw unknownItem(hash === undefined ? 'best block' : `block ${hash}`);
  const block = toBlockRef(connection, header);
  return hash === undefined ? block : { ...block, hash };
}

/** The hash is not in a header: it is the header's own. */
function toBlockRef({ api }: Connection, header: unknown): BlockRef {
  if (!isRecord(header) || typeof header.parentHash !== 'string' || typeof header.number !== 'string')
    throw malformed('chain_getHeader');
  return {
    number: Number(header.number), // 0x...
    hash: api.registry.createType('Header', header).hash.toHex(),
    parent: header.parentHash,
  };
}

const toHead = ({ number, hash }: BlockRef): Head => ({ number, hash: fromHex(hash) });

const hexOf = (hash: Uint8Array): string => `0x${toHex(hash)}`;

async function readSubnet(connection: Connection, netuid: Netuid, at?: Uint8Array): Promise<Subnet> {
  const block = await readBlock(connection, at && hexOf(at));
  const runtime = await runtimeAt(connection, block.hash, block.parent);
  const number = (name: string) => requiredOf(runtime, MODULE, name, [netuid], asNumber);
  const numbers = (name: string) => requiredOf(runtime, MODULE, name, [netuid], asList(asNumber));
  const flags = (name: string) => requiredOf(runtime, MODULE, name, [netuid], asList(asBoolean));
  // absent from runtimes before the stateful schedule (May 2026)
  const optional = (name: string) =>
    hasItem(runtime, MODULE, name)
      ? optionOf(runtime, MODULE, name, [netuid], asNumber)
      : { key: number('Tempo').key, decode: () => undefined };

  const [
    added,
    n,
    tempo,
    lastEpochBlock,
    epochIndex,
    pendingEpochAt,
    ownerColdkey,
    ownerHotkey,
    weightsRateLimit,
    weightsVersionKey,
    minAllowedWeights,
    commitRevealEnabled,
    permits,
    active,
    lastUpdates,
    incentives,
    dividends,
    emissions,
  ] = await readAll(
    connection,
    [
      requiredOf(runtime, MODULE, 'NetworksAdded', [netuid], asBoolean),
      number('SubnetworkN'),
      number('Tempo'),
      optional('LastEpochBlock'),
      optional('SubnetEpochIndex'),
      optional('PendingEpochAt'),
      accountOf(runtime, MODULE, 'SubnetOwner', [netuid]),
      accountOf(runtime, MODULE, 'SubnetOwnerHotkey', [netuid]),
      number('WeightsSetRateLimit'),
      requiredOf(runtime, MODULE, 'WeightsVersionKey', [netuid], asBigint),
      number('MinAllowedWeights'),
      requiredOf(runtime, MODULE, 'CommitRevealWeightsEnabled', [netuid], asBoolean),
      flags('ValidatorPermit'),
      flags('Active'),
      numbers('LastUpdate'),
      numbers('Incentive'),
      numbers('Dividends'),
      requiredOf(runtime, MODULE, 'Emission', [netuid], asList(asBigint)),
    ],
    block.hash,
  );
  if (!added) throw unknownItem(`subnet ${netuid}`);

  const places = await readPlaces(connection, runtime, netuid, n, block.hash);
  const accounts = await readAccounts(
    connection,
    runtime,
    netuid,
    places.map((place) => place.hotkey),
    block.hash,
  );
  const neurons = places.map(({ hotkey, registeredAt }, uid): Neuron => {
    const account = accounts[uid]!; // one per place, in order
    return {
      uid: toUid(uid),
      hotkey,
      coldkey: toColdkey(account.coldkey ?? ZERO_ACCOUNT),
      stakeRao: account.stakeRao,
      // shorter than n until the next epoch writes them: a neuron registered since has nothing yet
      validatorPermit: permits[uid] ?? false,
      active: active[uid] ?? false,
      lastUpdate: lastUpdates[uid] ?? 0,
      registeredAt,
      incentive: incentives[uid] ?? 0,
      dividends: dividends[uid] ?? 0,
      emissionRao: emissions[uid] ?? 0n,
      axon: account.axon,
    };
  });
  return {
    netuid: toNetuid(netuid),
    block: block.number,
    tempo,
    ...toSchedule({ netuid, block: block.number, tempo, lastEpochBlock, epochIndex, pendingEpochAt }),
    ownerHotkey: toHotkey(ownerHotkey ?? ZERO_ACCOUNT),
    ownerColdkey: toColdkey(ownerColdkey ?? ZERO_ACCOUNT),
    ownerUid: neurons.find((neuron) => neuron.hotkey === ownerHotkey)?.uid,
    weightsRateLimit,
    weightsVersionKey,
    minAllowedWeights,
    commitRevealEnabled,
    neurons,
  };
}

/** SS58 of 32 zero bytes: the chain's own default where no account is set (root, subnets of a localnet's genesis). */
const ZERO_ACCOUNT = '5C4hrfjw9DjXZTzV3MwzrrAr9P1MJhSrvWGWqi1eSuyUpnhM';

async function readPlaces(
  connection: Connection,
  runtime: Runtime,
  netuid: Netuid,
  n: number,
  at: string,
): Promise<{ hotkey: Hotkey; registeredAt: number }[]> {
  const uids = Array.from({ length: n }, (_, uid) => uid);
  const [hotkeys, registered] = await Promise.all([
    readAll(
      connection,
      uids.map((uid) => accountOf(runtime, MODULE, 'Keys', [netuid, uid])),
      at,
    ),
    readAll(
      connection,
      uids.map((uid) => requiredOf(runtime, MODULE, 'BlockAtRegistration', [netuid, uid], asNumber)),
      at,
    ),
  ]);
  return uids.map((uid) => {
    const hotkey = hotkeys[uid];
    if (hotkey === undefined) throw unknownItem(`hotkey of uid ${uid} in subnet ${netuid}`);
    return { hotkey: toHotkey(hotkey), registeredAt: registered[uid]! }; // read for each uid
  });
}

interface Account {
  readonly coldkey: string | undefined;
  readonly stakeRao: bigint;
  readonly axon: Axon | undefined;
}

async function readAccounts(
  connection: Connection,
  runtime: Runtime,
  netuid: Netuid,
  hotkeys: readonly Hotkey[],
  at: string,
): Promise<Account[]> {
  const [coldkeys, stakes, axons] = await Promise.all([
    readAll(
      connection,
      hotkeys.map((hotkey) => accountOf(runtime, MODULE, 'Owner', [hotkey])),
      at,
    ),
    readAll(
      connection,
      hotkeys.map((hotkey) => alphaOf(runtime, hotkey, netuid)),
      at,
    ),
    readAll(
      connection,
      hotkeys.map((hotkey) => axonOf(runtime, netuid, hotkey)),
      at,
    ),
  ]);
  return hotkeys.map((_, i) => ({
    coldkey: coldkeys[i],
    stakeRao: stakes[i]!, // read for each hotkey
    axon: axons[i] && toAxon(axons[i]),
  }));
}

async function readWeights(
  connection: Connection,
  netuid: Netuid,
  uid: Uid,
  at?: Uint8Array,
): Promise<WeightRow> {
  const block = at && (await readBlock(connection, hexOf(at)));
  const runtime = block
    ? await runtimeAt(connection, block.hash, block.parent)
    : currentRuntime(connection.api);
  const [row] = await readAll(connection, [weightsOf(runtime, netuid, uid)], block?.hash);
  return row;
}

export const weightsOf = (runtime: Runtime, netuid: Netuid, uid: Uid) =>
  requiredOf(
    runtime,
    MODULE,
    'Weights',
    [netuid, uid],
    (plain): WeightRow => asList(asList(asNumber))(plain).map(([to = 0, value = 0]) => [to, value] as const),
  );

export const alphaOf = (runtime: Runtime, hotkey: string, netuid: Netuid) =>
  requiredOf(runtime, MODULE, 'TotalHotkeyAlpha', [hotkey, netuid], asBigint);

export const balanceOf = (runtime: Runtime, address: string) =>
  requiredOf(runtime, 'System', 'Account', [address], (plain) =>
    asBigint(asRecord(asRecord(plain).data).free),
  );

export const axonOf = (runtime: Runtime, netuid: Netuid, hotkey: string) =>
  optionOf(runtime, MODULE, 'Axons', [netuid, hotkey], (plain) => {
    const record = asRecord(plain);
    return {
      block: asNumber(record.block),
      ip: asBigint(record.ip),
      ipType: asNumber(record.ipType),
      port: asNumber(record.port),
    };
  });

/** The unspecified address (0.0.0.0, ::) is how an axon is taken back: nobody can be reached there. */
function toAxon({ ip, ipType, port }: { ip: bigint; ipType: number; port: number }): Axon | undefined {
  const text = ip === 0n || port === 0 ? undefined : fromChainIp(ip, ipType);
  return text === undefined ? undefined : { ip: text, port };
}

const NEW_HEADS: SubscriptionKind = {
  event: 'chain_newHead',
  subscribe: 'chain_subscribeNewHeads',
  unsubscribe: 'chain_unsubscribeNewHeads',
};

async function watchHeads(
  connection: Connection,
  onHead: (head: Head) => void,
  signal: AbortSignal,
): Promise<void> {
  let last: Head | undefined;
  while (!signal.aborted && !connection.isClosed) {
    await connection.whenConnected(signal);
    if (signal.aborted || connection.isClosed) break;
    const end = ending(signal);
    let subscription: Subscription | undefined;
    try {
      subscription = await connection.subscribe(NEW_HEADS, [], (header) => {
        if (end.isOver) return; // values may be in flight when we stop
        try {
          const head = toHead(toBlockRef(connection, header));
          // a node sends its head again to a new subscription
          if (last && equals(last.hash, head.hash)) return;
          last = head;
          onHead(head);
        } catch (error) {
          end.fail(error); // a broken consumer must not become a silent one
        }
      });
      void subscription.lost.then(end.resolve);
      await end.promise;
    } catch (error) {
      if (!isAssayError(error, 'unreachable') && !isAssayError(error, 'timeout')) throw error;
      // the outage came between connecting and subscribing: wait for the next connection
    } finally {
      subscription?.stop();
      end.dispose();
    }
  }
  if (signal.aborted) return;
  // closed by its owner is the end; closed because the node is not what it was is an error that must be heard
  await connection.request('chain_getHeader', []).catch((error: unknown) => {
    if (!isAssayError(error, 'unreachable')) throw error;
  });
}

/** A promise that ends by itself when `signal` aborts. */
function ending(signal: AbortSignal) {
  let over = false;
  let resolve = () => {};
  let reject = (_: unknown) => {};
  const promise = new Promise<void>((done, failed) => {
    resolve = () => {
      over = true;
      done();
    };
    reject = (error) => {
      over = true;
      failed(error);
    };
  });
  promise.catch(() => {}); // may fail before anybody awaits it
  signal.addEventListener('abort', resolve, { once: true });
  return {
    promise,
    resolve,
    fail: reject,
    get isOver() {
      return over;
    },
    dispose: () => signal.removeEventListener('abort', resolve),
  };
}

const unknownItem = (what: string): AssayError<'chain-unknown'> =>
  new AssayError('chain-unknown', `the chain does not know ${what}`, { what });
