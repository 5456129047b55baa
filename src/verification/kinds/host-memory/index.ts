// Owns: the proof kind `host-memory` put together. Does not own: sessions and time (validator, miner).

import { commonFacts } from '../../checked-params.js';
import { NoSecret } from '../../no-secret.js';
import { defineProof } from '../../proof.js';
import { decodeCommits, isComplete, limits, madeOf } from './codec.js';
import { creditFor, nominalFor } from './credit.js';
import { issue } from './issue.js';
import { HOST_MEMORY_TABLE, type HostMemoryParams, parseParams } from './params.js';
import { prove } from './prove.js';
import { verify } from './verify.js';

/** Labels that fill a host's memory, read whole and walked: proves bytes and the rate at which they are read (docs/proofs/host-memory.md). */
export const hostMemoryProof = defineProof<HostMemoryParams, NoSecret>({
  kind: 'host-memory',
  table: HOST_MEMORY_TABLE,
  facts: (params) => ({
    ...commonFacts(params),
    phases: [
      { from: 'go', withinMs: params.windowMs },
      { from: 'go', withinMs: params.fillMs },
      { from: 'pass', withinMs: params.passMs },
      { from: 'pass', withinMs: params.walkMs },
    ],
    nominal: nominalFor(params),
  }),
  parseParams,
  limits,
  credit(params, bodies) {
    const commits = decodeCommits(params, bodies);
    if (!commits) return undefined;
    // nothing is proven before the walk
    return isComplete(commits) ? creditFor(params, madeOf(params, commits)) : {};
  },
  issue,
  // everything that a validator draws is in its request
  drawSecret: () => new NoSecret(),
  prove,
  verify,
});
