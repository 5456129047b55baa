// Owns: pallet AdminUtils (19): the hyperparameter calls that the localnet carries out (subtensor admin-utils/src/lib.rs).
import { call, definePallet, event } from '../pallet.js';
import { bool, type Codec, u8, u16, u64 } from '../scale.js';
import { storageOf } from '../storage.js';
import { recycleOrBurn, u64f64 } from '../types.js';

const perSubnet = <N extends string, T>(index: number, name: N, type: Codec<T>) =>
  call(index, { netuid: u16, [name]: type } as { netuid: Codec<number> } & { [K in N]: Codec<T> });
const global = <N extends string, T>(index: number, name: N, type: Codec<T>) =>
  call(index, { [name]: type } as { [K in N]: Codec<T> });

export const adminUtils = definePallet({
  name: 'AdminUtils',
  index: 19,
  storage: storageOf('AdminUtils', {}),
  calls: {
    sudo_set_serving_rate_limit: perSubnet(3, 'serving_rate_limit', u64),
    sudo_set_weights_version_key: perSubnet(6, 'weights_version_key', u64),
    sudo_set_weights_set_rate_limit: perSubnet(7, 'weights_set_rate_limit', u64),
    sudo_set_immunity_period: perSubnet(13, 'immunity_period', u16),
    sudo_set_min_allowed_weights: perSubnet(14, 'min_allowed_weights', u16),
    sudo_set_max_allowed_uids: perSubnet(15, 'max_allowed_uids', u16),
    sudo_set_kappa: perSubnet(16, 'kappa', u16),
    sudo_set_rho: perSubnet(17, 'rho', u16),
    sudo_set_network_registration_allowed: perSubnet(19, 'registration_allowed', bool),
    sudo_set_min_burn: perSubnet(22, 'min_burn', u64),
    sudo_set_max_burn: perSubnet(23, 'max_burn', u64),
    sudo_set_max_allowed_validators: perSubnet(25, 'max_allowed_validators', u16),
    sudo_set_bonds_moving_average: perSubnet(26, 'bonds_moving_average', u64),
    sudo_set_subnet_owner_cut: global(28, 'subnet_owner_cut', u16),
    sudo_set_network_rate_limit: global(29, 'rate_limit', u64),
    sudo_set_tempo: perSubnet(30, 'tempo', u16),
    sudo_set_network_immunity_period: global(35, 'immunity_period', u64),
    sudo_set_network_min_lock_cost: global(36, 'lock_cost', u64),
    sudo_set_subnet_limit: global(37, 'max_subnets', u16),
    sudo_set_lock_reduction_interval: global(38, 'interval', u64),
    sudo_set_stake_threshold: global(42, 'min_stake', u64),
    sudo_set_commit_reveal_weights_enabled: perSubnet(49, 'enabled', bool),
    sudo_set_liquid_alpha_enabled: perSubnet(50, 'enabled', bool),
    sudo_set_bonds_penalty: perSubnet(60, 'bonds_penalty', u16),
    sudo_set_subtoken_enabled: perSubnet(66, 'subtoken_enabled', bool),
    sudo_set_yuma3_enabled: perSubnet(69, 'enabled', bool),
    sudo_set_owner_immune_neuron_limit: perSubnet(72, 'immune_neurons', u16),
    sudo_set_admin_freeze_window: global(74, 'window', u16),
    sudo_set_owner_hparam_rate_limit: global(75, 'epochs', u16),
    sudo_set_min_allowed_uids: perSubnet(79, 'min_allowed_uids', u16),
    sudo_set_recycle_or_burn: perSubnet(80, 'recycle_or_burn', recycleOrBurn),
    sudo_set_min_non_immune_uids: perSubnet(84, 'min', u16),
    sudo_set_burn_half_life: perSubnet(89, 'burn_half_life', u16),
    sudo_set_burn_increase_mult: perSubnet(90, 'burn_increase_mult', u64f64),
    sudo_set_owner_cut_enabled: perSubnet(92, 'enabled', bool),
    sudo_set_subnet_emission_enabled: perSubnet(94, 'enabled', bool),
    sudo_set_max_epochs_per_block: global(96, 'max_epochs_per_block', u8),
  },
  events: {
    Yuma3EnableToggled: event(1, { netuid: u16, enabled: bool }),
    BurnHalfLifeSet: event(3, { netuid: u16, burn_half_life: u16 }),
    BurnIncreaseMultSet: event(4, { netuid: u16, burn_increase_mult: u64f64 }),
    SubnetEmissionEnabledSet: event(5, { netuid: u16, enabled: bool }),
  },
  errors: [
    ['SubnetDoesNotExist', 0],
    ['MaxValidatorsLargerThanMaxUIds', 1],
    ['MaxAllowedUIdsLessThanCurrentUIds', 2],
    ['BondsMovingAverageMaxReached', 3],
    ['NegativeSigmoidSteepness', 4],
    ['ValueNotInBounds', 5],
    ['MinAllowedUidsGreaterThanCurrentUids', 6],
    ['MinAllowedUidsGreaterThanMaxAllowedUids', 7],
    ['MaxAllowedUidsLessThanMinAllowedUids', 8],
    ['MaxAllowedUidsGreaterThanDefaultMaxAllowedUids', 9],
    ['InvalidValue', 10],
    ['NotPermittedOnRootSubnet', 11],
    ['POWRegistrationDisabled', 12],
    ['Deprecated', 13],
  ],
  constants: {},
});
