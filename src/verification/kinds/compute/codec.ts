// Owns: the bodies of Commit, Open and Opening as bytes. Does not own: what makes them true (verify.ts).
import { create, toBinary } from '@bufbuild/protobuf';
import type { Chain } from '../../../compute/spec/chain.js';
import { HASH_BYTES, pathLength } from '../../../model/merkle.js';
import {
  type ComputeCommit,
  ComputeCommitSchema,
  type ComputeOpening,
  ComputeOpeningSchema,
  ComputeOpenSchema,
  ComputeSampleOpeningSchema,
  ComputeSampleSchema,
} from '../../../protocol/gen/assay/v1/proofs/compute_pb.js';
import { decode } from '../../canonical.js';
import type { ComputeParams } from './params.js';

/** One place that a validator looks at: row `row` of label `label`, and one row of its back edge. */
export interface Sample {
  readonly label: number;
  readonly row: number;
  readonly agreementRow: number;
}

/** Fields in the proto's order; the empty ones are what the verifier makes from the seed. */
export interface SampleOpening {
  readonly previousRow: Uint8Array;
  readonly backColumn: Uint8Array;
  readonly agreementRow: Uint8Array;
  readonly accumulator: Uint8Array;
  readonly previousRowPath: Uint8Array;
  readonly backColumnPath: Uint8Array;
  readonly agreementRowPath: Uint8Array;
  readonly labelRowPath: Uint8Array;
}

export interface Opening {
  readonly rowRoot: Uint8Array;
  readonly columnRoot: Uint8Array;
  readonly requestDigest: Uint8Array;
  readonly samples: readonly SampleOpening[];
}

/** Accumulators travel in this many bytes, signed little-endian: what is honest is below 2^23 (chain.ts). */
export const ACCUMULATOR_BYTES = 3;

/** What the bodies' bounds hang on. */
export type Shape = Pick<ComputeParams, 'n' | 'labels'>;

/** Upper bound of a commit's body. */
export const COMMIT_BYTES = 48;

/** Upper bounds of what an honest prover sends; a few bytes above it. */
export function limits(params: ComputeParams): { commitBytes: number; openingBytes: number } {
  return {
    commitBytes: COMMIT_BYTES,
    openingBytes: params.samples * sampleBytes(params) + 3 * (HASH_BYTES + 2),
  };
}

/** Upper bound of one sample's opening. */
export function sampleBytes(params: Shape): number {
  const path = (pathLength(params.n) + pathLength(params.labels)) * HASH_BYTES;
  // eight fields and the message around them, each a tag and a length of at most four bytes
  return (3 + ACCUMULATOR_BYTES) * params.n + 4 * path + 9 * 5;
}

/** Bytes that each field of a sample must have: fixed by parameters, seed and sample. */
export function sampleLengths(chain: Chain, label: number): { readonly [K in keyof SampleOpening]: number } {
  const { n, backEdges } = chain;
  const inRows = (pathLength(n) + pathLength(chain.labels)) * HASH_BYTES;
  const inColumns = (pathLength(n) + pathLength(chain.referenced.length)) * HASH_BYTES;
  const previous = label > 1 ? 1 : 0;
  const back = backEdges[label] > 0 ? 1 : 0;
  return {
    previousRow: previous * n,
    backColumn: back * n,
    agreementRow: back * n,
    accumulator: ACCUMULATOR_BYTES * n,
    previousRowPath: previous * inRows,
    backColumnPath: back * inColumns,
    agreementRowPath: back * inRows,
    labelRowPath: inRows,
  };
}

export const encodeCommit = (commit: { labels: number; root: Uint8Array }): Uint8Array =>
  toBinary(ComputeCommitSchema, create(ComputeCommitSchema, commit));

/** The commit, if `bytes` are one for `params`: it names how many labels were finished. */
export function decodeCommit(params: Shape, bytes: Uint8Array): ComputeCommit | undefined {
  const commit = decode(ComputeCommitSchema, bytes, COMMIT_BYTES);
  const holds =
    commit && commit.labels >= 1 && commit.labels <= params.labels && commit.root.length === HASH_BYTES;
  return holds ? commit : undefined;
}

export const encodeRequest = (samples: readonly Sample[]): Uint8Array =>
  toBinary(
    ComputeOpenSchema,
    create(ComputeOpenSchema, { samples: samples.map((sample) => create(ComputeSampleSchema, sample)) }),
  );

/**
 * The samples, if `bytes` ask for exactly those that `params` allow.
 * @param labels how many the commit names
 */
export function decodeRequest(
  params: ComputeParams,
  labels: number,
  bytes: Uint8Array,
): readonly Sample[] | undefined {
  const samples = decode(ComputeOpenSchema, bytes, params.samples * 32)?.samples;
  const every = samples?.every((sample) => isSample(params, sample, 1, labels));
  return every && samples?.length === params.samples ? samples : undefined;
}

/** Whether it names a place of label `from`..`to`. */
export const isSample = (
  { n }: Shape,
  { label, row, agreementRow }: Sample,
  from: number,
  to: number,
): boolean => label >= from && label <= to && row < n && agreementRow < n;

export const encodeOpening = (opening: Opening): Uint8Array =>
  toBinary(
    ComputeOpeningSchema,
    create(ComputeOpeningSchema, {
      ...opening,
      samples: opening.samples.map((sample) => create(ComputeSampleOpeningSchema, sample)),
    }),
  );

/** An opening of the right outer shape; lengths within samples hang on the seed and are checked later. */
export function decodeOpening(params: ComputeParams, bytes: Uint8Array): ComputeOpening | undefined {
  const opening = decode(ComputeOpeningSchema, bytes, limits(params).openingBytes);
  const shaped =
    opening?.rowRoot.length === HASH_BYTES &&
    opening.columnRoot.length === HASH_BYTES &&
    opening.requestDigest.length === HASH_BYTES;
  return shaped ? opening : undefined;
}

/** Signed accumulators as 3 bytes each. @throws RangeError when one does not fit */
export function encodeAccumulator(c: Int32Array): Uint8Array {
  const out = new Uint8Array(ACCUMULATOR_BYTES * c.length);
  for (let k = 0, at = 0; k < c.length; k++, at += 3) {
    const x = c[k];
    if ((x << 8) >> 8 !== x) throw new RangeError(`accumulator: expected 24 bits, got ${x}`);
    out[at] = x;
    out[at + 1] = x >> 8;
    out[at + 2] = x >> 16;
  }
  return out;
}

/** `bytes` must have three for each of `out`. */
export function decodeAccumulator(bytes: Uint8Array, out: Int32Array): void {
  for (let k = 0, at = 0; k < out.length; k++, at += 3)
    out[k] = bytes[at] | (bytes[at + 1] << 8) | ((bytes[at + 2] << 24) >> 8);
}
