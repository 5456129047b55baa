// Owns: slots that somebody pays for just now, as the operator says: proofs keep out of their way. Does not own: where that is
// written (cli), what a leased slot is paid (scoring).
import { z } from 'zod';
import type { Clock } from '../model/clock.js';
import { AssayError } from '../model/errors.js';
import { invalid } from '../model/invalid-input.js';
import type { Log } from '../model/log.js';
import { LIVENESS } from '../verification/proof.js';
import type { Slot } from './slot.js';

export interface Lease {
  /** index within the hotkey */
  readonly slot: number;
  /** unix ms; without it until it is given back */
  readonly untilMs?: number | undefined;
}

/** More than slots are challenged of one hotkey, and than a file of them should say. */
const MAX_LEASES = 256;
/** How soon a running miner sees what was written. */
const LOOK_MS = 2_000;

const schema = z.strictObject({
  leases: z
    .array(
      z.strictObject({
        slot: z
          .number()
          .int()
          .min(0)
          .max(2 ** 32 - 1),
        untilMs: z.number().int().min(0).optional(),
      }),
    )
    .max(MAX_LEASES),
});

/** @throws AssayError `invalid-input` */
export function parseLeases(value: unknown, what: string): readonly Lease[] {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data.leases;
  const [issue] = parsed.error.issues;
  throw invalid(
    what,
    '{ "leases": [{ "slot", "untilMs"? }] }',
    `at ${issue!.path.join('.')}: ${issue!.message}`,
  );
}

/** Those that still hold, with this one instead of what there was of its slot. @throws AssayError `limit-exceeded` */
export function withLease(leases: readonly Lease[], lease: Lease, nowMs: number): readonly Lease[] {
  const next = [...withoutLease(leases, lease.slot, nowMs), lease];
  if (next.length > MAX_LEASES)
    throw new AssayError('limit-exceeded', `leases: at most ${MAX_LEASES} slots`, {
      what: 'leases',
      limit: MAX_LEASES,
      got: next.length,
    });
  return next;
}

export const withoutLease = (leases: readonly Lease[], slot: number, nowMs: number): readonly Lease[] =>
  leases.filter((lease) => lease.slot !== slot && holds(lease, nowMs));

const holds = ({ untilMs }: Lease, nowMs: number): boolean => untilMs === undefined || nowMs < untilMs;

export interface Leases {
  /** The slot as it is while leases count: said to be leased, not begun, and given back by a proof that holds it. */
  heed(slot: Slot): Slot;
  /** Looks at what is written, until aborted. */
  run(signal: AbortSignal): Promise<void>;
}

/** @param parts.read what is written now */
export async function createLeases(parts: {
  readonly clock: Clock;
  readonly log: Log;
  readonly read: () => Promise<readonly Lease[]>;
}): Promise<Leases> {
  const { clock, log, read } = parts;
  let leases = await read();
  /** what is at work, by index: it ends when a lease begins */
  const working = new Map<number, Set<() => void>>();
  const isLeased = (index: number): boolean =>
    leases.some((lease) => lease.slot === index && holds(lease, clock.now()));

  function giveWay(): void {
    for (const [index, ends] of working) {
      if (!isLeased(index) || ends.size === 0) continue;
      log.info('a proof ends for a lease', { slot: index });
      for (const end of [...ends]) end();
    }
  }

  return {
    heed(slot) {
      const { index, kind } = slot.claim;
      // a check says that the slot is there, and is light enough to run beside whoever uses it
      if (kind === LIVENESS) return { ...slot, isLeased: () => isLeased(index) };
      return {
        ...slot,
        isLeased: () => isLeased(index) || (slot.isLeased?.() ?? false),
        async prepare(basis) {
          if (!isLeased(index)) await slot.prepare?.(basis);
        },
        async start(job, signal) {
          if (isLeased(index)) throw leased(index);
          const stop = new AbortController();
          const ends = working.get(index) ?? new Set();
          working.set(index, ends);
          let release = () => {};
          const end = () => {
            ends.delete(end);
            stop.abort(leased(index));
            release();
          };
          ends.add(end);
          try {
            const proving = await slot.start(job, AbortSignal.any([signal, stop.signal]));
            release = () => proving.release();
            if (stop.signal.aborted) {
              release();
              throw leased(index);
            }
            return {
              commit: proving.commit,
              ...(proving.next ? { next: (step, during) => proving.next!(step, during) } : {}),
              open: (request) => proving.open(request),
              release() {
                ends.delete(end);
                release();
              },
            };
          } catch (error) {
            ends.delete(end);
            throw error;
          }
        },
      };
    },
    async run(signal) {
      let said = '';
      while (!signal.aborted) {
        await clock.sleep(LOOK_MS, signal);
        if (signal.aborted) return;
        try {
          leases = await read();
          said = '';
        } catch (error) {
          if (String(error) !== said) log.error('leases are not read, the last ones hold', { error });
          said = String(error);
        }
        giveWay();
      }
    },
  };
}

const leased = (index: number): AssayError =>
  new AssayError('refused', `slot ${index} is leased`, { reason: 'leased' });
