// Owns: the policy of a subnet that pays for machines and for rollouts, with everything that a policy may say.
import { parsePolicy } from '../policy.js';
import { PRICES, SIMULATED_PRICES } from '../prices.js';

export const mixed = parsePolicy({
  format: 'assay-scoring-policy/1',
  name: 'mixed',
  burn: 0.05,
  pools: [
    {
      name: 'cards',
      share: 0.45,
      match: { kinds: ['compute', 'memory'] },
      prices: PRICES,
      simulatedPrices: SIMULATED_PRICES,
      target: 512,
      unfilled: 'burn',
    },
    {
      name: 'hosts',
      share: 0.15,
      match: { kinds: ['host-memory', 'storage', 'bandwidth'] },
      prices: PRICES,
      simulatedPrices: SIMULATED_PRICES,
      target: 512,
      unfilled: 'burn',
    },
    { name: 'rollouts', share: 0.35, credit: 'rollouts', unfilled: 'spread' },
  ],
  memory: { retain: 0.5, carryEpochs: 1, turnEpochs: 32 },
  pay: 'linear',
  uptime: { rise: 0.2, fall: 0.4, floor: 0.5 },
  probation: { epochs: 8, start: 0.25 },
  quarantine: {
    reasons: [
      'seed',
      'path',
      'range',
      'projection',
      'fold',
      'agreement',
      'digest',
      'encoding',
      'label',
      'walk',
      'poison',
    ],
    epochs: 4,
  },
  rollouts: { price: 1 },
  schedule: {
    eventsPerEpoch: 5,
    leadBlocks: 2,
    eventBlocks: 24,
    publishLeadBlocks: 12,
    livenessPerEpoch: 2,
    dutyMost: 0.4,
    sampling: 1,
    lookBack: 3,
    validators: 'shared',
  },
  audit: { unitsPerWindow: 6, vestedWindows: 12, restartWindows: 0.7 },
});
