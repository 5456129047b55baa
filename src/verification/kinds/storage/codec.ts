// Owns: the bodies of Commit, Open and Opening as bytes. Does not own: what makes them true (verify.ts).
import { create, toBinary } from '@bufbuild/protobuf';
import { BLOCK_BYTES } from '../../../compute/spec/argon2d.js';
import { HASH_BYTES, pathLength } from '../../../model/merkle.js';
import {
  StorageAnswerSchema,
  type StorageCommit,
  StorageCommitSchema,
  type StorageOpening,
  StorageOpeningSchema,
  StorageOpenSchema,
  StoragePieceSchema,
  StorageRangeSchema,
  StorageSampleSchema,
} from '../../../protocol/gen/assay/v1/proofs/storage_pb.js';
import { decode } from '../../canonical.js';
import type { StorageParams } from './params.js';

/** First Commit: which plot. */
export interface Commit {
  readonly sectors: number;
  readonly root: Uint8Array;
}

/** All three, of one session. */
export interface Commits {
  readonly plot: Commit;
  /** of the tree over the answers */
  readonly answer: Uint8Array;
  readonly range: Commit;
}

/** A piece of a sector of the range, by the sector's place in the order. */
export interface PieceAt {
  readonly place: number;
  readonly piece: number;
}

export interface Request {
  readonly leaves: readonly number[];
  readonly pieces: readonly PieceAt[];
  readonly encodings: readonly number[];
}

export interface Sample {
  readonly data: Uint8Array;
  readonly plotPath: Uint8Array;
  readonly digestPath: Uint8Array;
}

export interface Opening {
  readonly plotRoot: Uint8Array;
  readonly answerRoot: Uint8Array;
  readonly rangeRoot: Uint8Array;
  readonly requestDigest: Uint8Array;
  readonly leaves: readonly Sample[];
  readonly pieces: readonly Sample[];
  readonly encodingPaths: readonly Uint8Array[];
}

export const leavesPerSector = (params: StorageParams): number => params.sectorBlocks / params.leafBlocks;
export const piecesPerSector = (params: StorageParams): number => params.sectorBlocks / params.pieceBlocks;

/** Bytes that each field must have: fixed by parameters and commits. */
export interface Lengths {
  readonly leaf: { readonly [K in keyof Sample]: number };
  readonly piece: { readonly [K in keyof Sample]: number };
  readonly encodingPath: number;
}

export function lengths(params: StorageParams, sectors: number, rangeSectors: number): Lengths {
  const bytes = (steps: number): number => steps * HASH_BYTES;
  const overSectors = pathLength(sectors);
  return {
    leaf: {
      data: params.leafBlocks * BLOCK_BYTES,
      plotPath: bytes(pathLength(leavesPerSector(params)) + overSectors),
      digestPath: bytes(pathLength(params.leaves)),
    },
    piece: {
      data: params.pieceBlocks * BLOCK_BYTES,
      plotPath: bytes(pathLength(piecesPerSector(params)) + overSectors),
      digestPath: bytes(pathLength(piecesPerSector(params)) + pathLength(rangeSectors)),
    },
    encodingPath: bytes(overSectors),
  };
}

/** Upper bounds of what an honest prover sends; a few bytes above it. */
export function limits(params: StorageParams): { commitBytes: number; openingBytes: number } {
  const { leaf, piece, encodingPath } = lengths(params, params.maxSectors, params.maxRange);
  // each field and the message around them a tag and a length of at most four bytes
  const sample = (of: Lengths['leaf']): number => of.data + of.plotPath + of.digestPath + 4 * 5;
  return {
    commitBytes: 48,
    openingBytes:
      4 * (HASH_BYTES + 2) +
      params.openedLeaves * sample(leaf) +
      params.openedPieces * sample(piece) +
      params.encodings * (encodingPath + 5),
  };
}

export const encodeCommit = (commit: Commit): Uint8Array =>
  toBinary(StorageCommitSchema, create(StorageCommitSchema, commit));

export const encodeAnswer = (root: Uint8Array): Uint8Array =>
  toBinary(StorageAnswerSchema, create(StorageAnswerSchema, { root }));

