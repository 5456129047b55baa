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

/** Bytes that need not have been in the memory of the host. */
export interface Missing {
  /** in no memory: made again, or on disks of whatever number and rate */
  readonly absent: number;
  /** in memory of others */
  readonly elsewhere: number;
}

/**
 * What is in no memory is bounded by the walk alone: a round says nothing of disks, since anybody may have more of them, and a walk
 * that waits for each read is as slow on a thousand drives as on one. What is in memory elsewhere is at most what a link brings within a
 * round, and the share that a step had time for. docs/proofs/host-memory.md derives both.
 */
export function missingFor(params: HostMemoryParams, { lanes, bytes, rounds, leaves }: Made): Missing {
  const roundS = params.passMs / 1000 / rounds;
  // rounds may have taken no time at all: by how fast a memory may be nobody's class is known
  const stepNs = (params.walkMs * 1e6) / (leaves * LEAF_STEPS);
  const made = params.hashBytesPerS / hashedPerByte(params);
  const makeNs = Math.max(params.regenerateNs, (lanes * params.labelBytes * 1e9) / made);
  const absentShare = Math.min(1, stepNs / makeNs + shareBehind(params, stepNs, params.diskReadNs));
  const elsewhereShare = Math.min(1, shareBehind(params, stepNs, params.linkReadNs));
  return {
    absent: bytes * absentShare,
    elsewhere: Math.min(roundS * params.linkBytesPerS, bytes * elsewhereShare),
  };
}

/** M_c = M - what was missing. Slow rounds and slow steps cost bytes by themselves: no deadline is needed for that. */
export function creditFor(params: HostMemoryParams, made: Made): Credit {
  const { absent, elsewhere } = missingFor(params, made);
  const hostBytes = Math.max(0, Math.floor(made.bytes - absent - elsewhere));
  const rated = params.rateFromBytes > 0 && made.bytes >= params.rateFromBytes;
  const roundS = params.passMs / 1000 / made.rounds;
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
