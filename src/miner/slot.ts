// Owns: what a miner is paid for: a slot, and how work on it is begun. Does not own: sessions (answer.ts).

import type { Compute } from '../compute/compute.js';
import { equals, toHex } from '../model/bytes.js';
import { AssayError } from '../model/errors.js';
import type { ProofKind, Proving } from '../verification/proof.js';

/** What Describe claims. */
export interface SlotClaim {
  readonly index: number;
  /** worker tag: the host within this hotkey */
  readonly worker: string;
  readonly kind: string;
  /** 32 bytes */
  readonly paramsId: Uint8Array;
}

export interface SlotJob {
  /** 32 bytes; for logs */
  readonly eventId: Uint8Array;
  /** 32 bytes each, see `Challenge` */
  readonly basis: Uint8Array;
  readonly seed: Uint8Array;
}

/** A device or a slice of one. `start` resolves when the work is committed to; the work is released by `Proving`. */
export interface Slot {
  readonly claim: SlotClaim;
  /** Called when an event is armed; what it does not finish before the Go, `start` does. Never rejects. */
  prepare?(basis: Uint8Array): Promise<void>;
  start(job: SlotJob, signal: AbortSignal): Promise<Proving>;
}

/** A slot whose work this process does itself. */
export function createLocalSlot<Params, Secret>(
  parts: { compute: Compute; kind: ProofKind<Params, Secret>; params: Params; paramsId: Uint8Array },
  place: { index: number; worker: string },
): Slot {
  const { compute, kind, params, paramsId } = parts;
  return {
    claim: { ...place, kind: kind.kind, paramsId },
    prepare: (basis) => kind.prepare?.({ compute }, params, basis) ?? Promise.resolve(),
    start: (job, signal) => kind.prove({ compute }, { params, basis: job.basis, seed: job.seed }, signal),
  };
}

/** The slot that a validator names, if it is claimed here. */
export function findSlot(
  slots: readonly Slot[],
  index: number,
  kind: string,
  paramsId: Uint8Array,
): Slot | undefined {
  return slots.find(
    ({ claim }) => claim.index === index && claim.kind === kind && equals(claim.paramsId, paramsId),
  );
}

/** @throws AssayError `invalid-input` when two slots share an index */
export function assertDistinct(slots: readonly Slot[]): void {
  const seen = new Map<number, string>();
  for (const { claim } of slots) {
    if (seen.has(claim.index))
      throw new AssayError('invalid-input', `two slots with index ${claim.index}`, {
        what: 'slot index',
        expected: 'each index once',
        got: `${claim.index} (${toHex(claim.paramsId).slice(0, 8)})`,
      });
    seen.set(claim.index, claim.kind);
  }
}
