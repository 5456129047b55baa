// Owns: the verdict on one opening. Total: every byte string has a verdict, and no branch throws on a peer's bytes.
import { type Chain, committedRoot, createChain, LeafHasher, TAG } from '../../../compute/spec/chain.js';
import {
  DIGEST_BYTES,
  DIGEST_LEAF_BYTES,
  DIGEST_TAG,
  DIGESTS_PER_LEAF,
  digestBlock,
  digestKey,
  digestPathLength,
  hashDigestLeaf,
} from '../../../compute/spec/digest.js';
import { equals } from '../../../model/bytes.js';
import { climb, createMerkleTree, HASH_BYTES, pathLength } from '../../../model/merkle.js';
import { accepted, type Rejection, rejected, type Verdict } from '../../../model/verdict.js';
import type { Challenge, Evidence } from '../../proof.js';
import type { ComputeSecret } from '../compute/secret.js';
import { createSampleCheck, hasLengths } from '../compute/verify.js';
import {
  answersOf,
  type Commits,
  decodeCommits,
  decodeOpening,
  decodeRequest,
  type Opening,
  type PassOpening,
  type PassSample,
  type Prefix,
} from './codec.js';
import { BLOCK_BYTES, blocksOf, type MemoryParams, placeOf, rowsOfBlock } from './params.js';
import { firstKey, nextKey } from './passes.js';

/**
 * The order of checks is part of the verdict: what does not hang on the seed, then whose work it is, then the beginning that both
 * commits share, then each sample of labels, then each digest.
 * @throws RangeError when `secret` was drawn for another operand; never because of `evidence`
 */
export function verify(
  challenge: Challenge<MemoryParams>,
  evidence: Evidence,
  secret: ComputeSecret,
): Verdict {
  const { params, basis, seed } = challenge;
  secret.assertFor(params, basis);
  const commits = decodeCommits(params, evidence.commits);
  const request = commits && decodeRequest(params, commits, evidence.request);
  const opening = decodeOpening(params, evidence.opening);
  const { window, fill, rounds } = commits ?? {};
  if (!window || !fill || !rounds || !request || !opening || evidence.pass?.length !== HASH_BYTES)
    return rejected('malformed');
  // before anything that a transcript for another seed, or an answer to another's request, would fail as well
  const { rowRoot, columnRoot, fillRowRoot, fillColumnRoot } = opening;
  if (!equals(committedRoot(seed, window.labels, rowRoot, columnRoot), window.root)) return rejected('seed');
  if (!equals(committedRoot(seed, fill.labels, fillRowRoot, fillColumnRoot), fill.root))
    return rejected('seed');

  const places = [...request.samples, ...request.fillSamples];
  const chain = createChain(seed, params.n, params.labels);
  const answers =
    equals(opening.answers, answersOf(evidence.commits, evidence.request)) &&
    opening.samples.length === places.length &&
    places.every((sample, s) => hasLengths(chain, sample, opening.samples[s])) &&
    opening.passSamples.length === request.passSamples.length &&
    opening.passSamples.every((sample) => hasPassLengths(params, fill.labels, sample)) &&
    hasPrefixLengths(chain, window.labels, opening);
  if (!answers) return rejected('malformed');
  if (!sharesBeginning(chain, window.labels, opening as Opening)) return rejected('path');

  const check = createSampleCheck(chain, { rowRoot: fillRowRoot, columnRoot: fillColumnRoot }, secret);
  for (const [s, sample] of places.entries()) {
    const reason = check(sample, opening.samples[s]);
    if (reason) return rejected(reason);
  }
  const checkPass = createPassCheck(params, { fill, rounds }, opening.fillRowRoot, evidence.pass);
  for (const [s, sample] of request.passSamples.entries()) {
    const reason = checkPass(sample, opening.passSamples[s]);
    if (reason) return rejected(reason);
  }
  return accepted;
}

function hasPassLengths(params: MemoryParams, labels: number, opened: PassOpening): boolean {
  return (
    opened.rows.length === params.n * rowsOfBlock(params) &&
    opened.rowsPath.length === (aboveRows(params) + pathLength(params.labels)) * HASH_BYTES &&
    opened.digests.length === DIGEST_LEAF_BYTES &&
    opened.digestsPath.length === digestPathLength(blocksOf(params, labels)) * HASH_BYTES
  );
}

/** Siblings within a label's tree above the rows of one block. */
const aboveRows = (params: MemoryParams): number => pathLength(params.n) - pathLength(rowsOfBlock(params));

/** Labels with a column tree among the first `labels`: where the first commit's end in the column top. */
const columnsWithin = ({ referenced }: Chain, labels: number): number =>
  referenced.filter((label) => label <= labels).length;

function hasPrefixLengths(
  chain: Chain,
  labels: number,
  { rowPrefix, columnPrefix }: { rowPrefix?: Prefix | undefined; columnPrefix?: Prefix | undefined },
): boolean {
  const hasLength = (prefix: Prefix | undefined, leaves: number): boolean =>
    prefix?.last.length === HASH_BYTES && prefix.path.length === pathLength(leaves) * HASH_BYTES;
  const columns = columnsWithin(chain, labels);
  return (
    hasLength(rowPrefix, chain.labels) &&
    (columns === 0 ? columnPrefix === undefined : hasLength(columnPrefix, chain.referenced.length))
  );
}

