// Owns: what basis and seed determine: operand, origin, back edges, tweaks, fold, leaves. Same code on both ends.
import { createCipheriv } from 'node:crypto';
import { concat, u32le, utf8 } from '../../model/bytes.js';
import { sha256 } from '../../model/hash.js';
import { HASH_BYTES, hashInto } from '../../model/merkle.js';

const OPERAND = utf8('assay/compute/1/operand');
const ORIGIN = utf8('assay/compute/1/origin');
const EDGE = utf8('assay/compute/1/edge');
const TWEAK_COLUMNS = utf8('assay/compute/1/y');
/** 15 bytes, so that the preimage of one tweak row ends with SHA-256's second block. */
const TWEAK_ROW = utf8('assay/compute/x');
const ROOT = utf8('assay/compute/1/root');

/** First bytes of preimages: no leaf can pass for a node, nor a row for a column. */
export const TAG = { rowLeaf: 1, columnLeaf: 2, chunk: 3, node: 4, top: 5 } as const;

/** A leaf is a small tree over pieces of this size, so that a GPU hashes a row on many lanes. */
const CHUNK = 1024;

/** Bytes of AES-256 in counter mode: any row can be made alone. */
function keystream(key: Uint8Array, block: number, bytes: number): Uint8Array {
  const counter = new Uint8Array(16);
  new DataView(counter.buffer).setBigUint64(8, BigInt(block));
  return createCipheriv('aes-256-ctr', key, counter).update(new Uint8Array(bytes));
}

/**
 * The public operand of an epoch, n x n values in [-64, 63]: exact on every 8-bit dot product there is, since the sum of
 * two products stays within 16 bits (255 * 64 * 2 = 32640), where kernels with 16-bit pair sums saturate.
 */
export interface OperandSource {
  readonly n: number;
  /** Rows `from` .. `from + count - 1` as raw bytes; an element is `(byte & 127) - 64`. */
  rawRows(from: number, count: number): Uint8Array;
}

export function operandSource(basis: Uint8Array, n: number): OperandSource {
  const key = sha256(OPERAND, basis, u32le(n));
  return { n, rawRows: (from, count) => keystream(key, (from * n) / 16, count * n) };
}

/** All of B, for a device to pack. */
export function operandMatrix(basis: Uint8Array, n: number): Int8Array {
  const source = operandSource(basis, n);
  const b = new Int8Array(n * n);
  const step = Math.max(1, Math.min(n, (1 << 20) / n));
  for (let row = 0; row < n; row += step) {
    const raw = source.rawRows(row, step);
    for (let i = 0, at = row * n; i < raw.length; i++, at++) b[at] = (raw[i] & 127) - 64;
  }
  return b;
}

/** Everything that a slot's seed fixes before any work is done. */
export interface Chain {
  readonly n: number;
  /** capacity: how many there can be; edges and the shape of the top trees hang on it, not on how many are finished */
  readonly labels: number;
  /** `backEdges[j]` for j in 1..labels: the label whose transpose enters label j; entry 0 is unused. */
  readonly backEdges: Uint32Array;
  /** Labels in 1..labels that are some back edge, ascending: the ones with a column tree. */
  readonly referenced: readonly number[];
  /** Row `i` of label 0; it is never opened, both ends make it. */
  originRow(i: number): Uint8Array;
  /** Rows `from` .. `from + count - 1`, concatenated. */
  originRows(from: number, count: number): Uint8Array;
  originColumn(i: number): Uint8Array;
  /** Label 0 whole, row-major. */
  origin(): Uint8Array;
  /** y_j: n 32-bit words. */
  tweakColumns(label: number): Uint32Array;
  /** x_j[i], odd: bound to the two leaves that row i of A_j is made of, so that nobody can choose that row. */
  tweakRow(label: number, row: number, rowLeaf: Uint8Array, columnLeaf: Uint8Array): number;
}

export function createChain(seed: Uint8Array, n: number, labels: number): Chain {
  const originKey = sha256(ORIGIN, seed, u32le(n));
  const blocksPerRow = n / 16;

  const backEdges = drawEdges(seed, labels);
  const referenced = [...new Set(backEdges.subarray(1))].filter((j) => j > 0).sort((a, b) => a - b);

  const preimage = concat(TWEAK_ROW, seed, new Uint8Array(8 + 2 * HASH_BYTES));
  const preimageView = new DataView(preimage.buffer);
  const numbersAt = TWEAK_ROW.length + seed.length;
  const digest = new Uint8Array(HASH_BYTES);

  return {
    n,
    labels,
    backEdges,
    referenced,
    originRow: (i) => keystream(originKey, i * blocksPerRow, n),
    originRows: (from, count) => keystream(originKey, from * blocksPerRow, count * n),
    originColumn(i) {
      // one block of each row: counter mode is the block cipher over the counters, so any set of blocks is one call
      const counters = new Uint8Array(n * 16);
      const view = new DataView(counters.buffer);
      for (let row = 0; row < n; row++) view.setUint32(row * 16 + 12, row * blocksPerRow + (i >>> 4));
      const blocks = createCipheriv('aes-256-ecb', originKey, null).setAutoPadding(false).update(counters);
      const column = new Uint8Array(n);
      for (let row = 0; row < n; row++) column[row] = blocks[row * 16 + (i & 15)];
      return column;
    },
    origin: () => keystream(originKey, 0, n * n),
    tweakColumns(label) {
      const bytes = keystream(sha256(TWEAK_COLUMNS, seed, u32le(label)), 0, 4 * n);
      return littleEndianWords(bytes);
    },
    tweakRow(label, row, rowLeaf, columnLeaf) {
      preimageView.setUint32(numbersAt, label, true);
      preimageView.setUint32(numbersAt + 4, row, true);
      preimage.set(rowLeaf, numbersAt + 8);
      preimage.set(columnLeaf, numbersAt + 8 + HASH_BYTES);
      hashInto(preimage, digest, 0);
      return (digest[0] | (digest[1] << 8) | (digest[2] << 16) | (digest[3] << 24) | 1) >>> 0;
    },
  };
}

