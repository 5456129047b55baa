// Owns: what a miner is paid for: a slot, and how work on it is begun. Does not own: sessions (answer.ts).

import type { Devices } from '../compute/compute.js';
import { equals, toHex } from '../model/bytes.js';
import { type Clock, systemClock } from '../model/clock.js';
import { AssayError } from '../model/errors.js';
import type { Declined } from '../model/verdict.js';
import {
  LIVENESS,
  type Pace,
  type ParamsFacts,
  type Phase,
  type ProofKind,
  type Proving,
  UNHURRIED,
} from '../verification/proof.js';

/** What Describe claims. */
export interface SlotClaim {
  readonly index: number;
  /** worker tag: the host within this hotkey */
  readonly worker: string;
  readonly kind: string;
  /** 32 bytes */
  readonly paramsId: Uint8Array;
}

/**
 * What one piece of work at a time goes through. A check has a door of its own beside the slot that it is for: it must not be
 * what keeps that one from an event, and is light enough to run beside it.
 */
export const doorOf = ({ index, kind }: Pick<SlotClaim, 'index' | 'kind'>): string =>
  kind === LIVENESS ? `${index} check` : `${index}`;

export interface SlotJob {
  /** 32 bytes; for logs */
  readonly eventId: Uint8Array;
  /** 32 bytes each, see `Challenge` */
  readonly basis: Uint8Array;
  readonly seed: Uint8Array;
  readonly place?: Uint8Array;
  /** what the validator told this slot at its Go, where it meets others */
  readonly brief?: Uint8Array;
  /** monotonic ms at which the event's first Go arrived: the window counts from before it. @default nobody waits */
  readonly goneAt?: number;
}

/**
 * A device or a slice of one. `start` resolves when the first step is committed to; further ones are `Proving.next`, in the
 * order of `phases`; the work is released by `Proving`.
 */
export interface Slot {
  readonly claim: SlotClaim;
  /** Steps of a session of its kind. @default one from Go */
  readonly phases?: ParamsFacts['phases'];
  /** Share of each step's time kept for the way. @default DEFAULT_RESERVE */
  readonly reserve?: number;
  /** Whether somebody uses it just now: it is not asked what it can do then, and earns nothing by saying so. @default never */
  isLeased?(): boolean;
  /** Why it is not claimed just now: what it works on failed, or is away. @default it is claimed */
  rests?(): string | undefined;
  /** Why an event at this block is declined at its Arm: it is declared maintenance, or its host gave what it gives. @default none is */
  declines?(block: number): Declined | undefined;
  /** Bytes that the slot moved for a first Commit, beyond sessions: of kinds whose slots meet others. @default none */
  moved?(commit: Uint8Array): number;
  /** Of kinds whose slots meet others: what Ready offers them. Such a slot works for one validator at a time. */
  offer?(): Promise<Uint8Array>;
  /** Called when an event is armed; what it does not finish before the Go, `start` does. Never rejects. */
  prepare?(basis: Uint8Array): Promise<void>;
  start(job: SlotJob, signal: AbortSignal): Promise<Proving>;
}

export const isClaimed = (slot: Slot): boolean => slot.rests?.() === undefined;

/**
 * Share of a step's time that is kept for both ways between us and the validator: it counts from when its frame left until
 * our Commit has arrived. 200 ms of 2 s; a path that takes longer costs the slot its event.
 */
export const DEFAULT_RESERVE = 0.1;

/** A slot whose work this process does itself. */
export function createLocalSlot<Params, Secret>(
  parts: Devices & {
    kind: ProofKind<Params, Secret>;
    params: Params;
    paramsId: Uint8Array;
    /** @default the system's */
    clock?: Pick<Clock, 'monotonic'>;
    /** of a step's time, for the way: more on a line or a machine that jitters. @default DEFAULT_RESERVE */
    reserve?: number;
  },
  at: { index: number; worker: string },
): Slot {
  const { kind, params, paramsId, clock = systemClock, reserve = DEFAULT_RESERVE } = parts;
  const { phases } = kind.facts(params);
  return {
    claim: { ...at, kind: kind.kind, paramsId },
    phases,
    reserve,
    ...(kind.round
      ? {
          offer: async () => kind.round!.offer(parts, params),
          moved: (commit: Uint8Array) => {
            const { downBytesPerS = 0, upBytesPerS = downBytesPerS } = kind.credit(params, [commit]) ?? {};
            return ((downBytesPerS + upBytesPerS) * phases[0].withinMs) / 1000;
          },
        }
      : {}),
    prepare: (basis) => kind.prepare?.(parts, params, basis) ?? Promise.resolve(),
    start({ basis, seed, place, brief, goneAt }, signal) {
      const pace = goneAt === undefined ? UNHURRIED : paceOf(phases[0], goneAt, clock, reserve);
      return kind.prove({ ...parts, ...pace }, { params, basis, seed, place, brief }, signal);
    },
  };
}

/** @param at monotonic ms at which the frame arrived that the phase counts from */
export function paceOf(
  { withinMs }: Phase,
  at: number,
  clock: Pick<Clock, 'monotonic'>,
  reserve = DEFAULT_RESERVE,
): Pace {
  const until = at + withinMs * (1 - reserve);
  return { leftMs: () => until - clock.monotonic() };
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

/** @throws AssayError `invalid-input` when two slots share an index, and neither is the check of the other */
export function assertDistinct(slots: readonly Slot[]): void {
  const seen = new Set<string>();
  for (const { claim } of slots) {
    if (seen.has(doorOf(claim)))
      throw new AssayError('invalid-input', `two slots with index ${claim.index}`, {
        what: 'slot index',
        expected: 'each index once',
        got: `${claim.index} (${toHex(claim.paramsId).slice(0, 8)})`,
      });
    seen.add(doorOf(claim));
  }
}
