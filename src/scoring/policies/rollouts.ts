// Owns: the policy of a subnet that pays for rollouts alone.
import { parsePolicy } from '../policy.js';

export const rollouts = parsePolicy({
  format: 'assay-scoring-policy/1',
  name: 'rollouts',
  burn: 0,
  pools: [{ name: 'rollouts', share: 1, credit: 'rollouts' }],
  rollouts: { price: 1 },
  pay: 'linear',
  // six rollouts of a window are audited, drawn by what they are paid; credit is the mean of twelve windows, and a conviction takes what is not paid yet
  audit: { unitsPerWindow: 6, vestedWindows: 12, restartWindows: 0.7 },
});
