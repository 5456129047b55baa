// Owns: stake by coldkey, and hotkeys that take it. Does not own: the stake that consensus counts (consensus-stake.ts).

import { AssayError } from '../../model/errors.js';
import { toColdkey, toHotkey, toNetuid } from '../../model/ids.js';
import type { Delegate, StakePosition } from '../operator-reads.js';
import type { Connection } from './connection.js';
import { featuresOf } from './features.js';
import { ZERO_ACCOUNT } from './metagraph.js';
import { alphaOf, MODULE } from './neurons.js';
import {
  asBigint,
  asBits,
  asBoolean,
  asList,
  asNumber,
  asPair,
  asRecord,
  asText,
  isRecord,
} from './plain.js';
import { callApi } from './runtime-api.js';
import {
  accountOf,
  entryOf,
  hasItem,
  keysOf,
  lastAccountOf,
  readAll,
  readLists,
  requiredOf,
} from './storage.js';
import { type StateAt, stateAt } from './subnet.js';
import { readNetuids } from './subnets.js';

export async function readStakes(
  connection: Connection,
  coldkey: string,
  at?: Uint8Array,
): Promise<readonly StakePosition[]> {
  const state = await stateAt(connection, at);
  const read = featuresOf(state.runtime).stakeInfo === 'runtime-api' ? stakesFromApi : stakesFromShares;
  const positions = await read(connection, state, coldkey);
  return positions.toSorted((a, b) => a.netuid - b.netuid || (a.hotkey < b.hotkey ? -1 : 1));
}

async function stakesFromApi(
  connection: Connection,
  { runtime, at }: StateAt,
  coldkey: string,
): Promise<readonly StakePosition[]> {
  const name = 'StakeInfoRuntimeApi_get_stake_info_for_coldkey';
  const infos = asList(asRecord)(await callApi(connection, runtime, name, [coldkey], at));
  return infos.map((info) => ({
    hotkey: toHotkey(asText(info.hotkey)),
    netuid: toNetuid(asNumber(info.netuid)),
    alphaRao: asBigint(info.stake),
    isRegistered: asBoolean(info.isRegistered),
  }));
}

/**
 * Alpha holds shares of TotalHotkeyAlpha. Of runtimes that keep them as SafeFloat (AlphaV2) only the API knows.
 * @throws AssayError `unsupported` there
 */
async function stakesFromShares(
  connection: Connection,
  { runtime, at }: StateAt,
  coldkey: string,
): Promise<readonly StakePosition[]> {
  if (hasItem(runtime, MODULE, 'AlphaV2'))
    throw new AssayError('unsupported', 'this node does not tell the stake of a coldkey', {
      what: 'stake of a coldkey',
      why: 'its metadata describes no StakeInfoRuntimeApi, and shares alone do not give amounts',
    });
  const netuids = await readNetuids(connection, { runtime, at });
  const [hotkeys] = await readAll(
    connection,
    [requiredOf(runtime, MODULE, 'StakingHotkeys', [coldkey], asList(asText))],
    at,
  );
  const pairs = hotkeys.flatMap((hotkey) => netuids.map((netuid) => ({ hotkey, netuid })));
  const shareOf = (plain: unknown) => (isRecord(plain) ? asBits(plain) : asBigint(plain));
  const [shares, totals, alphas, members] = await readLists(
    connection,
    [
      pairs.map(({ hotkey, netuid }) =>
        requiredOf(runtime, MODULE, 'Alpha', [hotkey, coldkey, netuid], shareOf),
      ),
      pairs.map(({ hotkey, netuid }) =>
        requiredOf(runtime, MODULE, 'TotalHotkeyShares', [hotkey, netuid], shareOf),
      ),
      pairs.map(({ hotkey, netuid }) => alphaOf(runtime, hotkey, netuid)),
      pairs.map(({ hotkey, netuid }) =>
        requiredOf(runtime, MODULE, 'IsNetworkMember', [hotkey, netuid], asBoolean),
      ),
    ],
    at,
  );
  return pairs.flatMap(({ hotkey, netuid }, i) => {
    const [share, total] = [shares[i]!, totals[i]!]; // read for each pair
    if (share === 0n || total === 0n) return [];
    const alphaRao = (alphas[i]! * share) / total;
    return [{ hotkey: toHotkey(hotkey), netuid, alphaRao, isRegistered: members[i] }];
  });
}

export async function readDelegates(connection: Connection, at?: Uint8Array): Promise<readonly Delegate[]> {
  const state = await stateAt(connection, at);
  const described = state.runtime.apis.get(GET_DELEGATES)?.isOpaque === false;
  const delegates = await (described ? delegatesFromApi : delegatesFromStorage)(connection, state);
  return delegates.toSorted((a, b) => (a.hotkey < b.hotkey ? -1 : 1));
}

const GET_DELEGATES = 'DelegateInfoRuntimeApi_get_delegates';

async function delegatesFromApi(
  connection: Connection,
  { runtime, at }: StateAt,
): Promise<readonly Delegate[]> {
  const infos = asList(asRecord)(await callApi(connection, runtime, GET_DELEGATES, [], at));
  const netuids = asList((plain) => toNetuid(asNumber(plain)));
  const stakes = asList(asPair((plain) => toNetuid(asNumber(plain)), asBigint));
  return infos.map((info) => ({
    hotkey: toHotkey(asText(info.delegateSs58)),
    coldkey: toColdkey(asText(info.ownerSs58)),
    take: asNumber(info.take),
    nominators: asList(asPair(asText, stakes))(info.nominators).map(([coldkey, held]) => ({
      coldkey: toColdkey(coldkey),
      stakes: held.map(([netuid, alphaRao]) => ({ netuid, alphaRao })),
    })),
    registrations: netuids(info.registrations),
    validatorPermits: netuids(info.validatorPermits),
  }));
}

async function delegatesFromStorage(
  connection: Connection,
  { runtime, at }: StateAt,
): Promise<readonly Delegate[]> {
  const keys = await keysOf(connection, runtime, { pallet: MODULE, name: 'Delegates', args: [] }, at);
  const hotkeys = keys.map(lastAccountOf);
  const [takes, owners] = await readLists(
    connection,
    [
      keys.map((key) => entryOf(runtime, MODULE, 'Delegates', key, asNumber)),
      hotkeys.map((hotkey) => accountOf(runtime, MODULE, 'Owner', [hotkey])),
    ],
    at,
  );
  return hotkeys.map((hotkey, i) => ({
    hotkey: toHotkey(hotkey),
    coldkey: toColdkey(owners[i] ?? ZERO_ACCOUNT),
    take: takes[i] ?? 0,
    nominators: undefined,
    registrations: undefined,
    validatorPermits: undefined,
  }));
}
