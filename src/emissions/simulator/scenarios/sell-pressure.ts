import type { ScenarioFile } from '../scenario.js';
import { EPOCHS_PER_DAY, honestValidators, subnet } from './base.js';

export const sellPressure: ScenarioFile = {
  name: 'sell-pressure',
  title: 'Miners who sell everything',
  description:
    'Miners sell all they earn in every epoch, validators a tenth; nobody else trades. What holds the price is the TAO that the chain injects and the alpha that it buys. Sweep miners.sellers.sells from 0 to 1.',
  epochs: 60 * EPOCHS_PER_DAY,
  subnet,
  owner: { sells: 0 },
  validators: [{ ...honestValidators(4), sells: 0.1 }],
  miners: [
    {
      name: 'sellers',
      count: 24,
      capacity: 8,
      sells: 1,
      costTaoPerHour: 0.006,
      behaviour: { kind: 'exit', patienceEpochs: 20 },
    },
  ],
};
