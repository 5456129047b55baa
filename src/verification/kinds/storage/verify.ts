// Owns: the verdict on one opening. Total: every byte string has a verdict, and no branch throws on a peer's bytes.
import {
  ANSWER_TAG,
  leafDigest,
  leafTree,
  PLOT_TAGS,
  type PlotName,
  pieceDigest,
  plotRoot,
  RANGE_TAGS,
  sectorInput,
} from '../../../compute/spec/plot.js';
import { fillArgon2d } from '../../../compute/wasm/argon2d.js';
import { equals } from '../../../model/bytes.js';
import { sha256 } from '../../../model/hash.js';
import { climb, HASH_BYTES, pathLength } from '../../../model/merkle.js';
import { accepted, type Rejection, rejected, type Verdict } from '../../../model/verdict.js';
import type { Challenge, Evidence } from '../../proof.js';
import {
  decodeCommits,
  decodeOpening,
  decodeRequest,
  leavesPerSector,
  lengths,
  type Opening,
  piecesPerSector,
  type Request,
  type Sample,
} from './codec.js';
import { plotName, type StorageParams } from './params.js';
import { questionsFor } from './questions.js';

/**
 * The order of checks is part of the verdict: what does not hang on the seed, then whose work it is, then each sample, and
 * what costs us the most last.
 * @throws RangeError when the challenge names no place; never because of `evidence`
 */
export function verify(challenge: Challenge<StorageParams>, evidence: Evidence): Verdict {
  const { params } = challenge;
  const name = plotName(challenge);
  const { pass } = evidence;
  const commits = decodeCommits(params, evidence.commits);
  const opening = decodeOpening(params, evidence.opening);
  if (!commits || !opening || pass?.length !== HASH_BYTES) return rejected('malformed');
  const { plot, answer, range } = commits;
  const request = decodeRequest(params, plot.sectors, range.sectors, evidence.request);
  if (!request) return rejected('malformed');
  const questions = questionsFor(challenge, plot, pass);
  const bound =
    equals(plotRoot(name, plot.sectors, opening.plotRoot), plot.root) &&
    equals(questions.answerRoot(opening.answerRoot), answer) &&
    equals(questions.rangeRoot(range.sectors, opening.rangeRoot), range.root);
  if (!bound) return rejected('seed');
  if (!answersRequest(params, plot.sectors, range.sectors, request, opening)) return rejected('malformed');
  if (!equals(opening.requestDigest, sha256(evidence.request))) return rejected('malformed');

  for (const [s, i] of request.leaves.entries()) {
    const { sectors, leaves, answerKey } = questions;
    const at = { sector: sectors[i], part: leaves[i], parts: leavesPerSector(params) };
    const digest = leafDigest(answerKey, at.sector, at.part, opening.leaves[s].data);
    climb(digest, i, opening.leaves[s].digestPath, ANSWER_TAG);
    const reason = checkSample(name, at, opening.leaves[s], opening.plotRoot, digest, opening.answerRoot);
    if (reason) return rejected(reason);
  }
  const order = questions.order(range.sectors);
  for (const [s, { place, piece }] of request.pieces.entries()) {
    const { rangeKey } = questions;
    const at = { sector: order[place], part: piece, parts: piecesPerSector(params) };
    const { data, digestPath } = opening.pieces[s];
    const digest = pieceDigest(rangeKey, at.sector, piece, data);
    const within = pathLength(at.parts) * HASH_BYTES;
    climb(digest, piece, digestPath.subarray(0, within), RANGE_TAGS.node);
    climb(digest, place, digestPath.subarray(within), RANGE_TAGS.top);
    const reason = checkSample(name, at, opening.pieces[s], opening.plotRoot, digest, opening.rangeRoot);
    if (reason) return rejected(reason);
  }
  for (const [s, sector] of request.encodings.entries()) {
    const { root } = leafTree(name, fillArgon2d(sectorInput(name, sector)));
    const top = root.slice();
    climb(top, sector, opening.encodingPaths[s], PLOT_TAGS.top);
    if (!equals(top, opening.plotRoot)) return rejected('encoding');
  }
  return accepted;
}

function answersRequest(
  params: StorageParams,
  sectors: number,
  rangeSectors: number,
  request: Request,
  opening: Opening,
): boolean {
  const { leaf, piece, encodingPath } = lengths(params, sectors, rangeSectors);
  const fits = (sample: Sample, bytes: typeof leaf): boolean =>
    sample.data.length === bytes.data &&
    sample.plotPath.length === bytes.plotPath &&
    sample.digestPath.length === bytes.digestPath;
  return (
    opening.leaves.length === request.leaves.length &&
    opening.leaves.every((sample) => fits(sample, leaf)) &&
    opening.pieces.length === request.pieces.length &&
    opening.pieces.every((sample) => fits(sample, piece)) &&
    opening.encodingPaths.length === request.encodings.length &&
    opening.encodingPaths.every(({ length }) => length === encodingPath)
  );
}

/** The data is that of the plot, and it was at hand when its digest was owed. */
function checkSample(
  name: PlotName,
  { sector, part, parts }: { sector: number; part: number; parts: number },
  { data, plotPath }: Sample,
  plot: Uint8Array,
  digest: Uint8Array,
  digests: Uint8Array,
): Rejection | undefined {
  const within = pathLength(parts) * HASH_BYTES;
  const top = leafTree(name, data).root.slice();
  climb(top, part, plotPath.subarray(0, within), PLOT_TAGS.node);
  climb(top, sector, plotPath.subarray(within), PLOT_TAGS.top);
  if (!equals(top, plot)) return 'path';
  return equals(digest, digests) ? undefined : 'digest';
}
