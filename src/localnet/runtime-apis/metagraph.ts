// Owns: a subnet's metagraph, whole or the fields that were asked for (subtensor rpc_info/metagraph.rs).
// Does not own: its layout (chain/codec/rpc-info.ts).
import { type Metagraph, metagraphIndexes, type SelectiveMetagraph } from '../../chain/codec/rpc-info.js';
import { runtime } from '../../chain/codec/runtime.js';
import { encode } from '../../chain/codec/scale.js';
import type { StorageItem } from '../../chain/codec/storage.js';
import { storageIndex } from '../../chain/codec/weight-commits.js';
import { activityCutoffBlocks } from '../../emissions/schedule.js';
import { ownerOf } from '../pallets/subtensor/staking.js';
import type { At } from './at.js';
import { type StakeWeight, stakeWeightOf } from './stake-weights.js';
import { nameOf } from './subnet-names.js';

const S = runtime.SubtensorModule.storage;
const { CommitmentOf } = runtime.Commitments.storage;
/** `get_max_weight_limit`: a constant, which no weight exceeds. */
export const MAX_WEIGHT_LIMIT = 65_535;
const NO_AXON = {
  block: 0n,
  version: 0,
  ip: 0n,
  port: 0,
  ip_type: 0,
  protocol: 0,
  placeholder1: 0,
  placeholder2: 0,
} as const;

/** What several fields need is read once, and only if one of them is asked for. */
class Source {
  #hotkeys: readonly string[] | undefined;
  #coldkeys: readonly string[] | undefined;
  #stakes: readonly StakeWeight[] | undefined;

  constructor(
    readonly at: At,
    readonly netuid: number,
  ) {}

  of<V, R extends V | undefined>(item: StorageItem<readonly [number], V, R>): V | R {
    return this.at.state.get(item, this.netuid);
  }

  get hotkeys(): readonly string[] {
    this.#hotkeys ??= hotkeysOf(this.at, this.netuid);
    return this.#hotkeys;
  }

  get coldkeys(): readonly string[] {
    this.#coldkeys ??= this.hotkeys.map((hotkey) => ownerOf(this.at.state, hotkey));
    return this.#coldkeys;
  }

  get stakes(): readonly StakeWeight[] {
    this.#stakes ??= this.hotkeys.map((hotkey) => stakeWeightOf(this.at.state, hotkey, this.netuid));
    return this.#stakes;
  }
}

const hotkeysOf = ({ state }: At, netuid: number): string[] =>
  Array.from({ length: state.get(S.SubnetworkN, netuid) }, (_, uid) => state.get(S.Keys, netuid, uid));

export const axonOf = ({ state }: At, netuid: number, hotkey: string) =>
  state.get(S.Axons, netuid, hotkey) ?? NO_AXON;

type Fields = { readonly [N in keyof Metagraph]: (source: Source) => Metagraph[N] };

