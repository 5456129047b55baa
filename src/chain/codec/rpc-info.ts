// Owns: the structs that Subtensor's runtime APIs answer with, field by field (subtensor rpc_info/*.rs, swap runtime-api).
// Does not own: which method answers with which (runtime-apis.ts), what the fields hold (localnet/runtime-apis/).
import {
  bool,
  bytes,
  type Codec,
  compact,
  option,
  struct,
  tuple,
  u8,
  u16,
  u32,
  u64,
  u128,
  type ValueOf,
  variant,
  variants,
  vec,
} from './scale.js';
import {
  accountId,
  accounts,
  axonInfo,
  bools,
  chainIdentity,
  i32f32,
  i96f32,
  prometheusInfo,
  subnetIdentity,
  u64f64,
} from './types.js';

const c16 = compact(u16);
const c64 = compact(u64);
const c128 = compact(u128);
const c16s = vec(c16);
const c64s = vec(c64);
/** A text whose every byte is written compactly: those from 64 on take two. */
const compactText = vec(compact(u8));
const perHotkey = vec(tuple(accountId, c64));
const ofAccounts = [['AccountId', accountId]] as const;
const path = (file: string, name: string): string => `pallet_subtensor::rpc_info::${file}::${name}`;

/** One value for each uid, in both answers. */
const neuronColumns = {
  pruning_score: c16s,
  last_update: c64s,
  emission: c64s,
  dividends: c16s,
  incentives: c16s,
  consensus: c16s,
  trust: c16s,
  rank: c16s,
  block_at_registration: c64s,
  alpha_stake: c64s,
  tao_stake: c64s,
  total_stake: c64s,
} as const;

const metagraphFields = {
  netuid: c16,
  name: compactText,
  symbol: compactText,
  identity: option(subnetIdentity),
  network_registered_at: c64,
  owner_hotkey: accountId,
  owner_coldkey: accountId,
  block: c64,
  tempo: c16,
  last_step: c64,
  blocks_since_last_step: c64,
  subnet_emission: c64,
  alpha_in: c64,
  alpha_out: c64,
  tao_in: c64,
  alpha_out_emission: c64,
  alpha_in_emission: c64,
  tao_in_emission: c64,
  pending_alpha_emission: c64,
  pending_root_emission: c64,
  subnet_volume: c128,
  moving_price: i96f32,
  rho: c16,
  kappa: c16,
  min_allowed_weights: c16,
  max_weights_limit: c16,
  weights_version: c64,
  weights_rate_limit: c64,
  activity_cutoff: c64,
  max_validators: c16,
  num_uids: c16,
  max_uids: c16,
  burn: c64,
  difficulty: c64,
  registration_allowed: bool,
  pow_registration_allowed: bool,
  immunity_period: c16,
  min_difficulty: c64,
  max_difficulty: c64,
  min_burn: c64,
  max_burn: c64,
  adjustment_alpha: c64,
  adjustment_interval: c16,
  target_regs_per_interval: c16,
  max_regs_per_block: c16,
  serving_rate_limit: c64,
  commit_reveal_weights_enabled: bool,
  commit_reveal_period: c64,
  liquid_alpha_enabled: bool,
  alpha_high: c16,
  alpha_low: c16,
  bonds_moving_avg: c64,
  hotkeys: accounts,
  coldkeys: accounts,
  identities: vec(option(chainIdentity)),
  axons: vec(axonInfo),
  active: bools,
  validator_permit: bools,
  ...neuronColumns,
  tao_dividends_per_hotkey: perHotkey,
  alpha_dividends_per_hotkey: perHotkey,
} as const;
export const metagraph = struct(path('metagraph', 'Metagraph'), metagraphFields, ofAccounts);
export type Metagraph = ValueOf<typeof metagraph>;

/** Told apart from a metagraph that was not asked for its identity: the subnet has none. */
export interface Requested<T> {
  readonly value: T;
}
const requested = <T>(of: Codec<T>): Codec<Requested<T>> => ({
  shape: of.shape,
  encode: ({ value }, out) => of.encode(value, out),
  decode: (input) => ({ value: of.decode(input) }),
});

