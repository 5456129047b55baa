// Owns: where labels and their trees lie in memory that all threads share. Does not own: who fills it (lane.ts).
import { HASH_BYTES } from '../../model/merkle.js';
import { createSharedMemory, type WasmMemory } from '../wasm/instance.js';

/** Memories grow no further than this, so that few of them hold a chain and none of them reserves what it never needs. */
const BANK_BYTES = 2 ** 30;
/** Bytes of a preimage's chunk (spec/chain.ts). */
const CHUNK = 1024;
/** Bytes before a chunk, the last of which is its tag: chunks stay aligned for vectors. */
export const CHUNK_MARGIN = 64;
/** Columns that are turned at once: whole cache lines of the label's rows. */
const STRIP = 64;
/** Keys of a pass (4 x 4096) and digests of a leaf; a pass and a strip never need their room at once. */
const PASS_SCRATCH = 16_384 + 4096;

export interface StoreShape {
  readonly n: number;
  readonly capacity: number;
  readonly lanes: number;
}

export interface Bank {
  readonly memory: WasmMemory<SharedArrayBuffer>;
  readonly trees: SharedArrayBuffer;
}

/**
 * Banks that are not in use. Memory that threads share goes back to the system when every thread has collected its garbage,
 * and an idle one never does (measured: nothing of it came back in twelve chains); so the next chain gets it, already paged in.
 */
export class BankPool {
  #free: { readonly bank: Bank; readonly memoryBytes: number; readonly treeBytes: number }[] = [];
  readonly #sizes = new WeakMap<Bank, readonly [memoryBytes: number, treeBytes: number]>();

  take(memoryBytes: number, treeBytes: number): Bank {
    const at = this.#free.findIndex(
      (free) => free.memoryBytes === memoryBytes && free.treeBytes === treeBytes,
    );
    if (at >= 0) return this.#free.splice(at, 1)[0].bank;
    const bank = { memory: createSharedMemory(memoryBytes), trees: new SharedArrayBuffer(treeBytes) };
    this.#sizes.set(bank, [memoryBytes, treeBytes]);
    return bank;
  }

  give(banks: readonly Bank[]): void {
    for (const bank of banks) {
      const [memoryBytes, treeBytes] = this.#sizes.get(bank)!; // it came from here
      this.#free.push({ bank, memoryBytes, treeBytes });
    }
  }

  clear(): void {
    this.#free = [];
  }
}

/** Sizes that follow from n: rows to be hashed lie in chunks, each behind a margin (wasm/bank.wat). */
export function rowShape(n: number): { chunk: number; chunks: number; stride: number; strip: number } {
  const chunk = Math.min(n, CHUNK);
  const chunks = n / chunk;
  return { chunk, chunks, stride: chunks * (chunk + CHUNK_MARGIN), strip: Math.min(n, STRIP) };
}

/**
 * Labels 0..capacity in banks, each with room for every lane's strip behind the labels, and beside it the trees: for each
 * label a heap of row hashes and one of column hashes, 2n each, node i with children 2i and 2i+1, leaves from n on.
 */
export class LabelStore {
  readonly perBank: number;
  readonly scratchBytes: number;
  readonly #banks: Bank[] = [];
  readonly #bytes: Uint8Array[] = [];
  readonly #heaps: Uint8Array[] = [];

  constructor(readonly shape: StoreShape) {
    const { n, capacity } = shape;
    this.perBank = Math.max(1, Math.min(capacity + 1, Math.floor(BANK_BYTES / n ** 2)));
    const { stride, strip } = rowShape(n);
    this.scratchBytes = Math.max(strip * stride, PASS_SCRATCH);
  }

  get banks(): readonly Bank[] {
    return this.#banks;
  }

  /** Makes room for labels 0..`label`. @returns the new banks */
  grow(label: number, pool: BankPool): readonly Bank[] {
    const { n, capacity, lanes } = this.shape;
    const had = this.#banks.length;
    while (this.#banks.length * this.perBank <= label) {
      const labels = Math.min(this.perBank, capacity + 1 - this.#banks.length * this.perBank);
      this.take(pool.take(labels * n ** 2 + lanes * this.scratchBytes, labels * 4 * n * HASH_BYTES));
    }
    return this.#banks.slice(had);
  }

  /** The next bank, made by another thread. */
  take(bank: Bank): void {
    this.#banks.push(bank);
    this.#bytes.push(new Uint8Array(bank.memory.buffer));
    this.#heaps.push(new Uint8Array(bank.trees));
  }

  bankOf(label: number): number {
    return Math.floor(label / this.perBank);
  }

  /** All bytes of the bank of a label. */
  bytes(label: number): Uint8Array {
    return this.#bytes[this.bankOf(label)];
  }

  /** Where the label begins in them. */
  at(label: number): number {
    return (label % this.perBank) * this.shape.n ** 2;
  }

  /** Where a lane's scratch begins in the bank of a label. */
  scratchAt(label: number, lane: number): number {
    const bank = this.bankOf(label);
    const labels = Math.min(this.perBank, this.shape.capacity + 1 - bank * this.perBank);
    return labels * this.shape.n ** 2 + lane * this.scratchBytes;
  }

  /** A view. */
  rows(label: number, from: number, count: number): Uint8Array {
    const { n } = this.shape;
    const at = this.at(label) + from * n;
    return this.bytes(label).subarray(at, at + count * n);
  }

  /** A view of the 2n hashes over rows or columns. */
  heap(label: number, of: 'rows' | 'columns'): Uint8Array {
    const { n } = this.shape;
    const at = ((label % this.perBank) * 2 + (of === 'rows' ? 0 : 1)) * 2 * n * HASH_BYTES;
    return this.#heaps[this.bankOf(label)].subarray(at, at + 2 * n * HASH_BYTES);
  }

  column(label: number, i: number): Uint8Array {
    const { n } = this.shape;
    const bytes = this.bytes(label);
    const out = new Uint8Array(n);
    for (let k = 0, at = this.at(label) + i; k < n; k++, at += n) out[k] = bytes[at];
    return out;
  }
}
