// Owns: the bodies of Ready, Go, Commit, Open and Opening as bytes. Does not own: what makes them true (verify.ts).
import { create, toBinary } from '@bufbuild/protobuf';
import { LEAF_BYTES } from '../../../compute/spec/link.js';
import { concat, u32le, utf8 } from '../../../model/bytes.js';
import { isSigningKey } from '../../../model/ed25519.js';
import { sha256 } from '../../../model/hash.js';
import { HASH_BYTES, pathLength } from '../../../model/merkle.js';
import {
  type BandwidthBrief,
  BandwidthBriefSchema,
  BandwidthCommitSchema,
  type BandwidthOffer,
  BandwidthOfferSchema,
  type BandwidthOpening,
  BandwidthOpeningSchema,
  BandwidthOpenSchema,
  BandwidthPullSchema,
  BandwidthSampleOpeningSchema,
  BandwidthSampleSchema,
  BandwidthServeSchema,
} from '../../../protocol/gen/assay/v1/proofs/bandwidth_pb.js';
import { decode } from '../../canonical.js';
import type { Challenge } from '../../proof.js';
import type { BandwidthParams } from './params.js';

/** What X is told of one source; fields in the proto's order. */
export interface Pull {
  readonly ticket: Uint8Array;
  readonly source: Uint8Array;
  /** textual IPv4 or IPv6 address */
  readonly address: string;
  readonly port: number;
  readonly linkKey: Uint8Array;
  readonly pass: Uint8Array;
  readonly keyCommitment: Uint8Array;
}

/** What Y is told of one receiver. */
export interface Serve {
  readonly ticket: Uint8Array;
  readonly receiver: Uint8Array;
  readonly pass: Uint8Array;
  readonly key: Uint8Array;
}

export interface Brief {
  readonly pulls: readonly Pull[];
  readonly serves: readonly Serve[];
}

export interface Commit {
  /** whole segments of each source */
  readonly segments: readonly number[];
  readonly root: Uint8Array;
}

/** `leaf` counts from the first leaf of the source. */
export interface Sample {
  readonly source: number;
  readonly leaf: number;
}

export interface Request {
  readonly keys: readonly Uint8Array[];
  readonly samples: readonly Sample[];
}

export interface SampleOpening {
  readonly path: Uint8Array;
  /** of the leaf as it came, where X says that the source signed something else; else empty, as the signature */
  readonly digest: Uint8Array;
  readonly signature: Uint8Array;
}

export interface Opening {
  readonly sourceRoots: readonly Uint8Array[];
  readonly requestDigest: Uint8Array;
  readonly samples: readonly SampleOpening[];
}

const KEY = utf8('assay/bandwidth/1/key-commitment');
const ROOT = utf8('assay/bandwidth/1/root');
const SIGNATURE_BYTES = 64;
/** outer form only: whoever dials it parses it */
const ADDRESS = /^[0-9a-f.:]{2,45}$/;
/** A host is the source of at most this many others, whatever its weight (match.ts). */
export const MAX_SERVES = 32;

export const keyCommitment = (key: Uint8Array): Uint8Array => sha256(KEY, key);

/**
 * The committed root. The counts are in it, or X could claim other sizes for the same trees; seed and basis are in it, or a
 * transcript of another round would do; the brief is in it, so that X has said what it was told.
 */
export function committedRoot(
  { seed, basis, brief }: Pick<Challenge<unknown>, 'seed' | 'basis' | 'brief'>,
  segments: readonly number[],
  sourceRoots: readonly Uint8Array[],
): Uint8Array {
  return sha256(
    ROOT,
    seed,
    basis,
    sha256(brief ?? new Uint8Array(0)),
    u32le(segments.length),
    concat(...segments.map((count, s) => concat(u32le(count), sourceRoots[s]))),
  );
}

/** Upper bounds of what an honest prover sends; a few bytes above it. */
export function limits(params: BandwidthParams): { commitBytes: number; openingBytes: number } {
  const path = (pathLength(params.segmentLeaves) + pathLength(params.maxSegments)) * HASH_BYTES;
  // three fields and the message around them, each a tag and a length of at most four bytes
  const sample = path + HASH_BYTES + SIGNATURE_BYTES + 4 * 5;
  return {
    commitBytes: params.sources * 2 + 8 + HASH_BYTES + 2,
    openingBytes: params.samples * sample + (params.sources + 1) * (HASH_BYTES + 2),
  };
}

/** Bytes of a path within a source of `segments` segments. */
export const pathBytes = (params: BandwidthParams, segments: number): number =>
  (pathLength(params.segmentLeaves) + pathLength(segments)) * HASH_BYTES;

export const encodeOffer = (offer: { port: number; linkKey: Uint8Array }): Uint8Array =>
  toBinary(BandwidthOfferSchema, create(BandwidthOfferSchema, offer));

export function decodeOffer(bytes: Uint8Array): BandwidthOffer | undefined {
  const offer = decode(BandwidthOfferSchema, bytes, 64);
  const good = offer && offer.port >= 1 && offer.port <= 65_535 && isSigningKey(offer.linkKey);
  return good ? offer : undefined;
}

