// Owns: every hyperparameter that pallet AdminUtils sets: its value's kind, who may set it, within which bounds, and what
// the chain then holds. Does not own: tempo and activity cutoff as their owner sets them (subnets.ts).
import { fromAddress } from '../../../keys/ss58.js';
import { AssayError } from '../../../model/errors.js';
import {
  adminWindowOpen,
  byRootOnly,
  ownerRateLimit,
  ownsSubnet,
  subnetExists,
  transactionRateLimit,
} from './checks.js';
import {
  type Arg,
  type Check,
  type Operation,
  operation,
  type Refusal,
  type State,
  stored,
} from './operation.js';

const PALLET = 'AdminUtils';

/** How a value is written and encoded. `u64f64` and `i96f32` are the raw bits of the chain's fixed-point numbers. */
export type ValueKind =
  | 'u8'
  | 'u16'
  | 'u32'
  | 'u64'
  | 'i16'
  | 'bool'
  | 'u64f64'
  | 'i96f32'
  | 'account'
  | 'recycle-or-burn';
export type HyperparameterValue = bigint | boolean | string;

type Bounds = (value: bigint, netuid: number, state: State) => Promise<Refusal | undefined>;

export interface Hyperparameter {
  readonly call: string;
  /** the call's second argument */
  readonly argument: string;
  readonly kind: ValueKind;
  /** `owner`: the subnet's owner or root. `root`: the sudo key alone */
  readonly who: 'owner' | 'root';
  /** of the whole chain, not of one subnet */
  readonly isGlobal: boolean;
  /** storage that holds it; undefined where the chain keeps no such value */
  readonly item: string | undefined;
  /** refused in the last blocks before an epoch */
  readonly freezes: boolean;
  /** the owner's rate limit is kept under this name */
  readonly rateKey?: string;
  readonly bounds?: Bounds;
  /** `alpha_values` and the like: nothing in today’s epoch reads it */
  readonly isInert: boolean;
}

const between =
  (min: bigint, max: bigint, error = 'InvalidValue'): Bounds =>
  async (value) =>
    value >= min && value <= max ? undefined : { error, detail: `expected ${min}..${max}, got ${value}` };

/** `value op item`, read now; the chain compares it with the same item when the call runs. */
const against =
  (item: string, holds: (value: bigint, other: bigint) => boolean, words: string, error: string): Bounds =>
  async (value, netuid, state) => {
    const other = await state.integer(item, netuid);
    return holds(value, other)
      ? undefined
      : { error, detail: `${value} must be ${words} ${item}, which is ${other}` };
  };

const all =
  (...bounds: readonly Bounds[]): Bounds =>
  async (value, netuid, state) => {
    for (const bound of bounds) {
      const refusal = await bound(value, netuid, state);
      if (refusal) return refusal;
    }
    return undefined;
  };

/** What only owners are held to (`maybe_owner.is_some()`). */
const ofOwners =
  (bounds: Bounds): Bounds =>
  async (value, netuid, state) =>
    state.byRoot ? undefined : bounds(value, netuid, state);

const less = (a: bigint, b: bigint) => a < b;
const more = (a: bigint, b: bigint) => a > b;
const atLeast = (a: bigint, b: bigint) => a >= b;

const NOT_IN_BOUNDS = 'ValueNotInBounds';
const MAX_U64 = 2n ** 64n - 1n;
const ONE = 2n ** 64n;

type Row = readonly [name: string, kind: ValueKind, item: string | undefined, rest?: Partial<Hyperparameter>];

