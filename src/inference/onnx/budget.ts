// Owns: how many bytes caches and hidden states may take, counted before they are there. Does not own: the runtime's own memory, which
// batches.ts bounds.
import { AssayError } from '../../model/errors.js';

export class Budget {
  #used = 0;
  constructor(private readonly limit: number) {}

  /** @throws AssayError `limit-exceeded` */
  take(bytes: number, what: string): void {
    if (this.#used + bytes > this.limit)
      throw new AssayError(
        'limit-exceeded',
        `memory of the model: ${what} needs ${bytes} bytes, ${this.limit - this.#used} of ${this.limit} are left; ` +
          'fewer rows at once need less, or give it more',
        { what: 'memory of the model', limit: this.limit, got: this.#used + bytes },
      );
    this.#used += bytes;
  }

  give(bytes: number): void {
    this.#used -= bytes;
  }
}
