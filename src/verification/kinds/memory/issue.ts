// Owns: which places a validator looks at. Drawn after the last commit, or there is nothing to look for.
import type { Random } from '../../../model/prng.js';
import type { Sample } from '../compute/codec.js';
import { decodeCommits, encodeRequest, fillSamplesOf } from './codec.js';
import { blocksOf, type MemoryParams } from './params.js';

/**
 * Labels of the window and of the fill apart, uniform over each: the window's are paid as work, the fill's as memory, and
 * neither may hide behind the other. Digests uniform over all rounds and blocks.
 */
export function issue(params: MemoryParams, commits: readonly Uint8Array[], random: Random): Uint8Array {
  const decoded = decodeCommits(params, commits);
  const { window, fill, rounds } = decoded ?? {};
  if (!window || !fill || !rounds) throw new RangeError('commits: expected three that credit() takes');
  const place = (first: number, last: number): Sample => ({
    label: first + random.below(last - first + 1),
    row: random.below(params.n),
    agreementRow: random.below(params.n),
  });
  const fillSamples = fillSamplesOf(params, window.labels, fill.labels);
  return encodeRequest({
    samples: Array.from({ length: params.samples }, () => place(1, window.labels)),
    fillSamples: Array.from({ length: fillSamples }, () => place(window.labels + 1, fill.labels)),
    passSamples: Array.from({ length: params.passSamples }, () => ({
      round: 1 + random.below(rounds.length),
      block: random.below(blocksOf(params, fill.labels)),
    })),
  });
}
