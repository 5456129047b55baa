// Owns: how many bytes of openings may be on their way at once, and whose turn it is.
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

/**
 * Whoever was let in least comes first, and nobody holds more than an equal share: openings that never come take their
 * own miner's turns, not those of others. One opening is always within a share; what is larger than the total counts as it.
 * @param limits.miners how many there are to share
 */
export function createOpeningGate(limits: {
  readonly total: number;
  readonly perMiner: number;
  readonly miners: () => number;
}): OpeningGate {
  const held = new Map<Hotkey, number>();
  const entered = new Map<Hotkey, number>();
  const waiting = new Set<Waiter>();
  let total = 0;

  const fits = ({ miner, bytes }: Waiter, share: number): boolean => {
    const own = held.get(miner) ?? 0;
    return total + bytes <= limits.total && (own === 0 || own + bytes <= share);
  };

  function next(): Waiter | undefined {
    let first: Waiter | undefined;
    const share = Math.min(limits.perMiner, limits.total / Math.max(1, limits.miners()));
    for (const waiter of waiting) {
      if (!fits(waiter, share)) continue;
      if (!first || (entered.get(waiter.miner) ?? 0) < (entered.get(first.miner) ?? 0)) first = waiter;
    }
    return first;
  }

  function admitWaiting(): void {
    for (let waiter = next(); waiter; waiter = next()) {
      waiting.delete(waiter);
      total += waiter.bytes;
      held.set(waiter.miner, (held.get(waiter.miner) ?? 0) + waiter.bytes);
      entered.set(waiter.miner, (entered.get(waiter.miner) ?? 0) + 1);
      waiter.admit();
    }
  }

  return {
    async enter(miner, bytes) {
      const counted = Math.min(bytes, limits.total);
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
