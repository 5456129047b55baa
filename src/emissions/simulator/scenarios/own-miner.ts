import type { ScenarioFile } from '../scenario.js';
import { EPOCHS_PER_DAY, subnet } from './base.js';

export const ownMiner: ScenarioFile = {
  name: 'own-miner',
  title: 'A validator that gives its own miner more',
  description:
    'One validator of five moves a quarter of its weight to its own miner and is honest otherwise. What exceeds the median is clipped, and the bonds penalty takes from its dividends.',
  epochs: 10 * EPOCHS_PER_DAY,
  subnet,
  validators: [
    { name: 'honest', count: 4, stakeAlpha: 100_000, rootTao: 20_000 },
    {
      name: 'booster',
      stakeAlpha: 100_000,
      rootTao: 20_000,
      coalition: 'insider',
      behaviour: { kind: 'booster', favours: 'insider-miner', boost: 0.25 },
    },
  ],
  miners: [
    { name: 'miners', count: 19, capacity: 8, costTaoPerHour: 0.004 },
    { name: 'insider-miner', count: 1, coalition: 'insider', capacity: 8, costTaoPerHour: 0.004 },
  ],
};
