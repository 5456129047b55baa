// Owns: which cells a validator looks at, drawn after the Commit arrived. Does not own: randomness (handed in).
import type { Random } from 'assay/model';
import { decodeCommit, encodeRequest } from './codec.js';
import type { HashCellsParams } from './params.js';

/** @throws TypeError where the commit is none: sessions ask only after `credit` has taken it */
export function issue(params: HashCellsParams, commits: readonly Uint8Array[], random: Random): Uint8Array {
  const commit = decodeCommit(params, commits[0]);
  if (!commit) throw new TypeError('commit: expected one that was credited');
  const drawn = new Set<number>();
  while (drawn.size < params.samples) drawn.add(random.below(commit.count));
  return encodeRequest([...drawn].sort((a, b) => a - b));
}
