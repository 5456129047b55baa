// Owns: which slots are challenged whatever a sample says, because they were caught not long ago. Does not own: samples
// (calendar.ts), what a rejection costs (scoring).
import type { Hotkey } from '../model/ids.js';
import type { Outcome } from '../model/outcome.js';
import { isAboutContent } from '../model/verdict.js';
import type { Ledger } from './ledger/ledger.js';

export type LookedAt = Pick<Outcome, 'event' | 'miner' | 'slot' | 'verdict'>;

export interface LookBack {
  /** Outcomes of one event that counts, in the order of events. */
  judged(outcomes: readonly LookedAt[], events: number): void;
  has(miner: Hotkey, slot: number): boolean;
}

/** Bounded by the slots that were caught within the last `events` events. */
export function createLookBack(): LookBack {
  /** events left, by slot */
  const left = new Map<string, number>();
  return {
    judged(outcomes, events) {
      // an event in which the slot was not judged, by our own fault, does not let it go
      for (const { miner, slot, verdict } of outcomes) {
        const key = keyOf(miner, slot);
        const rest = (left.get(key) ?? 0) - (verdict.kind === 'inconclusive' ? 0 : 1);
        const next = isCaught(verdict) ? events : Math.min(rest, events);
        if (next > 0) left.set(key, next);
        else left.delete(key);
      }
    },
    has: (miner, slot) => left.has(keyOf(miner, slot)),
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

const keyOf = (miner: Hotkey, slot: number): string => `${slot} ${miner}`;

/** A lie; what is late or silent may be a bad line. Evidence that ends whoever verifies it is about bytes, too. */
const isCaught = (verdict: Outcome['verdict']): boolean =>
  isAboutContent(verdict) || (verdict.kind === 'rejected' && verdict.reason === 'poison');