/** admin-utils/src/lib.rs. The second argument has the parameter's name unless the row says otherwise. */
const OWNER_ROWS: readonly Row[] = [
  ['serving_rate_limit', 'u64', 'ServingRateLimit', { rateKey: 'ServingRateLimit' }],
  ['max_difficulty', 'u64', 'MaxDifficulty', { rateKey: 'MaxDifficulty', isInert: true }],
  ['weights_version_key', 'u64', 'WeightsVersionKey'],
  ['adjustment_alpha', 'u64', 'AdjustmentAlpha', { rateKey: 'AdjustmentAlpha', isInert: true }],
  ['immunity_period', 'u16', 'ImmunityPeriod', { rateKey: 'ImmunityPeriod' }],
  ['min_allowed_weights', 'u16', 'MinAllowedWeights', { rateKey: 'MinAllowedWeights' }],
  [
    'max_allowed_uids',
    'u16',
    'MaxAllowedUids',
    {
      rateKey: 'MaxAllowedUids',
      bounds: all(
        against('MinAllowedUids', atLeast, 'at least', 'MaxAllowedUidsLessThanMinAllowedUids'),
        against('SubnetworkN', atLeast, 'at least', 'MaxAllowedUIdsLessThanCurrentUIds'),
        between(0n, 256n, 'MaxAllowedUidsGreaterThanDefaultMaxAllowedUids'),
        uidsOverAllMechanisms,
      ),
    },
  ],
  ['rho', 'u16', 'Rho', { rateKey: 'Rho', isInert: true }],
  [
    'activity_cutoff',
    'u16',
    'ActivityCutoff',
    { rateKey: 'ActivityCutoff', isInert: true, bounds: minActivityCutoff },
  ],
  [
    'min_burn',
    'u64',
    'MinBurn',
    {
      rateKey: 'MinBurn',
      bounds: all(between(0n, 999_999_999n, NOT_IN_BOUNDS), against('MaxBurn', less, 'below', NOT_IN_BOUNDS)),
    },
  ],
  [
    'max_burn',
    'u64',
    'MaxBurn',
    {
      rateKey: 'MaxBurn',
      bounds: all(
        between(100_000_001n, MAX_U64, NOT_IN_BOUNDS),
        against('MinBurn', more, 'above', NOT_IN_BOUNDS),
      ),
    },
  ],
  [
    'bonds_moving_average',
    'u64',
    'BondsMovingAverage',
    {
      rateKey: 'BondsMovingAverage',
      bounds: ofOwners(between(0n, 975_000n, 'BondsMovingAverageMaxReached')),
    },
  ],
  ['bonds_penalty', 'u16', 'BondsPenalty', { rateKey: 'BondsPenalty' }],
  [
    'commit_reveal_weights_enabled',
    'bool',
    'CommitRevealWeightsEnabled',
    { argument: 'enabled', rateKey: 'CommitRevealEnabled' },
  ],
  [
    'commit_reveal_weights_interval',
    'u64',
    'RevealPeriodEpochs',
    { argument: 'interval', rateKey: 'WeightCommitInterval', bounds: revealPeriod },
  ],
  ['liquid_alpha_enabled', 'bool', 'LiquidAlphaOn', { argument: 'enabled', rateKey: 'LiquidAlphaEnabled' }],
  [
    'alpha_sigmoid_steepness',
    'i16',
    'AlphaSigmoidSteepness',
    {
      argument: 'steepness',
      rateKey: 'AlphaSigmoidSteepness',
      bounds: ofOwners(between(0n, 32_767n, 'NegativeSigmoidSteepness')),
    },
  ],
  ['yuma3_enabled', 'bool', 'Yuma3On', { argument: 'enabled', rateKey: 'Yuma3Enabled' }],
  ['bonds_reset_enabled', 'bool', 'BondsResetOn', { argument: 'enabled', rateKey: 'BondsResetEnabled' }],
  ['toggle_transfer', 'bool', 'TransferToggle', { argument: 'toggle', rateKey: 'TransferEnabled' }],
  ['recycle_or_burn', 'recycle-or-burn', 'RecycleOrBurn', { rateKey: 'RecycleOrBurn' }],
  [
    'owner_immune_neuron_limit',
    'u16',
    'ImmuneOwnerUidsLimit',
    { argument: 'immune_neurons', rateKey: 'ImmuneNeuronLimit', bounds: between(1n, 10n) },
  ],
  ['burn_half_life', 'u16', 'BurnHalfLife', { rateKey: 'BurnHalfLife', bounds: between(1n, 36_100n) }],
  [
    'burn_increase_mult',
    'u64f64',
    'BurnIncreaseMult',
    { rateKey: 'BurnIncreaseMult', bounds: between(ONE, 3n * ONE) },
  ],
  ['owner_cut_enabled', 'bool', 'OwnerCutEnabled', { argument: 'enabled' }],
  ['owner_cut_auto_lock_enabled', 'bool', 'OwnerCutAutoLockEnabled', { argument: 'enabled' }],
  [
    'min_childkey_take_per_subnet',
    'u16',
    'MinChildkeyTakePerSubnet',
    { argument: 'take', rateKey: 'MinChildkeyTake', bounds: childkeyTake },
  ],
];

