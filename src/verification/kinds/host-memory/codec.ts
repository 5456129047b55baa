// Owns: the bodies of the four Commits, of Open and of Opening as bytes. Does not own: what makes them true (verify.ts).
import { create, toBinary } from '@bufbuild/protobuf';
import {
  DIGEST_BYTES,
  DIGEST_LEAF_BYTES,
  DIGESTS_PER_LEAF,
  digestLeaves,
} from '../../../compute/spec/digest.js';
import { MAX_LANE_LABELS } from '../../../compute/spec/host-labels.js';
import { LEAF_STEPS, WALK_LEAF_BYTES } from '../../../compute/spec/host-walk.js';
import { HASH_BYTES, pathLength } from '../../../model/merkle.js';
import {
  HostMemoryBeginSchema,
  HostMemoryFillSchema,
  type HostMemoryOpening,
  HostMemoryOpeningSchema,
  HostMemoryOpenSchema,
  HostMemoryRoundsSchema,
  HostMemoryWalkSchema,
} from '../../../protocol/gen/assay/v1/proofs/host_memory_pb.js';
import { decode } from '../../canonical.js';
import type { Made } from './credit.js';
import type { HostMemoryParams } from './params.js';

/** Commits of a slot, as many as there are. */
export interface Commits {
  readonly lanes: number;
  readonly fill?: { readonly labels: number; readonly root: Uint8Array };
  readonly roots?: readonly Uint8Array[];
  readonly walk?: { readonly leaves: number; readonly root: Uint8Array };
}

/** All four. */
export type AllCommits = Required<Commits>;

export interface LabelSample {
  readonly lane: number;
  readonly index: number;
}
export interface DigestSample extends LabelSample {
  readonly round: number;
}
export interface StepSample {
  readonly lane: number;
  readonly leaf: number;
  readonly step: number;
}
export interface Request {
  readonly labels: readonly LabelSample[];
  readonly digests: readonly DigestSample[];
  readonly steps: readonly StepSample[];
}

/** Fields in the proto's order. */
export interface Block {
  readonly label: Uint8Array;
  readonly path: Uint8Array;
}
export interface LabelOpening {
  readonly parents: readonly Block[];
  readonly path: Uint8Array;
}
export interface DigestOpening {
  readonly block: Block;
  readonly digests: Uint8Array;
  readonly path: Uint8Array;
}
export interface StepOpening {
  readonly states: Uint8Array;
  readonly path: Uint8Array;
  readonly block: Block;
}
export interface Opening {
  readonly top: Uint8Array;
  readonly requestDigest: Uint8Array;
  readonly labels: readonly LabelOpening[];
  readonly digests: readonly DigestOpening[];
  readonly steps: readonly StepOpening[];
}

/** Bytes of the paths that commits lead to. */
export interface PathBytes {
  readonly label: number;
  readonly digests: number;
  readonly walk: number;
}

export function pathBytes({ lanes, fill, walk }: AllCommits): PathBytes {
  const bytes = (inLane: number): number => (pathLength(inLane) + pathLength(lanes)) * HASH_BYTES;
  return {
    label: bytes(fill.labels),
    digests: bytes(digestLeaves(fill.labels)),
    walk: bytes(walk.leaves),
  };
}

/** Digests under the leaf that holds the one of label `index`. */
export const digestsBeside = (labels: number, index: number): number =>
  Math.min(DIGESTS_PER_LEAF, labels - Math.floor(index / DIGESTS_PER_LEAF) * DIGESTS_PER_LEAF);

/** Tag and length of a field of bytes or of a message within the opening, whatever its size. */
const FIELD = 5;

/** Upper bounds of what an honest prover sends; a few bytes above it. */
export function limits(params: HostMemoryParams): { commitBytes: number; openingBytes: number } {
  const { labelBytes, labelSamples, digestSamples, stepSamples } = params;
  const most = Math.min(MAX_LANE_LABELS, Math.ceil(params.maxBytes / labelBytes));
  const inLanes = pathLength(params.maxLanes);
  const path = (leaves: number): number => (pathLength(leaves) + inLanes) * HASH_BYTES + FIELD;
  const block = labelBytes + path(most) + 2 * FIELD;
  const label = 3 * block + path(most) + FIELD;
  const digest = block + DIGEST_LEAF_BYTES + path(digestLeaves(most)) + 2 * FIELD;
  const step = WALK_LEAF_BYTES + path(params.maxLeaves) + block + 2 * FIELD;
  return {
    commitBytes: Math.max(48, params.maxRounds * (HASH_BYTES + 2)),
    openingBytes:
      2 * (HASH_BYTES + FIELD) + labelSamples * label + digestSamples * digest + stepSamples * step,
  };
}

export const encodeBegin = (lanes: number): Uint8Array =>
  toBinary(HostMemoryBeginSchema, create(HostMemoryBeginSchema, { lanes }));
export const encodeFill = (fill: { labels: number; root: Uint8Array }): Uint8Array =>
  toBinary(HostMemoryFillSchema, create(HostMemoryFillSchema, fill));
export const encodeRounds = (roots: readonly Uint8Array[]): Uint8Array =>
  toBinary(HostMemoryRoundsSchema, create(HostMemoryRoundsSchema, { roots: [...roots] }));
export const encodeWalk = (walk: { leaves: number; root: Uint8Array }): Uint8Array =>
  toBinary(HostMemoryWalkSchema, create(HostMemoryWalkSchema, walk));

