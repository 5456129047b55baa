// Owns: what a ledger shows of hotkeys' timing, kept small: the newest events of each parameter set, one cell for each hotkey. Does
// not own: what follows from it (timing.ts, late-pairs.ts), who reads the ledger.
import type { Hotkey } from '../../model/ids.js';
import type { Outcome } from '../../model/outcome.js';
import { isDeclined } from '../../model/verdict.js';

/** Newest events of a parameter set that are kept: a correlation over fewer than a day's says little, over more nothing new. */
export const KEPT_EVENTS = 128;
/** Parameter sets that are kept; a subnet has a dozen. */
const KEPT_CLASSES = 64;
/** Hotkeys of one set: a subnet has no more. */
const KEPT_HOTKEYS = 4096;
/** Ports seen, newest last: as many as a validator remembers itself (validator/reach.ts). */
const KEPT_SIGHTS = 8192;

/** How a hotkey's slots of one parameter set came out of one event. */
export type Cell =
  /** the first Commit of the earliest slot arrived, ms after our Go; all its slots were in time */
  | { readonly late: false; readonly ms: number | undefined; readonly outcome: string }
  /** some slot of it was late, silent, or gave no opening */
  | { readonly late: true; readonly ms: number | undefined; readonly outcome: string };

export interface ClassObservations {
  readonly kind: string;
  readonly paramsId: string;
  /** ids, oldest first */
  readonly events: readonly string[];
  /** by hotkey, then by event */
  readonly cells: ReadonlyMap<Hotkey, ReadonlyMap<string, Cell>>;
  /** hotkeys that were left out because there were too many */
  readonly leftOut: number;
}

/** What a validator's own dial-out saw of a port that a hotkey offered: the answer was signed by that hotkey. */
export interface PortSight {
  readonly hotkey: Hotkey;
  readonly ip: string;
  readonly port: number;
  readonly answered: boolean;
  readonly calledFrom?: string | undefined;
  /** that recorded it */
  readonly outcome: string;
}

export interface Observations {
  /** In the ledger's order. */
  outcome(outcome: Outcome): void;
  sight(sight: PortSight): void;
  classes(): readonly ClassObservations[];
  sights(): readonly PortSight[];
  /** outcomes that were seen */
  seen(): number;
}

interface Class {
  readonly kind: string;
  readonly paramsId: string;
  /** in the order in which they came */
  readonly events: Set<string>;
  readonly cells: Map<Hotkey, Map<string, Cell>>;
  readonly leftOut: Set<Hotkey>;
}

export function createObservations(): Observations {
  const classes = new Map<string, Class>();
  const sights = new Map<string, PortSight>();
  let seen = 0;

  function classOf({ kind, paramsId }: Outcome): Class {
    const key = `${kind} ${paramsId}`;
    const known = classes.get(key);
    if (known) return known;
    if (classes.size >= KEPT_CLASSES) classes.delete(classes.keys().next().value!);
    const made: Class = { kind, paramsId, events: new Set(), cells: new Map(), leftOut: new Set() };
    classes.set(key, made);
    return made;
  }

  function enter(to: Class, event: string): void {
    if (to.events.has(event)) return;
    to.events.add(event);
    if (to.events.size <= KEPT_EVENTS) return;
    const gone: string = to.events.keys().next().value!;
    to.events.delete(gone);
    for (const [hotkey, cells] of to.cells) {
      cells.delete(gone);
      if (cells.size === 0) to.cells.delete(hotkey);
    }
  }

  return {
    outcome(outcome) {
      seen++;
      const { verdict, miner, event, measuredMs: ms, id } = outcome;
      const isLate = verdict.kind === 'rejected' && LATE.has(verdict.reason);
      // wrong content says nothing of time, what was declined or is our own fault nothing of the miner
      if (isDeclined(verdict) || verdict.kind === 'inconclusive') return;
      const to = classOf(outcome);
      // first: whoever has cells of the event that goes alone goes with it
      enter(to, event);
      let cells = to.cells.get(miner);
      if (!cells) {
        if (to.cells.size >= KEPT_HOTKEYS) {
          if (to.leftOut.size < KEPT_HOTKEYS) to.leftOut.add(miner);
          return;
        }
        cells = new Map();
        to.cells.set(miner, cells);
        to.leftOut.delete(miner);
      }
      const before = cells.get(event);
      const late = isLate || before?.late === true;
      // of several slots the earliest: it waited for no other of its own
      const isEarlier = before?.ms === undefined || (ms !== undefined && ms < before.ms);
      const evidence = isLate && before?.late !== true ? id : before && !isEarlier ? before.outcome : id;
      cells.set(event, { late, ms: isEarlier ? ms : before.ms, outcome: evidence });
    },
    sight(sight) {
      const key = `${sight.hotkey} ${sight.ip} ${sight.port}`;
      sights.delete(key);
      sights.set(key, sight);
      if (sights.size > KEPT_SIGHTS) sights.delete(sights.keys().next().value!);
    },
    classes: () =>
      [...classes.values()].map(({ leftOut, events, ...each }) => ({
        ...each,
        events: [...events],
        leftOut: leftOut.size,
      })),
    sights: () => [...sights.values()],
    seen: () => seen,
  };
}

const LATE: ReadonlySet<string> = new Set(['window', 'opening-timeout']);
