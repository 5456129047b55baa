// Owns: the bounded queue between a transport's data callback and the one who receives.
import type { AssayError } from '../model/errors.js';
import type { Arrived } from './wire.js';

/** Ends in good order (`undefined` after the last message) or with an error (after the last message, or at once when broken). */
export class Inbox {
  readonly #queue: Arrived[] = [];
  readonly #taken: () => void;
  #end: { readonly error?: AssayError } | undefined;
  #waiting: { resolve(arrived: Arrived | undefined): void; reject(error: AssayError): void } | undefined;

  /** @param taken called after each message that left the queue */
  constructor(taken: () => void) {
    this.#taken = taken;
  }

  get unread(): number {
    return this.#queue.length;
  }

  put(arrived: Arrived): void {
    if (this.#end) return;
    const waiting = this.#waiting;
    if (!waiting) {
      this.#queue.push(arrived);
      return;
    }
    this.#waiting = undefined;
    waiting.resolve(arrived);
    this.#taken();
  }

  /** No more comes; what is queued can still be taken. */
  end(error?: AssayError): void {
    if (this.#end) return;
    this.#end = error ? { error } : {};
    this.#settle();
  }

  /** As `end`, but nothing can be taken any more. An end in good order that was not yet taken is overruled. */
  break(error: AssayError): void {
    if (this.#end?.error) return;
    this.#queue.length = 0;
    this.#end = { error };
    this.#settle();
  }

  receive(): Promise<Arrived | undefined> {
    if (this.#waiting) throw new TypeError('receive: expected one caller at a time, got a second');
    const next = this.#queue.shift();
    if (next) {
      this.#taken();
      return Promise.resolve(next);
    }
    if (this.#end) return this.#end.error ? Promise.reject(this.#end.error) : Promise.resolve(undefined);
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
    });
  }

  #settle(): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (this.#end?.error) waiting?.reject(this.#end.error);
    else waiting?.resolve(undefined);
  }
}