const fields: Fields = {
  netuid: ({ netuid }) => netuid,
  name: ({ at, netuid }) => [...nameOf(at.state, netuid)],
  symbol: (m) => m.of(S.TokenSymbol),
  identity: (m) => m.of(S.SubnetIdentitiesV3),
  network_registered_at: (m) => BigInt(m.of(S.NetworkRegisteredAt)),
  owner_hotkey: (m) => m.of(S.SubnetOwnerHotkey),
  owner_coldkey: (m) => m.of(S.SubnetOwner),
  block: ({ at }) => BigInt(at.block),
  tempo: (m) => m.of(S.Tempo),
  last_step: (m) => BigInt(m.of(S.LastMechansimStepBlock)),
  blocks_since_last_step: (m) => BigInt(Math.max(0, m.at.block - m.of(S.LastMechansimStepBlock))),
  subnet_emission: () => 0n, // deprecated on the chain
  alpha_in: (m) => m.of(S.SubnetAlphaIn),
  alpha_out: (m) => m.of(S.SubnetAlphaOut),
  tao_in: (m) => m.of(S.SubnetTAO),
  alpha_out_emission: (m) => m.of(S.SubnetAlphaOutEmission),
  alpha_in_emission: (m) => m.of(S.SubnetAlphaInEmission),
  tao_in_emission: (m) => m.of(S.SubnetTaoInEmission),
  pending_alpha_emission: (m) => m.of(S.PendingValidatorEmission) + m.of(S.PendingServerEmission),
  pending_root_emission: () => 0n, // deprecated on the chain
  subnet_volume: (m) => m.of(S.SubnetVolume),
  moving_price: (m) => m.of(S.SubnetMovingPrice),
  rho: (m) => m.of(S.Rho),
  kappa: (m) => m.of(S.Kappa),
  min_allowed_weights: (m) => m.of(S.MinAllowedWeights),
  max_weights_limit: () => MAX_WEIGHT_LIMIT,
  weights_version: (m) => m.of(S.WeightsVersionKey),
  weights_rate_limit: (m) => m.of(S.WeightsSetRateLimit),
  activity_cutoff: (m) => BigInt(activityCutoffBlocks(m.of(S.ActivityCutoffFactorMilli), m.of(S.Tempo))),
  max_validators: (m) => m.of(S.MaxAllowedValidators),
  num_uids: (m) => m.of(S.SubnetworkN),
  max_uids: (m) => m.of(S.MaxAllowedUids),
  burn: (m) => m.of(S.Burn),
  difficulty: (m) => m.of(S.Difficulty),
  registration_allowed: (m) => m.of(S.NetworkRegistrationAllowed),
  pow_registration_allowed: (m) => m.of(S.NetworkPowRegistrationAllowed),
  immunity_period: (m) => m.of(S.ImmunityPeriod),
  min_difficulty: (m) => m.of(S.MinDifficulty),
  max_difficulty: (m) => m.of(S.MaxDifficulty),
  min_burn: (m) => m.of(S.MinBurn),
  max_burn: (m) => m.of(S.MaxBurn),
  adjustment_alpha: (m) => m.of(S.AdjustmentAlpha),
  adjustment_interval: (m) => m.of(S.AdjustmentInterval),
  target_regs_per_interval: (m) => m.of(S.TargetRegistrationsPerInterval),
  max_regs_per_block: (m) => m.of(S.MaxRegistrationsPerBlock),
  serving_rate_limit: (m) => m.of(S.ServingRateLimit),
  commit_reveal_weights_enabled: (m) => m.of(S.CommitRevealWeightsEnabled),
  commit_reveal_period: (m) => m.of(S.RevealPeriodEpochs),
  liquid_alpha_enabled: (m) => m.of(S.LiquidAlphaOn),
  alpha_high: (m) => m.of(S.AlphaValues)[1],
  alpha_low: (m) => m.of(S.AlphaValues)[0],
  bonds_moving_avg: (m) => m.of(S.BondsMovingAverage),
  hotkeys: (m) => m.hotkeys,
  coldkeys: (m) => m.coldkeys,
  identities: (m) => m.coldkeys.map((coldkey) => m.at.state.get(S.IdentitiesV2, coldkey)),
  axons: (m) => m.hotkeys.map((hotkey) => axonOf(m.at, m.netuid, hotkey)),
  active: (m) => m.of(S.Active),
  validator_permit: (m) => m.of(S.ValidatorPermit),
  pruning_score: () => [], // no longer computed on the chain, as trust and rank
  last_update: (m) => lastUpdate(m.at, m.netuid),
  emission: (m) => m.of(S.Emission),
  dividends: (m) => m.of(S.Dividends),
  incentives: (m) => m.of(S.Incentive),
  consensus: (m) => m.of(S.Consensus),
  trust: () => [],
  rank: () => [],
  block_at_registration: (m) =>
    m.hotkeys.map((_, uid) => BigInt(m.at.state.get(S.BlockAtRegistration, m.netuid, uid))),
  alpha_stake: (m) => m.stakes.map(({ alphaRao }) => alphaRao),
  tao_stake: (m) => m.stakes.map(({ taoRao }) => taoRao),
  total_stake: (m) => m.stakes.map(({ total }) => total.rao),
  tao_dividends_per_hotkey: (m) => m.hotkeys.map((hotkey) => [hotkey, 0n] as const), // removed on the chain
  alpha_dividends_per_hotkey: (m) =>
    m.hotkeys.map((hotkey) => [hotkey, m.at.state.get(S.AlphaDividendsPerSubnet, m.netuid, hotkey)] as const),
};

