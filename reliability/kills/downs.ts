// Owns: when which process was away, and by whose hand. Does not own: killing.
import type { Victim } from './plan.js';

export interface Down {
  readonly process: string;
  readonly victim: Victim;
  readonly from: number;
  /** when it said that it was ready again; undefined while it has not */
  to: number | undefined;
}

export interface Downs {
  killed(process: string, victim: Victim, at: number): void;
  back(process: string, at: number): void;
  readonly all: readonly Down[];
  /** the processes of these kinds that were away at any time between */
  within(from: number, to: number, is: (down: Down) => boolean): readonly Down[];
}

/** Who was away is not itself again at once: connections are made anew, an axon is announced. */
const SETTLE_MS = 2500;

export function createDowns(): Downs {
  const all: Down[] = [];
  return {
    all,
    killed(process, victim, at) {
      const open = all.findLast((down) => down.process === process && down.to === undefined);
      if (!open) all.push({ process, victim, from: at, to: undefined }); // killed while it came up: the same absence
    },
    back(process, at) {
      const open = all.findLast((down) => down.process === process && down.to === undefined);
      if (open) open.to = at;
    },
    within: (from, to, is) =>
      all.filter(
        (down) => is(down) && down.from <= to && (down.to ?? Number.POSITIVE_INFINITY) + SETTLE_MS >= from,
      ),
  };
}
