// Owns: which places a validator looks at. Drawn after the commit, or there is nothing to look for.
import type { Random } from '../../../model/prng.js';
import { decodeCommit, encodeRequest } from './codec.js';
import type { ComputeParams } from './params.js';

/** Uniform over all rows of all labels committed to: cheating concentrated anywhere is found as easily as spread out. */
export function issue(params: ComputeParams, commits: readonly Uint8Array[], random: Random): Uint8Array {
  const commit = commits[0] && decodeCommit(params, commits[0]);
  if (!commit) throw new RangeError('commits: expected one that credit() takes');
  return encodeRequest(
    Array.from({ length: params.samples }, () => ({
      label: 1 + random.below(commit.labels),
      row: random.below(params.n),
      agreementRow: random.below(params.n),
    })),
  );
}
