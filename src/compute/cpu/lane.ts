// Owns: one thread's share of a chain of labels: the same rows and columns of each label, fused strip by strip. Does not
// own: threads and their messages (crew.ts, lane-worker.ts).
import { HASH_BYTES, hashInto } from '../../model/merkle.js';
import type { LabelsSpec, Place } from '../labels.js';
import { type Chain, createChain, joinRow, operandMatrix, TAG } from '../spec/chain.js';
import {
  DIGEST_BYTES,
  DIGEST_LEAF_BYTES,
  DIGESTS_PER_LEAF,
  digestKey,
  hashDigestLeaf,
} from '../spec/digest.js';
import { BLOCK_BYTES } from '../spec/plain-labels.js';
import { createMemory } from '../wasm/instance.js';
import { type BankKernels, bankKernels, type LaneKernels, laneKernels } from './kernels.js';
import type { Onnx } from './onnx.js';
import { createOnnxProduct, createWasmProduct, type Product } from './product.js';
import { type Bank, CHUNK_MARGIN, type LabelStore, rowShape } from './store.js';

export type Engine = 'onnx' | 'wasm';

/** Column trees and trees lag behind the labels by so many: at most 3, since a back edge reaches back by 4 at least. */
const LAG = 2;
/** Rows multiplied at once: enough that the runtime is at its best, few enough that they stay in the cache (measured). */
const PRODUCT_ROWS = 256;

/** Words of the control block: shared by all lanes of one chain. */
const STOP = 0;
const LIMIT = 1;
const TAKEN = 2;
const FINISHED = 3;

/** One chain's words: who is how far, and whether to stop. Lanes wait for one another here and nowhere else. */
export class Control {
  readonly #words: Int32Array;
  constructor(
    readonly buffer: SharedArrayBuffer,
    readonly lanes: number,
  ) {
    this.#words = new Int32Array(buffer);
  }
  static create(lanes: number): Control {
    const control = new Control(new SharedArrayBuffer(4 * (FINISHED + 2 * lanes)), lanes);
    control.#words.fill(-1, FINISHED);
    return control;
  }