const FREE = { freezes: false };
const ROOT_ROWS: readonly Row[] = [
  ['min_difficulty', 'u64', 'MinDifficulty', { isInert: true }],
  ['weights_set_rate_limit', 'u64', 'WeightsSetRateLimit', FREE],
  ['adjustment_interval', 'u16', 'AdjustmentInterval', { ...FREE, isInert: true }],
  ['kappa', 'u16', 'Kappa', FREE],
  [
    'network_registration_allowed',
    'bool',
    'NetworkRegistrationAllowed',
    { ...FREE, argument: 'registration_allowed' },
  ],
  ['target_registrations_per_interval', 'u16', 'TargetRegistrationsPerInterval', { isInert: true }],
  ['difficulty', 'u64', 'Difficulty', { isInert: true }],
  [
    'max_allowed_validators',
    'u16',
    'MaxAllowedValidators',
    { bounds: against('MaxAllowedUids', (a, b) => a <= b, 'at most', 'MaxValidatorsLargerThanMaxUIds') },
  ],
  ['max_registrations_per_block', 'u16', 'MaxRegistrationsPerBlock', { isInert: true }],
  ['tempo', 'u16', 'Tempo'],
  ['rao_recycled', 'u64', 'RAORecycledForRegistration', FREE],
  ['ema_price_halving_period', 'u64', 'EMAPriceHalvingBlocks', { ...FREE, argument: 'ema_halving' }],
  ['subtoken_enabled', 'bool', 'SubtokenEnabled'],
  [
    'min_allowed_uids',
    'u16',
    'MinAllowedUids',
    {
      bounds: all(
        against('MaxAllowedUids', less, 'below', 'MinAllowedUidsGreaterThanMaxAllowedUids'),
        against('SubnetworkN', less, 'below', 'MinAllowedUidsGreaterThanCurrentUids'),
      ),
    },
  ],
  ['min_non_immune_uids', 'u16', 'MinNonImmuneUids', { ...FREE, argument: 'min' }],
  ['subnet_emission_enabled', 'bool', 'SubnetEmissionEnabled', { ...FREE, argument: 'enabled' }],
];

