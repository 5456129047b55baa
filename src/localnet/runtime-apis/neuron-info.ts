// Owns: NeuronInfoRuntimeApi (subtensor rpc_info/neuron_info.rs).
import { type RuntimeApis, runtime } from '../../chain/codec/runtime.js';
import type { Implementation } from '../../chain/codec/runtime-api.js';
import { ownerOf } from '../pallets/subtensor/staking.js';
import type { At } from './at.js';
import { axonOf } from './metagraph.js';

const S = runtime.SubtensorModule.storage;
const NO_PROMETHEUS = { block: 0n, version: 0, ip: 0n, port: 0, ip_type: 0 } as const;
/** no longer computed on the chain */
const PRUNING_SCORE = 65_535;

type Row = readonly (readonly [uid: number, value: number])[];

export const neuronInfoApi: Implementation<RuntimeApis['NeuronInfoRuntimeApi'], At> = {
  get_neurons: ({ netuid }, at) => all(at, netuid, neuronOf),
  get_neuron: ({ netuid, uid }, at) => one(at, netuid, uid, neuronOf),
  get_neurons_lite: ({ netuid }, at) => all(at, netuid, neuronLiteOf),
  get_neuron_lite: ({ netuid, uid }, at) => one(at, netuid, uid, neuronLiteOf),
};

type Read<T> = (at: At, netuid: number, uid: number) => T;

function all<T>(at: At, netuid: number, read: Read<T>): T[] {
  const out: T[] = [];
  for (let uid = 0; uid < at.state.get(S.SubnetworkN, netuid); uid++) {
    const neuron = one(at, netuid, uid, read);
    if (neuron === undefined) break;
    out.push(neuron);
  }
  return out;
}

const one = <T>(at: At, netuid: number, uid: number, read: Read<T>): T | undefined =>
  at.state.get(S.NetworksAdded, netuid) && at.state.has(S.Keys, netuid, uid)
    ? read(at, netuid, uid)
    : undefined;

const neuronOf = (at: At, netuid: number, uid: number) => ({
  ...neuronLiteOf(at, netuid, uid),
  weights: nonZero(at.state.get(S.Weights, netuid, uid)),
  bonds: nonZero(at.state.get(S.Bonds, netuid, uid)),
});

function neuronLiteOf(at: At, netuid: number, uid: number) {
  const { state } = at;
  const hotkey = state.get(S.Keys, netuid, uid);
  const coldkey = ownerOf(state, hotkey);
  const stake: readonly (readonly [string, bigint])[] = [
    [coldkey, state.get(S.TotalHotkeyAlpha, hotkey, netuid)],
  ];
  return {
    hotkey,
    coldkey,
    uid,
    netuid,
    active: state.get(S.Active, netuid)[uid] ?? false,
    axon_info: axonOf(at, netuid, hotkey),
    prometheus_info: state.get(S.Prometheus, netuid, hotkey) ?? NO_PROMETHEUS,
    // all that is staked on the hotkey, under its owner's name
    stake,
    rank: 0, // no longer computed on the chain, as trust
    emission: state.get(S.Emission, netuid)[uid] ?? 0n,
    incentive: state.get(S.Incentive, netuid)[uid] ?? 0,
    consensus: state.get(S.Consensus, netuid)[uid] ?? 0,
    trust: 0,
    validator_trust: state.get(S.ValidatorTrust, netuid)[uid] ?? 0,
    dividends: state.get(S.Dividends, netuid)[uid] ?? 0,
    last_update: BigInt(state.get(S.LastUpdate, netuid)[uid] ?? 0),
    validator_permit: state.get(S.ValidatorPermit, netuid)[uid] ?? false,
    pruning_score: PRUNING_SCORE,
  };
}

const nonZero = (row: Row): Row => row.filter(([, value]) => value > 0);
