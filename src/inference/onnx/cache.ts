// Owns: keys and values of the rows of one decoding, in the layouts that the body takes without a copy. Does not own: how many bytes
// there may be (budget.ts).
import type { DecoderConfig } from '../decoder.js';

export type CacheShape = Pick<DecoderConfig, 'layers' | 'kvHeads' | 'headWidth' | 'maxPositions'>;

/** Capacities are multiples: each growth copies all there is, and each step reads all of the capacity. */
const STEP = 128;

export const capacityFor = (length: number, { maxPositions }: CacheShape): number =>
  Math.min(Math.ceil(length / STEP) * STEP, maxPositions);

export const cacheBytes = (rows: number, capacity: number, shape: CacheShape): number =>
  2 * 4 * rows * capacity * shape.layers * shape.kvHeads * shape.headWidth;

/** Rows lie in slots; a row that leaves gives its slot to the last one, so that the slots in use are always the first. */
export class KvCache {
  /** of each layer, [slots, kv heads, head width, capacity] */
  keys: Float32Array<ArrayBuffer>[];
  /** of each layer, [slots, kv heads, capacity, head width] */
  values: Float32Array<ArrayBuffer>[];

  constructor(
    private readonly shape: CacheShape,
    private readonly slots: number,
    public capacity: number,
  ) {
    this.keys = this.#allocate(capacity);
    this.values = this.#allocate(capacity);
  }

  /** Rows `from` of the batch whose new rows these are, `length` tokens of which count, go to a slot from position `at` on. */
  write(
    layer: number,
    fresh: { readonly keys: Float32Array; readonly values: Float32Array; readonly length: number },
    from: number,
    slot: number,
    at: number,
    count: number,
  ): void {
    const { kvHeads, headWidth } = this.shape;
    const { capacity } = this;
    const keys = this.keys[layer];
    const values = this.values[layer];
    const lines = kvHeads * headWidth;
    for (let line = 0; line < lines; line++) {
      const source = (from * lines + line) * fresh.length;
      const target = (slot * lines + line) * capacity + at;
      if (count === 1) keys[target] = fresh.keys[source];
      else keys.set(fresh.keys.subarray(source, source + count), target);
    }
    for (let head = 0; head < kvHeads; head++) {
      const source = (from * kvHeads + head) * fresh.length * headWidth;
      const target = ((slot * kvHeads + head) * capacity + at) * headWidth;
      values.set(fresh.values.subarray(source, source + count * headWidth), target);
    }
  }

  /** The first `count` tokens of a row of a cache of the same shape, be it this one. */
  copy(from: KvCache, row: number, slot: number, count: number): void {
    for (const [layer, keys] of from.keys.entries())
      this.write(layer, { keys, values: from.values[layer], length: from.capacity }, row, slot, 0, count);
  }

  grow(capacity: number, slotsInUse: number): void {
    const { kvHeads, headWidth } = this.shape;
    this.keys = restride(
      this.keys,
      this.capacity,
      capacity,
      slotsInUse * kvHeads * headWidth,
      this.#size(capacity),
    );
    this.values = restride(
      this.values,
      this.capacity * headWidth,
      capacity * headWidth,
      slotsInUse * kvHeads,
      this.#size(capacity),
    );
    this.capacity = capacity;
  }

  #size(capacity: number): number {
    return this.slots * this.shape.kvHeads * this.shape.headWidth * capacity;
  }

  #allocate(capacity: number): Float32Array<ArrayBuffer>[] {
    return Array.from({ length: this.shape.layers }, () => new Float32Array(this.#size(capacity)));
  }
}

/** Layer by layer, so that only one is there twice. */
function restride(
  layers: Float32Array<ArrayBuffer>[],
  from: number,
  to: number,
  lines: number,
  size: number,
): Float32Array<ArrayBuffer>[] {
  const out: Float32Array<ArrayBuffer>[] = [];
  for (let layer = layers.shift(); layer; layer = layers.shift()) {
    const grown = new Float32Array(size);
    for (let line = 0; line < lines; line++)
      grown.set(layer.subarray(line * from, (line + 1) * from), line * to);
    out.push(grown);
  }
  return out;
}
