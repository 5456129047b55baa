// Owns: the verdict on one opening. Total: every byte string has one, and none makes it throw.
// Does not own: time, sessions, what a verdict pays.
import type { Challenge, Evidence, Verdict } from 'assay';
import { accepted, climb, equals, rejected } from 'assay/model';
import { boundRoot, cellAt, NODE_TAG } from './cells.js';
import { decodeCommit, decodeOpening, decodeRequest } from './codec.js';
import type { HashCellsParams } from './params.js';

/** What costs us most comes last: a few cells made again, however many the miner made. */
export function verify(challenge: Challenge<HashCellsParams>, evidence: Evidence): Verdict {
  const { params } = challenge;
  const { commits, request, opening } = evidence;
  const commit = commits.length === 1 ? decodeCommit(params, commits[0]) : undefined;
  if (!commit) return rejected('malformed');
  const indices = decodeRequest(params, commit.count, request);
  const opened = decodeOpening(params, commit.count, opening);
  if (!indices || !opened) return rejected('malformed');
  const { root, cells } = opened;
  if (!equals(boundRoot(challenge, commit.count, root), commit.bound)) return rejected('seed');
  for (const [i, index] of indices.entries()) {
    // bytes off the wire are Buffers, whose slices are views
    const top = Uint8Array.from(cells[i]!.cell);
    climb(top, index, cells[i]!.path, NODE_TAG);
    if (!equals(top, root)) return rejected('path');
  }
  for (const [i, index] of indices.entries())
    if (!equals(cellAt(challenge, index), cells[i]!.cell)) return rejected('label');
  return accepted;
}
