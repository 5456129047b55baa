// Owns: which places a validator looks at. Drawn after the commit, or there is nothing to look for.
import type { Random } from '../../../model/prng.js';
import { encodeRequest } from './codec.js';
import type { ComputeParams } from './params.js';

/** Uniform over all rows of all labels: cheating concentrated anywhere is found as easily as spread out. */
export function issue(params: ComputeParams, random: Random): Uint8Array {
  return encodeRequest(
    Array.from({ length: params.samples }, () => ({
      label: 1 + random.below(params.labels),
      row: random.below(params.n),
      agreementRow: random.below(params.n),
    })),
  );
}
