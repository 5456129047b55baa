import type { ScenarioFile } from '../scenario.js';
import { EPOCHS_PER_DAY, honestValidators, subnet } from './base.js';

export const twoMechanisms: ScenarioFile = {
  name: 'two-mechanisms',
  title: 'Compute and rollouts under one subnet',
  description:
    'Two mechanisms with weights and bonds of their own share one emission 70:30. Miners specialise or serve both. Sweep the split to see who lives from which.',
  epochs: 10 * EPOCHS_PER_DAY,
  subnet: {
    ...subnet,
    mechanisms: [
      { name: 'compute', split: 45_875 },
      { name: 'rollouts', split: 19_660 },
    ],
  },
  validators: [honestValidators(5)],
  miners: [
    { name: 'compute-only', count: 12, capacity: [8, 0], costTaoPerHour: 0.004 },
    { name: 'rollouts-only', count: 6, capacity: [0, 8], costTaoPerHour: 0.004 },
    { name: 'both', count: 4, capacity: [4, 4], costTaoPerHour: 0.004 },
  ],
};
