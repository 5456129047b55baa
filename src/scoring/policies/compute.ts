// Owns: the policy that counts where an owner published none: every proof at one price, all in one pool.
import { parsePolicy } from '../policy.js';
import { PRICES, SIMULATED_PRICES } from '../prices.js';

export const compute = parsePolicy({
  format: 'assay-scoring-policy/1',
  name: 'compute',
  burn: 0,
  pools: [{ name: 'proven', share: 1, prices: PRICES, simulatedPrices: SIMULATED_PRICES }],
  memory: { retain: 0, carryEpochs: 1, turnEpochs: 32 },
  pay: 'linear',
  // 64 samples of every event, each in another row; what they find is not paid
  audit: { unitsPerWindow: 64 },
});
