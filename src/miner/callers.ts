// Owns: who called this miner and what they did that honest callers do not, counted in bounded memory; what of it an operator
// must know. Does not own: who may call (admit.ts, protocol/door.ts), the file that rows are kept in (cli).
import type { Clock } from '../model/clock.js';
import { isAssayError } from '../model/errors.js';
import type { Hotkey } from '../model/ids.js';
import type { SessionStage } from './sessions.js';
import type { CallerTally, MinerAlert, SessionEnd } from './status.js';

/**
 * What honest callers do not do, and how often within an hour it takes to be called abuse. Few are one mistake; what a crash, a
 * node that lags or a clock that is wrong makes of an honest caller takes many.
 */
export const MISDEEDS = {
  /** no envelope, or one with a wrong signature: of an address, for nobody signed it */
  unsigned: 200,
  /** signed, and not what the protocol says */
  malformed: 50,
  /** sent too long ago or by a clock that is wrong: most often somebody's clock */
  stale: 500,
  /** the same call a second time */
  replayed: 20,
  /** no permit, not listed: neurons that look around do it now and then */
  stranger: 500,
  /** more calls than the limits allow */
  rate: 500,
  /** an Arm beyond the tickets of its epoch */
  tickets: 20,
  /** a frame out of turn */
  order: 20,
  /** an event, or a beacon, that our own node does not have: a fork does it to an honest one, once */
  'foreign-event': 50,
  /** a Go whose nonce is not the one that Arm committed to: no accident */
  nonce: 5,
  /** armed, and never gone: one crash in the middle of an event is 64 of them */
  'no-go': 300,
} as const;
export type Misdeed = keyof typeof MISDEEDS;
const NAMES = Object.keys(MISDEEDS) as readonly Misdeed[];

export interface CallerRow {
  /** undefined for calls that nobody signed */
  readonly caller?: string | undefined;
  /** of calls that nobody signed; the newest of a caller's */
  readonly address: string;
  /** calls that came in */
  readonly calls: number;
  /** sessions that ended with a receipt */
  readonly receipts: number;
  /** since it is remembered */
  readonly did: Readonly<Partial<Record<Misdeed, number>>>;
  /** unix ms */
  readonly firstMs: number;
  readonly lastMs: number;
  /** unix ms at which an operator was told of it */
  readonly toldMs?: number | undefined;
}

export interface Callers {
  /** A call to the public port, with the error that it was refused with. */
  called(call: {
    readonly address: string;
    /** whose signature was found good */
    readonly caller?: Hotkey | undefined;
    readonly error?: unknown;
  }): void;
  /** An end of a session. */
  ended(validator: Hotkey, how: SessionEnd, stage: SessionStage, refusal?: string): void;
  /** The newest first. */
  rows(): readonly CallerRow[];
  tally(): CallerTally;
}

/** Remembered of each sort: more than a subnet has validators. Those that signed and those that did not never make each other forgotten. */
const REMEMBERED = 256;
const WINDOW_MS = 3600_000;
/** A flood from many keys is one thing to know, not thousands. */
const TOLD_PER_WINDOW = 20;

interface Known {
  readonly caller: Hotkey | undefined;
  address: string;
  calls: number;
  receipts: number;
  readonly did: Map<Misdeed, number>;
  /** within the hour that began at `windowAt` */
  readonly lately: Map<Misdeed, number>;
  windowAt: number;
  isTold: boolean;
  firstMs: number;
  lastMs: number;
  toldMs: number | undefined;
}

/**
 * @param parts.tell at most once an hour of one caller, and some times an hour of all
 * @param kept rows of an earlier process: what was done in its last hour counts no more
 */
