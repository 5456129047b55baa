// Owns: a ledger's memory without its disk, for simulations in one process.
import type { EventEntry, OutcomeEntry } from '../validator/ledger/entries.js';
import type { Ledger } from '../validator/ledger/ledger.js';

export type MemoryLedger = Pick<
  Ledger,
  'append' | 'saveParams' | 'outcomes' | 'completedEvents' | 'startedEvents'
> & {
  /** with their sessions, in the order of the calls */
  readonly entries: readonly OutcomeEntry[];
};

export function createMemoryLedger(): MemoryLedger {
  const entries: OutcomeEntry[] = [];
  const events: EventEntry[] = [];
  const eventsOf = (type: EventEntry['type'], fromEpoch: number) =>
    events.filter((event) => event.type === type && event.epoch >= fromEpoch);
  return {
    entries,
    async append(entry) {
      if (entry.type === 'outcome') entries.push(entry);
      else if (entry.type === 'event-started' || entry.type === 'event-completed') events.push(entry);
    },
    saveParams: async () => {},
    outcomes: ({ fromEpoch }) =>
      entries.map(({ outcome }) => outcome).filter(({ epoch }) => epoch >= fromEpoch),
    completedEvents: ({ fromEpoch }) => eventsOf('event-completed', fromEpoch),
    startedEvents: ({ fromEpoch }) => eventsOf('event-started', fromEpoch),
  };
}
