// Owns: a clock that jumps. Time stands still while anything can still run, then leaps to the next sleeper.
import { setImmediate as turn } from 'node:timers/promises';
import type { Clock } from '../model/clock.js';

export interface VirtualClock extends Clock {
  /** Runs sleepers in the order of their times until `done` settles; rejects when nothing is left to wait for. */
  runUntil<T>(done: Promise<T>): Promise<T>;
}

interface Sleeper {
  readonly at: number;
  readonly order: number;
  readonly wake: () => void;
}

/**
 * Event-loop turns without a new sleeper before time leaps. Promise chains settle within one turn; message loops of
 * the loopback transport take a few.
 */
const IDLE_TURNS = 6;

/** @param startMs unix ms at which the clock stands first */
export function createVirtualClock(startMs = 1_700_000_000_000): VirtualClock {
  let elapsed = 0;
  let order = 0;
  const sleepers = new Set<Sleeper>();

  const next = (): Sleeper | undefined => {
    let first: Sleeper | undefined;
    for (const s of sleepers)
      if (!first || s.at < first.at || (s.at === first.at && s.order < first.order)) first = s;
    return first;
  };

  return {
    now: () => startMs + Math.floor(elapsed),
    monotonic: () => elapsed,
    sleep(ms, signal) {
      if (signal?.aborted) return Promise.resolve();
      return new Promise((resolve) => {
        const wake = () => {
          sleepers.delete(sleeper);
          signal?.removeEventListener('abort', wake);
          resolve();
        };
        const sleeper: Sleeper = { at: elapsed + Math.max(0, ms), order: order++, wake };
        sleepers.add(sleeper);
        signal?.addEventListener('abort', wake, { once: true });
      });
    },
    async runUntil(done) {
      let settled = false;
      const mark = () => {
        settled = true;
      };
      done.then(mark, mark);
      for (;;) {
        for (let i = 0, seen = order; i < IDLE_TURNS && !settled; i++) {
          await turn();
          if (seen !== order) {
            seen = order;
            i = -1;
          }
        }
        if (settled) return done;
        const sleeper = next();
        if (!sleeper) throw new Error('virtual clock: everything waits and nothing sleeps');
        elapsed = Math.max(elapsed, sleeper.at);
        sleeper.wake();
      }
    },
  };
}
