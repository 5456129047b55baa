// Owns: what a checkpoint is: its manifest, the bytes and the signature of that, its digest. Does not own: files (store.ts),
// what is in a delta (delta.ts), which checkpoint counts in a window (head.ts).
import { type Keypair, verifySignature } from '../../keys/keypair.js';
import { concat, equals, toHex, u32le, u64le, utf8 } from '../../model/bytes.js';
import { AssayError } from '../../model/errors.js';
import { sha256 } from '../../model/hash.js';
import { invalid } from '../../model/invalid-input.js';
import { createMerkleTree } from '../../model/merkle.js';
import { byteLength, MAX_HEADER_BYTES, type TensorType } from '../safetensors.js';
import { taggedHash } from '../spec/tagged.js';
import { createReader, type Reader, text } from './bytes.js';
import { DELTA_CODEC, MAX_DELTA_BYTES } from './delta.js';

/** A model of 100,000 tensors has one of some 12 MB. */
export const MAX_MANIFEST_BYTES = 32 << 20;
export const MAX_TENSORS = 100_000;
const MAX_NAME_BYTES = 2048;
const MAX_RANK = 8;
/** The parent's delta and a skip; room for some more. */
export const MAX_DELTAS = 8;
const DIGEST_BYTES = 32;
const SIGNATURE_BYTES = 64;
const TAG = text('assay/rollouts/checkpoint/1');
const NODE_TAG = 1;
export const MODEL_ID = /^[A-Za-z0-9][A-Za-z0-9._/-]{0,127}$/;

export interface CheckpointManifest {
  /** for people and for comparison; never part of a path */
  readonly modelId: string;
  /** of the training, ascending along parents */
  readonly step: number;
  /** public key of who signs */
  readonly trainer: Uint8Array;
  /** digest of the checkpoint before this one; undefined for the first */
  readonly parent: Uint8Array | undefined;
  /** the master file: safetensors */
  readonly master: FileFacts;
  /** its length prefix and header, as they stand at its beginning */
  readonly header: FileFacts;
  /** in the order of their data in the master file */
  readonly tensors: readonly ManifestTensor[];
  /** whether the master is kept for whoever has no earlier checkpoint, until the next anchor is there */
  readonly isAnchor: boolean;
  /** at most one from each base; the parent's first, where there is one */
  readonly deltas: readonly ManifestDelta[];
}

export interface FileFacts {
  readonly bytes: number;
  readonly sha256: Uint8Array;
}

export interface ManifestTensor {
  readonly name: string;
  readonly dtype: TensorType;
  readonly shape: readonly number[];
  readonly sha256: Uint8Array;
}

/** A delta's file, and what is worth knowing before it is fetched. */
export interface ManifestDelta extends FileFacts {
  /** digest of the checkpoint that it starts from */
  readonly base: Uint8Array;
  /** elements of bfloat16 that differ; tensors of other types are not counted */
  readonly changed: number;
  /** of these, those that moved by one unit in the last place */
  readonly byOne: number;
}

export interface Checkpoint {
  readonly manifest: CheckpointManifest;
  /** over the header and all tensors: what a delta is between */
  readonly root: Uint8Array;
  /** SHA-256 of `bytes`: the checkpointDigest of streams and rollouts */
  readonly digest: Uint8Array;
  /** the manifest and its signature */
  readonly bytes: Uint8Array;
}

/** @throws RangeError for a manifest that `parseCheckpoint` would refuse */
export function signCheckpoint(manifest: CheckpointManifest, keypair: Keypair): Checkpoint {
  if (!equals(manifest.trainer, keypair.publicKey)) throw new RangeError('trainer: expected the signing key');
  const body = bodyOf(manifest);
  const bytes = concat(body, keypair.sign(signedMessage(body)));
  try {
    return parseCheckpoint(bytes);
  } catch (error) {
    throw new RangeError(`manifest: ${error instanceof Error ? error.message : error}`, { cause: error });
  }
}

const signedMessage = (body: Uint8Array): Uint8Array => taggedHash('checkpoint-signature', body);

