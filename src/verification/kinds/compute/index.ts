// Owns: the proof kind `compute` put together. Does not own: sessions and time (validator, miner).
import { toHex } from '../../../model/bytes.js';
import { paramsId } from '../../checked-params.js';
import { defineProof } from '../../proof.js';
import { decodeCommit, limits } from './codec.js';
import { issue } from './issue.js';
import { prepareLabels } from './labels.js';
import { COMPUTE_PARAMS, type ComputeParams, creditFor, parseParams } from './params.js';
import { prove } from './prove.js';
import { ComputeSecret } from './secret.js';
import { verify } from './verify.js';

/** The exact integer GEMM chain: proves operations finished within a window (docs/proofs/compute.md). */
export const computeProof = defineProof<ComputeParams, ComputeSecret>({
  kind: 'compute',
  table: new Map(COMPUTE_PARAMS.map((params) => [toHex(paramsId(params)), params])),
  facts: (params) => ({
    className: params.class,
    phases: [{ from: 'go', withinMs: params.windowMs }],
    nominal: { opsPerS: creditFor(params, params.nominalLabels).opsPerS! },
    goLeadMs: params.goLeadMs,
    openingMs: params.openingTimeoutMs,
    localnetOnly: params.localnetOnly,
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
