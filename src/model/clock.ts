// Owns: time as an argument. Does not own: the virtual clock (testing/virtual-clock.ts).
import { setTimeout as delay } from 'node:timers/promises';

export interface Clock {
  /** unix ms, wall clock: for expiries and logs, never for a verdict */
  now(): number;
  /** ms on a monotonic source: the only time a verdict may use */
  monotonic(): number;
  /** Resolves after `ms`, or at once when `signal` aborts (it does not reject: look at the signal). */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  async sleep(ms, signal) {
    if (signal?.aborted) return;
    await delay(Math.max(0, ms), undefined, signal ? { signal } : undefined).catch((error: unknown) => {
      if (!signal?.aborted) throw error;
    });
  },
};

/**
 * The promise's value, or a rejection by `onTimeout()` after `ms`; the timer never outlives the race.
 */
export async function withTimeout<T>(
  clock: Clock,
  ms: number,
  promise: Promise<T>,
  onTimeout: () => Error,
): Promise<T> {
  const done = new AbortController();
  try {
    return await Promise.race([
      promise,
      clock.sleep(ms, done.signal).then(() => {
        if (done.signal.aborted) return promise;
        throw onTimeout();
      }),
    ]);
  } finally {
    done.abort();
  }
}
