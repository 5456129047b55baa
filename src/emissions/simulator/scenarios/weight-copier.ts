import type { ScenarioFile } from '../scenario.js';
import { EPOCHS_PER_DAY, honestValidators, subnet } from './base.js';

/** Miners whose worth changes: two thirds of them serve by turns, so that yesterday's weights are wrong today. */
const changing: ScenarioFile['miners'] = [
  { name: 'steady', count: 8, capacity: 8, costTaoPerHour: 0.004 },
  { name: 'day-shift', count: 8, capacity: 8, behaviour: { kind: 'burst', onEpochs: 6, periodEpochs: 12 } },
  { name: 'short-shift', count: 8, capacity: 16, behaviour: { kind: 'burst', onEpochs: 2, periodEpochs: 7 } },
];

export const weightCopier: ScenarioFile = {
  name: 'weight-copier',
  title: 'A validator that copies open weights',
  description:
    'Weights stand openly on the chain. One validator measures nothing and sets the median of what the others have just set; their measurements are noisy, its median is not.',
  epochs: 10 * EPOCHS_PER_DAY,
  subnet,
  validators: [
    { ...honestValidators(6), noise: 0.1 },
    { name: 'copier', stakeAlpha: 100_000, rootTao: 20_000, noise: 0.1, behaviour: { kind: 'copier' } },
  ],
  miners: changing,
};

export const weightCopierCommitReveal: ScenarioFile = {
  ...weightCopier,
  name: 'weight-copier-commit-reveal',
  title: 'The same copier where weights are committed first',
  description:
    'Weights become readable, and take effect, two epochs after they were committed. What the copier reads is old when it copies, and older when its copy counts.',
  subnet: { ...subnet, commitReveal: { periodEpochs: 2 } },
};
