// Owns: what the validator itself delayed: stalls of its event loop while a window was open.
import { monitorEventLoopDelay } from 'node:perf_hooks';

export interface OwnDelay {
  /**
   * Starts one observation. The returned function gives the longest stall so far, in ms, and ends the observation unless it
   * `goesOn`.
   */
  observe(): (goesOn?: boolean) => number;
}

const RESOLUTION_MS = 5;

/** Stalls of this process's event loop beyond the timer's own period. */
export const eventLoopDelay: OwnDelay = {
  observe() {
    const histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
    // what is left of this turn is the line in which our frames leave: times are measured from its end (line-up.ts)
    const begin = setImmediate(() => histogram.enable());
    return (goesOn = false) => {
      if (!goesOn) {
        clearImmediate(begin);
        histogram.disable();
      }
      return Math.max(0, histogram.max / 1e6 - RESOLUTION_MS);
    };
  },
};

/** For a virtual clock, under which nothing stalls. */
export const noDelay: OwnDelay = { observe: () => () => 0 };
