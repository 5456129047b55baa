// Owns: SubnetInfoRuntimeApi and SubnetRegistrationRuntimeApi (subtensor rpc_info/{subnet_info,dynamic_info,show_subnet}.rs).
// Does not own: the metagraph (metagraph.ts).
import type { HyperparamValue } from '../../chain/codec/rpc-info.js';
import { type RuntimeApis, runtime } from '../../chain/codec/runtime.js';
import type { Implementation } from '../../chain/codec/runtime-api.js';
import { I32F32 } from '../../emissions/fixed.js';
import { activityCutoffBlocks, nextEpochBlock } from '../../emissions/schedule.js';
import { utf8 } from '../../model/bytes.js';
import { lockCost } from '../pallets/subtensor/networks.js';
import { movingPriceOf } from '../pallets/subtensor/pools.js';
import { allNetuids, subnetAccount } from '../pallets/subtensor/staking.js';
import type { At } from './at.js';
import {
  MAX_WEIGHT_LIMIT,
  mechagraphOf,
  metagraphOf,
  selectiveMechagraphOf,
  selectiveMetagraphOf,
} from './metagraph.js';
import { nameOf } from './subnet-names.js';

const S = runtime.SubtensorModule.storage;
const ROOT = 0;

export const subnetInfoApi: Implementation<RuntimeApis['SubnetInfoRuntimeApi'], At> = {
  get_subnet_info: ({ netuid }, at) => existing(at, netuid, subnetInfoOf),
  get_subnets_info: (_, at) => ascending(at).map((netuid) => subnetInfoOf(at, netuid)),
  get_subnet_info_v2: ({ netuid }, at) => existing(at, netuid, subnetInfoV2Of),
  get_subnets_info_v2: (_, at) => ascending(at).map((netuid) => subnetInfoV2Of(at, netuid)),
  get_subnet_hyperparams: ({ netuid }, at) => existing(at, netuid, hyperparamsOf),
  get_subnet_hyperparams_v2: ({ netuid }, at) => existing(at, netuid, hyperparamsV2Of),
  get_subnet_hyperparams_v3: ({ netuid }, at) => existing(at, netuid, hyperparamsV3Of),
  get_dynamic_info: ({ netuid }, at) => existing(at, netuid, dynamicInfoOf),
  get_all_dynamic_info: (_, at) => allNetuids(at.state).map((netuid) => dynamicInfoOf(at, netuid)),
  get_metagraph: ({ netuid }, at) => metagraphOf(at, netuid),
  get_all_metagraphs: (_, at) => allNetuids(at.state).map((netuid) => metagraphOf(at, netuid)),
  get_mechagraph: ({ netuid, mecid }, at) => mechagraphOf(at, netuid, mecid),
  get_all_mechagraphs: (_, at) =>
    allNetuids(at.state).flatMap((netuid) =>
      Array.from({ length: at.state.get(S.MechanismCountCurrent, netuid) }, (_, mecid) =>
        mechagraphOf(at, netuid, mecid),
      ),
    ),
  get_selective_metagraph: ({ netuid, metagraph_indexes }, at) =>
    selectiveMetagraphOf(at, netuid, metagraph_indexes),
  get_selective_mechagraph: ({ netuid, subid, metagraph_indexes }, at) =>
    selectiveMechagraphOf(at, netuid, subid, metagraph_indexes),
  get_subnet_state: ({ netuid }, at) => existing(at, netuid, subnetStateOf),
  get_coldkey_auto_stake_hotkey: ({ coldkey, netuid }, { state }) =>
    state.get(S.AutoStakeDestination, coldkey, netuid),
  get_subnet_to_prune: (_, at) => subnetToPrune(at),
  get_subnet_account_id: ({ netuid }, { state }) =>
    netuid === ROOT || state.has(S.NetworksAdded, netuid) ? subnetAccount(netuid) : undefined,
  // as on the chain, a subnet that does not exist has the default tempo
  get_next_epoch_start_block: ({ netuid }, { state }) => {
    const next = nextEpochBlock({
      tempo: state.get(S.Tempo, netuid),
      lastEpochBlock: state.get(S.LastEpochBlock, netuid),
      pendingEpochAt: state.get(S.PendingEpochAt, netuid),
    });
    return next === undefined ? undefined : BigInt(next);
  },
};

export const subnetRegistrationApi: Implementation<RuntimeApis['SubnetRegistrationRuntimeApi'], At> = {
  get_network_registration_cost: (_, { state, block }) => lockCost(state, block),
};

const existing = <T>(at: At, netuid: number, read: (at: At, netuid: number) => T): T | undefined =>
  at.state.get(S.NetworksAdded, netuid) ? read(at, netuid) : undefined;

const ascending = ({ state }: At): number[] => allNetuids(state).sort((a, b) => a - b);

