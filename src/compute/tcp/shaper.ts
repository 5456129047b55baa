// Owns: a rate that several streams share. Does not own: what they send.
import type { Clock } from '../../model/clock.js';

export interface Shaper {
  readonly isBounded: boolean;
  /** Resolves when so many bytes may go, in the order of asking; at once when `signal` aborts. */
  take(bytes: number, signal: AbortSignal): Promise<void>;
}

/** What may go at once after a pause: timers of a busy process fire a few ms late, and what that loses must be made up. */
const BURST_MS = 20;

/** @param bytesPerS undefined for no bound */
export function createShaper(clock: Clock, bytesPerS?: number): Shaper {
  if (bytesPerS === undefined) return { isBounded: false, take: () => Promise.resolve() };
  let freeAt = Number.NEGATIVE_INFINITY;
  return {
    isBounded: true,
    async take(bytes, signal) {
      const now = clock.monotonic();
      const start = Math.max(freeAt, now - BURST_MS);
      freeAt = start + (bytes * 1000) / bytesPerS;
      // a stream may be one chunk ahead of its rate, or nothing could ever begin
      if (start > now) await clock.sleep(start - now, signal);
    },
  };
}
