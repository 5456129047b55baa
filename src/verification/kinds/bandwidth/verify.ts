// Owns: the verdict on one opening. Total: every byte string has a verdict, and no branch throws on a peer's bytes.
import { contentLeaf, LINK_TAG } from '../../../compute/spec/link.js';
import { equals } from '../../../model/bytes.js';
import { sha256 } from '../../../model/hash.js';
import { climb, HASH_BYTES, pathLength } from '../../../model/merkle.js';
import { accepted, rejected, type Verdict } from '../../../model/verdict.js';
import type { Challenge, Evidence } from '../../proof.js';
import { blame } from './blame.js';
import {
  committedRoot,
  decodeBrief,
  decodeCommit,
  decodeOpening,
  decodeRequest,
  isShaped,
  keyCommitment,
  type Pull,
  type Sample,
  type SampleOpening,
} from './codec.js';
import type { BandwidthParams } from './params.js';

/** The order of checks is part of the verdict: what does not hang on the seed, then whose round it is, then each sample. */
export function verify(challenge: Challenge<BandwidthParams>, evidence: Evidence): Verdict {
  const { params } = challenge;
  const brief = decodeBrief(params, challenge.brief);
  const commit = evidence.commits.length === 1 ? decodeCommit(params, evidence.commits[0]) : undefined;
  if (!brief || !commit || commit.segments.length !== brief.pulls.length) return rejected('malformed');
  const { pulls } = brief;
  const { segments } = commit;
  const request = decodeRequest(params, segments, evidence.request);
  const opening = decodeOpening(params, segments, evidence.opening);
  if (!request || !opening) return rejected('malformed');
  if (!request.keys.every((key, s) => equals(keyCommitment(key), pulls[s].keyCommitment)))
    return rejected('malformed');
  // before anything that a transcript of another round would fail as well
  if (!equals(committedRoot(challenge, segments, opening.sourceRoots), commit.root)) return rejected('seed');
  const { samples } = request;
  if (opening.samples.length !== samples.length || !equals(opening.requestDigest, sha256(evidence.request)))
    return rejected('malformed');
  if (!samples.every((sample, i) => isShaped(params, segments, sample, opening.samples[i])))
    return rejected('malformed');
  const holds = samples.every((sample, i) => {
    const { source } = sample;
    const given = { pull: pulls[source], key: request.keys[source], root: opening.sourceRoots[source] };
    return isAsClaimed(params, given, segments[source], sample, opening.samples[i]);
  });
  return holds ? accepted : rejected('path');
}

/** The leaf made again leads to the committed root; or another one does, and its source signed for it. */
function isAsClaimed(
  params: BandwidthParams,
  given: { pull: Pull; key: Uint8Array; root: Uint8Array },
  segments: number,
  { leaf }: Sample,
  { path, digest, signature }: SampleOpening,
): boolean {
  const { segmentLeaves } = params;
  const { pull, key, root } = given;
  const inner = pathLength(segmentLeaves) * HASH_BYTES;
  const blames = digest.length > 0;
  // a copy: of a Buffer, slice would be the evidence itself
  const top = blames ? Uint8Array.from(digest) : sha256(contentLeaf(key, leaf));
  climb(top, leaf % segmentLeaves, path.subarray(0, inner), LINK_TAG.segment);
  climb(top, Math.floor(leaf / segmentLeaves), path.subarray(inner), LINK_TAG.source);
  if (!equals(top, root) || segments === 0) return false;
  if (!blames) return true;
  const { ticket, linkKey } = pull;
  const complaint = {
    ticket,
    linkKey,
    key,
    segmentLeaves,
    leaf,
    digest,
    path: path.subarray(0, inner),
    signature,
  };
  return blame(complaint) === 'source';
}