function subnetFieldsOf({ state }: At, netuid: number) {
  return {
    netuid,
    rho: state.get(S.Rho, netuid),
    kappa: state.get(S.Kappa, netuid),
    difficulty: state.get(S.Difficulty, netuid),
    immunity_period: state.get(S.ImmunityPeriod, netuid),
    max_allowed_validators: state.get(S.MaxAllowedValidators, netuid),
    min_allowed_weights: state.get(S.MinAllowedWeights, netuid),
    max_weights_limit: MAX_WEIGHT_LIMIT,
    scaling_law_power: state.get(S.ScalingLawPower, netuid),
    subnetwork_n: state.get(S.SubnetworkN, netuid),
    max_allowed_uids: state.get(S.MaxAllowedUids, netuid),
    blocks_since_last_step: BigInt(state.get(S.BlocksSinceLastStep, netuid)),
    tempo: state.get(S.Tempo, netuid),
    network_modality: 0, // deprecated on the chain, as connections and emission
    network_connect: [],
    burn: state.get(S.Burn, netuid),
    owner: state.get(S.SubnetOwner, netuid),
  };
}

const subnetInfoOf = (at: At, netuid: number) => ({ ...subnetFieldsOf(at, netuid), emission_values: 0n });

const subnetInfoV2Of = (at: At, netuid: number) => ({
  ...subnetFieldsOf(at, netuid),
  emission_value: 0n,
  identity: at.state.get(S.SubnetIdentitiesV3, netuid),
});

const cutoffOf = ({ state }: At, netuid: number): bigint =>
  BigInt(activityCutoffBlocks(state.get(S.ActivityCutoffFactorMilli, netuid), state.get(S.Tempo, netuid)));

function hyperparamsOf(at: At, netuid: number) {
  const { state } = at;
  const [alpha_low, alpha_high] = state.get(S.AlphaValues, netuid);
  return {
    rho: state.get(S.Rho, netuid),
    kappa: state.get(S.Kappa, netuid),
    immunity_period: state.get(S.ImmunityPeriod, netuid),
    min_allowed_weights: state.get(S.MinAllowedWeights, netuid),
    max_weights_limit: MAX_WEIGHT_LIMIT,
    tempo: state.get(S.Tempo, netuid),
    min_difficulty: state.get(S.MinDifficulty, netuid),
    max_difficulty: state.get(S.MaxDifficulty, netuid),
    weights_version: state.get(S.WeightsVersionKey, netuid),
    weights_rate_limit: state.get(S.WeightsSetRateLimit, netuid),
    adjustment_interval: state.get(S.AdjustmentInterval, netuid),
    activity_cutoff: cutoffOf(at, netuid),
    registration_allowed: state.get(S.NetworkRegistrationAllowed, netuid),
    target_regs_per_interval: state.get(S.TargetRegistrationsPerInterval, netuid),
    min_burn: state.get(S.MinBurn, netuid),
    max_burn: state.get(S.MaxBurn, netuid),
    bonds_moving_avg: state.get(S.BondsMovingAverage, netuid),
    max_regs_per_block: state.get(S.MaxRegistrationsPerBlock, netuid),
    serving_rate_limit: state.get(S.ServingRateLimit, netuid),
    max_validators: state.get(S.MaxAllowedValidators, netuid),
    adjustment_alpha: state.get(S.AdjustmentAlpha, netuid),
    difficulty: state.get(S.Difficulty, netuid),
    commit_reveal_period: state.get(S.RevealPeriodEpochs, netuid),
    commit_reveal_weights_enabled: state.get(S.CommitRevealWeightsEnabled, netuid),
    alpha_high,
    alpha_low,
    liquid_alpha_enabled: state.get(S.LiquidAlphaOn, netuid),
  };
}

function hyperparamsV2Of(at: At, netuid: number) {
  const { state } = at;
  return {
    ...hyperparamsOf(at, netuid),
    alpha_sigmoid_steepness: I32F32.fromInteger(BigInt(state.get(S.AlphaSigmoidSteepness, netuid))),
    yuma_version: state.get(S.Yuma3On, netuid) ? 3 : 2,
    subnet_is_active: state.get(S.SubtokenEnabled, netuid),
    transfers_enabled: state.get(S.TransferToggle, netuid),
    bonds_reset_enabled: state.get(S.BondsResetOn, netuid),
    user_liquidity_enabled: false, // removed from the chain
  };
}

