// Owns: all neurons of a subnet at one block, in one call where the runtime offers it. Does not own: the subnet's own
// parameters (subnet.ts).
//
// Two turns after the block is known, however many neurons: the runtime API, then what it does not tell of each hotkey.
// From storage three: how many there are with what is stored by subnet, each uid, each hotkey.
import { type Netuid, toColdkey, toHotkey, toNetuid, toUid } from '../../model/ids.js';
import type { Neuron } from '../chain.js';
import type { Connection } from './connection.js';
import {
  childCountOf,
  consensusStakeRao,
  parentCountOf,
  readTotalStakes,
  taoWeightOf,
} from './consensus-stake.js';
import { featuresOf } from './features.js';
import {
  type AxonRecord,
  alphaOf,
  asAxonRecord,
  axonOf,
  MODULE,
  serverKeyOf,
  storageIndex,
  toAxon,
} from './neurons.js';
import { asBigint, asBoolean, asList, asNumber, asRecord, asText } from './plain.js';
import type { Runtime } from './runtime.js';
import { callApi } from './runtime-api.js';
import { accountOf, NOTHING, type Read, readAll, readLists, readOr, requiredOf } from './storage.js';

export interface SubnetAt {
  readonly runtime: Runtime;
  readonly netuid: Netuid;
  readonly mechanism: number;
  /** hex hash of the block */
  readonly at: string;
}

/** SS58 of 32 zero bytes: the chain's own default where no account is set (root, subnets of a localnet's genesis). */
export const ZERO_ACCOUNT = '5C4hrfjw9DjXZTzV3MwzrrAr9P1MJhSrvWGWqi1eSuyUpnhM';

/** By uid, ascending; undefined when there is no such subnet or mechanism. */
export async function readNeurons(
  connection: Connection,
  subnet: SubnetAt,
): Promise<readonly Neuron[] | undefined> {
  const isDescribed = featuresOf(subnet.runtime).metagraph !== 'storage';
  const rows = await (isDescribed ? callMetagraph(connection, subnet) : readStored(connection, subnet));
  return rows && (await completed(connection, subnet, rows));
}

async function readStored(connection: Connection, subnet: SubnetAt): Promise<readonly Row[] | undefined> {
  const { runtime, netuid, at } = subnet;
  const [rows, stakes] = await Promise.all([
    readRows(connection, subnet),
    readTotalStakes(connection, runtime, netuid, at),
  ]);
  return rows?.map((row, uid) => ({ ...row, consensusStakeRao: stakes?.[uid] }));
}

/** What is known of a neuron before its hotkey is looked up. */
interface Row {
  readonly hotkey: string;
  readonly registeredAt: number;
  readonly validatorPermit: boolean;
  readonly active: boolean;
  readonly lastUpdate: number;
  readonly incentive: number;
  readonly dividends: number;
  readonly emissionRao: bigint;
  readonly consensusStakeRao?: bigint | undefined;
  /** what the metagraph says and storage has by hotkey */
  readonly told?: { readonly coldkey: string; readonly axon: AxonRecord } | undefined;
}

// SelectiveMetagraphIndex of subtensor rpc_info/metagraph.rs
const SELECTED = {
  hotkeys: 52,
  coldkeys: 53,
  axons: 55,
  active: 56,
  validatorPermit: 57,
  lastUpdate: 59,
  emission: 60,
  dividends: 61,
  incentives: 62,
  blockAtRegistration: 66,
  totalStake: 69,
} as const;

async function callMetagraph(
  connection: Connection,
  { runtime, netuid, mechanism, at }: SubnetAt,
): Promise<readonly Row[] | undefined> {
  const fields = Object.values(SELECTED);
  const call = (name: string, args: readonly unknown[]) =>
    callApi(connection, runtime, `SubnetInfoRuntimeApi_${name}`, args, at);
  const answers = {
    'selective-mechagraph': () => call('get_selective_mechagraph', [netuid, mechanism, fields]),
    mechagraph: () => call('get_mechagraph', [netuid, mechanism]),
    'selective-metagraph': () => call('get_selective_metagraph', [netuid, fields]),
    metagraph: () => call('get_metagraph', [netuid]),
  };
  const { metagraph } = featuresOf(runtime);
  if (metagraph === 'storage') throw new RangeError('metagraph: expected a runtime that has an API for it');
  const answer = await answers[metagraph]();
  return answer === undefined ? undefined : toRows(asRecord(answer));
}

function toRows(answer: Readonly<Record<string, unknown>>): Row[] {
  const list = <T>(name: keyof typeof SELECTED, of: (plain: unknown) => T) => asList(of)(answer[name]);
  const coldkeys = list('coldkeys', asText);
  const axons = list('axons', asAxonRecord);
  const active = list('active', asBoolean);
  const permits = list('validatorPermit', asBoolean);
  const lastUpdates = list('lastUpdate', asNumber);
  const emissions = list('emission', asBigint);
  const dividends = list('dividends', asNumber);
  const incentives = list('incentives', asNumber);
  const registered = list('blockAtRegistration', asNumber);
  const stakes = list('totalStake', asBigint);
  return list('hotkeys', asText).map((hotkey, uid) => {
    const [coldkey, axon] = [coldkeys[uid], axons[uid]];
    return {
      hotkey,
      registeredAt: registered[uid] ?? 0,
      ...vectorsAt(uid, { permits, active, lastUpdates, incentives, dividends, emissions }),
      consensusStakeRao: stakes[uid],
      told: coldkey === undefined || axon === undefined ? undefined : { coldkey, axon },
    };
  });
}

