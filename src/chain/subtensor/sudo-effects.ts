// Owns: which storage item each AdminUtils call sets, so that a sudo write can be read back. Data, no code.

/**
 * AdminUtils call to item of SubtensorModule. Its last argument is the new value, those before it are the item's keys
 * (subtensor pallets/admin-utils/src/lib.rs). A call that is not listed counts as done by its Sudid event alone.
 */
export const SUDO_EFFECTS: Readonly<Record<string, string>> = {
  sudo_set_tempo: 'Tempo',
  sudo_set_weights_set_rate_limit: 'WeightsSetRateLimit',
  sudo_set_weights_version_key: 'WeightsVersionKey',
  sudo_set_serving_rate_limit: 'ServingRateLimit',
  sudo_set_commit_reveal_weights_enabled: 'CommitRevealWeightsEnabled',
  sudo_set_commit_reveal_weights_interval: 'RevealPeriodEpochs',
  sudo_set_yuma3_enabled: 'Yuma3On',
  sudo_set_liquid_alpha_enabled: 'LiquidAlphaOn',
  sudo_set_bonds_reset_enabled: 'BondsResetOn',
  sudo_set_bonds_moving_average: 'BondsMovingAverage',
  sudo_set_bonds_penalty: 'BondsPenalty',
  sudo_set_kappa: 'Kappa',
  sudo_set_rho: 'Rho',
  sudo_set_immunity_period: 'ImmunityPeriod',
  sudo_set_min_allowed_weights: 'MinAllowedWeights',
  sudo_set_max_allowed_uids: 'MaxAllowedUids',
  sudo_set_max_allowed_validators: 'MaxAllowedValidators',
  sudo_set_subnet_emission_enabled: 'SubnetEmissionEnabled',
  sudo_set_subtoken_enabled: 'SubtokenEnabled',
  sudo_set_owner_cut_enabled: 'OwnerCutEnabled',
  sudo_set_network_registration_allowed: 'NetworkRegistrationAllowed',
  sudo_set_min_burn: 'MinBurn',
  sudo_set_max_burn: 'MaxBurn',
  sudo_set_burn_half_life: 'BurnHalfLife',
  sudo_set_stake_threshold: 'StakeThreshold',
  sudo_set_subnet_owner_cut: 'SubnetOwnerCut',
  sudo_set_tx_rate_limit: 'TxRateLimit',
  sudo_set_admin_freeze_window: 'AdminFreezeWindow',
};
