// Owns: the past values of one storage key, in two buffers. Does not own: the present one, which blocks are kept (state.ts).
//
// A version as an object with an array of its own costs some 250 bytes beside its value; a chain that keeps 2400 blocks has
// hundreds of thousands (measured: three times the memory of this).

/** Beside the end of a value: there was none. */
const ABSENT = 0x8000_0000;

export class History {
  /** block and end in `#bytes`, for each version */
  #index = new Uint32Array(8);
  #bytes = new Uint8Array(0);
  /** versions before it are dropped */
  #first = 0;
  #count = 0;

  get length(): number {
    return this.#count - this.#first;
  }

  /** @param block later than those before */
  push(block: number, value: Uint8Array | undefined): void {
    if (2 * this.#count === this.#index.length) this.#makeRoom();
    const from = this.#startOf(this.#count);
    const end = from + (value?.length ?? 0);
    if (end > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(end, Math.ceil(this.#bytes.length * 1.5)));
      grown.set(this.#bytes.subarray(0, from));
      this.#bytes = grown;
    }
    if (value !== undefined) this.#bytes.set(value, from);
    this.#index[2 * this.#count] = block;
    this.#index[2 * this.#count + 1] = value === undefined ? end + ABSENT : end;
    this.#count++;
  }

  /** The latest, which is dropped. */
  pop(): { readonly block: number; readonly value: Uint8Array | undefined } {
    const at = --this.#count;
    return { block: this.#index[2 * at]!, value: this.#valueAt(at) };
  }

  /** The value as of the end of a block; undefined also where there was none yet. */
  at(block: number): Uint8Array | undefined {
    let low = this.#first;
    let high = this.#count;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#index[2 * middle]! <= block) low = middle + 1;
      else high = middle;
    }
    return low === this.#first ? undefined : this.#valueAt(low - 1);
  }

  /**
   * Drops what no block from `block` on can see.
   * @param present block of the present value
   */
  dropBefore(block: number, present: number): void {
    while (this.#first < this.#count) {
      const next = this.#first + 1 < this.#count ? this.#index[2 * this.#first + 2]! : present;
      if (next > block) return;
      this.#first++;
    }
  }

  /** Moves what is kept to the front; grows where that is not enough. */
  #makeRoom(): void {
    const first = this.#first;
    const dropped = this.#startOf(first);
    const kept = this.length;
    const used = this.#startOf(this.#count);
    const index = new Uint32Array(Math.max(8, 2 * Math.ceil(kept * 1.5)));
    for (let at = 0; at < kept; at++) {
      index[2 * at] = this.#index[2 * (first + at)]!;
      index[2 * at + 1] = this.#index[2 * (first + at) + 1]! - dropped;
    }
    this.#bytes = this.#bytes.slice(dropped, used);
    this.#index = index;
    this.#first = 0;
    this.#count = kept;
  }

  #valueAt(at: number): Uint8Array | undefined {
    const end = this.#index[2 * at + 1]!;
    return end >= ABSENT ? undefined : this.#bytes.slice(this.#startOf(at), end);
  }

  #startOf(at: number): number {
    if (at === 0) return 0;
    const end = this.#index[2 * at - 1]!;
    return end >= ABSENT ? end - ABSENT : end;
  }
}
