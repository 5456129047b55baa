// Owns: hyperparameters: who may set which, within what bounds (subtensor admin-utils/src/lib.rs).
// Left out: the owner's rate limit per hyperparameter; root, which localnets use, has none.
import type { ErrorName } from '../../chain/codec/pallet.js';
import { type Runtime, type RuntimeEvent, runtime } from '../../chain/codec/runtime.js';
import type { StorageItem } from '../../chain/codec/storage.js';
import { blocksUntilNextEpoch } from '../../emissions/schedule.js';
import { badOrigin, type CallContext, ensure, ensureRoot, type Handlers, moduleError } from '../dispatch.js';

const S = runtime.SubtensorModule.storage;
/** raw U64F64 */
const ONE = 1n << 64n;
const TAO = 1_000_000_000n;

type MapItem<V> = StorageItem<readonly [number], V, V>;
type AdminError = ErrorName<Runtime['AdminUtils']>;

type Check = readonly [ok: boolean, error: AdminError];

/** Sets `item[netuid]`, as the subnet's owner or root. Near an epoch neither may. */
function byOwner<V>(
  context: CallContext,
  netuid: number,
  item: MapItem<V>,
  value: V,
  event: RuntimeEvent | undefined,
  ...checks: readonly Check[]
): void {
  const { origin, state } = context;
  const isOwner = origin.type === 'signed' && origin.who === state.get(S.SubnetOwner, netuid);
  if (origin.type !== 'root' && !isOwner) throw badOrigin();
  ensureWindowOpen(context, netuid);
  set(context, netuid, item, value, event, checks);
}

/** Sets `item[netuid]`, as root. */
function byRoot<V>(
  context: CallContext,
  netuid: number,
  item: MapItem<V>,
  value: V,
  event: RuntimeEvent | undefined,
  ...checks: readonly Check[]
): void {
  ensureRoot(context.origin);
  set(context, netuid, item, value, event, checks);
}

/** Near an epoch not even root may. */
function byRootInWindow<V>(
  context: CallContext,
  netuid: number,
  item: MapItem<V>,
  value: V,
  event: RuntimeEvent | undefined,
  ...checks: readonly Check[]
): void {
  ensureRoot(context.origin);
  ensureWindowOpen(context, netuid);
  set(context, netuid, item, value, event, checks);
}

function set<V>(
  { state, emit }: CallContext,
  netuid: number,
  item: MapItem<V>,
  value: V,
  event: RuntimeEvent | undefined,
  checks: readonly Check[],
): void {
  if (!state.get(S.NetworksAdded, netuid)) throw moduleError('AdminUtils', 'SubnetDoesNotExist');
  for (const [ok, error] of checks) if (!ok) throw moduleError('AdminUtils', error);
  state.put(item, [netuid], value);
  if (event) emit(event);
}

function setGlobal<V>(
  { state, emit, origin }: CallContext,
  item: StorageItem<readonly [], V, V>,
  value: V,
  event: RuntimeEvent | undefined,
): void {
  ensureRoot(origin);
  state.put(item, [], value);
  if (event) emit(event);
}

/** Nobody moves the goalposts in the last AdminFreezeWindow blocks before an epoch (`ensure_admin_window_open`). */
function ensureWindowOpen({ state, block }: CallContext, netuid: number): void {
  const tempo = state.get(S.Tempo, netuid);
  if (tempo === 0) return;
  const lastEpochBlock = state.get(S.LastEpochBlock, netuid);
  const remaining = blocksUntilNextEpoch({ tempo, lastEpochBlock }, block);
  const isOpen = state.get(S.PendingEpochAt, netuid) <= block && remaining >= state.get(S.AdminFreezeWindow);
  ensure(isOpen, 'AdminActionProhibitedDuringWeightsWindow');
}

const subtensorEvent = (
  name: Extract<RuntimeEvent, { pallet: 'SubtensorModule' }>['name'],
  ...data: readonly (number | bigint | boolean)[]
): RuntimeEvent => ({ pallet: 'SubtensorModule', name, data }) as unknown as RuntimeEvent; // encoded by the event's own codec, which checks