/** A list of named values, so that it can grow; in the chain's order. */
function hyperparamsV3Of(at: At, netuid: number) {
  const { state } = at;
  const v2 = hyperparamsV2Of(at, netuid);
  const values: Readonly<Record<string, HyperparamValue>> = {
    kappa: u16(v2.kappa),
    immunity_period: u16(v2.immunity_period),
    min_allowed_weights: u16(v2.min_allowed_weights),
    max_weights_limit: u16(v2.max_weights_limit),
    tempo: u16(v2.tempo),
    weights_version: u64(v2.weights_version),
    weights_rate_limit: u64(v2.weights_rate_limit),
    activity_cutoff: u64(v2.activity_cutoff),
    activity_cutoff_factor: { type: 'U32', value: [state.get(S.ActivityCutoffFactorMilli, netuid)] },
    registration_allowed: bool(v2.registration_allowed),
    target_regs_per_interval: u16(v2.target_regs_per_interval),
    min_burn: { type: 'TaoBalance', value: [v2.min_burn] },
    max_burn: { type: 'TaoBalance', value: [v2.max_burn] },
    burn_half_life: u16(state.get(S.BurnHalfLife, netuid)),
    burn_increase_mult: { type: 'U64F64', value: [state.get(S.BurnIncreaseMult, netuid)] },
    bonds_moving_avg: u64(v2.bonds_moving_avg),
    max_regs_per_block: u16(v2.max_regs_per_block),
    serving_rate_limit: u64(v2.serving_rate_limit),
    max_validators: u16(v2.max_validators),
    commit_reveal_period: u64(v2.commit_reveal_period),
    commit_reveal_weights_enabled: bool(v2.commit_reveal_weights_enabled),
    alpha_high: u16(v2.alpha_high),
    alpha_low: u16(v2.alpha_low),
    liquid_alpha_enabled: bool(v2.liquid_alpha_enabled),
    alpha_sigmoid_steepness: { type: 'I32F32', value: [v2.alpha_sigmoid_steepness] },
    yuma_version: u16(v2.yuma_version),
    subnet_is_active: bool(v2.subnet_is_active),
    transfers_enabled: bool(v2.transfers_enabled),
    bonds_reset_enabled: bool(v2.bonds_reset_enabled),
    user_liquidity_enabled: bool(v2.user_liquidity_enabled),
    owner_cut_enabled: bool(state.get(S.OwnerCutEnabled, netuid)),
    owner_cut_auto_lock_enabled: bool(state.get(S.OwnerCutAutoLockEnabled, netuid)),
    min_childkey_take: u16(
      Math.max(state.get(S.MinChildkeyTake), state.get(S.MinChildkeyTakePerSubnet, netuid)),
    ),
  };
  return Object.entries(values).map(([name, value]) => ({ name: utf8(name), value }));
}
const u16 = (value: number): HyperparamValue => ({ type: 'U16', value: [value] });
const u64 = (value: bigint): HyperparamValue => ({ type: 'U64', value: [value] });
const bool = (value: boolean): HyperparamValue => ({ type: 'Bool', value: [value] });

function dynamicInfoOf({ state, block }: At, netuid: number) {
  const lastStep = state.get(S.LastMechansimStepBlock, netuid);
  return {
    netuid,
    owner_hotkey: state.get(S.SubnetOwnerHotkey, netuid),
    owner_coldkey: state.get(S.SubnetOwner, netuid),
    subnet_name: [...nameOf(state, netuid)],
    token_symbol: state.get(S.TokenSymbol, netuid),
    tempo: state.get(S.Tempo, netuid),
    last_step: BigInt(lastStep),
    blocks_since_last_step: BigInt(Math.max(0, block - lastStep)),
    emission: 0n, // deprecated on the chain, as the root emission
    alpha_in: state.get(S.SubnetAlphaIn, netuid),
    alpha_out: state.get(S.SubnetAlphaOut, netuid),
    tao_in: state.get(S.SubnetTAO, netuid),
    alpha_out_emission: state.get(S.SubnetAlphaOutEmission, netuid),
    alpha_in_emission: state.get(S.SubnetAlphaInEmission, netuid),
    tao_in_emission: state.get(S.SubnetTaoInEmission, netuid),
    pending_alpha_emission:
      state.get(S.PendingValidatorEmission, netuid) + state.get(S.PendingServerEmission, netuid),
    pending_root_emission: 0n,
    subnet_volume: state.get(S.SubnetVolume, netuid),
    network_registered_at: BigInt(state.get(S.NetworkRegisteredAt, netuid)),
    subnet_identity: state.get(S.SubnetIdentitiesV3, netuid),
    moving_price: state.get(S.SubnetMovingPrice, netuid),
  };
}

/** The metagraph's lists, and what each hotkey last had on each subnet, which nothing writes any more. */
function subnetStateOf(at: At, netuid: number) {
  const metagraph = metagraphOf(at, netuid)!; // asked for a subnet that exists
  return {
    ...metagraph,
    emission_history: allNetuids(at.state).map((other) =>
      metagraph.hotkeys.map((hotkey) => at.state.get(S.LastHotkeyEmissionOnNetuid, hotkey, other)),
    ),
  };
}

/** `get_network_to_prune`: of those past their immunity the lowest moving price, then the earliest registration. */
function subnetToPrune({ state, block }: At): number | undefined {
  const immunity = Number(state.get(S.NetworkImmunityPeriod));
  const [weakest] = allNetuids(state)
    .filter((netuid) => netuid !== ROOT)
    .map((netuid) => ({
      netuid,
      registeredAt: state.get(S.NetworkRegisteredAt, netuid),
      price: movingPriceOf(state, netuid),
    }))
    .filter(({ registeredAt }) => block >= registeredAt + immunity)
    .sort((a, b) => (a.price < b.price ? -1 : a.price > b.price ? 1 : a.registeredAt - b.registeredAt));
  return weakest?.netuid;
}
