// Owns: the proof kind `liveness`: the chain of `compute`, all of a few labels, for no credit. Does not own: that chain.
import { type Credit, NO_CREDIT } from '../../../model/credit.js';
import { rejected, type Verdict } from '../../../model/verdict.js';
import { commonFacts } from '../../checked-params.js';
import { type Challenge, defineProof, UNHURRIED } from '../../proof.js';
import { decodeCommit, limits } from '../compute/codec.js';
import { computeProof } from '../compute/index.js';
import type { ComputeParams } from '../compute/params.js';
import { ComputeSecret } from '../compute/secret.js';
import { chainOf, LIVENESS_TABLE, type LivenessParams, parseParams } from './params.js';

/** Says that something answered in the slot's name, and nothing else: it credits nothing (docs/proofs/liveness.md). */
export const livenessProof = defineProof<LivenessParams, ComputeSecret>({
  kind: 'liveness',
  table: LIVENESS_TABLE,
  facts: (params) => ({
    ...commonFacts(params),
    phases: [{ from: 'go', withinMs: params.windowMs }],
    nominal: NO_CREDIT,
  }),
  parseParams,
  limits: (params) => limits(chainOf(params)),
  credit: (params, commits): Credit | undefined => (isWhole(params, commits) ? NO_CREDIT : undefined),
  issue: (params, commits, random) => computeProof.issue(chainOf(params), commits, random),
  secretName: ComputeSecret.nameFor,
  drawSecret: (params, basis, random) => computeProof.drawSecret(chainOf(params), basis, random),
  prepare: (devices, params, basis) => computeProof.prepare!(devices, chainOf(params), basis), // compute has it
  // nothing to vary: it is finished in time, or it was not alive
  prove: (devices, challenge, signal) =>
    computeProof.prove({ ...devices, ...UNHURRIED }, asCompute(challenge), signal),
  verify(challenge, evidence, secret): Verdict {
    if (!isWhole(challenge.params, evidence.commits)) return rejected('malformed');
    return computeProof.verify(asCompute(challenge), evidence, secret);
  },
});

const asCompute = (challenge: Challenge<LivenessParams>): Challenge<ComputeParams> => ({
  ...challenge,
  params: chainOf(challenge.params),
});

/** One commit that names every label. */
const isWhole = (params: LivenessParams, commits: readonly Uint8Array[]): boolean =>
  commits.length === 1 && decodeCommit(chainOf(params), commits[0])?.labels === params.labels;
