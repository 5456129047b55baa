// Owns: how many bytes of openings may be on their way at once, and how many of one miner.
import type { Hotkey } from '../model/ids.js';

export interface OpeningGate {
  /** Waits for room; the returned function gives it back. */
  enter(miner: Hotkey, bytes: number): Promise<() => void>;
}

interface Waiter {
  readonly miner: Hotkey;
  readonly bytes: number;
  readonly admit: () => void;
}

/** First come, first served, past those whose miner has its share already. What is larger than a bound counts as it. */
export function createOpeningGate(limits: {
  readonly total: number;
  readonly perMiner: number;
}): OpeningGate {
  const held = new Map<Hotkey, number>();
  const waiting = new Set<Waiter>();
  let total = 0;

  const fits = ({ miner, bytes }: Waiter): boolean =>
    total + bytes <= limits.total && (held.get(miner) ?? 0) + bytes <= limits.perMiner;

  function admitWaiting(): void {
    for (const waiter of waiting) {
      if (!fits(waiter)) continue;
      waiting.delete(waiter);
      total += waiter.bytes;
      held.set(waiter.miner, (held.get(waiter.miner) ?? 0) + waiter.bytes);
      waiter.admit();
    }
  }

  return {
    async enter(miner, bytes) {
      const counted = Math.min(bytes, limits.total, limits.perMiner);
      await new Promise<void>((admit) => {
        waiting.add({ miner, bytes: counted, admit });
        admitWaiting();
      });
      let inside = true;
      return () => {
        if (!inside) return;
        inside = false;
        total -= counted;
        const rest = held.get(miner)! - counted;
        if (rest === 0) held.delete(miner);
        else held.set(miner, rest);
        admitWaiting();
      };
    },
  };
}
