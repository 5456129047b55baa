// Owns: the verdict on one opening. Total: every byte string has a verdict, and no branch throws on a peer's bytes.
import {
  DIGEST_BYTES,
  DIGEST_COLUMNS,
  DIGEST_LEAF_BYTES,
  DIGEST_TAG,
  DIGESTS_PER_LEAF,
  digestBlock,
  digestKey,
  hashDigestLeaf,
} from '../../../compute/spec/digest.js';
import {
  HOST_TAG,
  hostRoot,
  LabelLeafHasher,
  LabelMaker,
  labelName,
  parentsOf,
} from '../../../compute/spec/host-labels.js';
import {
  firstRoundKey,
  hashWalkLeaf,
  nextRoundKey,
  readAt,
  STATE_BYTES,
  statesFromBytes,
  statesToBytes,
  walkColumns,
  walkStart,
  walkStep,
} from '../../../compute/spec/host-walk.js';
import { equals } from '../../../model/bytes.js';
import { sha256 } from '../../../model/hash.js';
import { climb, HASH_BYTES, pathLength } from '../../../model/merkle.js';
import { accepted, type Rejection, rejected, type Verdict } from '../../../model/verdict.js';
import type { Challenge, Evidence } from '../../proof.js';
import {
  type AllCommits,
  type Block,
  type DigestOpening,
  type DigestSample,
  decodeCommits,
  decodeOpening,
  decodeRequest,
  isComplete,
  type LabelOpening,
  type LabelSample,
  type StepOpening,
  type StepSample,
} from './codec.js';
import { leftSiblings } from './lefts.js';
import type { HostMemoryParams } from './params.js';

/**
 * The order of checks is part of the verdict: what has no shape, then whose work it is, then each sample: labels, digests,
 * steps, as they were asked for.
 */
export function verify(challenge: Challenge<HostMemoryParams>, evidence: Evidence): Verdict {
  const { params, seed } = challenge;
  const { pass } = evidence;
  const commits = decodeCommits(params, evidence.commits);
  if (!isComplete(commits) || pass?.length !== HASH_BYTES) return rejected('malformed');
  const request = decodeRequest(params, commits, evidence.request);
  if (!request) return rejected('malformed');
  const opening = decodeOpening(params, commits, request, evidence.opening);
  if (!opening) return rejected('malformed');
  // before anything that work for another seed would fail as well
  if (!equals(hostRoot(seed, commits.lanes, commits.fill.labels, opening.top), commits.fill.root))
    return rejected('seed');
  if (!equals(opening.requestDigest, sha256(evidence.request))) return rejected('malformed');

  const check = createChecks(challenge, commits, opening.top, pass);
  const reason =
    first(request.labels, opening.labels, check.label) ??
    first(request.digests, opening.digests, check.digest) ??
    first(request.steps, opening.steps, check.step);
  return reason ? rejected(reason) : accepted;
}

function first<Sample, Opened>(
  samples: readonly Sample[],
  opened: readonly Opened[],
  check: (sample: Sample, opened: Opened) => Rejection | undefined,
): Rejection | undefined {
  for (const [s, sample] of samples.entries()) {
    const reason = check(sample, opened[s]);
    if (reason) return reason;
  }
  return undefined;
}

interface Checks {
  label(sample: LabelSample, opened: LabelOpening): Rejection | undefined;
  digest(sample: DigestSample, opened: DigestOpening): Rejection | undefined;
  step(sample: StepSample, opened: StepOpening): Rejection | undefined;
}

