// Owns: a module as a subnet brings it, small enough to read at a glance. Does not own: what is done with it (tests of --module).
import { equals } from '../../src/model/bytes.js';
import { sha256 } from '../../src/model/hash.js';
import { accepted, rejected } from '../../src/model/verdict.js';
import { defineSubnet } from '../../src/subnet.js';
import { defineProof } from '../../src/verification/proof.js';

export const OWN_ID = '0f'.repeat(32);
const PARAMS = { kind: 'toy', class: 'toy' };

/** Shows that a hash was made: nobody is paid for that. */
export const toy = defineProof<object, { readonly drawnHere: true }>({
  kind: 'toy',
  table: new Map([[OWN_ID, PARAMS]]),
  facts: () => ({
    className: 'toy',
    phases: [{ from: 'go', withinMs: 1000 }],
    nominal: { opsPerS: 1 },
    goLeadMs: 1000,
    openingMs: 1000,
    localnetOnly: true,
  }),
  parseParams: () => PARAMS,
  limits: () => ({ commitBytes: 32, openingBytes: 0 }),
  credit: (_params, [commit]) => (commit?.length === 32 ? { opsPerS: 1 } : undefined),
  issue: () => new Uint8Array(),
  drawSecret: () => ({ drawnHere: true }),
  prove: async (_devices, { seed }) => ({
    commit: sha256(seed),
    open: async () => new Uint8Array(),
    release() {},
  }),
  verify: ({ seed }, { commits: [commit] }, secret) =>
    secret.drawnHere && commit && equals(commit, sha256(seed)) ? accepted : rejected('seed'),
});

export default defineSubnet({ proofs: [toy] });