/**
 * Both top trees have the shape of the capacity, and zeros where no label is. So they agree on the first commit's labels if its
 * last label has one and the same path in both, but for what lies to the right of it: zeros in the first.
 */
function sharesBeginning(chain: Chain, labels: number, opening: Opening): boolean {
  const columns = columnsWithin(chain, labels);
  const { rowPrefix, columnPrefix, rowRoot, columnRoot, fillRowRoot, fillColumnRoot } = opening;
  const rowsAgree = isPrefix(rowPrefix, labels - 1, fillRowRoot, rowRoot);
  if (columnPrefix) return rowsAgree && isPrefix(columnPrefix, columns - 1, fillColumnRoot, columnRoot);
  return rowsAgree && equals(columnRoot, emptyTop(pathLength(chain.referenced.length)));
}

function isPrefix({ last, path }: Prefix, index: number, whole: Uint8Array, beginning: Uint8Array): boolean {
  // copies whatever array they are in: a Buffer's slice is a view, and evidence must stay as it is
  const top = new Uint8Array(last);
  climb(top, index, path, TAG.top);
  if (!equals(top, whole)) return false;
  const zeroed = new Uint8Array(path);
  const empty = new Uint8Array(HASH_BYTES);
  for (let at = 0, i = index; at < zeroed.length; at += HASH_BYTES, i >>>= 1) {
    if ((i & 1) === 0) zeroed.set(empty, at);
    climb(empty, 0, empty.slice(), TAG.top);
  }
  top.set(last);
  climb(top, index, zeroed, TAG.top);
  return equals(top, beginning);
}

/** Root of a top tree without any label. */
function emptyTop(depth: number): Uint8Array {
  const empty = new Uint8Array(HASH_BYTES);
  for (let level = 0; level < depth; level++) climb(empty, 0, empty.slice(), TAG.top);
  return empty;
}

type PassCheck = (sample: PassSample, opened: PassOpening) => Rejection | undefined;

/** Keys of all rounds follow from the roots that were committed to; they are expanded once a round that is looked at. */
function createPassCheck(
  params: MemoryParams,
  {
    fill,
    rounds,
  }: Required<Pick<Commits, 'fill' | 'rounds'>> & {
    fill: { labels: number };
    rounds: readonly Uint8Array[];
  },
  rowRoot: Uint8Array,
  pass: Uint8Array,
): PassCheck {
  const { n } = params;
  const blocks = blocksOf(params, fill.labels);
  const rows = new LeafHasher(TAG.rowLeaf, n);
  const perBlock = rowsOfBlock(params);
  const rowLeaves = new Uint8Array(perBlock * HASH_BYTES);
  const leaf = new Uint8Array(HASH_BYTES);
  const digest = new Uint8Array(DIGEST_BYTES);
  const kappas: Uint8Array[] = [firstKey(pass)];
  for (const [r, root] of rounds.entries()) kappas.push(nextKey(kappas[r], r + 1, root));
  const expanded = new Map<number, Int8Array>();
  const keyOf = (round: number): Int8Array => {
    const known = expanded.get(round) ?? digestKey(kappas[round - 1], BLOCK_BYTES);
    expanded.set(round, known);
    return known;
  };

  return ({ round, block }, opened) => {
    const { label, row, at } = placeOf(params, block);
    for (let i = 0; i < perBlock; i++)
      rows.into(opened.rows.subarray(i * n, (i + 1) * n), rowLeaves, i * HASH_BYTES);
    leaf.set(createMerkleTree(rowLeaves, TAG.node).root);
    const inner = aboveRows(params) * HASH_BYTES;
    climb(leaf, row / perBlock, opened.rowsPath.subarray(0, inner), TAG.node);
    climb(leaf, label - 1, opened.rowsPath.subarray(inner), TAG.top);
    if (!equals(leaf, rowRoot)) return 'path';
    hashDigestLeaf(opened.digests, leaf, 0);
    const index = Math.floor(block / DIGESTS_PER_LEAF);
    climb(leaf, index, opened.digestsPath, DIGEST_TAG.node);
    if (!equals(leaf, rounds[round - 1])) return 'path';
    digestBlock(opened.rows.subarray(at, at + BLOCK_BYTES), keyOf(round), digest, 0);
    const place = (block % DIGESTS_PER_LEAF) * DIGEST_BYTES;
    if (!equals(opened.digests.subarray(place, place + DIGEST_BYTES), digest)) return 'digest';
    // a last leaf has fewer digests than places
    const used = Math.min(DIGESTS_PER_LEAF, blocks - index * DIGESTS_PER_LEAF) * DIGEST_BYTES;
    return opened.digests.subarray(used).every((byte) => byte === 0) ? undefined : 'malformed';
  };
}
