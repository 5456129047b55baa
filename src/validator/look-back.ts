// Owns: whose slots are challenged whatever a sample says, because one was caught not long ago. Does not own: samples
// (calendar.ts), what a rejection costs (scoring).
import type { Hotkey } from '../model/ids.js';
import type { Outcome } from '../model/outcome.js';
import { isAboutContent } from '../model/verdict.js';
import type { Ledger } from './ledger/ledger.js';

export type LookedAt = Pick<Outcome, 'event' | 'miner' | 'verdict'>;

export interface LookBack {
  /** Outcomes of one event that counts, in the order of events. */
  judged(outcomes: readonly LookedAt[], events: number): void;
  has(miner: Hotkey): boolean;
  /** Forgets all others. */
  keep(hotkeys: ReadonlySet<Hotkey>): void;
}

/** By hotkey, and not by slot: a miner numbers its slots as it likes, and one that was caught would be another next time. */
export function createLookBack(): LookBack {
  /** events left */
  const left = new Map<Hotkey, number>();
  return {
    judged(outcomes, events) {
      const caught = new Set<Hotkey>();
      const seen = new Set<Hotkey>();
      for (const { miner, verdict } of outcomes) {
        if (isCaught(verdict)) caught.add(miner);
        // an event in which nothing was judged, by our own fault, does not let it go
        if (verdict.kind !== 'inconclusive') seen.add(miner);
      }
      for (const miner of seen) {
        const next = caught.has(miner) ? events : Math.min((left.get(miner) ?? 0) - 1, events);
        if (next > 0) left.set(miner, next);
        else left.delete(miner);
      }
    },
    has: (miner) => left.has(miner),
    keep(hotkeys) {
      for (const miner of left.keys()) if (!hotkeys.has(miner)) left.delete(miner);
    },
  };
}

/** What a validator that begins again knows of the events before. */
export function recall(
  lookBack: LookBack,
  ledger: Pick<Ledger, 'outcomes' | 'completedEvents'>,
  { fromEpoch, events }: { readonly fromEpoch: number; readonly events: number },
): void {
  const byEvent = new Map<string, LookedAt[]>();
  for (const { event, liveness } of ledger.completedEvents({ fromEpoch }))
    if (!liveness) byEvent.set(event, []);
  for (const outcome of ledger.outcomes({ fromEpoch })) byEvent.get(outcome.event)?.push(outcome);
  for (const outcomes of byEvent.values()) lookBack.judged(outcomes, events);
}

/** A lie; what is late or silent may be a bad line. Evidence that ends whoever verifies it is about bytes, too. */
const isCaught = (verdict: Outcome['verdict']): boolean =>
  isAboutContent(verdict) || (verdict.kind === 'rejected' && verdict.reason === 'poison');