function bodyOf(manifest: CheckpointManifest): Uint8Array {
  const { modelId, step, trainer, parent, master, header, tensors, isAnchor, deltas } = manifest;
  return concat(
    TAG,
    text(modelId),
    u64le(step),
    trainer,
    Uint8Array.of(parent ? 1 : 0),
    parent ?? new Uint8Array(0),
    factsOf(master),
    factsOf(header),
    u32le(tensors.length),
    ...tensors.flatMap(({ name, dtype, shape, sha256: digest }) => [
      text(name),
      text(dtype),
      Uint8Array.of(shape.length),
      ...shape.map(u64le),
      digest,
    ]),
    rootOf(header, tensors),
    text(DELTA_CODEC),
    Uint8Array.of(isAnchor ? 1 : 0, deltas.length),
    ...deltas.flatMap((delta) => [delta.base, factsOf(delta), u64le(delta.changed), u64le(delta.byOne)]),
  );
}

const factsOf = ({ bytes, sha256: digest }: FileFacts): Uint8Array => concat(u64le(bytes), digest);

/** Merkle root over the header and the tensors, in their order; padded with zero hashes to a power of two. */
export function rootOf(header: FileFacts, tensors: readonly ManifestTensor[]): Uint8Array {
  const leaves = [
    taggedHash('checkpoint-header', u64le(header.bytes), header.sha256),
    ...tensors.map(({ name, dtype, shape, sha256: digest }) =>
      taggedHash('checkpoint-tensor', utf8(name), utf8(dtype), concat(...shape.map(u64le)), digest),
    ),
  ];
  return createMerkleTree(concat(...leaves), NODE_TAG).root;
}

/**
 * One spelling: what parses is what `signCheckpoint` wrote. Keys must be ready.
 * @param options.isKnown whether the signature of these very bytes was verified before. @default false
 * @throws AssayError `invalid-input`, `limit-exceeded`; `unauthenticated` for a signature that is not its trainer's
 */
export function parseCheckpoint(
  bytes: Uint8Array,
  what = 'manifest of a checkpoint',
  { isKnown = false }: { readonly isKnown?: boolean } = {},
): Checkpoint {
  limited(`bytes of ${what}`, bytes.length, MAX_MANIFEST_BYTES);
  if (bytes.length < SIGNATURE_BYTES) throw invalid(what, 'a signed manifest', `${bytes.length} bytes`);
  const body = bytes.subarray(0, bytes.length - SIGNATURE_BYTES);
  const reader = createReader(body, what);
  reader.expect(TAG, 'a manifest of version 1');
  const modelId = reader.text(128, 'model id');
  if (!MODEL_ID.test(modelId)) throw invalid(`model id of ${what}`, 'letters, digits, . _ / -', 'others');
  const step = reader.u64('step');
  const trainer = reader.bytes(DIGEST_BYTES, 'trainer');
  const parent = flag(reader, 'parent', what) ? reader.bytes(DIGEST_BYTES, 'parent') : undefined;
  const master = readFacts(reader, 'master');
  const header = readFacts(reader, 'header');
  const tensors = readTensors(reader, what);
  const root = reader.bytes(DIGEST_BYTES, 'Merkle root');
  reader.expect(text(DELTA_CODEC), `codec ${DELTA_CODEC}`);
  const isAnchor = flag(reader, 'anchor', what);
  const deltas = readDeltas(reader, what);
  reader.end();
  const manifest = { modelId, step, trainer, parent, master, header, tensors, isAnchor, deltas };
  assertSizes(manifest, what);
  assertDeltas(manifest, what);
  if (!equals(root, rootOf(header, tensors)))
    throw invalid(what, 'the Merkle root of its tensors', 'another');
  if (!isKnown && !verifySignature(bytes.subarray(body.length), signedMessage(body), trainer))
    throw new AssayError('unauthenticated', `${what}: not signed by its trainer`, { reason: 'signature' });
  return { manifest, root, digest: sha256(bytes), bytes };
}

