// Owns: counting calls per time. Does not own: what is counted (door.ts).
import { limitExceeded } from './errors.js';

/** Seconds of its rate that a bucket saves up: all sessions of one event open within a moment. */
const BURST_S = 5;

/** Token bucket on a monotonic clock. */
export class Bucket {
  readonly #perSecond: number;
  #tokens: number;
  #at: number;

  constructor(perSecond: number, now: number) {
    this.#perSecond = perSecond;
    this.#tokens = perSecond * BURST_S;
    this.#at = now;
  }

  /** @param now monotonic ms @throws AssayError `limit-exceeded` */
  take(what: string, now: number, amount = 1): void {
    const full = this.#perSecond * BURST_S;
    this.#tokens = Math.min(full, this.#tokens + ((now - this.#at) / 1000) * this.#perSecond);
    this.#at = now;
    if (this.#tokens < amount) throw limitExceeded(what, this.#perSecond, this.#perSecond + 1);
    this.#tokens -= amount;
  }
}

/** A bucket per name; the name longest unused is forgotten, which can only favour it. */
export class Buckets {
  readonly #perSecond: number;
  readonly #limit: number;
  readonly #buckets = new Map<string, Bucket>();

  constructor(perSecond: number, limit: number) {
    this.#perSecond = perSecond;
    this.#limit = limit;
  }

  take(name: string, what: string, now: number, amount = 1): void {
    const bucket = this.#buckets.get(name) ?? new Bucket(this.#perSecond, now);
    this.#buckets.delete(name);
    this.#buckets.set(name, bucket);
    if (this.#buckets.size > this.#limit) {
      for (const oldest of this.#buckets.keys()) {
        this.#buckets.delete(oldest);
        break;
      }
    }
    bucket.take(what, now, amount);
  }
}
