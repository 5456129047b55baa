import type { ScenarioFile } from '../scenario.js';
import { EPOCHS_PER_DAY, subnet } from './base.js';

export const firstFinderYuma3: ScenarioFile = {
  name: 'first-finder-yuma3',
  title: 'Finding a good miner first: Yuma3 with liquid alpha',
  description:
    'At epoch 40 one large miner begins to prove what it has, fifty times as much as before and four times what all others prove. The scout sees it at once, the crowd eight epochs later. Bonds that grow faster ahead of consensus pay the scout for it.',
  epochs: 10 * EPOCHS_PER_DAY,
  subnet: {
    ...subnet,
    yuma3: true,
    bondsPenalty: 0,
    liquidAlpha: { low: 3_277, high: 19_661, steepness: 1000 },
  },
  validators: [
    { name: 'scout', stakeAlpha: 100_000, rootTao: 20_000, noise: 0 },
    {
      name: 'crowd',
      count: 3,
      stakeAlpha: 100_000,
      rootTao: 20_000,
      noise: 0,
      behaviour: { kind: 'honest', lagEpochs: 8 },
    },
  ],
  miners: [
    { name: 'old', count: 4, capacity: 8 },
    { name: 'rising', count: 1, capacity: 160, quality: 0.02 },
  ],
  changes: [{ epoch: 40, set: { 'miners.rising.quality': 1 } }],
};

export const firstFinderClassic: ScenarioFile = {
  ...firstFinderYuma3,
  name: 'first-finder-classic',
  title: 'Finding a good miner first: classic bonds',
  description:
    'The same discovery under classic bonds, where every bond follows its weight at the same pace.',
  subnet: { ...subnet, yuma3: false, bondsPenalty: 0 },
};
