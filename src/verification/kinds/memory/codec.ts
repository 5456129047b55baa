// Owns: the bodies of Commit, Open and Opening as bytes. Does not own: what makes them true (verify.ts).
import { create, toBinary } from '@bufbuild/protobuf';
import { sha256 } from '../../../model/hash.js';
import { HASH_BYTES } from '../../../model/merkle.js';
import {
  ComputeSampleOpeningSchema,
  ComputeSampleSchema,
} from '../../../protocol/gen/assay/v1/proofs/compute_pb.js';
import {
  type MemoryOpening,
  MemoryOpeningSchema,
  MemoryOpenSchema,
  MemoryPassCommitSchema,
  MemoryPassOpeningSchema,
  MemoryPassSampleSchema,
  MemoryPrefixSchema,
} from '../../../protocol/gen/assay/v1/proofs/memory_pb.js';
import { decode } from '../../canonical.js';
import { COMMIT_BYTES, decodeCommit, isSample, type Sample, type SampleOpening } from '../compute/codec.js';
import { blocksOf, type MemoryParams, openingBytes } from './params.js';

/** One digest that a validator looks at: block `block` in round `round`, which begins at 1. */
export interface PassSample {
  readonly round: number;
  readonly block: number;
}

export interface Request {
  readonly samples: readonly Sample[];
  readonly fillSamples: readonly Sample[];
  readonly passSamples: readonly PassSample[];
}

/** What the three commits say, as far as they are there. */
export interface Commits {
  /** labels finished within the window, and their root */
  readonly window: { readonly labels: number; readonly root: Uint8Array };
  readonly fill: { readonly labels: number; readonly root: Uint8Array } | undefined;
  /** roots of the rounds that were finished, 32 bytes each */
  readonly rounds: readonly Uint8Array[] | undefined;
}

export interface PassOpening {
  readonly rows: Uint8Array;
  readonly rowsPath: Uint8Array;
  readonly digests: Uint8Array;
  readonly digestsPath: Uint8Array;
}

export interface Prefix {
  readonly last: Uint8Array;
  readonly path: Uint8Array;
}

export interface Opening {
  readonly rowRoot: Uint8Array;
  readonly columnRoot: Uint8Array;
  readonly fillRowRoot: Uint8Array;
  readonly fillColumnRoot: Uint8Array;
  readonly answers: Uint8Array;
  readonly rowPrefix: Prefix;
  readonly columnPrefix: Prefix | undefined;
  readonly samples: readonly SampleOpening[];
  readonly passSamples: readonly PassOpening[];
}

/** Upper bounds of what an honest prover sends; a few bytes above it. */
export const limits = (params: MemoryParams): { commitBytes: number; openingBytes: number } => ({
  commitBytes: Math.max(COMMIT_BYTES, params.maxRounds * HASH_BYTES + 5),
  openingBytes: openingBytes(params),
});

/** What an opening says it answers: rounds that no sample looks at are bound by nothing else. */
export const answersOf = (commits: readonly Uint8Array[], request: Uint8Array): Uint8Array =>
  sha256(...commits.map((commit) => sha256(commit)), sha256(request));

export const encodePassCommit = (roots: Uint8Array): Uint8Array =>
  toBinary(MemoryPassCommitSchema, create(MemoryPassCommitSchema, { roots }));

/** The commits there are, if they are commits for `params`: each extends what the one before says. */
export function decodeCommits(params: MemoryParams, commits: readonly Uint8Array[]): Commits | undefined {
  const [first, second, third, ...more] = commits;
  const window = first && decodeCommit(params, first);
  if (!window || more.length > 0) return undefined;
  const fill = second && decodeCommit(params, second);
  if (second && !(fill && fill.labels >= window.labels)) return undefined;
  const rounds = third && decodePassCommit(params, third);
  return third && !rounds ? undefined : { window, fill, rounds };
}

function decodePassCommit(params: MemoryParams, bytes: Uint8Array): Uint8Array[] | undefined {
  const roots = decode(MemoryPassCommitSchema, bytes, limits(params).commitBytes)?.roots;
  if (!roots || roots.length === 0 || roots.length % HASH_BYTES !== 0) return undefined;
  const rounds = roots.length / HASH_BYTES;
  if (rounds > params.maxRounds) return undefined;
  return Array.from({ length: rounds }, (_, r) => roots.subarray(r * HASH_BYTES, (r + 1) * HASH_BYTES));
}

export const encodeRequest = (request: Request): Uint8Array =>
  toBinary(
    MemoryOpenSchema,
    create(MemoryOpenSchema, {
      samples: request.samples.map((sample) => create(ComputeSampleSchema, sample)),
      fillSamples: request.fillSamples.map((sample) => create(ComputeSampleSchema, sample)),
      passSamples: request.passSamples.map((sample) => create(MemoryPassSampleSchema, sample)),
    }),
  );

/** Samples that `params` ask for where so many labels and rounds were committed to: none of a fill that added nothing. */
export const fillSamplesOf = (params: MemoryParams, windowLabels: number, labels: number): number =>
  labels > windowLabels ? params.fillSamples : 0;

/** The request, if `bytes` ask for exactly what `params` allow under these commits. */
export function decodeRequest(
  params: MemoryParams,
  { window, fill, rounds }: Commits,
  bytes: Uint8Array,
): Request | undefined {
  if (!fill || !rounds) return undefined;
  const { samples, fillSamples, passSamples } = params;
  const request = decode(MemoryOpenSchema, bytes, (samples + fillSamples + passSamples) * 32);
  if (!request) return undefined;
  const blocks = blocksOf(params, fill.labels);
  const holds =
    request.samples.length === samples &&
    request.samples.every((sample) => isSample(params, sample, 1, window.labels)) &&
    request.fillSamples.length === fillSamplesOf(params, window.labels, fill.labels) &&
    request.fillSamples.every((sample) => isSample(params, sample, window.labels + 1, fill.labels)) &&
    request.passSamples.length === passSamples &&
    request.passSamples.every(({ round, block }) => round >= 1 && round <= rounds.length && block < blocks);
  return holds ? request : undefined;
}

export const encodeOpening = (opening: Opening): Uint8Array =>
  toBinary(
    MemoryOpeningSchema,
    create(MemoryOpeningSchema, {
      ...opening,
      rowPrefix: create(MemoryPrefixSchema, opening.rowPrefix),
      ...(opening.columnPrefix ? { columnPrefix: create(MemoryPrefixSchema, opening.columnPrefix) } : {}),
      samples: opening.samples.map((sample) => create(ComputeSampleOpeningSchema, sample)),
      passSamples: opening.passSamples.map((sample) => create(MemoryPassOpeningSchema, sample)),
    }),
  );

/** An opening of the right outer shape; lengths within samples hang on the seed and are checked later. */
export function decodeOpening(params: MemoryParams, bytes: Uint8Array): MemoryOpening | undefined {
  const opening = decode(MemoryOpeningSchema, bytes, limits(params).openingBytes);
  if (!opening) return undefined;
  const { rowRoot, columnRoot, fillRowRoot, fillColumnRoot, answers } = opening;
  const hashes = [rowRoot, columnRoot, fillRowRoot, fillColumnRoot, answers];
  return hashes.every(({ length }) => length === HASH_BYTES) ? opening : undefined;
}
