// Owns: the stake that consensus counts, from storage where that is enough. Does not own: stake by coldkey (stakes.ts).
import type { Netuid } from '../../model/ids.js';
import type { Connection } from './connection.js';
import { MODULE } from './neurons.js';
import { asBigint, asList, asRecord } from './plain.js';
import type { Runtime } from './runtime.js';
import { type ApiName, callApi, decodeKnown } from './runtime-api.js';
import { isMap, NOTHING, type Read, readOr } from './storage.js';

/** TaoWeight as a proportion of 2^64 - 1; undefined where the runtime keeps it by subnet (before dTAO was launched). */
export const taoWeightOf = (runtime: Runtime): Read<bigint | undefined> =>
  isMap(runtime, MODULE, 'TaoWeight')
    ? NOTHING
    : readOr(runtime, MODULE, 'TaoWeight', [], asBigint, undefined);

const count = (plain: unknown): number => asList((entry) => entry)(plain).length;

/** How many hotkeys a hotkey gives stake to on a subnet. */
export const childCountOf = (runtime: Runtime, netuid: Netuid, hotkey: string): Read<number> =>
  readOr(runtime, MODULE, 'ChildKeys', [hotkey, netuid], count, 0);

/** How many hotkeys give a hotkey stake on a subnet. */
export const parentCountOf = (runtime: Runtime, netuid: Netuid, hotkey: string): Read<number> =>
  readOr(runtime, MODULE, 'ParentKeys', [hotkey, netuid], count, 0);

const SUBNET_STATE: ApiName = 'SubnetInfoRuntimeApi_get_subnet_state';

/** SubnetState of subtensor rpc_info/show_subnet.rs, as it was until 2026; before March 2025 the metadata does not say. */
const SUBNET_STATE_FORM = JSON.stringify({
  netuid: 'Compact<u16>',
  hotkeys: 'Vec<AccountId>',
  coldkeys: 'Vec<AccountId>',
  active: 'Vec<bool>',
  validatorPermit: 'Vec<bool>',
  pruningScore: 'Vec<Compact<u16>>',
  lastUpdate: 'Vec<Compact<u64>>',
  emission: 'Vec<Compact<u64>>',
  dividends: 'Vec<Compact<u16>>',
  incentives: 'Vec<Compact<u16>>',
  consensus: 'Vec<Compact<u16>>',
  trust: 'Vec<Compact<u16>>',
  rank: 'Vec<Compact<u16>>',
  blockAtRegistration: 'Vec<Compact<u64>>',
  alphaStake: 'Vec<Compact<u64>>',
  taoStake: 'Vec<Compact<u64>>',
  totalStake: 'Vec<Compact<u64>>',
  emissionHistory: 'Vec<Vec<Compact<u64>>>',
});

/** By uid, from the runtime, where it has no metagraph but says this; undefined where it does not. */
export async function readTotalStakes(
  connection: Connection,
  runtime: Runtime,
  netuid: Netuid,
  at: string,
): Promise<readonly bigint[] | undefined> {
  const api = runtime.apis.get(SUBNET_STATE);
  if (!api) return undefined;
  const answer = await callApi(connection, runtime, SUBNET_STATE, [netuid], at);
  const state = api.isOpaque ? decodeKnown(runtime, SUBNET_STATE_FORM, answer) : answer;
  return state === undefined ? undefined : asList(asBigint)(asRecord(state).totalStake);
}

export interface StakeParts {
  readonly alphaRao: bigint;
  readonly rootAlphaRao: bigint | undefined;
  readonly taoWeight: bigint | undefined;
  readonly childCount: number | undefined;
  readonly parentCount: number | undefined;
}

/**
 * Alpha + root TAO x TaoWeight, as subtensor staking/stake_utils.rs get_stake_weights_for_hotkey_on_subnet rounds it
 * (weight to 32 binary places, product down). undefined where child keys move stake or a part is not known.
 */
export function consensusStakeRao(parts: StakeParts): bigint | undefined {
  const { alphaRao, rootAlphaRao, taoWeight, childCount, parentCount } = parts;
  if (rootAlphaRao === undefined || taoWeight === undefined) return undefined;
  if (childCount !== 0 || parentCount !== 0) return undefined;
  const weight = (taoWeight << 32n) / U64_MAX;
  return alphaRao + ((rootAlphaRao * weight) >> 32n);
}

const U64_MAX = (1n << 64n) - 1n;