const lastUpdate = ({ state }: At, index: number): bigint[] => state.get(S.LastUpdate, index).map(BigInt);

/** `get_metagraph` */
export function metagraphOf(at: At, netuid: number): Metagraph | undefined {
  if (!at.state.get(S.NetworksAdded, netuid)) return undefined;
  const source = new Source(at, netuid);
  const entries = Object.entries(fields).map(([name, read]) => [name, read(source)]);
  return Object.fromEntries(entries) as Metagraph; // a value of each field's own type, from the same table
}

/** `get_mechagraph`: what a mechanism has of its own in place of mechanism 0's, and its storage index as netuid. */
export function mechagraphOf(at: At, netuid: number, mecid: number): Metagraph | undefined {
  if (mecid >= at.state.get(S.MechanismCountCurrent, netuid)) return undefined;
  const metagraph = metagraphOf(at, netuid);
  if (!metagraph) return undefined;
  const index = storageIndex(netuid, mecid);
  return {
    ...metagraph,
    netuid: index,
    last_update: lastUpdate(at, index),
    incentives: at.state.get(S.Incentive, index),
  };
}

/** `get_selective_metagraph`: the netuid is 0 unless it was asked for. */
export function selectiveMetagraphOf(
  at: At,
  netuid: number,
  indexes: readonly number[],
): SelectiveMetagraph | undefined {
  if (!at.state.get(S.NetworksAdded, netuid)) return undefined;
  return select(new Source(at, netuid), indexes);
}

/** `get_selective_mechagraph`: the mechanism need not exist; the netuid is the subnet's own and always told. */
export function selectiveMechagraphOf(
  at: At,
  netuid: number,
  mecid: number,
  indexes: readonly number[],
): SelectiveMetagraph | undefined {
  const chosen = selectiveMetagraphOf(at, netuid, indexes);
  if (!chosen) return undefined;
  const index = storageIndex(netuid, mecid);
  return {
    ...chosen,
    netuid,
    ...(chosen.last_update === undefined ? {} : { last_update: lastUpdate(at, index) }),
    ...(chosen.incentives === undefined ? {} : { incentives: at.state.get(S.Incentive, index) }),
  };
}

/** Indexes that name nothing are passed over, repeated ones read once. */
function select(source: Source, indexes: readonly number[]): SelectiveMetagraph {
  const chosen: Record<string, unknown> = { netuid: 0 };
  for (const index of new Set(indexes)) {
    const name = metagraphIndexes[index];
    if (name === undefined) continue;
    if (name === 'validators') chosen[name] = validatorsOf(source);
    else if (name === 'commitments') chosen[name] = commitmentsOf(source);
    else if (name === 'identity') chosen[name] = { value: fields.identity(source) };
    else chosen[name] = fields[name](source);
  }
  return chosen as SelectiveMetagraph; // every field but netuid may be absent
}

/** `get_validators`: uids with a permit and more stake than the threshold, by rising stake. */
function validatorsOf({ at, netuid, stakes }: Source): number[] {
  const permits = at.state.get(S.ValidatorPermit, netuid);
  const threshold = at.state.get(S.StakeThreshold);
  return stakes
    .map(({ total }, uid) => ({ uid, raw: (total.rao << 64n) | total.fraction }))
    .filter(({ uid, raw }) => (permits[uid] ?? false) && raw > threshold << 64n)
    .sort((a, b) => (a.raw < b.raw ? -1 : a.raw > b.raw ? 1 : 0))
    .map(({ uid }) => uid);
}

/** Each as it is stored, deposit and block included. */
const commitmentsOf = ({ at, netuid }: Source) =>
  at.state.keys(CommitmentOf, netuid).map(([, account]) => {
    const registration = at.state.get(CommitmentOf, netuid, account)!;
    return [account, [...encode(CommitmentOf.value, registration)]] as const;
  });
