import type { ScenarioFile } from '../scenario.js';
import { EPOCHS_PER_DAY, honestValidators, subnet } from './base.js';

export const payForCapacity: ScenarioFile = {
  name: 'pay-for-capacity',
  title: 'Paying for capacity, rented or not',
  description:
    'Renters want less than miners offer, and the better machines first. Pay follows proven hours: the idle earn as much as the rented, and stay.',
  epochs: 20 * EPOCHS_PER_DAY,
  subnet,
  owner: { payRule: 'capacity' },
  validators: [honestValidators(4)],
  miners: [
    {
      name: 'premium',
      count: 10,
      capacity: 8,
      quality: 1,
      costTaoPerHour: 0.006,
      behaviour: { kind: 'exit', patienceEpochs: 20 },
    },
    {
      name: 'spare',
      count: 20,
      capacity: 8,
      quality: 0.9,
      costTaoPerHour: 0.004,
      behaviour: { kind: 'exit', patienceEpochs: 20 },
    },
  ],
  market: { rental: { hoursPerDay: 1_600, taoPerHour: 0.005, buysAlpha: 0.5 } },
};

export const payIfRented: ScenarioFile = {
  ...payForCapacity,
  name: 'pay-if-rented',
  title: 'Paying only for what is rented',
  description:
    'The same miners and renters; pay follows rented hours. The rented are paid for two, the idle for nothing, and leave within two days.',
  owner: { payRule: 'rented' },
};