type Inputs = Readonly<Record<string, Codec<unknown>>>;
type OptionalFields<F extends Inputs> = { readonly [N in keyof F]: Codec<ValueOf<F[N]> | undefined> };
const optional = <F extends Inputs>(fields: F): OptionalFields<F> =>
  // a field for each of F's, under its name
  Object.fromEntries(
    Object.entries(fields).map(([name, codec]) => [name, option(codec)]),
  ) as unknown as OptionalFields<F>;

const selectiveFields = {
  ...optional({ ...metagraphFields, identity: requested(option(subnetIdentity)) }),
  netuid: c16,
  validators: option(c16s),
  commitments: option(vec(tuple(accountId, compactText))),
};
export const selectiveMetagraph = struct(
  path('metagraph', 'SelectiveMetagraph'),
  selectiveFields,
  ofAccounts,
);
export type SelectiveMetagraph = ValueOf<typeof selectiveMetagraph>;
/** What a request names by its index (`SelectiveMetagraphIndex`). */
export const metagraphIndexes = Object.keys(selectiveFields) as readonly (keyof typeof selectiveFields)[];

const neuronLiteFields = {
  hotkey: accountId,
  coldkey: accountId,
  uid: c16,
  netuid: c16,
  active: bool,
  axon_info: axonInfo,
  prometheus_info: prometheusInfo,
  stake: perHotkey,
  rank: c16,
  emission: c64,
  incentive: c16,
  consensus: c16,
  trust: c16,
  validator_trust: c16,
  dividends: c16,
  last_update: c64,
  validator_permit: bool,
} as const;
const sparseRow = vec(tuple(c16, c16));
export const neuronInfo = struct(
  path('neuron_info', 'NeuronInfo'),
  { ...neuronLiteFields, weights: sparseRow, bonds: sparseRow, pruning_score: c16 },
  ofAccounts,
);
export const neuronInfoLite = struct(
  path('neuron_info', 'NeuronInfoLite'),
  { ...neuronLiteFields, pruning_score: c16 },
  ofAccounts,
);

const subnetInfoFields = {
  netuid: c16,
  rho: c16,
  kappa: c16,
  difficulty: c64,
  immunity_period: c16,
  max_allowed_validators: c16,
  min_allowed_weights: c16,
  max_weights_limit: c16,
  scaling_law_power: c16,
  subnetwork_n: c16,
  max_allowed_uids: c16,
  blocks_since_last_step: c64,
  tempo: c16,
  network_modality: c16,
  network_connect: vec(u16Pair()),
} as const;
export const subnetInfo = struct(
  path('subnet_info', 'SubnetInfo'),
  { ...subnetInfoFields, emission_values: c64, burn: c64, owner: accountId },
  ofAccounts,
);
export const subnetInfoV2 = struct(
  path('subnet_info', 'SubnetInfov2'),
  { ...subnetInfoFields, emission_value: c64, burn: c64, owner: accountId, identity: option(subnetIdentity) },
  ofAccounts,
);

