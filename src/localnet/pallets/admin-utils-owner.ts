// Owns: the hyperparameters that a subnet's owner may set, and root too: bounds, and the order in which the chain asks
// (subtensor admin-utils/src/lib.rs). Who, when and how often: subtensor/hyperparameters.ts.
import { runtime } from '../../chain/codec/runtime.js';
import { type CallContext, ensure, type Handlers } from '../dispatch.js';
import { ensureAdmin, ensureSubnet, set } from './admin-utils-setting.js';
import { asOwner, ensureOwnerOrRoot, ensureWindowOpen } from './subtensor/hyperparameters.js';
import {
  ensureUidsFit,
  setEmissionSplit,
  setMechanismCount,
} from './subtensor/hyperparameters-mechanisms.js';
import { trimUids } from './subtensor/hyperparameters-trim.js';
import { isSubnetAccount } from './subtensor/staking.js';

const S = runtime.SubtensorModule.storage;
/** raw U64F64 */
const ONE = 1n << 64n;
const TAO = 1_000_000_000n;
/** a fortieth of 65535 */
const MIN_ALPHA = 1638;
const MAX_REVEAL_PERIOD = 100n;
const MAX_OWNED_IMMUNE = 10;
const MAX_BURN_HALF_LIFE = 36_100;
/** `DefaultSetSNOwnerHotkeyRateLimit`: a week */
const OWNER_HOTKEY_INTERVAL = 50_400;

