// Owns: the parameters that root alone may set, of a subnet or of the whole chain (subtensor admin-utils/src/lib.rs).
import { runtime } from '../../chain/codec/runtime.js';
import { type CallContext, ensureRoot, type Handlers, moduleError } from '../dispatch.js';
import { ensureAdmin, ensureSubnet, set, setGlobal } from './admin-utils-setting.js';
import { ensureWindowOpen } from './subtensor/hyperparameters.js';
import { setMaxMechanismCount } from './subtensor/hyperparameters-mechanisms.js';
import { MIN_STAKE } from './subtensor/staking-swaps.js';
import { applyTempo } from './subtensor/tempo.js';
import { clearSmallNomination } from './subtensor/unstaking.js';

const S = runtime.SubtensorModule.storage;

/** Root, outside the freeze window, and the subnet is there. */
function ensureRootMayChange(context: CallContext, netuid: number): void {
  ensureRoot(context.origin);
  ensureWindowOpen(context, netuid);
  ensureSubnet(context, netuid);
}

export const rootHandlers = {
  sudo_set_default_take({ default_take: value }, context) {
    setGlobal(context, S.MaxDelegateTake, value, 'MaxDelegateTakeSet');
  },
  sudo_set_tx_rate_limit({ tx_rate_limit: value }, context) {
    setGlobal(context, S.TxRateLimit, value, 'TxRateLimitSet');
  },
  sudo_set_min_difficulty({ netuid, min_difficulty: value }, context) {
    ensureRootMayChange(context, netuid);
    set(context, S.MinDifficulty, netuid, value, 'MinDifficultySet');
  },
  sudo_set_weights_set_rate_limit({ netuid, weights_set_rate_limit: value }, context) {
    ensureRoot(context.origin);
    ensureSubnet(context, netuid);
    set(context, S.WeightsSetRateLimit, netuid, value, 'WeightsSetRateLimitSet');
  },
  sudo_set_adjustment_interval({ netuid, adjustment_interval: value }, context) {
    ensureRoot(context.origin);
    ensureSubnet(context, netuid);
    set(context, S.AdjustmentInterval, netuid, value, 'AdjustmentIntervalSet');
  },
  sudo_set_kappa({ netuid, kappa }, context) {
    ensureRoot(context.origin);
    ensureSubnet(context, netuid);
    set(context, S.Kappa, netuid, kappa, 'KappaSet');
  },
  sudo_set_network_registration_allowed({ netuid, registration_allowed: value }, context) {
    ensureRoot(context.origin);
    set(context, S.NetworkRegistrationAllowed, netuid, value, 'RegistrationAllowed');
  },
  sudo_set_network_pow_registration_allowed() {
    throw moduleError('AdminUtils', 'POWRegistrationDisabled');
  },
  sudo_set_target_registrations_per_interval({ netuid, target_registrations_per_interval: value }, context) {
    ensureRootMayChange(context, netuid);
    set(context, S.TargetRegistrationsPerInterval, netuid, value, 'RegistrationPerIntervalSet');
  },
  sudo_set_difficulty({ netuid, difficulty: value }, context) {
    ensureRootMayChange(context, netuid);
    set(context, S.Difficulty, netuid, value, 'DifficultySet');
  },
  sudo_set_max_allowed_validators({ netuid, max_allowed_validators: value }, context) {
    ensureRootMayChange(context, netuid);
    ensureAdmin(value <= context.state.get(S.MaxAllowedUids, netuid), 'MaxValidatorsLargerThanMaxUIds');
    set(context, S.MaxAllowedValidators, netuid, value, 'MaxAllowedValidatorsSet');
  },
  sudo_set_max_registrations_per_block({ netuid, max_registrations_per_block: value }, context) {
    ensureRootMayChange(context, netuid);
    set(context, S.MaxRegistrationsPerBlock, netuid, value, 'MaxRegistrationsPerBlockSet');
  },
  sudo_set_subnet_owner_cut({ subnet_owner_cut: value }, context) {
    setGlobal(context, S.SubnetOwnerCut, value, 'SubnetOwnerCutSet');
  },
  sudo_set_network_rate_limit({ rate_limit: value }, context) {
    setGlobal(context, S.NetworkRateLimit, value, 'NetworkRateLimitSet');
  },
  /** Any u16, other than the owner's set_tempo. */
  sudo_set_tempo({ netuid, tempo }, context) {
    ensureRootMayChange(context, netuid);
    applyTempo(context, netuid, tempo);
  },
  sudo_set_total_issuance() {
    throw moduleError('AdminUtils', 'Deprecated');
  },
  sudo_set_network_immunity_period({ immunity_period: value }, context) {
    setGlobal(context, S.NetworkImmunityPeriod, value, 'NetworkImmunityPeriodSet');
  },
  sudo_set_network_min_lock_cost({ lock_cost: value }, context) {
    setGlobal(context, S.NetworkMinLockCost, value, 'NetworkMinLockCostSet');
  },
  sudo_set_subnet_limit({ max_subnets: value }, context) {
    setGlobal(context, S.SubnetLimit, value, 'SubnetLimitSet');
  },
  sudo_set_lock_reduction_interval({ interval: value }, context) {
    setGlobal(context, S.NetworkLockReductionInterval, value, 'NetworkLockCostReductionIntervalSet');
  },
  sudo_set_rao_recycled({ netuid, rao_recycled: value }, context) {
    ensureRoot(context.origin);
    ensureSubnet(context, netuid);
    set(context, S.RAORecycledForRegistration, netuid, value, 'RAORecycledForRegistrationSet');
  },
  sudo_set_stake_threshold({ min_stake: value }, context) {
    setGlobal(context, S.StakeThreshold, value, 'StakeThresholdSet');
  },
  /** Once it rises, all nominations that are too small now are sold at once. */
  sudo_set_nominator_min_required_stake({ min_stake: factor }, context) {
    // in rao, though `factor` counts millionths of the minimum stake: so the chain compares them
    const before = (MIN_STAKE * context.state.get(S.NominatorMinRequiredStake)) / 1_000_000n;
    setGlobal(context, S.NominatorMinRequiredStake, factor, undefined);
    if (factor <= before) return;
    for (const [hotkey, coldkey, netuid] of context.state.keys(S.AlphaV2))
      clearSmallNomination(context, { hotkey, coldkey, netuid });
  },
  sudo_set_tx_delegate_take_rate_limit({ tx_rate_limit: value }, context) {
    setGlobal(context, S.TxDelegateTakeRateLimit, value, 'TxDelegateTakeRateLimitSet');
  },
  sudo_set_min_delegate_take({ take }, context) {
    setGlobal(context, S.MinDelegateTake, take, 'MinDelegateTakeSet');
  },
  sudo_set_subnet_moving_alpha({ alpha }, context) {
    setGlobal(context, S.SubnetMovingAlpha, alpha, undefined);
  },
  sudo_set_ema_price_halving_period({ netuid, ema_halving: value }, context) {
    ensureRoot(context.origin);
    set(context, S.EMAPriceHalvingBlocks, netuid, value, undefined);
  },
  sudo_set_subtoken_enabled({ netuid, subtoken_enabled: value }, context) {
    ensureRoot(context.origin);
    ensureWindowOpen(context, netuid);
    set(context, S.SubtokenEnabled, netuid, value, undefined);
  },
  sudo_set_commit_reveal_version({ version }, context) {
    setGlobal(context, S.CommitRevealWeightsVersion, version, 'CommitRevealVersionSet');
  },
  sudo_set_ck_burn({ burn }, context) {
    setGlobal(context, S.CKBurn, burn, undefined);
  },
  sudo_set_admin_freeze_window({ window }, context) {
    setGlobal(context, S.AdminFreezeWindow, window, 'AdminFreezeWindowSet');
  },
  sudo_set_owner_hparam_rate_limit({ epochs }, context) {
    setGlobal(context, S.OwnerHyperparamRateLimit, epochs, 'OwnerHyperparamRateLimitSet');
  },
  sudo_set_min_allowed_uids({ netuid, min_allowed_uids: value }, context) {
    const { state } = context;
    ensureRootMayChange(context, netuid);
    ensureAdmin(value < state.get(S.MaxAllowedUids, netuid), 'MinAllowedUidsGreaterThanMaxAllowedUids');
    ensureAdmin(value < state.get(S.SubnetworkN, netuid), 'MinAllowedUidsGreaterThanCurrentUids');
    set(context, S.MinAllowedUids, netuid, value, 'MinAllowedUidsSet');
  },
  sudo_set_min_non_immune_uids({ netuid, min }, context) {
    ensureRoot(context.origin);
    set(context, S.MinNonImmuneUids, netuid, min, 'MinNonImmuneUidsSet');
  },
  sudo_set_start_call_delay({ delay }, context) {
    setGlobal(context, S.StartCallDelay, delay, 'StartCallDelaySet');
  },
  sudo_set_max_mechanism_count({ max_mechanism_count }, context) {
    ensureRoot(context.origin);
    setMaxMechanismCount(context, max_mechanism_count);
  },
  sudo_set_subnet_emission_enabled({ netuid, enabled }, context) {
    ensureRoot(context.origin);
    ensureSubnet(context, netuid);
    ensureAdmin(netuid !== 0, 'NotPermittedOnRootSubnet');
    set(context, S.SubnetEmissionEnabled, netuid, enabled, undefined);
    context.emit({ pallet: 'AdminUtils', name: 'SubnetEmissionEnabledSet', data: { netuid, enabled } });
  },
  sudo_set_max_epochs_per_block({ max_epochs_per_block: value }, context) {
    ensureRoot(context.origin);
    ensureAdmin(value >= 1, 'ValueNotInBounds');
    setGlobal(context, S.MaxEpochsPerBlock, value, 'MaxEpochsPerBlockSet');
  },
} satisfies Partial<Handlers<'AdminUtils'>>;
