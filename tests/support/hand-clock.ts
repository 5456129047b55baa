// Owns: a clock that only a test moves, for what really waits for sockets. Does not own: clocks that jump by themselves.
import type { Clock } from '../../src/model/clock.js';

export interface HandClock extends Clock {
  /** Moves time on and wakes whoever slept until then. */
  advance(ms: number): void;
  /** Those who sleep now. */
  readonly sleepers: number;
}

export function createHandClock(): HandClock {
  let now = 0;
  const sleeping = new Set<{ at: number; wake: () => void }>();
  return {
    now: () => 1_700_000_000_000 + now,
    monotonic: () => now,
    sleep(ms, signal) {
      if (signal?.aborted) return Promise.resolve();
      return new Promise((resolve) => {
        const sleeper = {
          at: now + Math.max(0, ms),
          wake() {
            sleeping.delete(sleeper);
            signal?.removeEventListener('abort', sleeper.wake);
            resolve();
          },
        };
        sleeping.add(sleeper);
        signal?.addEventListener('abort', sleeper.wake, { once: true });
      });
    },
    advance(ms) {
      now += ms;
      for (const sleeper of [...sleeping].sort((a, b) => a.at - b.at)) if (sleeper.at <= now) sleeper.wake();
    },
    get sleepers() {
      return sleeping.size;
    },
  };
}