export function createCallers(
  {
    clock,
    tell,
  }: {
    readonly clock: Pick<Clock, 'now' | 'monotonic'>;
    readonly tell: (
      alert: Pick<Extract<MinerAlert, { kind: 'caller-abuse' }>, 'kind' | 'caller' | 'address' | 'did'>,
    ) => void;
  },
  kept: readonly CallerRow[] = [],
): Callers {
  const signed = new Map<string, Known>();
  const unsigned = new Map<string, Known>();
  const refused = Object.fromEntries(NAMES.map((name) => [name, 0])) as Record<Misdeed, number>;
  let admitted = 0;
  let told = 0;
  let toldAt = clock.monotonic();

  for (const row of [...kept].reverse()) {
    const known = find(row.address, row.caller as Hotkey | undefined);
    known.calls = row.calls;
    known.receipts = row.receipts;
    known.firstMs = row.firstMs;
    known.lastMs = row.lastMs;
    known.toldMs = row.toldMs;
    for (const name of NAMES) if (row.did[name] !== undefined) known.did.set(name, row.did[name]);
  }

  function find(address: string, caller: Hotkey | undefined): Known {
    const all = caller === undefined ? unsigned : signed;
    const key = caller ?? address;
    const now = clock.now();
    const known = all.get(key) ?? {
      caller,
      address,
      calls: 0,
      receipts: 0,
      did: new Map(),
      lately: new Map(),
      windowAt: clock.monotonic(),
      isTold: false,
      firstMs: now,
      lastMs: now,
      toldMs: undefined,
    };
    all.delete(key);
    all.set(key, known);
    if (all.size > REMEMBERED) all.delete(leastOf(all));
    known.address = address === '' ? known.address : address;
    known.lastMs = now;
    return known;
  }

  /** Nobody with receipts is forgotten for one without: keys are free, and a flood of them would clean the slate. */
  function leastOf(all: ReadonlyMap<string, Known>): string {
    const keys = [...all.keys()].slice(0, -1); // not the one that was just added
    return keys.find((key) => all.get(key)!.receipts === 0) ?? keys[0]!;
  }

  function did(known: Known, misdeed: Misdeed): void {
    const now = clock.monotonic();
    refused[misdeed]++;
    if (now - known.windowAt >= WINDOW_MS) {
      known.lately.clear();
      known.windowAt = now;
      known.isTold = false;
    }
    known.did.set(misdeed, (known.did.get(misdeed) ?? 0) + 1);
    const lately = (known.lately.get(misdeed) ?? 0) + 1;
    known.lately.set(misdeed, lately);
    if (lately < MISDEEDS[misdeed] || known.isTold) return;
    known.isTold = true;
    if (now - toldAt >= WINDOW_MS) {
      told = 0;
      toldAt = now;
    }
    if (told >= TOLD_PER_WINDOW) return;
    told++;
    known.toldMs = clock.now();
    const { caller, address } = known;
    tell({
      kind: 'caller-abuse',
      ...(caller === undefined ? {} : { caller }),
      address,
      did: Object.fromEntries(known.lately),
    });
  }

  return {
    called({ address, caller, error }) {
      const misdeed = misdeedOf(error);
      const known = find(address, caller);
      if (misdeed) return did(known, misdeed);
      if (error !== undefined) return; // ours, or one that went away
      admitted++;
      known.calls++;
    },
    ended(validator, how, stage, refusal) {
      const known = find('', validator);
      if (how === 'receipt') known.receipts++;
      const misdeed = how === 'refused' ? REFUSALS[refusal ?? ''] : undefined;
      if (misdeed) did(known, misdeed);
      else if (stage === 'armed' && (how === 'late' || how === 'gone')) did(known, 'no-go');
    },
    rows: () =>
      [...signed.values(), ...unsigned.values()]
        .sort((a, b) => b.lastMs - a.lastMs)
        .map(({ caller, address, calls, receipts, did: all, firstMs, lastMs, toldMs }) => ({
          caller,
          address,
          calls,
          receipts,
          did: Object.fromEntries(all),
          firstMs,
          lastMs,
          toldMs,
        })),
    tally: () => ({ known: signed.size + unsigned.size, admitted, refused: { ...refused } }),
  };
}

/** By the refusal's name on the wire; a slot that is busy or unknown is nobody's misdeed. */
const REFUSALS: Readonly<Record<string, Misdeed>> = {
  tickets: 'tickets',
  out_of_order: 'order',
  disagrees: 'foreign-event',
  nonce_mismatch: 'nonce',
};

const STALE: ReadonlySet<string> = new Set(['skew', 'expired', 'before-start', 'certificate-expired']);

function misdeedOf(error: unknown): Misdeed | undefined {
  if (isAssayError(error, 'unauthenticated')) {
    const { reason } = error.data;
    if (reason === 'replayed') return 'replayed';
    return STALE.has(reason) ? 'stale' : 'unsigned';
  }
  if (isAssayError(error, 'permission-denied')) return 'stranger';
  if (isAssayError(error, 'limit-exceeded')) return 'rate';
  return isAssayError(error, 'invalid-input') ? 'malformed' : undefined;
}
