// Owns: the verdict on one opening. Total: every byte string has a verdict, and no branch throws on a peer's bytes.

import {
  accumulatorBound,
  type Chain,
  committedRoot,
  createChain,
  fold,
  joinRow,
  LeafHasher,
  TAG,
} from '../../../compute/spec/chain.js';
import { equals } from '../../../model/bytes.js';
import { sha256 } from '../../../model/hash.js';
import { climb, HASH_BYTES, pathLength } from '../../../model/merkle.js';
import { accepted, type Rejection, rejected, type Verdict } from '../../../model/verdict.js';
import type { Challenge, Evidence } from '../../proof.js';
import {
  decodeAccumulator,
  decodeCommit,
  decodeOpening,
  decodeRequest,
  type Sample,
  type SampleOpening,
  sampleLengths,
} from './codec.js';
import type { ComputeParams } from './params.js';
import type { ComputeSecret } from './secret.js';

/**
 * The order of checks is part of the verdict: what does not hang on the seed, then whose work it is, then each sample.
 * @throws RangeError when `secret` was drawn for another operand; never because of `evidence`
 */
export function verify(
  challenge: Challenge<ComputeParams>,
  evidence: Evidence,
  secret: ComputeSecret,
): Verdict {
  const { params, basis, seed } = challenge;
  secret.assertFor(params, basis);
  const commit = evidence.commits.length === 1 ? decodeCommit(params, evidence.commits[0]) : undefined;
  const samples = commit && decodeRequest(params, commit.labels, evidence.request);
  const opening = decodeOpening(params, evidence.opening);
  if (!commit || !samples || !opening) return rejected('malformed');
  // before anything that a transcript for another seed, or an answer to another's request, would fail as well
  if (!equals(committedRoot(seed, commit.labels, opening.rowRoot, opening.columnRoot), commit.root))
    return rejected('seed');
  if (opening.samples.length !== samples.length || !equals(opening.requestDigest, sha256(evidence.request)))
    return rejected('malformed');
  const chain = createChain(seed, params.n, params.labels);
  if (!samples.every((sample, s) => hasLengths(chain, sample, opening.samples[s])))
    return rejected('malformed');
  const check = createSampleCheck(chain, opening, secret);
  for (const [s, sample] of samples.entries()) {
    const reason = check(sample, opening.samples[s]);
    if (reason) return rejected(reason);
  }
  return accepted;
}

/** Whether every field has the one length that seed and sample give it: asked before anything else of it. */
export function hasLengths(chain: Chain, sample: Sample, opened: SampleOpening): boolean {
  const lengths = sampleLengths(chain, sample.label);
  return Object.entries(lengths).every(
    ([field, bytes]) => opened[field as keyof SampleOpening].length === bytes,
  );
}

export type SampleCheck = (sample: Sample, opened: SampleOpening) => Rejection | undefined;

/**
 * Buffers are shared by all samples of one opening.
 * @param roots tops that the samples are opened under
 */
export function createSampleCheck(
  chain: Chain,
  roots: { readonly rowRoot: Uint8Array; readonly columnRoot: Uint8Array },
  secret: ComputeSecret,
): SampleCheck {
  const { n, backEdges } = chain;
  const rows = new LeafHasher(TAG.rowLeaf, n);
  const columns = new LeafHasher(TAG.columnLeaf, n);
  const rowLeaf = new Uint8Array(HASH_BYTES);
  const columnLeaf = new Uint8Array(HASH_BYTES);
  const otherLeaf = new Uint8Array(HASH_BYTES);
  const a = new Int8Array(n);
  const c = new Int32Array(n);
  const labelRow = new Uint8Array(n);
  const bound = accumulatorBound(n);
  const columnIndex = new Map(chain.referenced.map((label, index) => [label, index]));

  const inRows = (leaf: Uint8Array, label: number, row: number, path: Uint8Array): boolean =>
    leadsTo(roots.rowRoot, leaf, row, label - 1, path, n);
  const inColumns = (leaf: Uint8Array, label: number, column: number, path: Uint8Array): boolean =>
    leadsTo(roots.columnRoot, leaf, column, columnIndex.get(label)!, path, n); // a back edge is referenced

  return ({ label, row, agreementRow }, opened) => {
    const back = backEdges[label];
    const previous = label === 1 ? chain.originRow(row) : opened.previousRow;
    const column = back === 0 ? chain.originColumn(row) : opened.backColumn;

    rows.into(previous, rowLeaf, 0);
    if (label > 1 && !inRows(rowLeaf, label - 1, row, opened.previousRowPath)) return 'path';
    columns.into(column, columnLeaf, 0);
    if (back > 0) {
      if (!inColumns(columnLeaf, back, row, opened.backColumnPath)) return 'path';
      rows.into(opened.agreementRow, otherLeaf, 0);
      if (!inRows(otherLeaf, back, agreementRow, opened.agreementRowPath)) return 'path';
    }

    decodeAccumulator(opened.accumulator, c);
    for (let k = 0; k < n; k++) if (c[k] >= bound || c[k] <= -bound) return 'range';

    const x = chain.tweakRow(label, row, rowLeaf, columnLeaf);
    joinRow(previous, column, x, chain.tweakColumns(label), new Uint8Array(a.buffer));
    if (!secret.projects(a, c)) return 'projection';

    // the label's row is not sent: it is what the product folds to, and its path says whether that was committed
    fold(c, labelRow);
    rows.into(labelRow, otherLeaf, 0);
    if (!inRows(otherLeaf, label, row, opened.labelRowPath)) return 'fold';

    // without this a column tree could hold anything, and its owner would choose A
    if (back > 0 && opened.agreementRow[row] !== column[agreementRow]) return 'agreement';
    return undefined;
  };
}

/** Whether `leaf` climbs through its label's tree and the top tree to `root`. */
function leadsTo(
  root: Uint8Array,
  leaf: Uint8Array,
  index: number,
  labelIndex: number,
  path: Uint8Array,
  n: number,
): boolean {
  const inner = pathLength(n) * HASH_BYTES;
  const top = leaf.slice();
  climb(top, index, path.subarray(0, inner), TAG.node);
  climb(top, labelIndex, path.subarray(inner), TAG.top);
  return equals(top, root);
}
