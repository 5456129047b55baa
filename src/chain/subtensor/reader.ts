// Owns: ChainReader over one connection. Does not own: trying again (with-retry.ts), what the answers are used for.
import { fromHex } from '../../model/bytes.js';
import type { Netuid, Uid } from '../../model/ids.js';
import type { ChainInfo, ChainReader, WeightRow } from '../chain.js';
import { chainTypeOf } from '../networks.js';
import { readBlock, toHash, toHead, unknownBlock } from './blocks.js';
import { readBeacon, readPendingCommits } from './commits.js';
import type { Connection } from './connection.js';
import { unlessUnsupported } from './connection-handshake.js';
import { watchBlocks, watchHeads } from './heads.js';
import { alphaOf, balanceOf, weightsOf } from './neurons.js';
import { asNumber, plainOf } from './plain.js';
import { currentRuntime } from './runtime.js';
import { malformed, readAll } from './storage.js';
import { readSubnet, stateAt } from './subnet.js';

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
      if (hash === null) throw unknownBlock(`block ${number}`);
      return fromHex(toHash(hash, 'chain_getBlockHash'));
    },
    async finalizedHead() {
      const hash = await connection.request('chain_getFinalizedHead', []);
      return toHead(await readBlock(connection, toHash(hash, 'chain_getFinalizedHead')));
    },
    subnet: (netuid, at, mechanism) => readSubnet(connection, netuid, at, mechanism),
    weights: (netuid, uid, at, mechanism) => readWeights(connection, netuid, uid, at, mechanism),
    pendingCommits: (netuid, hotkey, at, mechanism) =>
      readPendingCommits(connection, netuid, hotkey, at, mechanism),
    beacon: (at) => readBeacon(connection, at),
    async balanceRao(address) {
      const [account] = await readAll(connection, [balanceOf(currentRuntime(connection.api), address)]);
      return account;
    },
    async alphaRao(hotkey, netuid) {
      const [alpha] = await readAll(connection, [alphaOf(currentRuntime(connection.api), hotkey, netuid)]);
      return alpha;
    },
    watchHeads: (onHead, signal) => watchHeads(connection, onHead, signal),
    watchBlocks: (from, onBlock, signal) => watchBlocks(connection, from, onBlock, signal),
    close: () => connection.close(),
  };
}

async function readInfo(connection: Connection): Promise<ChainInfo> {
  const [name, type] = await Promise.all([
    connection.request('system_chain', []),
    connection.request('system_chainType', []).catch(unlessUnsupported),
  ]);
  if (typeof name !== 'string') throw malformed('system_chain');
  return {
    name,
    type: await chainTypeOf({
      genesis: connection.api.genesisHash.toHex(),
      url: connection.url,
      type,
      nodeName: () => connection.request('system_name', []).catch(unlessUnsupported),
    }),
    specVersion: connection.api.runtimeVersion.specVersion.toNumber(),
    genesisHash: connection.api.genesisHash.toU8a(),
    blockTimeMs: blockTimeMs(connection),
  };
}

function blockTimeMs({ api }: Connection): number {
  const slot = api.consts.aura?.slotDuration;
  if (slot) return asNumber(plainOf(slot));
  const half = api.consts.timestamp?.minimumPeriod;
  return half ? 2 * asNumber(plainOf(half)) : SUBTENSOR_BLOCK_MS;
}

/** What every Subtensor network runs at; for a runtime whose metadata does not say. */
const SUBTENSOR_BLOCK_MS = 12_000;

async function readWeights(
  connection: Connection,
  netuid: Netuid,
  uid: Uid,
  at?: Uint8Array,
  mechanism?: number,
): Promise<WeightRow> {
  const state = at && (await stateAt(connection, at));
  const runtime = state?.runtime ?? currentRuntime(connection.api);
  const [row] = await readAll(connection, [weightsOf(runtime, netuid, uid, mechanism)], state?.at);
  return row;
}
