// Owns: a Merkle tree whose leaves come one by one, of which any first so many can be asked for. Same nodes as model/merkle.ts.
// Does not own: what a leaf is.
import { HASH_BYTES, hashInto, pathLength } from '../../model/merkle.js';

const PREIMAGE = 1 + 2 * HASH_BYTES;

/**
 * Nodes are made as soon as both children are there, so that finishing costs a path and no more. Memory is reserved for
 * `capacity` leaves, and taken from the system as they come.
 */
export class GrowingTree {
  readonly #levels: readonly Uint8Array[];
  /** roots of trees of nothing but padding, by height */
  readonly #zeros: readonly Uint8Array[];
  readonly #scratch = new Uint8Array(PREIMAGE);
  #count = 0;

  constructor(
    capacity: number,
    private readonly tag: number,
  ) {
    const height = pathLength(capacity);
    this.#levels = Array.from(
      { length: height + 1 },
      (_, h) => new Uint8Array(Math.ceil(capacity / 2 ** h) * HASH_BYTES),
    );
    const zeros: Uint8Array[] = [new Uint8Array(HASH_BYTES)];
    for (let h = 0; h < height; h++) zeros.push(this.#join(zeros[h], zeros[h]));
    this.#zeros = zeros;
  }

  get count(): number {
    return this.#count;
  }

  /** Makes room for the next leaf's hash, which `write` puts at `at` of `out`. */
  append(write: (out: Uint8Array, at: number) => void): void {
    write(this.#levels[0], this.#count * HASH_BYTES);
    let i = this.#count++;
    for (let h = 1; (i & 1) === 1; h++) {
      i >>>= 1;
      const below = this.#levels[h - 1];
      this.#scratch[0] = this.tag;
      this.#scratch.set(below.subarray(2 * i * HASH_BYTES, (2 * i + 2) * HASH_BYTES), 1);
      hashInto(this.#scratch, this.#levels[h], i * HASH_BYTES);
    }
  }

  /** Siblings to the left on the path of leaf `index`, leaf upwards: all of them are there before the leaf is. */
  lefts(index: number): Uint8Array[] {
    const out: Uint8Array[] = [];
    for (let h = 0, i = index; i > 0; h++, i >>>= 1) if ((i & 1) === 1) out.push(this.#stored(h, i - 1));
    return out;
  }

  /** Root over the first `count` leaves, padded with zeros to a power of two. */
  root(count: number): Uint8Array {
    return this.#node(pathLength(count), 0, count).slice();
  }

  /** Siblings of leaf `index` in that tree, leaf upwards. */
  path(index: number, count: number): Uint8Array {
    const height = pathLength(count);
    const out = new Uint8Array(height * HASH_BYTES);
    for (let h = 0, i = index; h < height; h++, i >>>= 1)
      out.set(this.#node(h, i ^ 1, count), h * HASH_BYTES);
    return out;
  }

  #stored(h: number, i: number): Uint8Array {
    return this.#levels[h].subarray(i * HASH_BYTES, (i + 1) * HASH_BYTES);
  }

  /** Stored when all its leaves are among the first `count`; on the edge there is one at each height that is not. */
  #node(h: number, i: number, count: number): Uint8Array {
    if ((i + 1) * 2 ** h <= count) return this.#stored(h, i);
    if (i * 2 ** h >= count) return this.#zeros[h];
    return this.#join(this.#node(h - 1, 2 * i, count), this.#node(h - 1, 2 * i + 1, count));
  }

  #join(left: Uint8Array, right: Uint8Array): Uint8Array {
    const preimage = new Uint8Array(PREIMAGE);
    preimage[0] = this.tag;
    preimage.set(left, 1);
    preimage.set(right, 1 + HASH_BYTES);
    const out = new Uint8Array(HASH_BYTES);
    hashInto(preimage, out, 0);
    return out;
  }
}
