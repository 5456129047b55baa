// Owns: a validator's own end in a round: gives as a source does, takes as a receiver, and counts. Does not own: whom it meets
// (brief.ts), sockets (the link).
import type { Devices } from '../../../compute/compute.js';
import { HASH_BYTES } from '../../../model/merkle.js';
import type { AnchorWork, Pace } from '../../proof.js';
import { decodeBrief, encodeCommit } from './codec.js';
import { type BandwidthParams, serveShape } from './params.js';
import { linkOf } from './prove.js';

/**
 * Serves and pulls until the round is over; whatever fails on the way ends one ticket. What it counts needs no root: nobody
 * but this validator goes by it, and it has seen the bytes come.
 */
export function anchor(
  devices: Devices & Pace,
  params: BandwidthParams,
  told: Uint8Array,
  signal: AbortSignal,
): AnchorWork | undefined {
  const brief = decodeBrief(params, told);
  if (!brief) return undefined;
  const { pulls, serves } = brief;
  const link = linkOf(devices);
  const shape = serveShape(params);
  // the last Go leaves a little after the first
  link.serve(serves, { ...shape, forMs: shape.forMs + params.goLeadMs }, signal);
  const segments = pulls.map(() => 0);
  for (const [s, pull] of pulls.entries()) {
    const onSegment = () => {
      if (devices.leftMs() > 0) segments[s]!++;
      return undefined;
    };
    void link.pull({ ...pull, host: pull.address }, shape, devices, onSegment, signal);
  }
  return {
    bytesPerS: Math.max(serves.length, pulls.length) * shape.capBytesPerS,
    commits: () =>
      pulls.length === 0
        ? undefined
        : [encodeCommit({ segments: [...segments], root: new Uint8Array(HASH_BYTES) })],
  };
}