/** The commits, if all of `bodies` are commits for `params`, in their order. */
export function decodeCommits(params: HostMemoryParams, bodies: readonly Uint8Array[]): Commits | undefined {
  if (bodies.length < 1 || bodies.length > 4) return undefined;
  const { commitBytes } = limits(params);
  const lanes = decode(HostMemoryBeginSchema, bodies[0], commitBytes)?.lanes;
  if (lanes === undefined || lanes < 1 || lanes > params.maxLanes) return undefined;
  if (bodies.length === 1) return { lanes };

  const fill = decode(HostMemoryFillSchema, bodies[1], commitBytes);
  if (fill?.root.length !== HASH_BYTES || !mayHold(params, lanes, fill.labels)) return undefined;
  if (bodies.length === 2) return { lanes, fill };

  const roots = decode(HostMemoryRoundsSchema, bodies[2], commitBytes)?.roots;
  if (!roots || roots.length < 1 || roots.length > params.maxRounds) return undefined;
  if (!roots.every(({ length }) => length === HASH_BYTES)) return undefined;
  if (bodies.length === 3) return { lanes, fill, roots };

  const walk = decode(HostMemoryWalkSchema, bodies[3], commitBytes);
  const walked = walk?.root.length === HASH_BYTES && walk.leaves >= 1 && walk.leaves <= params.maxLeaves;
  return walked ? { lanes, fill, roots, walk } : undefined;
}

/** Whether lanes of so many labels are within the bounds of `params`. */
export function mayHold(params: HostMemoryParams, lanes: number, labels: number): boolean {
  const bytes = lanes * labels * params.labelBytes;
  return labels >= 1 && labels <= MAX_LANE_LABELS && bytes >= params.minBytes && bytes <= params.maxBytes;
}

export const isComplete = (commits: Commits | undefined): commits is AllCommits =>
  commits?.fill !== undefined && commits.roots !== undefined && commits.walk !== undefined;

/** What complete commits name. */
export const madeOf = (params: HostMemoryParams, { lanes, fill, roots, walk }: AllCommits): Made => ({
  lanes,
  bytes: lanes * fill.labels * params.labelBytes,
  rounds: roots.length,
  leaves: walk.leaves,
});

export const encodeRequest = (request: Request): Uint8Array =>
  toBinary(HostMemoryOpenSchema, create(HostMemoryOpenSchema, mutable(request)));

/** The samples, if `bytes` ask for exactly those that params and commits allow. */
export function decodeRequest(
  params: HostMemoryParams,
  { lanes, fill, roots, walk }: AllCommits,
  bytes: Uint8Array,
): Request | undefined {
  const { labelSamples, digestSamples, stepSamples } = params;
  const request = decode(HostMemoryOpenSchema, bytes, (labelSamples + digestSamples + stepSamples) * 32);
  if (!request) return undefined;
  const isLabel = ({ lane, index }: LabelSample): boolean => lane < lanes && index < fill.labels;
  const holds =
    request.labels.length === labelSamples &&
    request.labels.every(isLabel) &&
    request.digests.length === digestSamples &&
    request.digests.every((each) => isLabel(each) && each.round >= 1 && each.round <= roots.length) &&
    request.steps.length === stepSamples &&
    request.steps.every(({ lane, leaf, step }) => lane < lanes && leaf < walk.leaves && step < LEAF_STEPS);
  return holds ? request : undefined;
}

export const encodeOpening = (opening: Opening): Uint8Array =>
  toBinary(HostMemoryOpeningSchema, create(HostMemoryOpeningSchema, mutable(opening)));

/** Generated types ask for arrays that may change; ours may not, and nobody changes them. */
const mutable = (value: object): never => value as never;

/** An opening in which every field has the one length that params, commits and request give it. */
export function decodeOpening(
  params: HostMemoryParams,
  commits: AllCommits,
  request: Request,
  bytes: Uint8Array,
): Opening | undefined {
  const opening = decode(HostMemoryOpeningSchema, bytes, limits(params).openingBytes);
  if (opening?.top.length !== HASH_BYTES || opening.requestDigest.length !== HASH_BYTES) return undefined;
  return isShaped(opening) && hasLengths(params, commits, request, opening) ? opening : undefined;
}

/** Messages within messages are all there. */
type Shaped = HostMemoryOpening & Opening;
const isShaped = (opening: HostMemoryOpening): opening is Shaped =>
  opening.digests.every(({ block }) => block !== undefined) &&
  opening.steps.every(({ block }) => block !== undefined);

function hasLengths(
  { labelBytes }: HostMemoryParams,
  commits: AllCommits,
  request: Request,
  { labels, digests, steps }: Opening,
): boolean {
  const paths = pathBytes(commits);
  const isBlock = ({ label, path }: Block): boolean =>
    label.length === labelBytes && path.length === paths.label;
  return (
    labels.length === request.labels.length &&
    labels.every(
      ({ parents, path }, s) =>
        parents.length === (request.labels[s].index === 0 ? 0 : 3) &&
        parents.every(isBlock) &&
        path.length === paths.label,
    ) &&
    digests.length === request.digests.length &&
    digests.every(
      ({ block, digests: beside, path }, s) =>
        isBlock(block) &&
        beside.length === digestsBeside(commits.fill.labels, request.digests[s].index) * DIGEST_BYTES &&
        path.length === paths.digests,
    ) &&
    steps.length === request.steps.length &&
    steps.every(
      ({ states, path, block }) =>
        states.length === WALK_LEAF_BYTES && path.length === paths.walk && isBlock(block),
    )
  );
}