/** Buffers and keys are shared by all samples of one opening. */
function createChecks(
  { params, seed }: Challenge<HostMemoryParams>,
  { lanes, fill, roots, walk }: AllCommits,
  top: Uint8Array,
  pass: Uint8Array,
): Checks {
  const { labelBytes } = params;
  const { labels } = fill;
  const maker = new LabelMaker(params);
  const leaves = new LabelLeafHasher(labelBytes);
  const keyOfRound = roundKeys(pass, fill.root, roots);
  const digestKeys = new Map<number, Int8Array>();
  const digest = new Uint8Array(DIGEST_BYTES);
  const digestLeaf = new Uint8Array(DIGEST_LEAF_BYTES);
  const hash = new Uint8Array(HASH_BYTES);
  const state = new Uint32Array(STATE_BYTES / 4);
  const columns = walkColumns(keyOfRound[roots.length], labelBytes);

  const inLanes = pathLength(lanes) * HASH_BYTES;
  /** Whether `leaf` climbs through its lane's tree and the one over all lanes to `root`. */
  const leadsTo = (
    root: Uint8Array,
    [nodeTag, topTag]: readonly [number, number],
    leaf: Uint8Array,
    lane: number,
    index: number,
    path: Uint8Array,
  ): boolean => {
    const within = path.length - inLanes;
    climb(leaf, index, path.subarray(0, within), nodeTag);
    climb(leaf, lane, path.subarray(within), topTag);
    return equals(leaf, root);
  };
  const isLabel = (lane: number, index: number, label: Uint8Array, path: Uint8Array): boolean => {
    leaves.into(label, hash, 0);
    return leadsTo(top, [HOST_TAG.node, HOST_TAG.top], hash, lane, index, path);
  };
  const isBlock = (lane: number, index: number, { label, path }: Block): boolean =>
    isLabel(lane, index, label, path);
  const digestKeyOf = (round: number): Int8Array => {
    let key = digestKeys.get(round);
    if (!key) {
      key = digestKey(keyOfRound[round - 1], labelBytes);
      digestKeys.set(round, key);
    }
    return key;
  };

  return {
    label({ lane, index }, { parents, path }) {
      const name = labelName(seed, lane, index);
      const indices = parentsOf(name, index);
      if (!indices.every((parent, p) => isBlock(lane, parent, parents[p]))) return 'path';
      // the label is not sent: it is what its parents make, and its path says whether that was committed
      const label = maker.make(
        name,
        parents.map((parent) => parent.label),
      );
      return isLabel(lane, index, label, path) ? undefined : 'label';
    },
    digest({ round, lane, index }, { block, digests, path }) {
      if (!isBlock(lane, index, block)) return 'path';
      digestLeaf.fill(0);
      digestLeaf.set(digests);
      hashDigestLeaf(digestLeaf, hash, 0);
      const leaf = Math.floor(index / DIGESTS_PER_LEAF);
      const tags = [DIGEST_TAG.node, HOST_TAG.passTop] as const;
      if (!leadsTo(roots[round - 1], tags, hash, lane, leaf, path)) return 'path';
      digestBlock(block.label, digestKeyOf(round), digest, 0);
      const at = (index % DIGESTS_PER_LEAF) * DIGEST_BYTES;
      return equals(digest, digests.subarray(at, at + DIGEST_BYTES)) ? undefined : 'digest';
    },
    step({ lane, leaf, step }, { states, path, block }) {
      hashWalkLeaf(states, hash, 0);
      if (!leadsTo(walk.root, [HOST_TAG.walkNode, HOST_TAG.walkTop], hash, lane, leaf, path)) return 'path';
      const key = keyOfRound[roots.length];
      const before = (step - 1) * STATE_BYTES;
      state.set(
        step === 0
          ? walkStart(key, lane, leaf, leftSiblings(path.subarray(0, path.length - inLanes), leaf))
          : statesFromBytes(states.subarray(before, before + STATE_BYTES)),
      );
      const { label, shift } = readAt(state, 0, labels, labelBytes);
      if (!isBlock(lane, label, block)) return 'path';
      digestBlock(block.label, columns.subarray(shift, shift + DIGEST_COLUMNS * labelBytes), digest, 0);
      walkStep(new Int32Array(statesFromBytes(digest)), state, 0, state, 0);
      const after = states.subarray(step * STATE_BYTES, (step + 1) * STATE_BYTES);
      return equals(statesToBytes(state), after) ? undefined : 'walk';
    },
  };
}

/** Keys of rounds 1, 2, ..., and last that of the walk. */
function roundKeys(pass: Uint8Array, root: Uint8Array, roots: readonly Uint8Array[]): Uint8Array[] {
  const keys = [firstRoundKey(pass, root)];
  for (const [r, roundRoot] of roots.entries()) keys.push(nextRoundKey(keys[r], r + 1, roundRoot));
  return keys;
}
