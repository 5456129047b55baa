// Owns: the proof kind `hash-cells` put together. Does not own: sessions and time (the roles).
import { defineProof } from 'assay';
import { NoSecret } from 'assay/verification';
import { decodeCommit, limits } from './codec.js';
import { issue } from './issue.js';
import { creditOf, type HashCellsParams, parseParams, TABLE } from './params.js';
import { prove } from './prove.js';
import { verify } from './verify.js';

/** Proves how many hashes a slot made in a window: cells it cannot know before, of which a validator makes a few again. */
export const hashCells = defineProof<HashCellsParams, NoSecret>({
  kind: 'hash-cells',
  table: TABLE,
  facts: (params) => ({
    className: params.class,
    phases: [{ from: 'go', withinMs: params.windowMs }],
    nominal: creditOf(params, params.nominalCells),
    goLeadMs: params.goLeadMs,
    openingMs: params.openingTimeoutMs,
    localnetOnly: params.localnetOnly,
  }),
  parseParams,
  limits,
  credit(params, commits) {
    const commit = commits.length === 1 ? decodeCommit(params, commits[0]) : undefined;
    return commit && creditOf(params, commit.count);
  },
  issue,
  drawSecret: () => new NoSecret(),
  prove,
  verify: (challenge, evidence) => verify(challenge, evidence),
});
