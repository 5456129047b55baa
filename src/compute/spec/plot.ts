// Owns: what a plot is: sectors, their leaves and trees, keyed digests of them. Does not own: where it lies (disk.ts), who asks for what of it (verification).
import { concat, u32le, u64le, utf8 } from '../../model/bytes.js';
import { sha256 } from '../../model/hash.js';
import { createMerkleTree, HASH_BYTES, hashInto, type MerkleTree } from '../../model/merkle.js';
import { type Argon2dInput, BLOCK_BYTES } from './argon2d.js';

/** Eight bytes; with the sector's number they are the salt of its memory. */
const SECTOR = utf8('assay/s1');
const PLOT = utf8('assay/storage/1/plot');

/** First bytes of preimages: no leaf can pass for a node, nor an answer for a leaf. */
const TAG = {
  leaf: 1,
  node: 2,
  top: 3,
  answer: 4,
  answerNode: 5,
  piece: 6,
  pieceNode: 7,
  rangeTop: 8,
} as const;

/** How sectors are made and cut: what parameters say of a plot. All but `passes` are powers of two. */
export interface PlotShape {
  /** blocks of 1 KiB in a sector: the memory that makes it */
  readonly sectorBlocks: number;
  /** passes over that memory */
  readonly passes: number;
  /** blocks of a leaf: what is read at random */
  readonly leafBlocks: number;
}

/** Whose plot, and of which shape; its sectors are the same wherever and by whomever they are made. */
export interface PlotName extends PlotShape {
  /** 32 bytes: hotkey, worker and slot (verification/seed.ts, slotPlace) */
  readonly place: Uint8Array;
}

export const sectorBytes = ({ sectorBlocks }: PlotShape): number => sectorBlocks * BLOCK_BYTES;
export const leafBytes = ({ leafBlocks }: PlotShape): number => leafBlocks * BLOCK_BYTES;

/** The memory whose final state is sector `index`. */
export const sectorInput = ({ place, sectorBlocks, passes }: PlotName, index: number): Argon2dInput => ({
  password: place,
  salt: concat(SECTOR, u64le(index)),
  blocks: sectorBlocks,
  passes,
});

/** What a plot of `sectors` sectors commits to: nothing of it can be another plot's, or one of another size. */
export const plotRoot = (plot: PlotName, sectors: number, treeRoot: Uint8Array): Uint8Array =>
  sha256(
    PLOT,
    plot.place,
    u32le(plot.sectorBlocks),
    u32le(plot.passes),
    u32le(plot.leafBlocks),
    u32le(sectors),
    treeRoot,
  );

/** Hashes of consecutive stretches of `data`, each behind `head`, whose last word `number` sets; 32 bytes a stretch. */
function hashes(
  data: Uint8Array,
  stretch: number,
  head: Uint8Array,
  number?: (i: number) => number,
): Uint8Array {
  const count = data.length / stretch;
  const out = new Uint8Array(count * HASH_BYTES);
  const preimage = concat(head, new Uint8Array(stretch));
  const view = new DataView(preimage.buffer);
  for (let i = 0; i < count; i++) {
    if (number) view.setUint32(head.length - 4, number(i), true);
    preimage.set(data.subarray(i * stretch, (i + 1) * stretch), head.length);
    hashInto(preimage, out, i * HASH_BYTES);
  }
  return out;
}

/** The tree over a sector's leaves, or over some of them that begin at a multiple of their power of two. */
export const leafTree = (shape: PlotShape, data: Uint8Array): MerkleTree =>
  createMerkleTree(hashes(data, leafBytes(shape), Uint8Array.of(TAG.leaf)), TAG.node);

/** The tree over the roots of all sectors, 32 bytes each. */
export const plotTree = (roots: Uint8Array): MerkleTree => createMerkleTree(roots, TAG.top);

/** Nodes on the way from leaf to root: within a sector, and over the sectors. */
export const PLOT_TAGS = { node: TAG.node, top: TAG.top } as const;
export const ANSWER_TAG = TAG.answerNode;
export const RANGE_TAGS = { node: TAG.pieceNode, top: TAG.rangeTop } as const;

const keyedHead = (tag: number, key: Uint8Array, sector: number, part: number): Uint8Array =>
  concat(Uint8Array.of(tag), key, u32le(sector), u32le(part));

/** What says that a leaf was at hand after `key` was known: it cannot be made from the leaf's hash. */
export const leafDigest = (key: Uint8Array, sector: number, leaf: number, data: Uint8Array): Uint8Array =>
  hashes(data, data.length, keyedHead(TAG.answer, key, sector, leaf));

export const answerTree = (digests: Uint8Array): MerkleTree => createMerkleTree(digests, TAG.answerNode);

/** The same of a piece of `data.length` bytes, one of those that a range is read in. */
export const pieceDigest = (key: Uint8Array, sector: number, piece: number, data: Uint8Array): Uint8Array =>
  hashes(data, data.length, keyedHead(TAG.piece, key, sector, piece));

/** The tree over the keyed pieces of one whole sector. */
export const pieceTree = (
  key: Uint8Array,
  sector: number,
  data: Uint8Array,
  pieceBytes: number,
): MerkleTree =>
  createMerkleTree(
    hashes(data, pieceBytes, keyedHead(TAG.piece, key, sector, 0), (i) => i),
    TAG.pieceNode,
  );

/** The tree over the roots of the sectors read, in the order in which they were. */
export const rangeTree = (roots: Uint8Array): MerkleTree => createMerkleTree(roots, TAG.rangeTop);
