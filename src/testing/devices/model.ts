// Owns: simulated resources under a clock: what does one thing at a time at a rate, and what carries bytes with a delay.
// Does not own: what is done with them (attacks, paced.ts), their figures (figures.ts, verification/classes.ts).
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

/** A way between two hosts; several may share one line. */
export interface Path {
  /** Resolves when `bytes` have arrived. */
  carry(bytes: number): Promise<void>;
}

/** @param parts.delayMs asked for each message: one way, jitter included */
export function createPath(parts: { clock: Clock; line: Resource; delayMs: () => number }): Path {
  const { clock, line, delayMs } = parts;
  return {
    async carry(bytes) {
      await line.take(bytes);
      await clock.sleep(delayMs());
    },
  };
}