/**
 * pi(j), uniform in [0, max(0, j - 4)]: the first unbiased word of SHA-256(tag, seed, label, attempt). A verifier draws them all,
 * to know which labels are referenced: thousands of hashes, so that one preimage is made once and changed in place.
 */
function drawEdges(seed: Uint8Array, labels: number): Uint32Array {
  const backEdges = new Uint32Array(labels + 1);
  const preimage = concat(EDGE, seed, new Uint8Array(8));
  const view = new DataView(preimage.buffer);
  const numbersAt = EDGE.length + seed.length;
  const digest = new Uint8Array(HASH_BYTES);
  const words = new DataView(digest.buffer);
  const draw = (label: number, bound: number): number => {
    const limit = 2 ** 32 - (2 ** 32 % bound);
    view.setUint32(numbersAt, label, true);
    for (let attempt = 0; ; attempt++) {
      view.setUint32(numbersAt + 4, attempt, true);
      hashInto(preimage, digest, 0);
      for (let at = 0; at < HASH_BYTES; at += 4) {
        const word = words.getUint32(at, true);
        if (word < limit) return word % bound;
      }
    }
  };
  for (let j = 5; j <= labels; j++) backEdges[j] = draw(j, j - 3);
  return backEdges;
}

/** Typed arrays have the host's byte order, which is this one wherever Node runs but s390x. */
const LITTLE_ENDIAN = new Uint8Array(Uint32Array.of(1).buffer)[0] === 1;

function littleEndianWords(bytes: Uint8Array): Uint32Array {
  if (LITTLE_ENDIAN) return new Uint32Array(Uint8Array.from(bytes).buffer);
  const words = new Uint32Array(bytes.length / 4);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let i = 0; i < words.length; i++) words[i] = view.getUint32(4 * i, true);
  return words;
}

/**
 * Row of A_j: `out[k] = row[k] + column[k] + ((x * y[k]) mod 2^32 >> 24)` mod 256; B multiplies it as signed bytes.
 */
export function joinRow(
  row: Uint8Array,
  column: Uint8Array,
  x: number,
  y: Uint32Array,
  out: Uint8Array,
): void {
  for (let k = 0; k < out.length; k++) out[k] = row[k] + column[k] + (Math.imul(x, y[k]) >>> 24);
}

/** Label bytes from accumulators: every bit of C enters, so approximate arithmetic cannot stand in. */
export function fold(c: Int32Array, out: Uint8Array): void {
  for (let k = 0; k < out.length; k++) {
    const x = c[k];
    out[k] = x ^ (x >> 8) ^ (x >> 16);
  }
}

/**
 * Exclusive bound of |c| in an honest product: more than 16 standard deviations of a sum of n random products. It must be
 * checked before any projection: two values within it differ by less than every prime of the projections.
 */
export const accumulatorBound = (n: number): number => (n <= 8192 ? 2 ** 22 : 2 ** 23);

/** Hashes rows or columns to leaves; holds scratch space, so one per user. */
export class LeafHasher {
  readonly #whole: Uint8Array;
  readonly #chunk: Uint8Array | undefined;

  constructor(
    tag: typeof TAG.rowLeaf | typeof TAG.columnLeaf,
    private readonly n: number,
  ) {
    const chunks = Math.ceil(n / CHUNK);
    this.#whole = new Uint8Array(1 + (chunks > 1 ? chunks * HASH_BYTES : n));
    this.#whole[0] = tag;
    if (chunks > 1) {
      this.#chunk = new Uint8Array(1 + CHUNK);
      this.#chunk[0] = TAG.chunk;
    }
  }

  /** SHA-256(tag, bytes) for at most one chunk, else SHA-256(tag, SHA-256(chunk tag, chunk) ...). */
  into(bytes: Uint8Array, out: Uint8Array, at: number): void {
    if (this.#chunk) {
      for (let from = 0, to = 1; from < this.n; from += CHUNK, to += HASH_BYTES) {
        this.#chunk.set(bytes.subarray(from, from + CHUNK), 1);
        hashInto(this.#chunk, this.#whole, to);
      }
    } else this.#whole.set(bytes, 1);
    hashInto(this.#whole, out, at);
  }

  /** Leaves of all rows of an n x n matrix, concatenated. */
  all(matrix: Uint8Array): Uint8Array {
    const leaves = new Uint8Array(this.n * HASH_BYTES);
    for (let i = 0; i < this.n; i++)
      this.into(matrix.subarray(i * this.n, (i + 1) * this.n), leaves, i * HASH_BYTES);
    return leaves;
  }
}

/** What Commit carries: the work, and whose it is. */
export const committedRoot = (
  seed: Uint8Array,
  labels: number,
  rowRoot: Uint8Array,
  columnRoot: Uint8Array,
): Uint8Array => Uint8Array.from(sha256(ROOT, seed, u32le(labels), rowRoot, columnRoot));
