// Owns: bodies of Commit, Open and Opening as bytes, in one spelling each. Does not own: what is true of them (verify.ts).
import { concat, HASH_BYTES, pathLength, u32le } from 'assay/model';
import type { HashCellsParams } from './params.js';

export interface Commit {
  readonly count: number;
  /** what the root of the cells is under this session's seed (cells.ts) */
  readonly bound: Uint8Array;
}

export interface Opened {
  readonly cell: Uint8Array;
  /** hashes from the cell to the root */
  readonly path: Uint8Array;
}

export interface Opening {
  readonly root: Uint8Array;
  /** one for each sample, in the order of the request */
  readonly cells: readonly Opened[];
}

const COMMIT_BYTES = 4 + HASH_BYTES;

export const encodeCommit = ({ count, bound }: Commit): Uint8Array => concat(u32le(count), bound);

/** Undefined for what is no commit under these parameters. */
export function decodeCommit(params: HashCellsParams, bytes: Uint8Array | undefined): Commit | undefined {
  if (bytes?.length !== COMMIT_BYTES) return undefined;
  const count = numberAt(bytes, 0);
  if (count < params.samples || count > params.cells) return undefined;
  return { count, bound: bytes.subarray(4) };
}

export const encodeRequest = (indices: readonly number[]): Uint8Array => concat(...indices.map(u32le));

/** Rising indices of cells that there are, as many as the parameters say; undefined for anything else. */
export function decodeRequest(
  { samples }: HashCellsParams,
  count: number,
  bytes: Uint8Array,
): readonly number[] | undefined {
  if (bytes.length !== 4 * samples) return undefined;
  const indices = Array.from({ length: samples }, (_, i) => numberAt(bytes, 4 * i));
  const isRising = indices.every((index, i) => index < count && (i === 0 || index > indices[i - 1]!));
  return isRising ? indices : undefined;
}

export const encodeOpening = ({ root, cells }: Opening): Uint8Array =>
  concat(root, ...cells.flatMap(({ cell, path }) => [cell, path]));

export function decodeOpening(
  { samples }: HashCellsParams,
  count: number,
  bytes: Uint8Array,
): Opening | undefined {
  const pathBytes = HASH_BYTES * pathLength(count);
  const each = HASH_BYTES + pathBytes;
  if (bytes.length !== HASH_BYTES + samples * each) return undefined;
  const cells = Array.from({ length: samples }, (_, i): Opened => {
    const at = HASH_BYTES + i * each;
    return {
      cell: bytes.subarray(at, at + HASH_BYTES),
      path: bytes.subarray(at + HASH_BYTES, at + each),
    };
  });
  return { root: bytes.subarray(0, HASH_BYTES), cells };
}

/** Upper bounds of what a miner may send; more is refused before anything of it is read. */
export const limits = ({ samples, cells }: HashCellsParams) => ({
  commitBytes: COMMIT_BYTES,
  openingBytes: HASH_BYTES + samples * HASH_BYTES * (1 + pathLength(cells)),
});

const numberAt = (bytes: Uint8Array, at: number): number =>
  new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(at, true);
