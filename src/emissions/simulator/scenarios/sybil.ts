import type { ScenarioFile } from '../scenario.js';
import { EPOCHS_PER_DAY, honestValidators, subnet } from './base.js';

export const sybilUndetected: ScenarioFile = {
  name: 'sybil-undetected',
  title: 'One machine under eight uids, tested one after another',
  description:
    'A miner registers each of its machines eight times. Where proofs are not simultaneous every uid passes with the whole machine.',
  epochs: 10 * EPOCHS_PER_DAY,
  subnet,
  validators: [honestValidators(4)],
  miners: [
    { name: 'honest', count: 24, capacity: 8, costTaoPerHour: 0.004 },
    {
      name: 'sybil',
      count: 3,
      capacity: 8,
      costTaoPerHour: 0.004,
      behaviour: { kind: 'sybil', copies: 8, detected: false },
    },
  ],
};

export const sybilDetected: ScenarioFile = {
  ...sybilUndetected,
  name: 'sybil-detected',
  title: 'One machine under eight uids, tested in one event',
  description:
    'The same miner where all slots are challenged at once: its uids share what one machine can do in one window.',
  miners: [
    sybilUndetected.miners![0]!,
    { ...sybilUndetected.miners![1]!, behaviour: { kind: 'sybil', copies: 8, detected: true } },
  ],
};
