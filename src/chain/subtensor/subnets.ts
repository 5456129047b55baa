// Owns: the list of subnets with names, owners and pools. Does not own: one subnet's neurons (subnet.ts).
import { type Netuid, toColdkey, toHotkey, toNetuid } from '../../model/ids.js';
import type { SubnetSummary } from '../operator-reads.js';
import type { Connection } from './connection.js';
import { featuresOf } from './features.js';
import { ZERO_ACCOUNT } from './metagraph.js';
import { MODULE } from './neurons.js';
import { asBigint, asBits, asBoolean, asList, asNumber, asRecord, asText } from './plain.js';
import { poolPriceRao, poolReads, toPool } from './prices.js';
import type { Runtime } from './runtime.js';
import { callApi, hasApi } from './runtime-api.js';
import { accountOf, entryOf, hasItem, keysOf, readAll, readOr, requiredOf } from './storage.js';
import { type StateAt, stateAt } from './subnet.js';
import { asIdentity, textOf } from './texts.js';

/** Three turns of requests by runtime API (two for the block); from storage two more, and one for each page of keys. */
export async function readSubnets(
  connection: Connection,
  at?: Uint8Array,
): Promise<readonly SubnetSummary[]> {
  const state = await stateAt(connection, at);
  const read = featuresOf(state.runtime).subnetList === 'dynamic-info' ? fromDynamicInfo : fromStorage;
  return (await read(connection, state)).toSorted((a, b) => a.netuid - b.netuid);
}

async function fromDynamicInfo(
  connection: Connection,
  { runtime, at }: StateAt,
): Promise<readonly SubnetSummary[]> {
  const [infos, prices] = await Promise.all([
    callApi(connection, runtime, 'SubnetInfoRuntimeApi_get_all_dynamic_info', [], at),
    readPricesOfAll(connection, runtime, at),
  ]);
  const present = asList((info) => info)(infos).filter((info) => info !== undefined);
  return present.map((info) => {
    const record = asRecord(info);
    const netuid = toNetuid(asNumber(record.netuid));
    return {
      netuid,
      name: textOf(record.subnetName),
      symbol: textOf(record.tokenSymbol),
      ownerHotkey: toHotkey(asText(record.ownerHotkey)),
      ownerColdkey: toColdkey(asText(record.ownerColdkey)),
      tempo: asNumber(record.tempo),
      registeredAt: asNumber(record.networkRegisteredAt),
      priceRao: prices.get(netuid),
      movingPrice: { bits: asBits(record.movingPrice), fractionBits: 32 },
      taoInRao: asBigint(record.taoIn),
      alphaInRao: asBigint(record.alphaIn),
      alphaOutRao: asBigint(record.alphaOut),
      identity: record.subnetIdentity === undefined ? undefined : asIdentity(record.subnetIdentity),
    };
  });
}

async function readPricesOfAll(
  connection: Connection,
  runtime: Runtime,
  at: string,
): Promise<ReadonlyMap<number, bigint>> {
  const name = 'SwapRuntimeApi_current_alpha_price_all';
  if (!hasApi(runtime, name)) return new Map();
  const prices = asList(asRecord)(await callApi(connection, runtime, name, [], at));
  return new Map(prices.map(({ netuid, price }) => [asNumber(netuid), asBigint(price)]));
}

const IDENTITIES = ['SubnetIdentitiesV3', 'SubnetIdentitiesV2', 'SubnetIdentities'] as const;

async function fromStorage(connection: Connection, state: StateAt): Promise<readonly SubnetSummary[]> {
  const netuids = await readNetuids(connection, state);
  return Promise.all(netuids.map((netuid) => readOne(connection, state, netuid)));
}

/** Of all subnets, in no order. */
export async function readNetuids(
  connection: Connection,
  { runtime, at }: Pick<StateAt, 'runtime' | 'at'>,
): Promise<readonly Netuid[]> {
  const keys = await keysOf(connection, runtime, { pallet: MODULE, name: 'NetworksAdded', args: [] }, at);
  const added = await readAll(
    connection,
    keys.map((key) => entryOf(runtime, MODULE, 'NetworksAdded', key, asBoolean)),
    at,
  );
  return keys.filter((_, i) => added[i]).map(lastNetuidOf);
}

/** The key's last two bytes, u16 little-endian: the map hashes by Identity. */
const lastNetuidOf = (key: string): Netuid =>
  toNetuid(Number.parseInt(key.slice(-2) + key.slice(-4, -2), 16));

async function readOne(
  connection: Connection,
  { runtime, at }: StateAt,
  netuid: Netuid,
): Promise<SubnetSummary> {
  const identityItem = IDENTITIES.find((item) => hasItem(runtime, MODULE, item)) ?? IDENTITIES[0];
  const [ownerHotkey, ownerColdkey, tempo, registeredAt, symbol, identity, moving, alphaOutRao, ...found] =
    await readAll(
      connection,
      [
        accountOf(runtime, MODULE, 'SubnetOwnerHotkey', [netuid]),
        accountOf(runtime, MODULE, 'SubnetOwner', [netuid]),
        requiredOf(runtime, MODULE, 'Tempo', [netuid], asNumber),
        requiredOf(runtime, MODULE, 'NetworkRegisteredAt', [netuid], asNumber),
        readOr(runtime, MODULE, 'TokenSymbol', [netuid], textOf, ''),
        readOr(runtime, MODULE, identityItem, [netuid], asIdentity, undefined),
        readOr(runtime, MODULE, 'SubnetMovingPrice', [netuid], asBits, undefined),
        requiredOf(runtime, MODULE, 'SubnetAlphaOut', [netuid], asBigint),
        ...poolReads(runtime, netuid),
      ],
      at,
    );
  const pool = toPool(found);
  return {
    netuid,
    name: identity?.subnetName ?? '',
    symbol,
    ownerHotkey: toHotkey(ownerHotkey ?? ZERO_ACCOUNT),
    ownerColdkey: toColdkey(ownerColdkey ?? ZERO_ACCOUNT),
    tempo,
    registeredAt,
    priceRao: poolPriceRao(runtime, pool),
    movingPrice: moving === undefined ? undefined : { bits: moving, fractionBits: 32 },
    taoInRao: pool.taoInRao,
    alphaInRao: pool.alphaInRao,
    alphaOutRao,
    identity,
  };
}
