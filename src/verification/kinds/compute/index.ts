// Owns: the proof kind `compute` put together. Does not own: sessions and time (validator, miner).
import { commonFacts } from '../../checked-params.js';
import { defineProof } from '../../proof.js';
import { decodeCommit, limits } from './codec.js';
import { issue } from './issue.js';
import { prepareLabels } from './labels.js';
import { COMPUTE_TABLE, type ComputeParams, creditFor, parseParams } from './params.js';
import { prove } from './prove.js';
import { ComputeSecret } from './secret.js';
import { verify } from './verify.js';

/** The exact integer GEMM chain: proves operations finished within a window (docs/proofs/compute.md). */
export const computeProof = defineProof<ComputeParams, ComputeSecret>({
  kind: 'compute',
  table: COMPUTE_TABLE,
  facts: (params) => ({
    ...commonFacts(params),
    phases: [{ from: 'go', withinMs: params.windowMs }],
    nominal: { opsPerS: creditFor(params, params.nominalLabels).opsPerS! },
  }),
  parseParams,
  limits,
  credit(params, commits) {
    const commit = commits.length === 1 ? decodeCommit(params, commits[0]) : undefined;
    return commit && creditFor(params, commit.labels);
  },
  issue,
  secretName: ComputeSecret.nameFor,
  drawSecret: (params, basis, random) => ComputeSecret.draw(params, basis, random),
  prepare: (devices, params, basis) => prepareLabels(devices, basis, params.n),
  prove,
  verify,
});
