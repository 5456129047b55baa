import type { ScenarioFile } from '../scenario.js';
import { EPOCHS_PER_DAY, honestValidators, subnet } from './base.js';

export const burnShare: ScenarioFile = {
  name: 'burn-share',
  title: 'Burning part of the miners’ pay, and the TAO it costs the subnet',
  description:
    "Validators give a share of their weight to the owner's uid; the chain burns what lands there and lowers the subnet's part of the TAO by the same share. Sweep owner.burnShare from 0 to 1: miners lose in proportion, and from the next block on so does the pool.",
  epochs: 30 * EPOCHS_PER_DAY,
  subnet,
  owner: { burnShare: 0.5 },
  validators: [honestValidators(4)],
  miners: [
    { name: 'efficient', count: 16, capacity: 8, costTaoPerHour: 0.002 },
    { name: 'costly', count: 16, capacity: 8, costTaoPerHour: 0.006 },
  ],
};
