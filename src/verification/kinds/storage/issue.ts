// Owns: which answers a validator looks at, and which sectors it encodes itself. Drawn after the last commit, or there is nothing to look for.
import type { Random } from '../../../model/prng.js';
import { decodeCommits, encodeRequest, piecesPerSector } from './codec.js';
import type { StorageParams } from './params.js';

/**
 * The same number of samples in every session, whatever is known of the plot: many encodings at first and few later would pay
 * whoever gets a wrong plot past the first (docs/proofs/storage.md, One in every session).
 */
export function issue(params: StorageParams, commits: readonly Uint8Array[], random: Random): Uint8Array {
  const decoded = decodeCommits(params, commits);
  if (!decoded) throw new RangeError('commits: expected three that credit() takes');
  const { plot, range } = decoded;
  const times = <T>(length: number, one: () => T): T[] => Array.from({ length }, one);
  return encodeRequest({
    leaves: times(params.openedLeaves, () => random.below(params.leaves)),
    pieces: times(params.openedPieces, () => ({
      place: random.below(range.sectors),
      piece: random.below(piecesPerSector(params)),
    })),
    encodings: times(params.encodings, () => random.below(plot.sectors)),
  });
}
