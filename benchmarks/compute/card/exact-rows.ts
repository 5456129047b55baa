// Owns: whether a chain of large labels is what the specification gives, by samples of it that this thread can compute. Does not
// own: small chains, which are compared whole (src/compute/probe-labels.ts).
import { createReferenceCompute } from '../../../src/compute/cpu/reference.js';
import type { Labels, LabelsSpec, Place } from '../../../src/compute/labels.js';
import {
  createChain,
  fold,
  joinRow,
  LeafHasher,
  operandMatrix,
  TAG,
} from '../../../src/compute/spec/chain.js';
import {
  DIGEST_BYTES,
  DIGESTS_PER_LEAF,
  digestBlock,
  digestKey,
  digestLeaves,
  hashDigestLeaf,
} from '../../../src/compute/spec/digest.js';
import { BLOCK_BYTES } from '../../../src/compute/spec/plain-labels.js';
import { climb, createMerkleTree, HASH_BYTES, pathLength } from '../../../src/model/merkle.js';
import { type Random, shuffled } from '../../../src/model/prng.js';

export interface Samples {
  /** of each label that is looked at: rows that are multiplied here, element by element */
  readonly rowsPerLabel: number;
  /** labels that are looked at, where there are more. @default all */
  readonly labels?: number;
  /** of the last label: rows whose products are tried against one random vector */
  readonly tried: number;
  /** leaves of one whole label, by rows and by columns; each byte of it is read */
  readonly wholeTrees: boolean;
  readonly passLeaves: number;
}

/** Products are tried modulo this; a wrong row passes one time in 2^16. */
const PRIME = 2 ** 31 - 1;

/**
 * What is wrong first, or undefined. Left operands are made here from bytes of labels before, which were compared themselves; label
 * 0 is made here.
 * @param count labels that there are
 */
