// Owns: which places a validator looks at. Drawn after the last commit, or there is nothing to look for.
import { LEAF_STEPS } from '../../../compute/spec/host-walk.js';
import type { Random } from '../../../model/prng.js';
import { decodeCommits, encodeRequest, isComplete, type LabelSample } from './codec.js';
import type { HostMemoryParams } from './params.js';

/** Each uniform over all there is of its sort: cheating concentrated anywhere is found as easily as spread out. */
export function issue(params: HostMemoryParams, commits: readonly Uint8Array[], random: Random): Uint8Array {
  const decoded = decodeCommits(params, commits);
  if (!isComplete(decoded)) throw new RangeError('commits: expected four that credit() takes');
  const { lanes, fill, roots, walk } = decoded;
  const label = (): LabelSample => ({ lane: random.below(lanes), index: random.below(fill.labels) });
  return encodeRequest({
    labels: Array.from({ length: params.labelSamples }, label),
    digests: Array.from({ length: params.digestSamples }, () => ({
      round: 1 + random.below(roots.length),
      ...label(),
    })),
    steps: Array.from({ length: params.stepSamples }, () => ({
      lane: random.below(lanes),
      leaf: random.below(walk.leaves),
      step: random.below(LEAF_STEPS),
    })),
  });
}