interface Vectors {
  readonly permits: readonly boolean[];
  readonly active: readonly boolean[];
  readonly lastUpdates: readonly number[];
  readonly incentives: readonly number[];
  readonly dividends: readonly number[];
  readonly emissions: readonly bigint[];
}

/** Shorter than the subnet until the next epoch writes them: a neuron registered since has nothing yet. */
const vectorsAt = (uid: number, vectors: Vectors) => ({
  validatorPermit: vectors.permits[uid] ?? false,
  active: vectors.active[uid] ?? false,
  lastUpdate: vectors.lastUpdates[uid] ?? 0,
  incentive: vectors.incentives[uid] ?? 0,
  dividends: vectors.dividends[uid] ?? 0,
  emissionRao: vectors.emissions[uid] ?? 0n,
});

async function readRows(
  connection: Connection,
  { runtime, netuid, mechanism, at }: SubnetAt,
): Promise<readonly Row[] | undefined> {
  const index = storageIndex(netuid, mechanism);
  const vector = <T>(name: string, key: number, of: (plain: unknown) => T) =>
    requiredOf(runtime, MODULE, name, [key], asList(of));
  const [added, count, n, permits, active, lastUpdates, incentives, dividends, emissions] = await readAll(
    connection,
    [
      requiredOf(runtime, MODULE, 'NetworksAdded', [netuid], asBoolean),
      readOr(runtime, MODULE, 'MechanismCountCurrent', [netuid], asNumber, 1),
      requiredOf(runtime, MODULE, 'SubnetworkN', [netuid], asNumber),
      vector('ValidatorPermit', netuid, asBoolean),
      vector('Active', netuid, asBoolean),
      vector('LastUpdate', index, asNumber),
      vector('Incentive', index, asNumber),
      vector('Dividends', netuid, asNumber),
      vector('Emission', netuid, asBigint),
    ],
    at,
  );
  if (!added || mechanism >= count) return undefined;
  const uids = Array.from({ length: n }, (_, uid) => uid);
  const keys = uids.map((uid) => accountOf(runtime, MODULE, 'Keys', [netuid, uid]));
  const blocks = uids.map((uid) =>
    requiredOf(runtime, MODULE, 'BlockAtRegistration', [netuid, uid], asNumber),
  );
  const [hotkeys, registered] = await readLists(connection, [keys, blocks], at);
  return uids.map((uid) => ({
    hotkey: hotkeys[uid] ?? ZERO_ACCOUNT,
    registeredAt: registered[uid]!, // read for each uid
    ...vectorsAt(uid, { permits, active, lastUpdates, incentives, dividends, emissions }),
  }));
}

async function completed(
  connection: Connection,
  { runtime, netuid, at }: SubnetAt,
  rows: readonly Row[],
): Promise<readonly Neuron[]> {
  // of what the runtime API told nothing is asked again
  const untold = <T>(read: (hotkey: string) => Read<T>): Read<T | undefined>[] =>
    rows.map(({ hotkey, told }) => (told ? NOTHING : read(hotkey)));
  const unweighed = <T>(read: (hotkey: string) => Read<T>): Read<T | undefined>[] =>
    rows.map(({ hotkey, consensusStakeRao: known }) => (known === undefined ? read(hotkey) : NOTHING));
  const [weights, alphas, serverKeys, coldkeys, axons, rootAlphas, children, parents] = await readLists(
    connection,
    [
      unweighed(() => taoWeightOf(runtime)).slice(0, 1),
      rows.map(({ hotkey }) => alphaOf(runtime, hotkey, netuid)),
      rows.map(({ hotkey }) => serverKeyOf(runtime, netuid, hotkey)),
      untold((hotkey) => accountOf(runtime, MODULE, 'Owner', [hotkey])),
      untold((hotkey) => axonOf(runtime, netuid, hotkey)),
      unweighed((hotkey) => alphaOf(runtime, hotkey, ROOT)),
      unweighed((hotkey) => childCountOf(runtime, netuid, hotkey)),
      unweighed((hotkey) => parentCountOf(runtime, netuid, hotkey)),
    ],
    at,
  );
  return rows.map(({ told, hotkey, consensusStakeRao: known, ...row }, uid): Neuron => {
    const axon = told?.axon ?? axons[uid];
    const alphaRao = alphas[uid]!; // read for each
    return {
      uid: toUid(uid),
      hotkey: toHotkey(hotkey),
      coldkey: toColdkey(told?.coldkey ?? coldkeys[uid] ?? ZERO_ACCOUNT),
      stakeRao: alphaRao,
      consensusStakeRao:
        known ??
        consensusStakeRao({
          alphaRao,
          rootAlphaRao: rootAlphas[uid],
          taoWeight: weights[0],
          childCount: children[uid],
          parentCount: parents[uid],
        }),
      ...row,
      axon: axon && toAxon(axon, serverKeys[uid]),
    };
  });
}

const ROOT = toNetuid(0);
