// Owns: how much of a day's device time and bytes proofs took of each host, and that no event is begun beyond what its owner gives.
// Does not own: where that is written (cli), what a capped event is paid (scoring).
import { z } from 'zod';
import type { Clock } from '../model/clock.js';
import { invalid } from '../model/invalid-input.js';
import type { Log } from '../model/log.js';
import type { Proving } from '../verification/proof.js';
import { LIVENESS } from '../verification/proof.js';
import { doorOf, type Slot, type SlotClaim } from './slot.js';

/** Of each host, in any 24 hours; what is not named is not capped. */
export interface DutyCaps {
  readonly deviceSeconds?: number | undefined;
  readonly bytes?: number | undefined;
}

interface Spent {
  ms: number;
  bytes: number;
}

/** What proofs took, of one slot in one hour. */
interface Hour extends Spent {
  /** hours since the epoch */
  readonly hour: number;
}

interface Kept {
  readonly worker: string;
  /** `doorOf` the slot */
  readonly door: string;
  /** of the dearest event in these hours: what the next one may take */
  most: Spent;
  hours: Hour[];
}

export interface DutyRow {
  readonly worker: string;
  readonly slot: string;
  readonly deviceSeconds: number;
  readonly bytes: number;
}

export interface Duty {
  /** The slot as it is while the caps count: what it does is counted, and an event that may go beyond them declined. */
  heed(slot: Slot): Slot;
  /** of the last 24 hours */
  rows(): readonly DutyRow[];
}

const HOUR_MS = 3_600_000;
const HOURS = 24;
/** More slots than a hotkey is challenged for, those of hosts that are gone included. */
const MOST_SLOTS = 1024;

const amount = z.number().min(0).max(Number.MAX_SAFE_INTEGER);
const KEPT = z
  .array(
    z.strictObject({
      worker: z.string().max(256),
      door: z.string().max(64),
      most: z.strictObject({ ms: amount, bytes: amount }),
      hours: z.array(z.strictObject({ hour: z.int(), ms: amount, bytes: amount })).max(2 * HOURS),
    }),
  )
  .max(MOST_SLOTS);

/**
 * @param parts.kept what `keep` was given last, before this process; undefined for nothing
 * @param parts.keep one text that replaces the last one; where it fails the count goes on in memory
 * @throws AssayError `invalid-input` for what is no such text
 */
