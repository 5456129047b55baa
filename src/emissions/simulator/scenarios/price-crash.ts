import type { ScenarioFile } from '../scenario.js';
import { EPOCHS_PER_DAY, honestValidators, subnet } from './base.js';

export const priceCrash: ScenarioFile = {
  name: 'price-crash',
  title: 'The price halves, and halves again',
  description:
    'Traders take the pool from 0.02 to 0.005 TAO per alpha within ten days and half way back within twenty more. Miners whose cost is not covered leave within two days; those who stay share what the others left.',
  epochs: 40 * EPOCHS_PER_DAY,
  subnet,
  validators: [honestValidators(4)],
  miners: [
    {
      name: 'cheap',
      count: 10,
      capacity: 8,
      costTaoPerHour: 0.001,
      behaviour: { kind: 'exit', patienceEpochs: 20 },
    },
    {
      name: 'middle',
      count: 10,
      capacity: 8,
      costTaoPerHour: 0.003,
      behaviour: { kind: 'exit', patienceEpochs: 20 },
    },
    {
      name: 'dear',
      count: 10,
      capacity: 8,
      costTaoPerHour: 0.006,
      behaviour: { kind: 'exit', patienceEpochs: 20 },
    },
  ],
  market: {
    pricePath: [
      { day: 5, price: 0.02 },
      { day: 15, price: 0.005 },
      { day: 35, price: 0.0125 },
    ],
    depthTaoPerDay: 20_000,
  },
};
