// Owns: the proof kind `storage` put together. Does not own: sessions and time (validator, miner).

import { commonFacts } from '../../checked-params.js';
import { NoSecret } from '../../no-secret.js';
import { defineProof } from '../../proof.js';
import { decodeAnswer, decodeCommit, decodeRange, limits } from './codec.js';
import { issue } from './issue.js';
import {
  creditedBytes,
  creditedBytesPerS,
  parseParams,
  STORAGE_TABLE,
  type StorageParams,
} from './params.js';
import { prove } from './prove.js';
import { verify } from './verify.js';

/** Plots of memory-hard sectors: proves storage that is full, and a rate at which it is read (docs/proofs/storage.md). */
export const storageProof = defineProof<StorageParams, NoSecret>({
  kind: 'storage',
  table: STORAGE_TABLE,
  facts: (params) => ({
    ...commonFacts(params),
    phases: [
      { from: 'go', withinMs: params.windowMs },
      { from: 'pass', withinMs: params.answerMs },
      { from: 'pass', withinMs: params.rangeMs },
    ],
    nominal: {
      storageBytes: creditedBytes(params, params.nominalSectors),
      storageBytesPerS: params.nominalBytesPerS,
    },
  }),
  parseParams,
  limits,
  credit(params, commits) {
    if (commits.length < 1 || commits.length > 3) return undefined;
    const plot = decodeCommit(params, commits[0]);
    if (!plot) return undefined;
    if (commits.length === 1) return {}; // naming a plot proves nothing yet
    if (!decodeAnswer(params, commits[1])) return undefined;
    const storageBytes = creditedBytes(params, plot.sectors);
    if (commits.length === 2) return { storageBytes };
    const range = decodeRange(params, plot, commits[2]);
    return range && { storageBytes, storageBytesPerS: creditedBytesPerS(params, range.sectors) };
  },
  issue,
  drawSecret: () => new NoSecret(),
  prove,
  verify: (challenge, evidence) => verify(challenge, evidence),
});
