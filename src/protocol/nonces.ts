// Owns: remembering call ids while their envelopes could still be fresh.
import { limitExceeded } from './errors.js';

/** Bounded, and never forgets an id early: when it is full of live ids, new calls are refused instead. */
export class NonceStore {
  readonly #limit: number;
  /** id -> unix ms until which it must be known; insertion order is nearly expiry order */
  readonly #until = new Map<string, number>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  get size(): number {
    return this.#until.size;
  }

  has(id: Uint8Array): boolean {
    return this.#until.has(toName(id));
  }

  /** @throws AssayError `limit-exceeded` when nothing can be forgotten yet */
  add(id: Uint8Array, until: number, now: number): void {
    // amortised: each id is looked at when it is old, and one that outlives the one behind it delays that a little
    for (const [name, expiry] of this.#until) {
      if (expiry >= now) break;
      this.#until.delete(name);
    }
    if (this.#until.size >= this.#limit) this.forget(now);
    if (this.#until.size >= this.#limit) throw limitExceeded('call-ids', this.#limit, this.#limit + 1);
    this.#until.set(toName(id), until);
  }

  /** Drops every id that could not be replayed any more. */
  forget(now: number): void {
    for (const [name, expiry] of this.#until) if (expiry < now) this.#until.delete(name);
  }
}

const toName = (id: Uint8Array): string =>
  Buffer.from(id.buffer, id.byteOffset, id.length).toString('latin1');
