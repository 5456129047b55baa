// Owns: seeing what is written to a ledger, and how long that takes. Does not own: what is made of it.
import type { Clock } from '../../model/clock.js';
import type { LedgerEntry } from './entries.js';
import type { Ledger } from './ledger.js';

export interface LedgerObserver {
  /** @returns what is told when the entry is on the disk, or could not be written */
  begins(): (entry: LedgerEntry, tookMs: number, error?: unknown) => void;
}

/** The same ledger. What the observer does must not throw. */
export function withObserver<L extends Pick<Ledger, 'append'>>(
  ledger: L,
  clock: Pick<Clock, 'monotonic'>,
  observer: LedgerObserver,
): L {
  return {
    ...ledger,
    async append(entry) {
      const began = clock.monotonic();
      const ended = observer.begins();
      try {
        await ledger.append(entry);
      } catch (error) {
        ended(entry, clock.monotonic() - began, error);
        throw error;
      }
      ended(entry, clock.monotonic() - began);
    },
  };
}
