// Owns: a ledger's memory without its disk, for simulations in one process.
import { AssayError } from '../model/errors.js';
import type { EventEntry, LedgerEntry, OutcomeEntry } from '../validator/ledger/entries.js';
import type { Ledger } from '../validator/ledger/ledger.js';
import { tellEntry } from '../validator/ledger/load.js';

export type MemoryLedger = Pick<
  Ledger,
  | 'append'
  | 'saveParams'
  | 'outcomes'
  | 'completedEvents'
  | 'startedEvents'
  | 'fold'
  | 'compacted'
  | 'readParams'
> & {
  /** with their sessions, in the order of the calls */
  readonly entries: readonly OutcomeEntry[];
};

export function createMemoryLedger(): MemoryLedger {
  const all: LedgerEntry[] = [];
  const entries: OutcomeEntry[] = [];
  const params = new Map<string, object>();
  const eventsOf = (type: EventEntry['type'], fromEpoch: number) =>
    all.filter((entry): entry is EventEntry => entry.type === type && entry.epoch >= fromEpoch);
  return {
    entries,
    async append(entry) {
      all.push(entry);
      if (entry.type === 'outcome') entries.push(entry);
    },
    async saveParams(id, set) {
      params.set(id, set);
    },
    outcomes: ({ fromEpoch }) =>
      entries.map(({ outcome }) => outcome).filter(({ epoch }) => epoch >= fromEpoch),
    completedEvents: ({ fromEpoch }) => eventsOf('event-completed', fromEpoch),
    startedEvents: ({ fromEpoch }) => eventsOf('event-started', fromEpoch),
    async fold(into) {
      for (const entry of all)
        if (entry.type === 'outcome') into.outcome?.(entry.outcome);
        else tellEntry(into, entry);
    },
    compacted: () => undefined,
    async readParams(id) {
      const known = params.get(id);
      if (known) return known;
      const why = 'the parameter set is not there';
      throw new AssayError('corrupt', `${id}: ${why}`, { path: id, why });
    },
  };
}