export const encodeRange = (range: Commit): Uint8Array =>
  toBinary(StorageRangeSchema, create(StorageRangeSchema, range));

const isRoot = (root: Uint8Array | undefined): root is Uint8Array => root?.length === HASH_BYTES;

export function decodeCommit(
  params: StorageParams,
  bytes: Uint8Array | undefined,
): StorageCommit | undefined {
  const commit = bytes && decode(StorageCommitSchema, bytes, limits(params).commitBytes);
  if (!commit || !isRoot(commit.root)) return undefined;
  return commit.sectors >= params.minSectors && commit.sectors <= params.maxSectors ? commit : undefined;
}

export function decodeAnswer(params: StorageParams, bytes: Uint8Array): Uint8Array | undefined {
  const root = decode(StorageAnswerSchema, bytes, limits(params).commitBytes)?.root;
  return isRoot(root) ? root : undefined;
}

/** At least one sector, and none twice. */
export function decodeRange(params: StorageParams, plot: Commit, bytes: Uint8Array): Commit | undefined {
  const range = decode(StorageRangeSchema, bytes, limits(params).commitBytes);
  if (!range || !isRoot(range.root)) return undefined;
  return range.sectors >= 1 && range.sectors <= mostOfRange(params, plot.sectors) ? range : undefined;
}

/** Most sectors that a range of a plot can name. */
export const mostOfRange = ({ maxRange, rangeOneIn }: StorageParams, sectors: number): number =>
  Math.min(maxRange, Math.ceil(sectors / rangeOneIn));

export function decodeCommits(params: StorageParams, commits: readonly Uint8Array[]): Commits | undefined {
  const plot = commits.length === 3 ? decodeCommit(params, commits[0]) : undefined;
  const answer = plot && decodeAnswer(params, commits[1]);
  const range = plot && decodeRange(params, plot, commits[2]);
  return plot && answer && range && { plot, answer, range };
}

export const encodeRequest = (request: Request): Uint8Array =>
  toBinary(
    StorageOpenSchema,
    create(StorageOpenSchema, {
      leaves: [...request.leaves],
      pieces: request.pieces.map((at) => create(StoragePieceSchema, at)),
      encodings: [...request.encodings],
    }),
  );

/** The request, if `bytes` ask for what `params` say of these commits. */
export function decodeRequest(
  params: StorageParams,
  sectors: number,
  rangeSectors: number,
  bytes: Uint8Array,
): Request | undefined {
  const { openedLeaves, openedPieces, encodings } = params;
  const maxBytes = 16 + 5 * openedLeaves + 16 * openedPieces + 5 * encodings;
  const request = decode(StorageOpenSchema, bytes, maxBytes);
  const fits =
    request?.leaves.length === openedLeaves &&
    request.leaves.every((i) => i < params.leaves) &&
    request.pieces.length === openedPieces &&
    request.pieces.every(({ place, piece }) => place < rangeSectors && piece < piecesPerSector(params)) &&
    request.encodings.length === encodings &&
    request.encodings.every((sector) => sector < sectors);
  return fits ? request : undefined;
}

export const encodeOpening = (opening: Opening): Uint8Array =>
  toBinary(
    StorageOpeningSchema,
    create(StorageOpeningSchema, {
      ...opening,
      leaves: opening.leaves.map((sample) => create(StorageSampleSchema, sample)),
      pieces: opening.pieces.map((sample) => create(StorageSampleSchema, sample)),
      encodingPaths: [...opening.encodingPaths],
    }),
  );

/** An opening of the right outer shape; the lengths within are checked once it is known whose work it is. */
export function decodeOpening(params: StorageParams, bytes: Uint8Array): StorageOpening | undefined {
  const opening = decode(StorageOpeningSchema, bytes, limits(params).openingBytes);
  const shaped =
    isRoot(opening?.plotRoot) &&
    isRoot(opening.answerRoot) &&
    isRoot(opening.rangeRoot) &&
    isRoot(opening.requestDigest);
  return shaped ? opening : undefined;
}
