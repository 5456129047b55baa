// Owns: what the whole numbers of hyperparameters are parts of. Does not own: their values, how they are read, how they are shown.

export interface HyperparameterUnit {
  /** that many of it are 1 of the unit */
  readonly one: number;
  readonly unit: 'share' | 'number' | 'tempos';
}

const U16_SHARE: HyperparameterUnit = { one: 65_535, unit: 'share' };

const UNITS: ReadonlyMap<string, HyperparameterUnit> = new Map([
  ['kappa', U16_SHARE],
  ['max_weights_limit', U16_SHARE],
  ['bonds_penalty', U16_SHARE],
  ['alpha_high', U16_SHARE],
  ['alpha_low', U16_SHARE],
  ['min_childkey_take', U16_SHARE],
  // subtensor epoch/run_epoch.rs divides by 1,000,000
  ['bonds_moving_avg', { one: 1_000_000, unit: 'number' }],
  ['activity_cutoff_factor', { one: 1000, unit: 'tempos' }],
]);

/** By the name that the chain lists it under; undefined where the number stands for itself. */
export const hyperparameterUnit = (name: string): HyperparameterUnit | undefined => UNITS.get(name);