  get stopped(): boolean {
    return Atomics.load(this.#words, STOP) !== 0;
  }
  stop(): void {
    Atomics.store(this.#words, STOP, 1);
    for (let i = FINISHED; i < this.#words.length; i++) Atomics.notify(this.#words, i);
  }
  /** Before a job: lanes begin again at the label after `count`, and go no further than `limit`. */
  begin(count: number, limit: number): void {
    Atomics.store(this.#words, STOP, 0);
    Atomics.store(this.#words, LIMIT, limit);
    Atomics.store(this.#words, TAKEN, 0);
    for (let lane = 0; lane < this.lanes; lane++) Atomics.store(this.#words, FINISHED + lane, count);
  }
  get limit(): number {
    return Atomics.load(this.#words, LIMIT);
  }
  /** The lanes end together: with the label after the one that the first of them is at. */
  endSoon(): void {
    let most = 0;
    for (let lane = 0; lane < this.lanes; lane++)
      most = Math.max(most, Atomics.load(this.#words, FINISHED + lane));
    Atomics.store(this.#words, LIMIT, Math.min(this.limit, most + 1));
  }
  /** Pieces that any lane may take, one after the other. */
  take(): number {
    return Atomics.add(this.#words, TAKEN, 1);
  }
  finish(lane: number, label: number): void {
    this.#set(FINISHED + lane, label);
  }
  finishColumns(lane: number, label: number): void {
    this.#set(FINISHED + this.lanes + lane, label);
  }
  /** Labels that every lane has finished. */
  get finished(): number {
    let least = Number.POSITIVE_INFINITY;
    for (let lane = 0; lane < this.lanes; lane++)
      least = Math.min(least, Atomics.load(this.#words, FINISHED + lane));
    return least;
  }
  /** Until every lane has finished `label`, or its columns. @throws Stopped */
  awaitAll(of: 'labels' | 'columns', label: number): void {
    const from = FINISHED + (of === 'labels' ? 0 : this.lanes);
    for (let word = from; word < from + this.lanes; word++)
      for (let now = Atomics.load(this.#words, word); now < label; now = Atomics.load(this.#words, word)) {
        if (this.stopped) throw new Stopped();
        // the time bounds how long a lane whose neighbour died looks at nothing
        Atomics.wait(this.#words, word, now, 100);
      }
  }
  #set(word: number, value: number): void {
    Atomics.store(this.#words, word, value);
    Atomics.notify(this.#words, word);
  }
}

/** Thrown where a lane finds that it is to stop: not a failure. */
export class Stopped extends Error {}

/** One chain as a lane sees it. */
export interface LaneLabels {
  readonly chain: Chain;
  readonly referenced: ReadonlySet<number>;
  readonly store: LabelStore;
  readonly control: Control;
  /** instances of bank.wat, by bank */
  readonly banks: BankKernels[];
  /** labels up to which our columns are hashed */
  columnsDone: number;
  /** labels up to which our trees are built */
  treesDone: number;
}

export function openLaneLabels(spec: LabelsSpec, control: Control, store: LabelStore): LaneLabels {
  const chain = createChain(spec.seed, spec.n, spec.capacity);
  const referenced = new Set(chain.referenced);
  return { chain, referenced, store, control, banks: [], columnsDone: 0, treesDone: 0 };
}

export function addBank(labels: LaneLabels, bank: Bank): void {
  labels.store.take(bank);
  labels.banks.push(bankKernels(bank.memory));
}

/** Bytes that a lane needs for labels of side n beside the operand. */
function places(n: number, engine: Engine) {
  const { stride, strip } = rowShape(n);
  const rows = Math.min(n, PRODUCT_ROWS);
  let end = 0;
  const take = (bytes: number): number => {
    const at = end;
    end += Math.ceil(bytes / 64) * 64;
    return at;
  };
  return {
    yAt: take(4 * n),
    xAt: take(4 * strip),
    rowsAt: take(strip * n),
    columnsAt: take(strip * stride),
    aAt: take(rows * n),
    cAt: take(4 * rows * n),
    plainAt: take(rows * n),
    chunksAt: take(rows * stride),
    bAt: take(engine === 'wasm' ? n * n : 0),
    bytes: end,
  };
}

/** Hashes rows that lie in chunks behind margins; their tags are written once. */
class ChunkHasher {
  readonly #views: Uint8Array[] = [];
  readonly #whole: Uint8Array;

  constructor(
    bytes: Uint8Array,
    at: number,
    private readonly rows: number,
    n: number,
    tag: number,
  ) {
    const { chunk, chunks } = rowShape(n);
    this.#whole = new Uint8Array(1 + chunks * HASH_BYTES);
    this.#whole[0] = tag;
    for (let slot = 0; slot < rows * chunks; slot++) {
      const from = at + slot * (chunk + CHUNK_MARGIN) + CHUNK_MARGIN - 1;
      this.#views.push(bytes.subarray(from, from + 1 + chunk));
    }
    this.setTags();
  }

  /** Whoever overwrote the margins says so. */
  setTags(): void {
    const tag = this.#views.length > this.rows ? TAG.chunk : this.#whole[0];
    for (const view of this.#views) view[0] = tag;
  }

  into(row: number, out: Uint8Array, at: number): void {
    const chunks = this.#views.length / this.rows;
    if (chunks === 1) {
      hashInto(this.#views[row], out, at);
      return;
    }
    for (let c = 0; c < chunks; c++) hashInto(this.#views[row * chunks + c], this.#whole, 1 + c * HASH_BYTES);
    hashInto(this.#whole, out, at);
  }
}

export interface LaneParts {
  readonly lane: number;
  readonly lanes: number;
  readonly n: number;
  readonly basis: Uint8Array;
  readonly engine: Engine;
  /** for engine `onnx` */
  readonly onnx: Onnx | undefined;
  /** a word for each lane: 1 while it is inside the runtime, where its thread must not be ended */
  readonly busy: SharedArrayBuffer;
  /** told at the end of each step, for whoever measures; on the caller's own thread only */
  readonly meter?: ((step: LaneStep) => void) | undefined;
}

/** What a label takes; all that lies between two marks belongs to the later one. */
export type LaneStep =
  | 'between labels'
  | 'transposition'
  | 'tweak'
  | 'join'
  | 'product'
  | 'fold'
  | 'row leaves'
  | 'column leaves'
  | 'trees';

/** All of one thread: its memory, its packed operand, its strips. Sequential: one call at a time. */
export class Lane {
  readonly #memory;
  readonly #bytes: Uint8Array;
  readonly #at: ReturnType<typeof places>;
  readonly #kernels: LaneKernels;
  readonly #rowHasher: ChunkHasher;
  readonly #columnHasher: ChunkHasher;
  readonly #node = new Uint8Array(1 + 2 * HASH_BYTES);
  readonly #x: Uint32Array;
  readonly #busy: Int32Array;
  readonly #from: number;
  readonly #to: number;
  #product: Product | undefined;

  private constructor(readonly parts: LaneParts) {
    const { n, engine, lane, lanes } = parts;
    const { strip } = rowShape(n);
    this.#at = places(n, engine);
    this.#memory = createMemory(this.#at.bytes);
    this.#bytes = new Uint8Array(this.#memory.buffer);
    this.#kernels = laneKernels(this.#memory);
    const productRows = Math.min(n, PRODUCT_ROWS);
    this.#rowHasher = new ChunkHasher(this.#bytes, this.#at.chunksAt, productRows, n, TAG.rowLeaf);
    this.#columnHasher = new ChunkHasher(this.#bytes, this.#at.columnsAt, strip, n, TAG.columnLeaf);
    this.#x = new Uint32Array(this.#memory.buffer, this.#at.xAt, strip);
    this.#node[0] = TAG.node;
    this.#busy = new Int32Array(parts.busy);
    const strips = n / strip;
    this.#from = Math.floor((lane * strips) / lanes) * strip;
    this.#to = Math.floor(((lane + 1) * strips) / lanes) * strip;
  }

  /** @throws what the runtime throws when it cannot be loaded */
  static async create(parts: LaneParts): Promise<Lane> {
    const lane = new Lane(parts);
    const { n, basis, engine, onnx } = parts;
    const b = operandMatrix(basis, n);
    const at = { ...lane.#at, memory: lane.#memory };
    if (engine === 'wasm') lane.#product = createWasmProduct(lane.#kernels, b, n, at);
    else if (onnx) lane.#product = await lane.#native(() => createOnnxProduct(onnx, b, n, at));
    else throw new TypeError('lane: expected the runtime');
    return lane;
  }

  async #native<T>(call: () => Promise<T>): Promise<T> {
    const { lane } = this.parts;
    Atomics.store(this.#busy, lane, 1);
    try {
      return await call();
    } finally {
      Atomics.store(this.#busy, lane, 0);
      Atomics.notify(this.#busy, lane);
    }
  }

  #mark(step: LaneStep): void {
    this.parts.meter?.(step);
  }

  #multiply(rows: number): Promise<void> {
    const product = this.#product!; // create() made one
    return this.#native(() => product.multiply(rows));
  }

  /** Our rows of label 0, then our columns. */
  origin(labels: LaneLabels): void {
    const { store, chain, control } = labels;
    const { n } = this.parts;
    const { plainAt, chunksAt } = this.#at;
    const { chunk } = rowShape(n);
    const heap = store.heap(0, 'rows');
    for (let row = this.#from; row < this.#to; ) {
      const count = Math.min(PRODUCT_ROWS, this.#to - row);
      const bytes = chain.originRows(row, count);
      store.rows(0, row, count).set(bytes);
      this.#bytes.set(bytes, plainAt);
      this.#kernels.spread(plainAt, chunksAt, count * n, chunk);
      for (let r = 0; r < count; r++) this.#rowHasher.into(r, heap, (n + row + r) * HASH_BYTES);
      row += count;
    }
    control.finish(this.parts.lane, 0);
    control.awaitAll('labels', 0);
    this.#hashColumns(labels, 0);
    control.finishColumns(this.parts.lane, 0);
    control.awaitAll('columns', 0);
  }

  /**
   * Our rows of labels `from` on, until the control's limit. Another lane may be up to two labels ahead or behind.
   * @throws Stopped
   */
  async extend(labels: LaneLabels, from: number, onLabel: (label: number) => void): Promise<void> {
    const { control } = labels;
    const { lane } = this.parts;
    for (let label = from; label <= control.limit; label++) {
      await new Promise(setImmediate); // for whoever else is on this thread
      if (control.stopped) throw new Stopped();
      this.#mark('between labels');
      await this.#label(labels, label);
      control.finish(lane, label);
      onLabel(label);
      control.awaitAll('labels', label - LAG);
      this.#columnsUpTo(labels, label - LAG);
      this.#treesUpTo(labels, label - LAG - 1);
    }
  }

  /** Columns and trees of labels 1..`count`, as far as they lag behind. */
  settle(labels: LaneLabels, count: number): void {
    this.#columnsUpTo(labels, count);
    this.#treesUpTo(labels, count);
  }

  async #label(labels: LaneLabels, label: number): Promise<void> {
    const { store, chain, control } = labels;
    const { n } = this.parts;
    const { aAt, cAt, plainAt, chunksAt, yAt } = this.#at;
    const { strip, chunk } = rowShape(n);
    const back = chain.backEdges[label];
    control.awaitAll('labels', back);
    new Uint32Array(this.#memory.buffer, yAt, n).set(chain.tweakColumns(label));
    this.#mark('tweak');
    const heap = store.heap(label, 'rows');
    for (let row = this.#from; row < this.#to; ) {
      const count = Math.min(PRODUCT_ROWS, this.#to - row);
      for (let s = 0; s < count; s += strip) {
        if (control.stopped) throw new Stopped();
        this.#join(labels, label, row + s, aAt + s * n);
      }
      await this.#multiply(count);
      this.#mark('product');
      if (control.stopped) throw new Stopped();
      this.#kernels.fold(cAt, plainAt, chunksAt, count, n, chunk);
      store.rows(label, row, count).set(this.#bytes.subarray(plainAt, plainAt + count * n));
      this.#mark('fold');
      for (let r = 0; r < count; r++) this.#rowHasher.into(r, heap, (n + row + r) * HASH_BYTES);
      this.#mark('row leaves');
      row += count;
    }
  }

  /** A strip of A of `label`, beginning at `row`. */
  #join(labels: LaneLabels, label: number, row: number, to: number): void {
    const { store, chain } = labels;
    const { n } = this.parts;
    const { strip, chunk } = rowShape(n);
    const { rowsAt, columnsAt, xAt, yAt } = this.#at;
    const back = chain.backEdges[label];
    this.#turn(labels, back, row);
    this.#bytes.set(store.rows(label - 1, row, strip), rowsAt);
    const rowLeaves = store.heap(label - 1, 'rows');
    const columnLeaves = store.heap(back, 'columns');
    for (let r = 0; r < strip; r++) {
      const at = (n + row + r) * HASH_BYTES;
      const rowLeaf = rowLeaves.subarray(at, at + HASH_BYTES);
      this.#x[r] = chain.tweakRow(label, row + r, rowLeaf, columnLeaves.subarray(at, at + HASH_BYTES));
    }
    this.#mark('tweak');
    this.#kernels.join(rowsAt, columnsAt, xAt, yAt, to, strip, n, chunk, this.#product!.flip);
    this.#mark('join');
  }

  /** Columns `first` on of a label, as rows in chunks in our own memory. */
  #turn({ store, banks }: LaneLabels, label: number, first: number): void {
    const { n, lane } = this.parts;
    const { stride, strip, chunk } = rowShape(n);
    const scratch = store.scratchAt(label, lane);
    banks[store.bankOf(label)].transpose(store.at(label), n, first, strip, scratch, chunk, stride);
    this.#bytes.set(store.bytes(label).subarray(scratch, scratch + strip * stride), this.#at.columnsAt);
    this.#mark('transposition');
  }

  #columnsUpTo(labels: LaneLabels, label: number): void {
    for (let next = labels.columnsDone + 1; next <= label; next++) {
      if (labels.referenced.has(next)) {
        labels.control.awaitAll('labels', next);
        this.#hashColumns(labels, next);
      }
      labels.columnsDone = next;
      labels.control.finishColumns(this.parts.lane, next);
    }
  }

  #hashColumns(labels: LaneLabels, label: number): void {
    const { strip } = rowShape(this.parts.n);
    const heap = labels.store.heap(label, 'columns');
    for (let first = this.#from; first < this.#to; first += strip) {
      if (labels.control.stopped) throw new Stopped();
      this.#turn(labels, label, first);
      this.#columnHasher.setTags();
      for (let r = 0; r < strip; r++)
        this.#columnHasher.into(r, heap, (this.parts.n + first + r) * HASH_BYTES);
      this.#mark('column leaves');
    }
  }

  /** Trees are small, so that each label's are one lane's. */
  #treesUpTo(labels: LaneLabels, label: number): void {
    const { lane, lanes } = this.parts;
    for (let next = labels.treesDone + 1; next <= label; next++) {
      if (next % lanes === lane) {
        labels.control.awaitAll('labels', next);
        this.#buildTree(labels.store.heap(next, 'rows'));
        if (labels.referenced.has(next)) {
          labels.control.awaitAll('columns', next);
          this.#buildTree(labels.store.heap(next, 'columns'));
        }
      }
      labels.treesDone = next;
    }
  }

  #buildTree(heap: Uint8Array): void {
    const node = this.#node;
    for (let i = this.parts.n - 1; i >= 1; i--) {
      for (let k = 1, at = 2 * i * HASH_BYTES; k < node.length; k++, at++) node[k] = heap[at];
      hashInto(node, heap, i * HASH_BYTES);
    }
    this.#mark('trees');
  }

  /** Rows of C, multiplied again. */
  async accumulators({ store, chain }: LaneLabels, wanted: readonly Place[]): Promise<Int32Array[]> {
    const { n } = this.parts;
    const { aAt, cAt } = this.#at;
    const { flip } = this.#product!; // create() made one
    const most = Math.min(n, PRODUCT_ROWS);
    const out: Int32Array[] = [];
    for (let from = 0; from < wanted.length; from += most) {
      const batch = wanted.slice(from, from + most);
      for (const [s, { label, index }] of batch.entries()) {
        const back = chain.backEdges[label];
        const at = (n + index) * HASH_BYTES;
        const rowLeaf = store.heap(label - 1, 'rows').subarray(at, at + HASH_BYTES);
        const columnLeaf = store.heap(back, 'columns').subarray(at, at + HASH_BYTES);
        const x = chain.tweakRow(label, index, rowLeaf, columnLeaf);
        const a = this.#bytes.subarray(aAt + s * n, aAt + (s + 1) * n);
        joinRow(store.rows(label - 1, index, 1), store.column(back, index), x, chain.tweakColumns(label), a);
        for (let k = 0; k < n; k++) a[k] ^= flip;
      }
      await this.#multiply(batch.length + (batch.length % 2));
      for (let s = 0; s < batch.length; s++)
        out.push(new Int32Array(this.#memory.buffer, cAt + 4 * s * n, n).slice());
    }
    return out;
  }

  /** Hashes of the leaves that we come to take, at their places in `out`. */
  pass(labels: LaneLabels, count: number, key: Uint8Array, out: Uint8Array): void {
    const leaves = out.length / HASH_BYTES;
    const keys = digestKey(key, BLOCK_BYTES);
    for (let leaf = labels.control.take(); leaf < leaves; leaf = labels.control.take()) {
      if (labels.control.stopped) throw new Stopped();
      hashDigestLeaf(this.#digests(labels, count, keys, leaf), out, leaf * HASH_BYTES);
    }
  }

  passLeaf(labels: LaneLabels, count: number, key: Uint8Array, leaf: number): Uint8Array {
    return this.#digests(labels, count, digestKey(key, BLOCK_BYTES), leaf);
  }

  #digests({ store, banks }: LaneLabels, count: number, keys: Int8Array, leaf: number): Uint8Array {
    const { n, lane } = this.parts;
    const perLabel = n ** 2 / BLOCK_BYTES;
    const end = Math.min((leaf + 1) * DIGESTS_PER_LEAF, count * perLabel);
    const out = new Uint8Array(DIGEST_LEAF_BYTES);
    for (let block = leaf * DIGESTS_PER_LEAF, at = 0; block < end; ) {
      const label = 1 + Math.floor(block / perLabel);
      const within = (block % perLabel) * BLOCK_BYTES;
      const blocks = Math.min(end - block, perLabel - (block % perLabel));
      const bytes = store.bytes(label);
      const scratch = store.scratchAt(label, lane);
      bytes.set(new Uint8Array(keys.buffer), scratch);
      const to = scratch + keys.length;
      banks[store.bankOf(label)].digest(store.at(label) + within, blocks, scratch, to);
      out.set(bytes.subarray(to, to + blocks * DIGEST_BYTES), at);
      block += blocks;
      at += blocks * DIGEST_BYTES;
    }
    return out;
  }
}