export const ownerHandlers = {
  sudo_set_serving_rate_limit({ netuid, serving_rate_limit: value }, context) {
    asOwner(context, netuid, 'ServingRateLimit', () => {
      set(context, S.ServingRateLimit, netuid, value, 'ServingRateLimitSet');
    });
  },
  sudo_set_max_difficulty({ netuid, max_difficulty: value }, context) {
    asOwner(context, netuid, 'MaxDifficulty', () => {
      ensureSubnet(context, netuid);
      set(context, S.MaxDifficulty, netuid, value, 'MaxDifficultySet');
    });
  },
  sudo_set_weights_version_key({ netuid, weights_version_key: value }, context) {
    asOwner(context, netuid, 'SetWeightsVersionKey', () => {
      ensureSubnet(context, netuid);
      set(context, S.WeightsVersionKey, netuid, value, 'WeightsVersionKeySet');
    });
  },
  sudo_set_adjustment_alpha({ netuid, adjustment_alpha: value }, context) {
    asOwner(context, netuid, 'AdjustmentAlpha', () => {
      ensureSubnet(context, netuid);
      set(context, S.AdjustmentAlpha, netuid, value, 'AdjustmentAlphaSet');
    });
  },
  sudo_set_immunity_period({ netuid, immunity_period: value }, context) {
    asOwner(context, netuid, 'ImmunityPeriod', () => {
      ensureSubnet(context, netuid);
      set(context, S.ImmunityPeriod, netuid, value, 'ImmunityPeriodSet');
    });
  },
  sudo_set_min_allowed_weights({ netuid, min_allowed_weights: value }, context) {
    asOwner(context, netuid, 'MinAllowedWeights', () => {
      ensureSubnet(context, netuid);
      set(context, S.MinAllowedWeights, netuid, value, 'MinAllowedWeightSet');
    });
  },
  sudo_set_max_allowed_uids({ netuid, max_allowed_uids: value }, context) {
    const { state } = context;
    asOwner(context, netuid, 'MaxAllowedUids', () => {
      ensureSubnet(context, netuid);
      ensureAdmin(value >= state.get(S.MinAllowedUids, netuid), 'MaxAllowedUidsLessThanMinAllowedUids');
      ensureAdmin(value >= state.get(S.SubnetworkN, netuid), 'MaxAllowedUIdsLessThanCurrentUIds');
      ensureAdmin(value <= S.MaxAllowedUids.fallback, 'MaxAllowedUidsGreaterThanDefaultMaxAllowedUids');
      ensureUidsFit(value, state.get(S.MechanismCountCurrent, netuid));
      set(context, S.MaxAllowedUids, netuid, value, 'MaxAllowedUidsSet');
    });
  },
  sudo_set_rho({ netuid, rho }, context) {
    asOwner(context, netuid, 'Rho', () => {
      ensureSubnet(context, netuid);
      set(context, S.Rho, netuid, rho, undefined);
    });
  },
  sudo_set_activity_cutoff({ netuid, activity_cutoff: value }, context) {
    asOwner(context, netuid, 'ActivityCutoff', () => {
      ensureSubnet(context, netuid);
      ensure(value >= context.state.get(S.MinActivityCutoff), 'ActivityCutoffTooLow');
      set(context, S.ActivityCutoff, netuid, value, 'ActivityCutoffSet');
    });
  },
  sudo_set_min_burn({ netuid, min_burn: value }, context) {
    asOwner(context, netuid, 'MinBurn', () => {
      ensureSubnet(context, netuid);
      ensureAdmin(value < TAO && value < context.state.get(S.MaxBurn, netuid), 'ValueNotInBounds');
      set(context, S.MinBurn, netuid, value, 'MinBurnSet');
    });
  },
  sudo_set_max_burn({ netuid, max_burn: value }, context) {
    asOwner(context, netuid, 'MaxBurn', () => {
      ensureSubnet(context, netuid);
      ensureAdmin(value > TAO / 10n && value > context.state.get(S.MinBurn, netuid), 'ValueNotInBounds');
      set(context, S.MaxBurn, netuid, value, 'MaxBurnSet');
    });
  },
  sudo_set_bonds_moving_average({ netuid, bonds_moving_average: value }, context) {
    asOwner(context, netuid, 'BondsMovingAverage', (owner) => {
      ensureAdmin(owner === undefined || value <= 975_000n, 'BondsMovingAverageMaxReached');
      ensureSubnet(context, netuid);
      set(context, S.BondsMovingAverage, netuid, value, 'BondsMovingAverageSet');
    });
  },
  sudo_set_commit_reveal_weights_enabled({ netuid, enabled }, context) {
    asOwner(context, netuid, 'CommitRevealEnabled', () => {
      ensureSubnet(context, netuid);
      set(context, S.CommitRevealWeightsEnabled, netuid, enabled, 'CommitRevealEnabled');
    });
  },
  sudo_set_liquid_alpha_enabled({ netuid, enabled }, context) {
    asOwner(context, netuid, 'LiquidAlphaEnabled', () => {
      set(context, S.LiquidAlphaOn, netuid, enabled, undefined);
    });
  },
  /** `do_set_alpha_values` */
  sudo_set_alpha_values({ netuid, alpha_low: low, alpha_high: high }, context) {
    asOwner(context, netuid, 'AlphaValues', () => {
      ensure(context.state.get(S.LiquidAlphaOn, netuid), 'LiquidAlphaDisabled');
      ensure(high >= MIN_ALPHA, 'AlphaHighTooLow');
      ensure(low >= MIN_ALPHA && low <= high, 'AlphaLowOutOfRange');
      set(context, S.AlphaValues, netuid, [low, high], undefined);
    });
  },
  sudo_set_commit_reveal_weights_interval({ netuid, interval }, context) {
    asOwner(context, netuid, 'WeightCommitInterval', () => {
      ensureSubnet(context, netuid);
      ensure(interval <= MAX_REVEAL_PERIOD, 'RevealPeriodTooLarge');
      ensure(interval >= 1n, 'RevealPeriodTooSmall');
      set(context, S.RevealPeriodEpochs, netuid, interval, 'CommitRevealPeriodsSet');
    });
  },
  sudo_set_bonds_penalty({ netuid, bonds_penalty: value }, context) {
    asOwner(context, netuid, 'BondsPenalty', () => {
      ensureSubnet(context, netuid);
      set(context, S.BondsPenalty, netuid, value, 'BondsPenaltySet');
    });
  },
  sudo_set_toggle_transfer({ netuid, toggle }, context) {
    asOwner(context, netuid, 'TransferEnabled', () => {
      set(context, S.TransferToggle, netuid, toggle, 'TransferToggle');
    });
  },
  sudo_set_subnet_owner_hotkey: setOwnerHotkey,
  sudo_set_sn_owner_hotkey: setOwnerHotkey,
  sudo_set_alpha_sigmoid_steepness({ netuid, steepness }, context) {
    asOwner(context, netuid, 'AlphaSigmoidSteepness', (owner) => {
      ensureSubnet(context, netuid);
      ensureAdmin(owner === undefined || steepness >= 0, 'NegativeSigmoidSteepness');
      set(context, S.AlphaSigmoidSteepness, netuid, steepness, undefined);
    });
  },
  sudo_set_yuma3_enabled({ netuid, enabled }, context) {
    asOwner(context, netuid, 'Yuma3Enabled', () => {
      set(context, S.Yuma3On, netuid, enabled, undefined);
      context.emit({ pallet: 'AdminUtils', name: 'Yuma3EnableToggled', data: { netuid, enabled } });
    });
  },
  sudo_set_bonds_reset_enabled({ netuid, enabled }, context) {
    asOwner(context, netuid, 'BondsResetEnabled', () => {
      set(context, S.BondsResetOn, netuid, enabled, 'BondsResetOnSet');
      context.emit({ pallet: 'AdminUtils', name: 'BondsResetToggled', data: { netuid, enabled } });
    });
  },
  sudo_set_owner_immune_neuron_limit({ netuid, immune_neurons: value }, context) {
    asOwner(context, netuid, 'ImmuneNeuronLimit', () => {
      ensure(value >= 1 && value <= MAX_OWNED_IMMUNE, 'InvalidValue');
      set(context, S.ImmuneOwnerUidsLimit, netuid, value, undefined);
    });
  },
  sudo_set_mechanism_count({ netuid, mechanism_count }, context) {
    asOwner(context, netuid, 'MechanismCountUpdate', () => {
      setMechanismCount(context, netuid, mechanism_count);
    });
  },
  sudo_set_mechanism_emission_split({ netuid, maybe_split }, context) {
    asOwner(context, netuid, 'MechanismEmission', () => {
      setEmissionSplit(context, netuid, maybe_split);
    });
  },
  sudo_trim_to_max_allowed_uids({ netuid, max_n }, context) {
    asOwner(context, netuid, 'MaxUidsTrimming', () => {
      trimUids(context, netuid, max_n);
    });
  },
  sudo_set_recycle_or_burn({ netuid, recycle_or_burn: value }, context) {
    asOwner(context, netuid, 'RecycleOrBurn', () => {
      set(context, S.RecycleOrBurn, netuid, value, undefined);
    });
  },
  sudo_set_burn_half_life({ netuid, burn_half_life }, context) {
    asOwner(context, netuid, 'BurnHalfLife', () => {
      ensureSubnet(context, netuid);
      ensureAdmin(netuid !== 0, 'NotPermittedOnRootSubnet');
      ensureAdmin(burn_half_life > 0 && burn_half_life <= MAX_BURN_HALF_LIFE, 'InvalidValue');
      set(context, S.BurnHalfLife, netuid, burn_half_life, undefined);
      context.emit({ pallet: 'AdminUtils', name: 'BurnHalfLifeSet', data: { netuid, burn_half_life } });
    });
  },
  sudo_set_burn_increase_mult({ netuid, burn_increase_mult }, context) {
    asOwner(context, netuid, 'BurnIncreaseMult', () => {
      ensureSubnet(context, netuid);
      ensureAdmin(netuid !== 0, 'NotPermittedOnRootSubnet');
      ensureAdmin(burn_increase_mult >= ONE && burn_increase_mult <= 3n * ONE, 'InvalidValue');
      set(context, S.BurnIncreaseMult, netuid, burn_increase_mult, undefined);
      const data = { netuid, burn_increase_mult };
      context.emit({ pallet: 'AdminUtils', name: 'BurnIncreaseMultSet', data });
    });
  },
  sudo_set_owner_cut_enabled({ netuid, enabled }, context) {
    ensureOwnerCutMayChange(context, netuid);
    set(context, S.OwnerCutEnabled, netuid, enabled, undefined);
  },
  sudo_set_min_childkey_take_per_subnet({ netuid, take }, context) {
    const { state } = context;
    asOwner(context, netuid, 'MinChildkeyTake', () => {
      ensureSubnet(context, netuid);
      ensureAdmin(
        take >= state.get(S.MinChildkeyTake) && take <= state.get(S.MaxChildkeyTake),
        'InvalidValue',
      );
      set(context, S.MinChildkeyTakePerSubnet, netuid, take, 'MinChildKeyTakePerSubnetSet');
    });
  },
  sudo_set_owner_cut_auto_lock_enabled({ netuid, enabled }, context) {
    ensureOwnerCutMayChange(context, netuid);
    set(context, S.OwnerCutAutoLockEnabled, netuid, enabled, undefined);
  },
} satisfies Partial<Handlers<'AdminUtils'>>;