export async function firstWrong(
  labels: Labels,
  count: number,
  { rowsPerLabel, labels: atMost, tried, wholeTrees, passLeaves }: Samples,
  random: Random,
): Promise<string | undefined> {
  const { basis, n, seed, capacity } = labels.spec;
  const chain = createChain(seed, n, capacity);
  const b = operandMatrix(basis, n);
  const multiplier = await createReferenceCompute().loadOperand(b, n);
  const leafOf = (tag: typeof TAG.rowLeaf | typeof TAG.columnLeaf, bytes: Uint8Array): Uint8Array => {
    const leaf = new Uint8Array(HASH_BYTES);
    new LeafHasher(tag, n).into(bytes, leaf, 0);
    return leaf;
  };
  /** Rows of A, one behind the other. */
  const left = async (places: readonly Place[]): Promise<Int8Array> => {
    const rows = await labels.rows(places.map(({ label, index }) => ({ label: label - 1, index })));
    const columns = await labels.columns(
      places.map(({ label, index }) => ({ label: chain.backEdges[label], index })),
    );
    const a = new Uint8Array(places.length * n);
    places.forEach(({ label, index }, s) => {
      const x = chain.tweakRow(
        label,
        index,
        leafOf(TAG.rowLeaf, rows[s]),
        leafOf(TAG.columnLeaf, columns[s]),
      );
      joinRow(rows[s], columns[s], x, chain.tweakColumns(label), a.subarray(s * n, (s + 1) * n));
    });
    return new Int8Array(a.buffer);
  };
  const folded = (c: Int32Array): Uint8Array => {
    const out = new Uint8Array(n);
    fold(c, out);
    return out;
  };

  const origin = random.below(n);
  const [row] = await labels.rows([{ label: 0, index: origin }]);
  const [column] = await labels.columns([{ label: 0, index: origin }]);
  if (!same(row, chain.originRow(origin))) return `label 0, row ${origin}`;
  if (!same(column, chain.originColumn(origin))) return `label 0, column ${origin}`;

  const all = Array.from({ length: count }, (_, at) => at + 1);
  const looked = shuffled(all, random)
    .slice(0, atMost ?? count)
    .sort((one, other) => one - other);
  const places = looked.flatMap((label) =>
    // the first row and the last, where a tile that is cut off shows, then any
    Array.from({ length: rowsPerLabel }, (_, at) => ({
      label,
      index: [0, n - 1][at + (label % 2)] ?? random.below(n),
    })),
  );
  for (const place of places) {
    const { label, index } = place;
    const at = `label ${label}, row ${index}, n ${n}`;
    const expected = await multiplier.multiply(await left([place]));
    const [c] = await labels.accumulators([place]);
    if (!same(c, expected)) return `accumulators of ${at}`;
    const [bytes] = await labels.rows([place]);
    if (!same(bytes, folded(expected))) return `bytes of ${at}`;
    const [across] = await labels.columns([place]);
    const crossing = Array.from({ length: 4 }, () => ({ label, index: random.below(n) }));
    const crossed = await labels.rows(crossing);
    if (crossing.some(({ index: k }, s) => crossed[s][index] !== across[k])) return `column of ${at}`;
  }
  multiplier.release();

  const many = Array.from({ length: tried }, () => ({ label: count, index: random.below(n) }));
  const wrongRow = await firstWrongProduct(labels, many, { a: await left(many), b, n, folded }, random);
  if (wrongRow !== undefined) return wrongRow;

  const roots = await labels.roots(count);
  const depth = pathLength(n) * HASH_BYTES;
  const climbed = (
    leaf: Uint8Array,
    path: Uint8Array,
    { index, top }: { index: number; top: number },
  ): Uint8Array => {
    const node = leaf.slice();
    climb(node, index, path.subarray(0, depth), TAG.node);
    climb(node, top, path.subarray(depth), TAG.top);
    return node;
  };
  const referenced = chain.referenced.filter((label) => label <= count);
  const [inRows, inColumns] = [[count], referenced.slice(-1)].map((all) =>
    all.map((label) => ({ label, index: random.below(n) })),
  );
  for (const place of inRows) {
    const [path] = await labels.rowPaths(count, [place]);
    const [bytes] = await labels.rows([place]);
    const root = climbed(leafOf(TAG.rowLeaf, bytes), path, { index: place.index, top: place.label - 1 });
    if (!same(root, roots.rowRoot)) return `row path of label ${place.label}, row ${place.index}, n ${n}`;
  }
  for (const place of inColumns) {
    const [path] = await labels.columnPaths(count, [place]);
    const [bytes] = await labels.columns([place]);
    const top = chain.referenced.indexOf(place.label);
    const root = climbed(leafOf(TAG.columnLeaf, bytes), path, { index: place.index, top });
    if (!same(root, roots.columnRoot))
      return `column path of label ${place.label}, column ${place.index}, n ${n}`;
  }
  if (wholeTrees) {
    const wrong = await wrongTree(labels, count, [...inRows, ...inColumns]);
    if (wrong !== undefined) return wrong;
  }
  return passLeaves > 0 ? wrongPass(labels, count, passLeaves, random) : undefined;
}

/** C r against A (B r) for many rows of C at once. */
async function firstWrongProduct(
  labels: Labels,
  places: readonly Place[],
  { a, b, n, folded }: { a: Int8Array; b: Int8Array; n: number; folded: (c: Int32Array) => Uint8Array },
  random: Random,
): Promise<string | undefined> {
  const r = new Uint16Array(random.bytes(2 * n).slice().buffer);
  const br = new Float64Array(n);
  // 2^14 terms of 2^6 times 2^16, and below 2^14 of 2^7 times 2^31: doubles hold both exactly
  for (let k = 0; k < n; k++) {
    let sum = 0;
    for (let j = 0, at = k * n; j < n; j++, at++) sum += b[at] * r[j];
    br[k] = sum % PRIME;
  }
  const got = await labels.accumulators(places);
  const rows = await labels.rows(places);
  for (const [s, { label, index }] of places.entries()) {
    let expected = 0;
    for (let k = 0, at = s * n; k < n; k++, at++) expected += a[at] * br[k];
    let found = 0;
    for (let j = 0; j < n; j++) found = (found + got[s][j] * r[j]) % PRIME;
    if ((expected - found) % PRIME !== 0) return `product of label ${label}, row ${index}, n ${n}`;
    if (!same(rows[s], folded(got[s]))) return `fold of label ${label}, row ${index}, n ${n}`;
  }
  return undefined;
}