const GLOBAL_ROWS: readonly Row[] = [
  ['default_take', 'u16', 'MaxDelegateTake'],
  ['tx_rate_limit', 'u64', 'TxRateLimit'],
  ['subnet_owner_cut', 'u16', 'SubnetOwnerCut'],
  ['network_rate_limit', 'u64', 'NetworkRateLimit', { argument: 'rate_limit' }],
  ['network_immunity_period', 'u64', 'NetworkImmunityPeriod', { argument: 'immunity_period' }],
  ['network_min_lock_cost', 'u64', 'NetworkMinLockCost', { argument: 'lock_cost' }],
  ['subnet_limit', 'u16', 'SubnetLimit', { argument: 'max_subnets' }],
  ['lock_reduction_interval', 'u64', 'NetworkLockReductionInterval', { argument: 'interval' }],
  ['stake_threshold', 'u64', 'StakeThreshold', { argument: 'min_stake' }],
  ['nominator_min_required_stake', 'u64', 'NominatorMinRequiredStake', { argument: 'min_stake' }],
  ['tx_delegate_take_rate_limit', 'u64', 'TxDelegateTakeRateLimit', { argument: 'tx_rate_limit' }],
  ['min_delegate_take', 'u16', 'MinDelegateTake', { argument: 'take' }],
  ['subnet_moving_alpha', 'i96f32', 'SubnetMovingAlpha', { argument: 'alpha' }],
  ['commit_reveal_version', 'u16', 'CommitRevealWeightsVersion', { argument: 'version' }],
  ['ck_burn', 'u64', 'CKBurn', { argument: 'burn' }],
  ['admin_freeze_window', 'u16', 'AdminFreezeWindow', { argument: 'window' }],
  ['owner_hparam_rate_limit', 'u16', 'OwnerHyperparamRateLimit', { argument: 'epochs' }],
  ['max_mechanism_count', 'u8', 'MaxMechanismCount', { bounds: between(1n, 16n) }],
  ['start_call_delay', 'u64', 'StartCallDelay', { argument: 'delay' }],
  ['coldkey_swap_announcement_delay', 'u32', 'ColdkeySwapAnnouncementDelay', { argument: 'duration' }],
  ['coldkey_swap_reannouncement_delay', 'u32', 'ColdkeySwapReannouncementDelay', { argument: 'duration' }],
  ['max_epochs_per_block', 'u8', 'MaxEpochsPerBlock', { bounds: between(1n, 255n, NOT_IN_BOUNDS) }],
  ['net_tao_flow_enabled', 'bool', 'NetTaoFlowEnabled', { argument: 'enabled' }],
];

const toEntries = (rows: readonly Row[], who: 'owner' | 'root', isGlobal: boolean) =>
  rows.map(([name, kind, item, rest]): [string, Hyperparameter] => [
    name,
    {
      call: `sudo_set_${name}`,
      argument: name,
      kind,
      item,
      who,
      isGlobal,
      freezes: !isGlobal,
      isInert: false,
      ...rest,
    },
  ]);

/** By the name of its call, without `sudo_set_`. */
export const HYPERPARAMETERS: ReadonlyMap<string, Hyperparameter> = new Map([
  ...toEntries(OWNER_ROWS, 'owner', false),
  ...toEntries(ROOT_ROWS, 'root', false),
  ...toEntries(GLOBAL_ROWS, 'root', true),
]);

function find(name: string): Hyperparameter {
  const found = HYPERPARAMETERS.get(name);
  if (found) return found;
  throw new AssayError('invalid-input', `there is no hyperparameter ${name.slice(0, 60)}`, {
    what: 'hyperparameter',
    expected: [...HYPERPARAMETERS.keys()].join(', '),
    got: name.slice(0, 60),
  });
}

/**
 * Of one subnet; signed by its owner, or made by root when wrapped in `asSudo`.
 * @throws AssayError `invalid-input` for no such name, or a value of another kind
 */
export function setHyperparameter(netuid: number, name: string, value: HyperparameterValue): Operation {
  const parameter = find(name);
  if (parameter.isGlobal)
    throw new AssayError('invalid-input', `${name} is the whole chain’s`, {
      what: 'hyperparameter',
      expected: 'one of a subnet',
      got: name,
    });
  const { rateKey, who, freezes } = parameter;
  const checks: readonly Check[] = [
    subnetExists(netuid, 'SubnetDoesNotExist'),
    who === 'owner' ? ownsSubnet(netuid) : byRootOnly,
    ...(rateKey === undefined ? [] : [ownerRateLimit(netuid, rateKey)]),
    ...(name === 'weights_version_key' ? [versionKeyRateLimit(netuid)] : []),
    ...(freezes ? [adminWindowOpen(netuid)] : []),
  ];
  return toOperation(parameter, name, value, [netuid], checks);
}

