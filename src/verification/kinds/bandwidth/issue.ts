// Owns: which leaves a validator makes again. Drawn after the commit, or there is nothing to look for.
import type { Random } from '../../../model/prng.js';
import { decodeCommit, encodeRequest, type Sample } from './codec.js';
import type { BandwidthParams } from './params.js';

/**
 * Uniform over all leaves that were claimed, so that what is made up is found alike wherever it lies. The keys go out with the
 * samples: the commit is fixed, and X can see for itself, and show, which source sent something else.
 * @param keys 32 bytes for each pull of the brief, concatenated: what `brief` kept
 */
export function issue(
  params: BandwidthParams,
  commits: readonly Uint8Array[],
  random: Random,
  keys: Uint8Array = new Uint8Array(0),
): Uint8Array {
  const commit = decodeCommit(params, commits[0]);
  if (!commit) throw new RangeError('commits: expected one that credit() takes');
  // counts of other sources than it was told of: nothing is asked for, for no answer is one (verify.ts)
  if (keys.length !== 32 * commit.segments.length) return encodeRequest({ keys: [], samples: [] });
  const leaves = commit.segments.map((count) => count * params.segmentLeaves);
  const all = leaves.reduce((sum, count) => sum + count, 0);
  return encodeRequest({
    keys: leaves.map((_, s) => keys.slice(32 * s, 32 * s + 32)),
    samples: Array.from({ length: params.samples }, () => place(random.below(all), leaves)),
  });
}

function place(at: number, leaves: readonly number[]): Sample {
  let leaf = at;
  let source = 0;
  while (leaf >= leaves[source]) leaf -= leaves[source++];
  return { source, leaf };
}