export const encodeBrief = ({ pulls, serves }: Brief): Uint8Array =>
  toBinary(
    BandwidthBriefSchema,
    create(BandwidthBriefSchema, {
      pulls: pulls.map((pull) => create(BandwidthPullSchema, pull)),
      serves: serves.map((serve) => create(BandwidthServeSchema, serve)),
    }),
  );

/** The brief, if `bytes` are one for `params`. */
export function decodeBrief(
  params: BandwidthParams,
  bytes: Uint8Array | undefined,
): BandwidthBrief | undefined {
  if (!bytes) return undefined;
  const brief = decode(BandwidthBriefSchema, bytes, params.sources * 256 + MAX_SERVES * 160);
  const is32 = (...fields: readonly Uint8Array[]): boolean => fields.every(({ length }) => length === 32);
  const shaped =
    brief !== undefined &&
    brief.pulls.length <= params.sources &&
    brief.serves.length <= MAX_SERVES &&
    brief.pulls.every(
      (pull) =>
        is32(pull.ticket, pull.source, pull.linkKey, pull.pass, pull.keyCommitment) &&
        ADDRESS.test(pull.address) &&
        pull.port >= 1 &&
        pull.port <= 65_535,
    ) &&
    brief.serves.every((serve) => is32(serve.ticket, serve.receiver, serve.pass, serve.key));
  return shaped ? brief : undefined;
}

export const encodeCommit = ({ segments, root }: Commit): Uint8Array =>
  toBinary(BandwidthCommitSchema, create(BandwidthCommitSchema, { segments: [...segments], root }));

/** The commit, if `bytes` are one for `params`: something was received, and of no source more than its cap. */
export function decodeCommit(params: BandwidthParams, bytes: Uint8Array | undefined): Commit | undefined {
  if (!bytes) return undefined;
  const commit = decode(BandwidthCommitSchema, bytes, limits(params).commitBytes);
  const good =
    commit !== undefined &&
    commit.root.length === HASH_BYTES &&
    commit.segments.length >= 1 &&
    commit.segments.length <= params.sources &&
    commit.segments.every((count) => count <= params.maxSegments) &&
    commit.segments.some((count) => count > 0);
  return good ? commit : undefined;
}

export const encodeRequest = ({ keys, samples }: Request): Uint8Array =>
  toBinary(
    BandwidthOpenSchema,
    create(BandwidthOpenSchema, {
      keys: [...keys],
      samples: samples.map((sample) => create(BandwidthSampleSchema, sample)),
    }),
  );

/** Keys and samples, if `bytes` ask for exactly what `params` and these counts allow. */
export function decodeRequest(
  params: BandwidthParams,
  segments: readonly number[],
  bytes: Uint8Array,
): Request | undefined {
  const request = decode(BandwidthOpenSchema, bytes, params.samples * 16 + params.sources * 40);
  const inRange = ({ source, leaf }: Sample): boolean =>
    source < segments.length && leaf < segments[source] * params.segmentLeaves;
  const good =
    request?.keys.length === segments.length &&
    request.keys.every((key) => key.length === 32) &&
    request.samples.length === params.samples &&
    request.samples.every(inRange);
  return good ? request : undefined;
}

export const encodeOpening = (opening: Opening): Uint8Array =>
  toBinary(
    BandwidthOpeningSchema,
    create(BandwidthOpeningSchema, {
      sourceRoots: [...opening.sourceRoots],
      requestDigest: opening.requestDigest,
      samples: opening.samples.map((sample) => create(BandwidthSampleOpeningSchema, sample)),
    }),
  );

/** An opening of the right outer shape: one root a source, zeros for those that gave nothing. */
export function decodeOpening(
  params: BandwidthParams,
  segments: readonly number[],
  bytes: Uint8Array,
): BandwidthOpening | undefined {
  const opening = decode(BandwidthOpeningSchema, bytes, limits(params).openingBytes);
  const good =
    opening !== undefined &&
    opening.requestDigest.length === HASH_BYTES &&
    opening.sourceRoots.length === segments.length &&
    opening.sourceRoots.every(
      (root, s) => root.length === HASH_BYTES && (segments[s] > 0 || root.every((byte) => byte === 0)),
    );
  return good ? opening : undefined;
}

/** Whether a sample's fields have the one length that parameters and counts give them. */
export function isShaped(
  params: BandwidthParams,
  segments: readonly number[],
  { source }: Sample,
  { path, digest, signature }: SampleOpening,
): boolean {
  const blames = digest.length > 0;
  return (
    path.length === pathBytes(params, segments[source]) &&
    digest.length === (blames ? HASH_BYTES : 0) &&
    signature.length === (blames ? SIGNATURE_BYTES : 0)
  );
}

/** Bytes of content in so many segments. */
export const bytesOf = (params: BandwidthParams, segments: number): number =>
  segments * params.segmentLeaves * LEAF_BYTES;