/** Of the whole chain; only root may, so it is made inside `asSudo`. @throws as setHyperparameter */
export function setChainParameter(name: string, value: HyperparameterValue): Operation {
  const parameter = find(name);
  if (!parameter.isGlobal)
    throw new AssayError('invalid-input', `${name} is of a subnet`, {
      what: 'parameter of the chain',
      expected: 'one without a subnet',
      got: name,
    });
  return toOperation(parameter, name, value, [], [byRootOnly]);
}

function toOperation(
  { call, argument, kind, item, bounds, who }: Hyperparameter,
  name: string,
  value: HyperparameterValue,
  keys: readonly number[],
  checks: readonly Check[],
): Operation {
  assertKind(name, kind, value);
  const [netuid = 0] = keys;
  const inBounds: readonly Check[] =
    bounds && typeof value === 'bigint' ? [(state) => bounds(value, netuid, state)] : [];
  const kept = kind === 'u64f64' || kind === 'i96f32' ? { bits: value } : keptForm(kind, value);
  const args: Record<string, Arg> = keys.length === 0 ? {} : { netuid };
  return operation(
    PALLET,
    call,
    { ...args, [argument]: kind === 'u64f64' || kind === 'i96f32' ? { bits: value } : value },
    {
      signer: who === 'root' ? 'root' : 'coldkey',
      checks: [...checks, ...inBounds],
      effects: item === undefined ? [] : [stored(item, keys, kept)],
    },
  );
}

const keptForm = (kind: ValueKind, value: HyperparameterValue): unknown =>
  kind === 'recycle-or-burn' ? { kind: value, value: undefined } : value;

/** The two bounds of liquid alpha, which one call sets. */
export const setAlphaValues = (netuid: number, low: number, high: number): Operation =>
  operation(
    PALLET,
    'sudo_set_alpha_values',
    { netuid, alpha_low: low, alpha_high: high },
    {
      checks: [
        subnetExists(netuid),
        ownsSubnet(netuid),
        ownerRateLimit(netuid, 'AlphaValues'),
        adminWindowOpen(netuid),
        async (state) => {
          const on = await state.flag('LiquidAlphaOn', netuid);
          if (!on) return { error: 'LiquidAlphaDisabled', detail: `in subnet ${netuid}` };
          if (high < 1638) return { error: 'AlphaHighTooLow', detail: `expected 1638..65535, got ${high}` };
          return low < 1638 || low > high
            ? { error: 'AlphaLowOutOfRange', detail: `expected 1638..${high}, got ${low}` }
            : undefined;
        },
      ],
      effects: [stored('AlphaValues', [netuid], [low, high])],
    },
  );

// Bounds and limits that need more than one comparison. Function declarations: the rows above name them.

async function uidsOverAllMechanisms(
  value: bigint,
  netuid: number,
  state: State,
): Promise<Refusal | undefined> {
  if (!state.has('MechanismCountCurrent')) return undefined;
  const count = await state.integer('MechanismCountCurrent', netuid);
  return value * count <= 256n
    ? undefined
    : { error: 'TooManyUIDsPerMechanism', detail: `${value} uids in ${count} mechanisms exceed 256` };
}

async function minActivityCutoff(value: bigint, _netuid: number, state: State): Promise<Refusal | undefined> {
  const least = state.has('MinActivityCutoff') ? await state.integer('MinActivityCutoff') : 360n;
  return value >= least
    ? undefined
    : { error: 'ActivityCutoffTooLow', detail: `at least ${least}, got ${value}` };
}

async function revealPeriod(value: bigint): Promise<Refusal | undefined> {
  if (value < 1n) return { error: 'RevealPeriodTooSmall', detail: `expected 1..100, got ${value}` };
  return value > 100n
    ? { error: 'RevealPeriodTooLarge', detail: `expected 1..100, got ${value}` }
    : undefined;
}

