// Owns: which answers a validator looks at, and which sectors it encodes itself. Drawn after the last commit, or there is nothing to look for.
import type { Random } from '../../../model/prng.js';
import { decodeCommits, encodeRequest, piecesPerSector } from './codec.js';
import type { StorageParams } from './params.js';

/** Samples of a plot that the validator knows: its sectors are encoded now and then. */
export function issue(params: StorageParams, commits: readonly Uint8Array[], random: Random): Uint8Array {
  const now = random.below(params.encodingsOneIn) === 0;
  return draw(params, commits, now ? params.encodings : 0, random);
}

/**
 * Samples of a plot that the validator sees for the first time: from here on its root is what it is, so that encodings of
 * later sessions add to these.
 */
export function issueFirst(
  params: StorageParams,
  commits: readonly Uint8Array[],
  random: Random,
): Uint8Array {
  return draw(params, commits, params.firstEncodings, random);
}

function draw(
  params: StorageParams,
  commits: readonly Uint8Array[],
  encodings: number,
  random: Random,
): Uint8Array {
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
    encodings: times(encodings, () => random.below(plot.sectors)),
  });
}
