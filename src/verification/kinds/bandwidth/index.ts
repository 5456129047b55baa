// Owns: the proof kind `bandwidth` put together. Does not own: sessions and time (validator, miner).

import { commonFacts } from '../../checked-params.js';
import { NoSecret } from '../../no-secret.js';
import { defineProof } from '../../proof.js';
import { anchor } from './anchor.js';
import { brief } from './brief.js';
import { decodeOffer, encodeOffer, limits } from './codec.js';
import { credit, creditUp } from './credit.js';
import { issue } from './issue.js';
import { type BandwidthParams, bandwidthTable, parseParams } from './params.js';
import { linkOf, prove } from './prove.js';
import { verify } from './verify.js';

/** Peers stream content of the validator's making to one another in a common round (docs/proofs/bandwidth.md). */
export const bandwidthProof = defineProof<BandwidthParams, NoSecret>({
  kind: 'bandwidth',
  table: bandwidthTable,
  facts: (params) => ({
    ...commonFacts(params),
    phases: [{ from: 'go', withinMs: params.windowMs }],
    nominal: { downBytesPerS: params.nominalBytesPerS, upBytesPerS: params.nominalBytesPerS },
  }),
  parseParams,
  limits,
  credit,
  issue,
  drawSecret: () => new NoSecret(),
  round: {
    offer: (devices) => encodeOffer(linkOf(devices).offer),
    isOffer: (bytes) => decodeOffer(bytes) !== undefined,
    brief,
    port: (bytes) => decodeOffer(bytes)?.port,
    anchor,
    settle: creditUp,
  },
  prove,
  verify,
});