function readTensors(reader: Reader, what: string): ManifestTensor[] {
  const count = reader.u32('number of tensors');
  limited(`tensors of ${what}`, count, MAX_TENSORS);
  const names = new Set<string>();
  return Array.from({ length: count }, () => {
    const name = reader.text(MAX_NAME_BYTES, 'name of a tensor');
    if (names.has(name)) throw invalid(`tensors of ${what}`, 'each name once', 'one twice');
    names.add(name);
    const dtype = reader.text(16, 'type of a tensor') as TensorType; // byteLength refuses what is none
    const rank = reader.u8('rank of a tensor');
    if (rank > MAX_RANK) throw invalid(`rank of a tensor of ${what}`, `at most ${MAX_RANK}`, `${rank}`);
    const shape = Array.from({ length: rank }, () => reader.u64('side of a tensor'));
    return { name, dtype, shape, sha256: reader.bytes(DIGEST_BYTES, 'digest of a tensor') };
  });
}

function readDeltas(reader: Reader, what: string): ManifestDelta[] {
  const count = reader.u8('number of deltas');
  limited(`deltas of ${what}`, count, MAX_DELTAS);
  return Array.from({ length: count }, () => ({
    base: reader.bytes(DIGEST_BYTES, 'base of a delta'),
    ...readFacts(reader, 'delta'),
    changed: reader.u64('changes of a delta'),
    byOne: reader.u64('changes by one of a delta'),
  }));
}

const readFacts = (reader: Reader, field: string): FileFacts => ({
  bytes: reader.u64(`bytes of ${field}`),
  sha256: reader.bytes(DIGEST_BYTES, `digest of ${field}`),
});

function flag(reader: Reader, field: string, what: string): boolean {
  const value = reader.u8(field);
  if (value > 1) throw invalid(`${field} of ${what}`, '0 or 1', `${value}`);
  return value === 1;
}

/** A file is as large as its header and tensors: nobody fetches more than the tensors that are listed. */
function assertSizes({ master, header, tensors }: CheckpointManifest, what: string): void {
  limited(`header of ${what}`, header.bytes, MAX_HEADER_BYTES + 8);
  let bytes = header.bytes;
  for (const { name, dtype, shape } of tensors)
    try {
      bytes += byteLength(dtype, shape);
    } catch (error) {
      throw invalid(`tensor '${name.slice(0, 80)}' of ${what}`, 'a type and a shape', 'others', error);
    }
  if (bytes !== master.bytes) throw invalid(`bytes of the master of ${what}`, `${bytes}`, `${master.bytes}`);
}

function assertDeltas({ parent, deltas, isAnchor, step }: CheckpointManifest, what: string): void {
  if (!parent && !isAnchor) throw invalid(what, 'a parent or an anchor', 'neither');
  if (!isAnchor && deltas.length === 0) throw invalid(what, 'a delta or an anchor', 'neither');
  if (!Number.isSafeInteger(step)) throw invalid(`step of ${what}`, 'a count', 'another');
  const bases = new Set(deltas.map(({ base }) => toHex(base)));
  if (bases.size !== deltas.length) throw invalid(`deltas of ${what}`, 'each base once', 'one twice');
  if (deltas[0] && !(parent && equals(deltas[0].base, parent)))
    throw invalid(`first delta of ${what}`, "the parent's", 'another');
  for (const { bytes, changed, byOne } of deltas) {
    limited(`bytes of a delta of ${what}`, bytes, MAX_DELTA_BYTES);
    if (byOne > changed) throw invalid(`changes of ${what}`, 'those by one among them', 'more');
  }
}

function limited(what: string, got: number, limit: number): void {
  if (got > limit)
    throw new AssayError('limit-exceeded', `${what}: ${got}, limit ${limit}`, { what, limit, got });
}

type Laid = Pick<CheckpointManifest, 'header' | 'tensors'>;

/** Whether a delta can be between them: the same header, so the same tensors at the same places. */
export const haveOneLayout = (a: Laid, b: Laid): boolean =>
  equals(a.header.sha256, b.header.sha256) &&
  a.tensors.length === b.tensors.length &&
  a.tensors.every(({ name, dtype, shape }, i) => {
    const other = b.tensors[i]!;
    return name === other.name && dtype === other.dtype && shape.join() === other.shape.join();
  });