export const adminUtilsHandlers: Handlers<'AdminUtils'> = {
  sudo_set_serving_rate_limit({ netuid, serving_rate_limit: value }, context) {
    byOwner(context, netuid, S.ServingRateLimit, value, subtensorEvent('ServingRateLimitSet', netuid, value));
  },
  sudo_set_weights_version_key({ netuid, weights_version_key: value }, context) {
    const event = subtensorEvent('WeightsVersionKeySet', netuid, value);
    byOwner(context, netuid, S.WeightsVersionKey, value, event);
  },
  sudo_set_weights_set_rate_limit({ netuid, weights_set_rate_limit: value }, context) {
    const event = subtensorEvent('WeightsSetRateLimitSet', netuid, value);
    byRoot(context, netuid, S.WeightsSetRateLimit, value, event);
  },
  sudo_set_immunity_period({ netuid, immunity_period: value }, context) {
    byOwner(context, netuid, S.ImmunityPeriod, value, subtensorEvent('ImmunityPeriodSet', netuid, value));
  },
  sudo_set_min_allowed_weights({ netuid, min_allowed_weights: value }, context) {
    const event = subtensorEvent('MinAllowedWeightSet', netuid, value);
    byOwner(context, netuid, S.MinAllowedWeights, value, event);
  },
  sudo_set_max_allowed_uids({ netuid, max_allowed_uids: value }, context) {
    const { state } = context;
    byOwner(
      context,
      netuid,
      S.MaxAllowedUids,
      value,
      subtensorEvent('MaxAllowedUidsSet', netuid, value),
      [value >= state.get(S.MinAllowedUids, netuid), 'MaxAllowedUidsLessThanMinAllowedUids'],
      [value >= state.get(S.SubnetworkN, netuid), 'MaxAllowedUIdsLessThanCurrentUIds'],
      [value <= S.MaxAllowedUids.fallback, 'MaxAllowedUidsGreaterThanDefaultMaxAllowedUids'],
    );
  },
  sudo_set_kappa({ netuid, kappa }, context) {
    byRoot(context, netuid, S.Kappa, kappa, subtensorEvent('KappaSet', netuid, kappa));
  },
  sudo_set_rho({ netuid, rho }, context) {
    byOwner(context, netuid, S.Rho, rho, subtensorEvent('RhoSet', netuid, rho));
  },
  sudo_set_network_registration_allowed({ netuid, registration_allowed: value }, context) {
    const event = subtensorEvent('RegistrationAllowed', netuid, value);
    byRoot(context, netuid, S.NetworkRegistrationAllowed, value, event);
  },
  sudo_set_min_burn({ netuid, min_burn: value }, context) {
    const inBounds = value < TAO && value < context.state.get(S.MaxBurn, netuid);
    const event = subtensorEvent('MinBurnSet', netuid, value);
    byOwner(context, netuid, S.MinBurn, value, event, [inBounds, 'ValueNotInBounds']);
  },
  sudo_set_max_burn({ netuid, max_burn: value }, context) {
    const inBounds = value > TAO / 10n && value > context.state.get(S.MinBurn, netuid);
    const event = subtensorEvent('MaxBurnSet', netuid, value);
    byOwner(context, netuid, S.MaxBurn, value, event, [inBounds, 'ValueNotInBounds']);
  },
  sudo_set_max_allowed_validators({ netuid, max_allowed_validators: value }, context) {
    const fits = value <= context.state.get(S.MaxAllowedUids, netuid);
    const event = subtensorEvent('MaxAllowedValidatorsSet', netuid, value);
    byRootInWindow(context, netuid, S.MaxAllowedValidators, value, event, [
      fits,
      'MaxValidatorsLargerThanMaxUIds',
    ]);
  },
  sudo_set_bonds_moving_average({ netuid, bonds_moving_average: value }, context) {
    const allowed = context.origin.type === 'root' || value <= 975_000n;
    const event = subtensorEvent('BondsMovingAverageSet', netuid, value);
    const check = [allowed, 'BondsMovingAverageMaxReached'] as const;
    byOwner(context, netuid, S.BondsMovingAverage, value, event, check);
  },
  sudo_set_subnet_owner_cut({ subnet_owner_cut: value }, context) {
    setGlobal(context, S.SubnetOwnerCut, value, subtensorEvent('SubnetOwnerCutSet', value));
  },
  sudo_set_network_rate_limit({ rate_limit: value }, context) {
    setGlobal(context, S.NetworkRateLimit, value, subtensorEvent('NetworkRateLimitSet', value));
  },
  /** Any u16; the cycle starts anew (`apply_tempo_with_cycle_reset`). */
  sudo_set_tempo({ netuid, tempo }, context) {
    byRootInWindow(context, netuid, S.Tempo, tempo, subtensorEvent('TempoSet', netuid, tempo));
    context.state.put(S.LastEpochBlock, [netuid], context.block);
    context.state.put(S.PendingEpochAt, [netuid], 0);
  },
  sudo_set_network_immunity_period({ immunity_period: value }, context) {
    setGlobal(context, S.NetworkImmunityPeriod, value, subtensorEvent('NetworkImmunityPeriodSet', value));
  },
  sudo_set_network_min_lock_cost({ lock_cost: value }, context) {
    setGlobal(context, S.NetworkMinLockCost, value, subtensorEvent('NetworkMinLockCostSet', value));
  },
  sudo_set_subnet_limit({ max_subnets: value }, context) {
    setGlobal(context, S.SubnetLimit, value, subtensorEvent('SubnetLimitSet', value));
  },
  sudo_set_lock_reduction_interval({ interval: value }, context) {
    const event = subtensorEvent('NetworkLockCostReductionIntervalSet', value);
    setGlobal(context, S.NetworkLockReductionInterval, value, event);
  },
  sudo_set_stake_threshold({ min_stake: value }, context) {
    setGlobal(context, S.StakeThreshold, value, subtensorEvent('StakeThresholdSet', value));
  },
  sudo_set_commit_reveal_weights_enabled({ netuid, enabled }, context) {
    const event = subtensorEvent('CommitRevealEnabled', netuid, enabled);
    byOwner(context, netuid, S.CommitRevealWeightsEnabled, enabled, event);
  },
  sudo_set_liquid_alpha_enabled({ netuid, enabled }, context) {
    byOwner(context, netuid, S.LiquidAlphaOn, enabled, undefined);
  },
  sudo_set_bonds_penalty({ netuid, bonds_penalty: value }, context) {
    byOwner(context, netuid, S.BondsPenalty, value, subtensorEvent('BondsPenaltySet', netuid, value));
  },
  sudo_set_subtoken_enabled({ netuid, subtoken_enabled: value }, context) {
    byRootInWindow(context, netuid, S.SubtokenEnabled, value, undefined);
  },
  sudo_set_yuma3_enabled({ netuid, enabled }, context) {
    const event = { pallet: 'AdminUtils', name: 'Yuma3EnableToggled', data: { netuid, enabled } } as const;
    byOwner(context, netuid, S.Yuma3On, enabled, event);
  },
  sudo_set_owner_immune_neuron_limit({ netuid, immune_neurons: value }, context) {
    const check = [value >= 1 && value <= 10, 'InvalidValue'] as const;
    byOwner(context, netuid, S.ImmuneOwnerUidsLimit, value, undefined, check);
  },
  sudo_set_admin_freeze_window({ window }, context) {
    setGlobal(context, S.AdminFreezeWindow, window, subtensorEvent('AdminFreezeWindowSet', window));
  },
  sudo_set_owner_hparam_rate_limit({ epochs }, context) {
    const event = subtensorEvent('OwnerHyperparamRateLimitSet', epochs);
    setGlobal(context, S.OwnerHyperparamRateLimit, epochs, event);
  },
  sudo_set_min_allowed_uids({ netuid, min_allowed_uids: value }, context) {
    const { state } = context;
    byRootInWindow(
      context,
      netuid,
      S.MinAllowedUids,
      value,
      undefined,
      [value < state.get(S.MaxAllowedUids, netuid), 'MinAllowedUidsGreaterThanMaxAllowedUids'],
      [value < state.get(S.SubnetworkN, netuid), 'MinAllowedUidsGreaterThanCurrentUids'],
    );
  },
  sudo_set_recycle_or_burn({ netuid, recycle_or_burn: value }, context) {
    byOwner(context, netuid, S.RecycleOrBurn, value, undefined);
  },
  sudo_set_min_non_immune_uids({ netuid, min }, context) {
    byRoot(context, netuid, S.MinNonImmuneUids, min, undefined);
  },
  sudo_set_burn_half_life({ netuid, burn_half_life }, context) {
    byOwner(
      context,
      netuid,
      S.BurnHalfLife,
      burn_half_life,
      { pallet: 'AdminUtils', name: 'BurnHalfLifeSet', data: { netuid, burn_half_life } },
      [netuid !== 0, 'NotPermittedOnRootSubnet'],
      [burn_half_life > 0 && burn_half_life <= 36_100, 'InvalidValue'],
    );
  },
  sudo_set_burn_increase_mult({ netuid, burn_increase_mult }, context) {
    byOwner(
      context,
      netuid,
      S.BurnIncreaseMult,
      burn_increase_mult,
      { pallet: 'AdminUtils', name: 'BurnIncreaseMultSet', data: { netuid, burn_increase_mult } },
      [netuid !== 0, 'NotPermittedOnRootSubnet'],
      [burn_increase_mult >= ONE && burn_increase_mult <= 3n * ONE, 'InvalidValue'],
    );
  },
  sudo_set_owner_cut_enabled({ netuid, enabled }, context) {
    byOwner(context, netuid, S.OwnerCutEnabled, enabled, undefined);
  },
  sudo_set_subnet_emission_enabled({ netuid, enabled }, context) {
    const event = {
      pallet: 'AdminUtils',
      name: 'SubnetEmissionEnabledSet',
      data: { netuid, enabled },
    } as const;
    const check = [netuid !== 0, 'NotPermittedOnRootSubnet'] as const;
    byRoot(context, netuid, S.SubnetEmissionEnabled, enabled, event, check);
  },
  sudo_set_max_epochs_per_block({ max_epochs_per_block: value }, context) {
    setGlobal(context, S.MaxEpochsPerBlock, value, subtensorEvent('MaxEpochsPerBlockSet', value));
  },
};
