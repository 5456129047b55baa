// Owns: a simulated resource under a clock: what does one thing at a time at a rate. Does not own: lines between hosts (links.ts),
// devices that really compute (paced.ts), figures (figures.ts, verification/classes.ts).
import type { Clock } from '../../model/clock.js';

/** Cores, a memory bus, a disk or a line: whoever takes units waits for those that were taken before. */
export interface Resource {
  readonly perS: number;
  /** Resolves when the units are done. */
  take(units: number): Promise<void>;
  /** ms until units that are taken now would be done */
  wouldTakeMs(units: number): number;
}

export function createResource({ clock, perS }: { clock: Clock; perS: number }): Resource {
  let freeAt = Number.NEGATIVE_INFINITY;
  const endOf = (units: number): number => Math.max(clock.monotonic(), freeAt) + (units * 1000) / perS;
  return {
    perS,
    wouldTakeMs: (units) => endOf(units) - clock.monotonic(),
    async take(units) {
      freeAt = endOf(units);
      await clock.sleep(freeAt - clock.monotonic());
    },
  };
}
