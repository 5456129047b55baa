import type { ScenarioFile } from '../scenario.js';
import { cabal51 } from './cabal-51.js';

export const cabal40: ScenarioFile = {
  ...cabal51,
  name: 'cabal-40',
  title: 'A cabal with 40 % of the stake',
  description:
    'The same cabal with 40 % of the stake. Kappa decides whether it is clipped: at the default of one half its weights towards its own miners find no majority and count as what the majority says; search for the smallest kappa that keeps it below its stake share.',
  validators: [
    { name: 'honest', count: 6, stakeAlpha: 100_000, rootTao: 20_000 },
    {
      name: 'cabal',
      count: 4,
      stakeAlpha: 100_000,
      rootTao: 20_000,
      coalition: 'cabal',
      behaviour: { kind: 'cabal', favours: 'friends' },
    },
  ],
};
