// Owns: what commits credit: bytes that nobody could have done without, and the rate at which they were read.
// Does not own: the numbers of a class (params.ts).
import { CHUNK_BYTES, chunkCompressions } from '../../../compute/spec/host-labels.js';
import { LEAF_STEPS } from '../../../compute/spec/host-walk.js';
import type { Credit } from '../../../model/credit.js';
import type { HostMemoryParams } from './params.js';

/** What the commits of a slot name. */
export interface Made {
  readonly lanes: number;
  /** of all lanes */
  readonly bytes: number;
  readonly rounds: number;
  /** of each lane */
  readonly leaves: number;
}

/**
 * Bytes that are hashed for each byte of labels that is made again: by somebody who kept the two hashes (PRK) that a label's
 * chunks begin with, so that only the chunks count.
 */
export const hashedPerByte = (params: Pick<HostMemoryParams, 'infoBytes'>): number =>
  (chunkCompressions(params) * 64) / CHUNK_BYTES;

/**
 * M_c = M - what was in no memory - what was in memory elsewhere. Each is at most what was brought within a round, and at most the share
 * for which a step of the walk had time; both hold for the same bytes, so the smaller counts. Slow rounds and slow steps cost
 * bytes by themselves: no deadline is needed for that. docs/proofs/host-memory.md derives it.
 */
export function creditFor(params: HostMemoryParams, { lanes, bytes, rounds, leaves }: Made): Credit {
  const roundS = params.passMs / 1000 / rounds;
  const made = params.hashBytesPerS / hashedPerByte(params);
  const outside = made + params.diskBytesPerS + params.linkBytesPerS;
  // nobody reads a round faster than all of that together: so much of the time for the walk has gone
  const walkNs = params.walkMs * 1e6 - (rounds * bytes * 1e9) / (params.memoryBytesPerS + outside);
  const stepNs = Math.max(0, walkNs) / (leaves * LEAF_STEPS);
  const makeNs = Math.max(params.regenerateNs, (lanes * params.labelBytes * 1e9) / made);

  const absentShare = stepNs / makeNs + shareBehind(params, stepNs, params.diskReadNs);
  const absent = Math.min(roundS * (made + params.diskBytesPerS), bytes * Math.min(1, absentShare));
  const elsewhereShare = Math.min(1, shareBehind(params, stepNs, params.linkReadNs));
  const elsewhere = Math.min(roundS * params.linkBytesPerS, bytes * elsewhereShare);

  const hostBytes = Math.max(0, Math.floor(bytes - absent - elsewhere));
  const rated = params.rateFromBytes > 0 && bytes >= params.rateFromBytes;
  return { hostBytes, ...(rated ? { hostBytesPerS: Math.floor(hostBytes / roundS) } : {}) };
}

/** Largest s with (1 - s) t_0 + s readNs <= stepNs. */
function shareBehind({ stepNs: fastest }: HostMemoryParams, stepNs: number, readNs: number): number {
  return readNs <= fastest ? 1 : Math.max(0, stepNs - fastest) / (readNs - fastest);
}

/** What a host of the class that counts one is credited. */
export const nominalFor = (params: HostMemoryParams): Credit =>
  creditFor(params, {
    lanes: params.nominalLanes,
    bytes: params.nominalBytes,
    rounds: params.nominalRounds,
    leaves: params.nominalLeaves,
  });
