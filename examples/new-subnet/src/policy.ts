// Owns: what this subnet pays for. Does not own: verdicts (hash-cells/verify.ts), how pay is made of it (assay/scoring).
import { parsePolicy, type ScoringPolicy } from 'assay/scoring';

/** What a nominal slot proves counts one. */
const PRICES = { hashBytesPerS: { of: 16_777_216, counts: 1 } } as const;

/** Each line is explained in docs/guide/policy.md of Assay. Changing any of it makes another policy, with another digest. */
export const policy: ScoringPolicy = parsePolicy({
  format: 'assay-scoring-policy/1',
  name: 'hash-cells',
  // a tenth of everything is nobody's: the chain burns it
  burn: 0.1,
  pools: [
    // what is proven on localnets alone (localnetOnly) is counted at the second list, and on live chains at none
    { name: 'hashes', share: 0.9, match: { kinds: ['hash-cells'] }, prices: PRICES, simulatedPrices: PRICES },
  ],
  // one slot counts as eight nominal ones at most
  caps: { slot: 8 },
  // who was caught making up cells, or showing another session's, has nothing in that epoch and the next
  quarantine: { reasons: ['seed', 'path', 'label'], epochs: 2 },
  // the same for all validators: when events are, and when weights are due
  schedule: { eventsPerEpoch: 2, leadBlocks: 4, eventBlocks: 20, publishLeadBlocks: 8 },
  audit: { unitsPerWindow: 16, restartWindows: 0.5 },
});
