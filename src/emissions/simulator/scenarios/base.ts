// Owns: what the named scenarios have in common: a subnet of middling price among mainnet's others, at spec 425.
import type { ScenarioFile } from '../scenario.js';

/** Honest validators of equal weight: 100,000 alpha and 20,000 TAO on root each. */
export const honestValidators = (count: number, name = 'validators'): ScenarioFile['validators'][number] => ({
  name,
  count,
  stakeAlpha: 100_000,
  rootTao: 20_000,
});

/** 20,000 TAO against 1,000,000 alpha: 0.02 TAO per alpha; about as much alpha again is outside as in the pool. */
export const subnet = { alphaOut: 1_500_000 } satisfies ScenarioFile['subnet'];

/** of 12-second blocks at tempo 360 */
export const EPOCHS_PER_DAY = 20;