async function childkeyTake(value: bigint, _netuid: number, state: State): Promise<Refusal | undefined> {
  const [least, most] = await Promise.all([
    state.integer('MinChildkeyTake'),
    state.integer('MaxChildkeyTake'),
  ]);
  return between(least, most)(value, 0, state);
}

/** `TransactionType::SetWeightsVersionKey`, once in WeightsVersionKeyRateLimit tempos. */
const versionKeyRateLimit = (netuid: number): Check =>
  transactionRateLimit(4, 'weights_version_key', { netuid }, async (state) => {
    const [tempo, tempos] = await Promise.all([
      state.integer('Tempo', netuid),
      state.integer('WeightsVersionKeyRateLimit'),
    ]);
    return tempo * tempos;
  });

const BITS: Partial<Record<ValueKind, readonly [min: bigint, max: bigint]>> = {
  u8: [0n, 255n],
  u16: [0n, 65_535n],
  u32: [0n, 2n ** 32n - 1n],
  u64: [0n, MAX_U64],
  i16: [-32_768n, 32_767n],
  u64f64: [0n, 2n ** 128n - 1n],
  i96f32: [-(2n ** 127n), 2n ** 127n - 1n],
};

function assertKind(name: string, kind: ValueKind, value: HyperparameterValue): void {
  const range = BITS[kind];
  if (range && typeof value === 'bigint' && value >= range[0] && value <= range[1]) return;
  if (kind === 'bool' && typeof value === 'boolean') return;
  if (kind === 'recycle-or-burn' && (value === 'Burn' || value === 'Recycle')) return;
  if (kind === 'account' && typeof value === 'string') return void fromAddress(value);
  const expected = range ? `${kind}, ${range[0]}..${range[1]}` : WORDS[kind];
  throw wrongValue(name, expected ?? kind, String(value));
}

const WORDS: Partial<Record<ValueKind, string>> = {
  bool: 'true or false',
  'recycle-or-burn': 'Burn or Recycle',
  account: 'an SS58 address',
};

/** Fraction bits of the chain's fixed-point kinds. */
const FRACTION: Partial<Record<ValueKind, bigint>> = { u64f64: 64n, i96f32: 32n };

/**
 * What a user wrote, as the value to set. Fixed-point numbers are written as decimals and rounded down to the chain's own
 * precision. @throws AssayError `invalid-input`
 */
export function parseHyperparameter(name: string, text: string): HyperparameterValue {
  const { kind } = find(name);
  const value = parseKind(name, kind, text.trim());
  assertKind(name, kind, value);
  return value;
}

function parseKind(name: string, kind: ValueKind, text: string): HyperparameterValue {
  if (kind === 'account') return text;
  if (kind === 'bool') {
    const value = { true: true, on: true, false: false, off: false }[text.toLowerCase()];
    if (value === undefined) throw wrongValue(name, 'true or false', text);
    return value;
  }
  if (kind === 'recycle-or-burn') return text.charAt(0).toUpperCase() + text.slice(1).toLowerCase();
  const fraction = FRACTION[kind];
  if (fraction === undefined) {
    if (!/^-?\d+$/.test(text)) throw wrongValue(name, 'a whole number', text);
    return BigInt(text);
  }
  const decimal = /^(-?)(\d+)(?:\.(\d{1,30}))?$/.exec(text);
  if (!decimal) throw wrongValue(name, 'a decimal number', text);
  const [, sign, whole = '0', digits = ''] = decimal;
  const bits = (BigInt(whole + digits) << fraction) / 10n ** BigInt(digits.length);
  return sign === '-' ? -bits : bits;
}

const wrongValue = (name: string, expected: string, got: string): AssayError =>
  new AssayError('invalid-input', `${name}: expected ${expected}, got ${got.slice(0, 60)}`, {
    what: name,
    expected,
    got: got.slice(0, 60),
  });
