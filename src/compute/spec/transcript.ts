// Owns: labels and their trees on the prover's side, plainly. Does not own: where the products come from (plain-labels.ts).

import { createMerkleTree, HASH_BYTES, type MerkleTree, pathLength } from '../../model/merkle.js';
import { type Chain, joinRow, LeafHasher, TAG } from './chain.js';

/**
 * The prover's side of the chain: hands out the next left operand, takes the label that came of it.
 * Liars in testing/ drive it too, with labels of their own making.
 */
export class Transcript {
  readonly #rows: LeafHasher;
  readonly #columns: LeafHasher;
  readonly #labels: Uint8Array[] = [];
  readonly #rowLeaves: Uint8Array[] = [];
  readonly #columnLeaves = new Map<number, Uint8Array>();
  readonly #rowTrees: MerkleTree[] = [];
  readonly #columnTrees = new Map<number, MerkleTree>();
  readonly #referenced: ReadonlyMap<number, number>;
  readonly #scratch: Uint8Array;
  #tops: { rows: MerkleTree; columns: MerkleTree } | undefined;

  constructor(readonly chain: Chain) {
    this.#rows = new LeafHasher(TAG.rowLeaf, chain.n);
    this.#columns = new LeafHasher(TAG.columnLeaf, chain.n);
    this.#referenced = new Map(chain.referenced.map((label, index) => [label, index]));
    this.#scratch = new Uint8Array(chain.n * chain.n);
    const origin = chain.origin();
    this.#labels.push(origin);
    this.#rowLeaves.push(this.#rows.all(origin));
    this.#columnLeaves.set(0, this.#columns.all(this.columnsOf(0, this.#scratch)));
  }

  /** Number of the label that `operand` is for. */
  get next(): number {
    return this.#labels.length;
  }

  /** Writes A of the next label to `out`, n x n bytes. */
  operand(out: Uint8Array): void {
    const { chain } = this;
    const { n } = chain;
    const label = this.next;
    const back = chain.backEdges[label];
    const columns = this.columnsOf(back, this.#scratch);
    const previous = this.#labels[label - 1];
    const y = chain.tweakColumns(label);
    for (let i = 0; i < n; i++) {
      const at = i * n;
      const x = this.#tweakRow(label, i);
      joinRow(previous.subarray(at, at + n), columns.subarray(at, at + n), x, y, out.subarray(at, at + n));
    }
  }

  /** Takes the next label, n x n bytes; it belongs to the transcript from here on. */
  append(label: Uint8Array): void {
    const number = this.next;
    if (number > this.chain.labels) throw new RangeError(`label: expected at most ${this.chain.labels}`);
    this.#labels.push(label);
    const leaves = this.#rows.all(label);
    this.#rowLeaves.push(leaves);
    this.#rowTrees.push(createMerkleTree(leaves, TAG.node));
    if (!this.#referenced.has(number)) return;
    const columnLeaves = this.#columns.all(this.columnsOf(number, this.#scratch));
    this.#columnLeaves.set(number, columnLeaves);
    this.#columnTrees.set(number, createMerkleTree(columnLeaves, TAG.node));
  }

  /** Labels that are in, label 0 not counted. */
  get count(): number {
    return this.#labels.length - 1;
  }

  /**
   * Tops over the first `count` labels; paths lead to the roots of the last close. Their shape is that of the capacity, what is
   * missing are zeros: a later close over more labels has the same hashes to the left of them.
   */
  close(count = this.count): { rowRoot: Uint8Array; columnRoot: Uint8Array } {
    if (count > this.count) throw new RangeError(`labels: expected at most ${this.count}, got ${count}`);
    const top = (trees: readonly (MerkleTree | undefined)[], capacity: number): MerkleTree => {
      const leaves = new Uint8Array(capacity * HASH_BYTES);
      for (const [i, tree] of trees.entries()) if (tree) leaves.set(tree.root, i * HASH_BYTES);
      return createMerkleTree(leaves, TAG.top);
    };
    const { labels, referenced } = this.chain;
    const columnTrees = referenced.map((label) =>
      label <= count ? this.#columnTrees.get(label) : undefined,
    );
    this.#tops = {
      rows: top(this.#rowTrees.slice(0, count), labels),
      columns: top(columnTrees, referenced.length),
    };
    return { rowRoot: this.#tops.rows.root, columnRoot: this.#tops.columns.root };
  }

  row(label: number, i: number): Uint8Array {
    const { n } = this.chain;
    return this.#labels[label].subarray(i * n, (i + 1) * n);
  }

  /** Column `i` as it was committed. */
  column(label: number, i: number): Uint8Array {
    const { n } = this.chain;
    const labelBytes = this.#labels[label];
    const out = new Uint8Array(n);
    for (let k = 0; k < n; k++) out[k] = labelBytes[k * n + i];
    return out;
  }

  /** Row `i` of A of a label that is in. */
  operandRow(label: number, i: number, out: Uint8Array): void {
    const back = this.chain.backEdges[label];
    const y = this.chain.tweakColumns(label);
    joinRow(this.row(label - 1, i), this.column(back, i), this.#tweakRow(label, i), y, out);
  }

  rowPath(label: number, i: number): Uint8Array {
    return this.#path(this.#rowTrees[label - 1], i, this.#tops!.rows, label - 1, this.chain.labels);
  }

  /** @param label one of `chain.referenced` */
  columnPath(label: number, i: number): Uint8Array {
    const index = this.#referenced.get(label)!; // callers ask for back edges only
    return this.#path(this.#columnTrees.get(label)!, i, this.#tops!.columns, index, this.#referenced.size);
  }

  /** Columns of a label as rows of `out`: what column trees and the next operands are made of. */
  protected columnsOf(label: number, out: Uint8Array): Uint8Array {
    transpose(this.#labels[label], this.chain.n, out);
    return out;
  }

  #tweakRow(label: number, i: number): number {
    const at = i * HASH_BYTES;
    const rowLeaf = this.#rowLeaves[label - 1].subarray(at, at + HASH_BYTES);
    const columnLeaf = this.#columnLeaves.get(this.chain.backEdges[label])!.subarray(at, at + HASH_BYTES);
    return this.chain.tweakRow(label, i, rowLeaf, columnLeaf);
  }

  #path(tree: MerkleTree, leaf: number, top: MerkleTree, label: number, labels: number): Uint8Array {
    const out = new Uint8Array((pathLength(this.chain.n) + pathLength(labels)) * HASH_BYTES);
    top.path(label, out, tree.path(leaf, out, 0));
    return out;
  }
}

/** Side of the square that is turned at once, so that both sides stay in the first cache (measured best of 8..128). */
const TILE = 16;

function transpose(from: Uint8Array, n: number, to: Uint8Array): void {
  for (let i0 = 0; i0 < n; i0 += TILE)
    for (let j0 = 0; j0 < n; j0 += TILE)
      for (let i = i0; i < i0 + TILE; i++) {
        const row = i * n;
        for (let j = j0; j < j0 + TILE; j++) to[j * n + i] = from[row + j];
      }
}