/** Every leaf of the labels of two places, the first by rows and the second by columns. */
async function wrongTree(
  labels: Labels,
  count: number,
  [inRows, inColumns]: readonly Place[],
): Promise<string | undefined> {
  const { n } = labels.spec;
  const read = async (label: number): Promise<Uint8Array> => {
    const whole = new Uint8Array(n * n);
    const step = Math.min(n, 1024);
    for (let from = 0; from < n; from += step) {
      const places = Array.from({ length: step }, (_, at) => ({ label, index: from + at }));
      (await labels.rows(places)).forEach((row, at) => {
        whole.set(row, (from + at) * n);
      });
    }
    return whole;
  };
  const differs = (
    whole: Uint8Array,
    tag: typeof TAG.rowLeaf | typeof TAG.columnLeaf,
    { index }: Place,
    path: Uint8Array,
  ): boolean => {
    const own = new Uint8Array(pathLength(n) * HASH_BYTES);
    createMerkleTree(new LeafHasher(tag, n).all(whole), TAG.node).path(index, own, 0);
    return !same(own, path.subarray(0, own.length));
  };
  const [rowPath] = await labels.rowPaths(count, [inRows]);
  if (differs(await read(inRows.label), TAG.rowLeaf, inRows, rowPath))
    return `leaves or tree over rows of label ${inRows.label}, n ${n}`;
  if (!inColumns) return undefined;
  const [columnPath] = await labels.columnPaths(count, [inColumns]);
  if (differs(transposed(await read(inColumns.label), n), TAG.columnLeaf, inColumns, columnPath))
    return `leaves or tree over columns of label ${inColumns.label}, n ${n}`;
  return undefined;
}

async function wrongPass(
  labels: Labels,
  count: number,
  samples: number,
  random: Random,
): Promise<string | undefined> {
  const { n } = labels.spec;
  const kappa = random.bytes(32);
  const key = digestKey(kappa, BLOCK_BYTES);
  const blocks = (count * n * n) / BLOCK_BYTES;
  const leaves = digestLeaves(blocks);
  const hashes = await labels.pass(count, kappa);
  // the last leaf is one that may not be full
  for (const leaf of [leaves - 1, ...Array.from({ length: samples - 1 }, () => random.below(leaves))]) {
    const expected = new Uint8Array(DIGESTS_PER_LEAF * DIGEST_BYTES);
    for (let at = 0; at < DIGESTS_PER_LEAF; at++) {
      const block = leaf * DIGESTS_PER_LEAF + at;
      if (block >= blocks) break;
      digestBlock(await blockOf(labels, block), key, expected, at * DIGEST_BYTES);
    }
    if (!same(await labels.passLeaf(count, kappa, leaf), expected)) return `pass, leaf ${leaf}, n ${n}`;
    const hash = new Uint8Array(HASH_BYTES);
    hashDigestLeaf(expected, hash, 0);
    if (!same(hashes.subarray(leaf * HASH_BYTES, (leaf + 1) * HASH_BYTES), hash))
      return `pass, hash of leaf ${leaf}, n ${n}`;
  }
  return undefined;
}

/** A block is part of a row, or some rows. */
async function blockOf({ spec: { n }, rows }: Labels, block: number): Promise<Uint8Array> {
  const perLabel = (n * n) / BLOCK_BYTES;
  const byte = (block % perLabel) * BLOCK_BYTES;
  const label = 1 + Math.floor(block / perLabel);
  const first = Math.floor(byte / n);
  const read = await rows(
    Array.from({ length: Math.max(1, BLOCK_BYTES / n) }, (_, at) => ({ label, index: first + at })),
  );
  if (read.length > 1) return Buffer.concat(read);
  return read[0].subarray(byte % n, (byte % n) + BLOCK_BYTES);
}

function transposed(whole: Uint8Array, n: number): Uint8Array {
  const out = new Uint8Array(n * n);
  const tile = 64;
  for (let top = 0; top < n; top += tile)
    for (let side = 0; side < n; side += tile)
      for (let i = top; i < Math.min(n, top + tile); i++)
        for (let j = side; j < Math.min(n, side + tile); j++) out[j * n + i] = whole[i * n + j];
  return out;
}

const same = (one: ArrayLike<number>, other: ArrayLike<number>): boolean => {
  if (one.length !== other.length) return false;
  for (let at = 0; at < one.length; at++) if (one[at] !== other[at]) return false;
  return true;
};

/** Labels for it: enough that some have a column tree and a back edge that is not the origin. */
export const sampleSpec = (n: number, random: Random): LabelsSpec => ({
  n,
  basis: random.bytes(32),
  seed: random.bytes(32),
  capacity: 9,
});
