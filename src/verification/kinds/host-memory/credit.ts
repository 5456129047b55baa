// Owns: what commits credit: bytes that nobody could have done without, and the rate at which they were read.
// Does not own: the numbers of a class (params.ts).
import { CHUNK_BYTES, chunkCompressions } from '../../../compute/spec/host-labels.js';
import { LEAF_STEPS, STEP_READS } from '../../../compute/spec/host-walk.js';
import type { Credit } from '../../../model/credit.js';
import type { HostMemoryParams } from './params.js';

/** What the commits of a slot name. */
export interface Made {
  /** of all lanes */
  readonly bytes: number;
  readonly rounds: number;
  /** of each lane */
  readonly leaves: number;
}

/** A way to do without a byte of memory. */
interface Substitute {
  readonly bytesPerS: number;
  readonly readNs: number;
}

/**
 * Bytes that are hashed for each byte of labels that is made again: by somebody who kept the two hashes (PRK) that a label's
 * chunks begin with, so that only the chunks count.
 */
export const hashedPerByte = (params: Pick<HostMemoryParams, 'infoBytes'>): number =>
  (chunkCompressions(params) * 64) / CHUNK_BYTES;

const substitutes = (params: HostMemoryParams): readonly Substitute[] => [
  { bytesPerS: params.hashBytesPerS / hashedPerByte(params), readNs: params.regenerateNs },
  { bytesPerS: params.linkBytesPerS, readNs: params.linkReadNs },
  { bytesPerS: params.diskBytesPerS, readNs: params.diskReadNs },
];

/**
 * M_c = M - (what could have been missing). Of each substitute there is at most what it brings within one round, and at most
 * the share s whose reads the walk had time for: 1 - (1 - s)^4 <= slack / (its time - a step's time). Both hold at once, so
 * the smaller counts; substitutes may be used together, so they add up.
 * Slow rounds and slow steps cost bytes by themselves: no deadline is needed for that.
 */
export function creditFor(params: HostMemoryParams, { bytes, rounds, leaves }: Made): Credit {
  const passS = params.passMs / 1000;
  const roundS = passS / rounds;
  const stepNs = (params.walkMs * 1e6) / (leaves * LEAF_STEPS);
  const missing = substitutes(params)
    .map(({ bytesPerS, readNs }) =>
      Math.min(roundS * bytesPerS, bytes * missingShare(stepNs - params.stepNs, readNs - params.stepNs)),
    )
    .reduce((sum, each) => sum + each, 0);
  const hostBytes = Math.max(0, Math.floor(bytes - missing));
  const rated = params.rateFromBytes > 0 && bytes >= params.rateFromBytes;
  return { hostBytes, ...(rated ? { hostBytesPerS: Math.floor(hostBytes / roundS) } : {}) };
}

/** Largest s with 1 - (1 - s)^4 <= slack / cost; square roots, which every language rounds alike. */
function missingShare(slackNs: number, costNs: number): number {
  if (costNs <= 0) return 1;
  const share = Math.min(1, Math.max(0, slackNs) / costNs);
  return 1 - Math.sqrt(Math.sqrt(1 - share));
}

// missingShare takes two square roots, one for each halving of the reads
if (STEP_READS !== 4) throw new RangeError('credit: written for four reads a step');

/** What a host of the class that counts one is credited. */
export const nominalFor = (params: HostMemoryParams): Credit =>
  creditFor(params, {
    bytes: params.nominalBytes,
    rounds: params.nominalRounds,
    leaves: params.nominalLeaves,
  });
