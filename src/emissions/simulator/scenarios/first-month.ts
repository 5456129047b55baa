import type { ScenarioFile } from '../scenario.js';
import { EPOCHS_PER_DAY } from './base.js';

export const firstMonth: ScenarioFile = {
  name: 'first-month',
  title: 'A new subnet’s first month',
  description:
    'The lock became the pool, nobody holds alpha, the owner is alone with uid 0. Validators buy their stake on the pool, miners register while the price lets them; TAO emission is off, as on every new subnet, and root turns it on after ten days.',
  epochs: 30 * EPOCHS_PER_DAY,
  subnet: {
    ageBlocks: 1,
    alphaOut: 0,
    movingPrice: 0,
    emissionEnabled: false,
    pool: { tao: 1_000, alpha: 50_000 },
    maxUids: 64,
    burn: { start: 1 },
  },
  validators: [
    { name: 'early', count: 3, stakeAlpha: 2_000, rootTao: 50_000, arrivesAtEpoch: 2, sells: 0.1 },
    { name: 'late', count: 5, stakeAlpha: 2_000, rootTao: 20_000, arrivesAtEpoch: 200, sells: 0.1 },
  ],
  miners: [
    { name: 'pioneers', count: 20, capacity: 8, costTaoPerHour: 0.001, arrivesAtEpoch: 5, maxBurnTao: 2 },
    {
      name: 'followers',
      count: 60,
      capacity: 8,
      costTaoPerHour: 0.002,
      arrivesAtEpoch: 120,
      maxBurnTao: 0.5,
    },
  ],
  market: { buyTaoPerDay: 20, noise: 0.5 },
  changes: [{ epoch: 200, set: { 'subnet.emissionEnabled': true } }],
};