/** The owner's own income: no limit on how often. */
function ensureOwnerCutMayChange(context: CallContext, netuid: number): void {
  ensureOwnerOrRoot(context, netuid);
  ensureWindowOpen(context, netuid);
  ensureSubnet(context, netuid);
  ensureAdmin(netuid !== 0, 'NotPermittedOnRootSubnet');
}

/** `do_set_sn_owner_hotkey`: once a week, whoever asks; the freeze window does not matter. */
function setOwnerHotkey(
  { netuid, hotkey }: { readonly netuid: number; readonly hotkey: string },
  context: CallContext,
): void {
  const { state, block } = context;
  ensureOwnerOrRoot(context, netuid);
  ensure(state.get(S.NetworksAdded, netuid), 'SubnetNotExists');
  const key = { type: 'SetSNOwnerHotkey', value: [netuid] } as const;
  const last = state.get(S.LastRateLimitedBlock, key);
  ensure(last === 0 || block - last >= OWNER_HOTKEY_INTERVAL, 'TxRateLimitExceeded');
  state.put(S.LastRateLimitedBlock, [key], block);
  ensure(!isSubnetAccount(hotkey), 'CannotUseSystemAccount');
  set(context, S.SubnetOwnerHotkey, netuid, hotkey, 'SubnetOwnerHotkeySet');
}
