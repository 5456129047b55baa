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
  // what a registration costs, in events of honest pay; how much is looked at stands in the parameters
  audit: { unitsPerWindow: 64, restartWindows: 0.5 },
});