export function createDuty(
  parts: {
    readonly clock: Clock;
    readonly log: Log;
    readonly kept?: string | undefined;
    readonly keep: (text: string) => Promise<void>;
  },
  caps: DutyCaps,
): Duty {
  const { clock, log } = parts;
  const all = new Map<string, Kept>(readKept(parts.kept).map((one) => [keyOf(one), one]));
  let saving: Promise<void> | undefined;
  let isStale = false;

  /** Hours of the last day, and any of a clock that has gone back since: they count until they are over. */
  const recent = (hours: readonly Hour[]): Hour[] => {
    const now = Math.floor(clock.now() / HOUR_MS);
    return hours.filter(({ hour }) => hour > now - HOURS && hour < now + HOURS);
  };
  const sum = (hours: readonly Hour[]) =>
    recent(hours).reduce((so, { ms, bytes }) => ({ ms: so.ms + ms, bytes: so.bytes + bytes }), {
      ms: 0,
      bytes: 0,
    });

  function keptOf(claim: SlotClaim): Kept {
    const of = { worker: claim.worker, door: doorOf(claim) };
    const known = all.get(keyOf(of));
    if (known) return known;
    const made: Kept = { ...of, most: { ms: 0, bytes: 0 }, hours: [] };
    for (const [key, { hours }] of all) if (recent(hours).length === 0) all.delete(key);
    if (all.size >= MOST_SLOTS) all.delete(all.keys().next().value!);
    all.set(keyOf(of), made);
    return made;
  }

  function isSpent(claim: SlotClaim): boolean {
    const { most } = keptOf(claim);
    const host = [...all.values()].filter(({ worker }) => worker === claim.worker);
    const used = sum(host.flatMap(({ hours }) => hours));
    const { deviceSeconds = Number.POSITIVE_INFINITY, bytes = Number.POSITIVE_INFINITY } = caps;
    // what it has not done yet costs nothing that anybody knows: so a cap of nothing is one from the first event on
    return (
      used.ms + most.ms > deviceSeconds * 1000 ||
      used.bytes + most.bytes > bytes ||
      deviceSeconds === 0 ||
      bytes === 0
    );
  }

  /** @param event all that this one took so far */
  function note(claim: SlotClaim, event: Spent, { ms = 0, bytes = 0 }: Partial<Spent>): void {
    const kept = keptOf(claim);
    event.ms += ms;
    event.bytes += bytes;
    kept.most = { ms: Math.max(kept.most.ms, event.ms), bytes: Math.max(kept.most.bytes, event.bytes) };
    kept.hours = recent(kept.hours);
    const hour = Math.floor(clock.now() / HOUR_MS);
    let own = kept.hours.find((each) => each.hour === hour);
    if (!own) {
      own = { hour, ms: 0, bytes: 0 };
      kept.hours.push(own);
    }
    own.ms += ms;
    own.bytes += bytes;
    save();
  }

  /** One at a time, and once more for all that came meanwhile. */
  function save(): void {
    isStale = true;
    saving ??= (async () => {
      while (isStale) {
        isStale = false;
        const text = JSON.stringify([...all.values()]);
        await parts
          .keep(text)
          .catch((error: unknown) => log.error('duty of this day is not kept', { error }));
      }
      saving = undefined;
    })();
  }

  return {
    heed(slot) {
      const { claim } = slot;
      const isCheck = claim.kind === LIVENESS;
      return {
        ...slot,
        // a check is counted and never declined: it is next to no work, and says that the slot is there
        declines: (block) => slot.declines?.(block) ?? (!isCheck && isSpent(claim) ? 'capped' : undefined),
        async start(job, signal) {
          const event: Spent = { ms: 0, bytes: 0 };
          const timed: Timed = async (work) => {
            const from = clock.monotonic();
            return work().finally(() => note(claim, event, { ms: clock.monotonic() - from }));
          };
          const proving = await timed(() => slot.start(job, signal));
          note(claim, event, { bytes: proving.commit.length + (slot.moved?.(proving.commit) ?? 0) });
          return watched(proving, timed, (bytes) => note(claim, event, { bytes }));
        },
      };
    },
    rows: () =>
      [...all.values()].map(({ worker, door, hours }) => {
        const { ms, bytes } = sum(hours);
        return { worker, slot: door, deviceSeconds: ms / 1000, bytes };
      }),
  };
}

type Timed = <T>(work: () => Promise<T>) => Promise<T>;

function watched(proving: Proving, timed: Timed, moved: (bytes: number) => void): Proving {
  const sent = (bytes: Uint8Array): Uint8Array => {
    moved(bytes.length);
    return bytes;
  };
  return {
    commit: proving.commit,
    ...(proving.next
      ? { next: async (step, signal) => sent(await timed(() => proving.next!(step, signal))) }
      : {}),
    open: async (request) => sent(await timed(() => proving.open(request))),
    release: () => proving.release(),
  };
}

function readKept(text: string | undefined): Kept[] {
  if (text === undefined) return [];
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw invalid('duty', 'JSON', 'text that is none', error);
  }
  const parsed = KEPT.safeParse(value);
  if (!parsed.success)
    throw invalid('duty', 'what a miner wrote of its duty', parsed.error.issues[0]!.message);
  return parsed.data;
}

const keyOf = ({ worker, door }: Pick<Kept, 'worker' | 'door'>): string => `${worker}\n${door}`;