const hyperparamsFields = {
  rho: c16,
  kappa: c16,
  immunity_period: c16,
  min_allowed_weights: c16,
  max_weights_limit: c16,
  tempo: c16,
  min_difficulty: c64,
  max_difficulty: c64,
  weights_version: c64,
  weights_rate_limit: c64,
  adjustment_interval: c16,
  activity_cutoff: c64,
  registration_allowed: bool,
  target_regs_per_interval: c16,
  min_burn: c64,
  max_burn: c64,
  bonds_moving_avg: c64,
  max_regs_per_block: c16,
  serving_rate_limit: c64,
  max_validators: c16,
  adjustment_alpha: c64,
  difficulty: c64,
  commit_reveal_period: c64,
  commit_reveal_weights_enabled: bool,
  alpha_high: c16,
  alpha_low: c16,
  liquid_alpha_enabled: bool,
} as const;
export const subnetHyperparams = struct(path('subnet_info', 'SubnetHyperparams'), hyperparamsFields);
export const subnetHyperparamsV2 = struct(path('subnet_info', 'SubnetHyperparamsV2'), {
  ...hyperparamsFields,
  alpha_sigmoid_steepness: i32f32,
  yuma_version: c16,
  subnet_is_active: bool,
  transfers_enabled: bool,
  bonds_reset_enabled: bool,
  user_liquidity_enabled: bool,
});
const hyperparamValue = variants(path('subnet_info', 'HyperparamValue'), {
  Bool: variant(0, [bool] as const),
  U16: variant(1, [c16] as const),
  U32: variant(2, [compact(u32)] as const),
  U64: variant(3, [c64] as const),
  U128: variant(4, [c128] as const),
  TaoBalance: variant(5, [c64] as const),
  I32F32: variant(6, [i32f32] as const),
  U64F64: variant(7, [u64f64] as const),
});
export type HyperparamValue = ValueOf<typeof hyperparamValue>;
export const hyperparamEntry = struct(path('subnet_info', 'HyperparamEntry'), {
  name: bytes,
  value: hyperparamValue,
});

export const dynamicInfo = struct(
  path('dynamic_info', 'DynamicInfo'),
  {
    netuid: c16,
    owner_hotkey: accountId,
    owner_coldkey: accountId,
    subnet_name: compactText,
    token_symbol: compactText,
    tempo: c16,
    last_step: c64,
    blocks_since_last_step: c64,
    emission: c64,
    alpha_in: c64,
    alpha_out: c64,
    tao_in: c64,
    alpha_out_emission: c64,
    alpha_in_emission: c64,
    tao_in_emission: c64,
    pending_alpha_emission: c64,
    pending_root_emission: c64,
    subnet_volume: c128,
    network_registered_at: c64,
    subnet_identity: option(subnetIdentity),
    moving_price: i96f32,
  },
  ofAccounts,
);

export const subnetState = struct(
  path('show_subnet', 'SubnetState'),
  {
    netuid: c16,
    hotkeys: accounts,
    coldkeys: accounts,
    active: bools,
    validator_permit: bools,
    ...neuronColumns,
    emission_history: vec(c64s),
  },
  ofAccounts,
);

export const stakeInfo = struct(
  path('stake_info', 'StakeInfo'),
  {
    hotkey: accountId,
    coldkey: accountId,
    netuid: c16,
    stake: c64,
    locked: c64,
    emission: c64,
    tao_emission: c64,
    drain: c64,
    is_registered: bool,
  },
  ofAccounts,
);
export const stakeAvailability = struct(path('stake_info', 'StakeAvailability'), {
  total: c64,
  locked: c64,
  available: c64,
});

export const delegateInfo = struct(
  path('delegate_info', 'DelegateInfo'),
  {
    delegate_ss58: accountId,
    take: c16,
    nominators: vec(tuple(accountId, vec(tuple(c16, c64)))),
    owner_ss58: accountId,
    registrations: c16s,
    validator_permits: c16s,
    return_per_1000: c64,
    total_daily_return: c64,
  },
  ofAccounts,
);
/** Netuid and alpha. */
export const delegatedStake = tuple(c16, c64);

export const subnetPrice = struct('pallet_subtensor_swap_runtime_api::SubnetPrice', {
  netuid: u16,
  price: u64,
});
export const simSwapResult = struct('pallet_subtensor_swap_runtime_api::SimSwapResult', {
  tao_amount: u64,
  alpha_amount: u64,
  tao_fee: u64,
  alpha_fee: u64,
  tao_slippage: u64,
  alpha_slippage: u64,
});

/** `[u16; 2]`; the list of them is always empty since connections between subnets were removed. */
function u16Pair(): Codec<readonly [number, number]> {
  return {
    ...(tuple(u16, u16) as Codec<readonly [number, number]>),
    shape: { kind: 'array', length: 2, of: u16 },
  };
}
