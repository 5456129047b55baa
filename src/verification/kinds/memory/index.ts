// Owns: the proof kind `memory` put together. Does not own: sessions and time (validator, miner).
import { commonFacts } from '../../checked-params.js';
import { defineProof } from '../../proof.js';
import { prepareLabels } from '../compute/labels.js';
import { ComputeSecret } from '../compute/secret.js';
import { decodeCommits, limits } from './codec.js';
import { issue } from './issue.js';
import { creditFor, MEMORY_TABLE, type MemoryParams, nominalFor, parseParams } from './params.js';
import { prove } from './prove.js';
import { verify } from './verify.js';

/** Labels that fill a device's memory, and keyed passes over them: bytes, their bandwidth and the work (docs/proofs/memory.md). */
export const memoryProof = defineProof<MemoryParams, ComputeSecret>({
  kind: 'memory',
  table: MEMORY_TABLE,
  facts: (params) => ({
    ...commonFacts(params),
    phases: [
      { from: 'go', withinMs: params.windowMs },
      { from: 'go', withinMs: params.fillMs },
      { from: 'pass', withinMs: params.passMs },
    ],
    nominal: nominalFor(params),
  }),
  parseParams,
  limits,
  credit(params, commits) {
    const decoded = decodeCommits(params, commits);
    if (!decoded) return undefined;
    const { window, fill, rounds } = decoded;
    return creditFor(params, {
      windowLabels: window.labels,
      labels: fill?.labels,
      rounds: rounds?.length,
    });
  },
  issue,
  secretName: ComputeSecret.nameFor,
  drawSecret: (params, basis, random) => ComputeSecret.draw(params, basis, random),
  prepare: (devices, params, basis) => prepareLabels(devices, basis, params.n),
  prove,
  verify,
});
