import type { ScenarioFile } from '../scenario.js';
import { EPOCHS_PER_DAY, subnet } from './base.js';

export const cabal51: ScenarioFile = {
  name: 'cabal-51',
  title: 'A cabal with 51 % of the stake',
  description:
    'Validators with 51 % of the stake weigh only their own miners, which prove a tenth of what the others prove. With more stake than kappa asks for they decide the median.',
  epochs: 10 * EPOCHS_PER_DAY,
  subnet,
  validators: [
    { name: 'honest', count: 7, stakeAlpha: 70_000, rootTao: 14_000 },
    {
      name: 'cabal',
      count: 3,
      stakeAlpha: 170_000,
      rootTao: 34_000,
      coalition: 'cabal',
      behaviour: { kind: 'cabal', favours: 'friends' },
    },
  ],
  miners: [
    { name: 'miners', count: 20, capacity: 8, costTaoPerHour: 0.004 },
    { name: 'friends', count: 4, coalition: 'cabal', capacity: 8, quality: 0.1, costTaoPerHour: 0.000_4 },
  ],
};
