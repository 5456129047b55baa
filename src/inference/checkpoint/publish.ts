// Owns: a checkpoint from a master file into the trainer's store: delta, anchor or both, manifest, head. Does not own: training.
import type { Keypair } from '../../keys/keypair.js';
import { equals } from '../../model/bytes.js';
import { sha256 } from '../../model/hash.js';
import { invalid } from '../../model/invalid-input.js';
import { floats32, words16 } from '../bf16.js';
import { type ByteSource, byteLength, openSafetensors, type TensorType } from '../safetensors.js';
import { changesBetween } from './changes.js';
import { composeDeltas } from './compose.js';
import { encodeDelta, MAX_DELTA_BYTES, parseDelta, type TensorChange } from './delta.js';
import type { ReadFile } from './disk.js';
import { type SignedHead, signHead } from './head.js';
import {
  type Checkpoint,
  type CheckpointManifest,
  type FileFacts,
  haveOneLayout,
  type ManifestDelta,
  type ManifestTensor,
  MODEL_ID,
  rootOf,
  signCheckpoint,
} from './manifest.js';
import { openMasterFile, tensorDigest } from './master-file.js';
import {
  byOneOf,
  type DeltaStatistics,
  type DensityAlert,
  densityAlert,
  statisticsOf,
} from './statistics.js';
import { type CheckpointStore, chainOf, PIECE_BYTES } from './store.js';

/** A new anchor where the deltas since the last weigh more than this part of it, or are more than `CHAIN`. */
const ANCHOR_SHARE = 1 / 3;
const CHAIN = 32;
/** Steps of one weight cancel out: eight in a row are some 3.6 times one (derived from a density that grows by k^0.75). */
const SKIP = 8;
/** Deltas whose density says what is usual. */
const HISTORY = 8;

export interface PublishInput {
  /** safetensors; it must not change meanwhile */
  readonly master: ByteSource;
  readonly modelId: string;
  readonly step: number;
  /** the one that it counts in; each has one checkpoint */
  readonly window: number;
}

export interface Published {
  readonly checkpoint: Checkpoint;
  readonly head: SignedHead;
  /** of the delta from the parent; undefined where there is none */
  readonly statistics: DeltaStatistics | undefined;
  readonly alert: DensityAlert | undefined;
}

/**
 * The head is written last: until then nothing has happened.
 * @param onBytes how many of twice the master's bytes were seen to
 * @throws AssayError `invalid-input` for a step or window that is not after the store's newest, another model or trainer, weights that
 *     nobody could open: no safetensors, NaN, infinite ones
 */
export async function publishCheckpoint(
  { store, keypair }: { readonly store: CheckpointStore; readonly keypair: Keypair },
  { master, modelId, step, window }: PublishInput,
  signal: AbortSignal,
  onBytes: (bytes: number) => void = () => {},
): Promise<Published> {
  if (!MODEL_ID.test(modelId)) throw invalid('model id', 'letters, digits, . _ / -, at most 128', modelId);
  const parent = await parentOf(store, { modelId, step, window, trainer: keypair.publicKey });
  // what is no master leaves nothing here
  const { tensors: entries } = await openSafetensors(master, 'master');
  const parts = [
    { what: 'header of the master', dtype: undefined, at: 0, bytes: entries[0]?.at ?? master.size },
    ...entries.map((entry) => ({ ...entry, what: `${entry.name.slice(0, 80)} of the master` })),
  ];
  // first a copy: what is hashed, compared and kept is one file, whatever becomes of the given one
  let seen = 0;
  const facts = await store.put(async (append) => {
    for (const { what, dtype, at: from, bytes } of parts)
      for (let at = 0; at < bytes; at += PIECE_BYTES) {
        signal.throwIfAborted();
        const piece = await master.read(from + at, Math.min(PIECE_BYTES, bytes - at));
        if (!allFinite(dtype, piece)) throw invalid(what, 'finite weights', 'infinite ones or NaN');
        await append(piece);
        seen += piece.length;
        onBytes(seen);
      }
  });
  const compared = await compareWithParent(store, facts, parent, signal, (bytes) => onBytes(seen + bytes));
  const { header, tensors, changes } = compared;
  const chain = parent ? await chainOf(store, parent.digest) : [];
  const deltas: ManifestDelta[] = [];
  const root = rootOf(header, tensors);
  const draft = { modelId, step, trainer: keypair.publicKey, master: facts, header, tensors };
  const put = async (base: Checkpoint, between: readonly TensorChange[]): Promise<void> => {
    const bytes = encodeDelta({ baseRoot: base.root, resultRoot: root, changes: between });
    if (bytes.length > MAX_DELTA_BYTES || bytes.length >= facts.bytes) return; // the whole file is cheaper
    const stored = await store.put((append) => append(bytes));
    const [changed, byOne] = countsOf(between);
    deltas.push({ base: base.digest, ...stored, changed, byOne });
  };
  if (parent && changes) await put(parent, changes);
  const isAnchor = deltas.length === 0 || isAnchorDue([...chain.map(sinceAnchor), deltas[0]!.bytes], facts);
  const skipFrom = chain[SKIP - 1];
  if (changes && deltas.length > 0 && skipFrom && chain.length % SKIP === 0) {
    const between = await skipped(store, chain.slice(0, SKIP - 1), changes, tensors);
    if (between) await put(skipFrom, between);
  }
  const manifest: CheckpointManifest = { ...draft, parent: parent?.digest, isAnchor, deltas };
  const checkpoint = signCheckpoint(manifest, keypair);
  await store.put((append) => append(checkpoint.bytes));
  const head = signHead({ modelId, window, digest: checkpoint.digest }, keypair);
  await store.putHead(head);
  const own = changes && deltas[0];
  const statistics = own && statisticsOf(manifest, own);
  const densities = parent ? await densitiesBefore(store, parent) : [];
  return { checkpoint, head, statistics, alert: statistics && densityAlert(statistics.density, densities) };
}

/** Pieces begin and end with an element: their length is a multiple of any. */
function allFinite(dtype: TensorType | undefined, piece: Uint8Array): boolean {
  if (dtype === 'F32') return floats32(piece).every(Number.isFinite);
  const exponent = dtype === 'BF16' ? 0x7f80 : dtype === 'F16' ? 0x7c00 : undefined;
  return exponent === undefined || words16(piece).every((word) => (word & exponent) !== exponent);
}

/** Of a checkpoint and those before it, as far as they are here and asked for. */
async function densitiesBefore(store: CheckpointStore, from: Checkpoint): Promise<number[]> {
  const densities: number[] = [];
  for (let at: Checkpoint | undefined = from; at && densities.length < HISTORY; ) {
    const { deltas, parent }: CheckpointManifest = at.manifest;
    if (!deltas[0] || !parent) break;
    densities.push(statisticsOf(at.manifest, deltas[0]).density);
    at = await store.checkpoint(parent);
  }
  return densities;
}

async function parentOf(
  store: CheckpointStore,
  {
    modelId,
    step,
    window,
    trainer,
  }: Pick<CheckpointManifest, 'modelId' | 'step' | 'trainer'> & { window: number },
): Promise<Checkpoint | undefined> {
  const newest = await store.newest();
  // of a head that cannot be read others may have a copy: a second one for its window would be proof against who signs it
  const last = await store.lastWindow();
  if (newest === undefined || last === undefined) return undefined;
  if (!equals(newest.trainer, trainer)) throw invalid('key', "the store's trainer", 'another');
  if (newest.modelId !== modelId) throw invalid('model id', `${newest.modelId}, the store's`, modelId);
  if (window <= last) throw invalid('window', `after ${last}: one checkpoint for each`, `${window}`);
  const parent = (await chainOf(store, newest.digest))[0]!;
  if (step <= parent.manifest.step) throw invalid('step', `after ${parent.manifest.step}`, `${step}`);
  return parent;
}

/** Digests of all tensors, and what differs from the parent's; no changes where there is no parent of this layout. */
async function compareWithParent(
  store: CheckpointStore,
  facts: FileFacts,
  parent: Checkpoint | undefined,
  signal: AbortSignal,
  onBytes: (bytes: number) => void,
): Promise<{ header: FileFacts; tensors: ManifestTensor[]; changes: TensorChange[] | undefined }> {
  const next = (await store.open(facts.sha256))!; // put a moment ago
  let before: ReadFile | undefined;
  try {
    before = parent && (await store.open(parent.manifest.master.sha256));
    const { file, header } = await openMasterFile(next, 'master');
    const base = before && (await openMasterFile(before, 'master of the parent'));
    const isComparable = base !== undefined && equals(base.header.sha256, header.sha256);
    const tensors: ManifestTensor[] = [];
    const changes: TensorChange[] = [];
    for (const [i, entry] of file.tensors.entries()) {
      signal.throwIfAborted();
      const { name, dtype, shape } = entry;
      if (!isComparable) {
        tensors.push({ name, dtype, shape, sha256: await tensorDigest(file, entry) });
      } else {
        const data = await file.read(entry);
        const digest = sha256(data);
        tensors.push({ name, dtype, shape, sha256: digest });
        if (!equals(digest, parent!.manifest.tensors[i]!.sha256)) {
          const from = await base.file.read(base.file.tensors[i]!);
          changes.push(changeOf(i, dtype === 'BF16', from, data));
        }
      }
      onBytes(entry.at + entry.bytes);
    }
    const isDelta = isComparable && haveOneLayout(parent!.manifest, { header, tensors });
    return { header, tensors, changes: isDelta ? changes : undefined };
  } finally {
    await next.close();
    await before?.close();
  }
}

/** Steps, or bytes where another type or too many changes make those shorter. */
export function changeOf(tensor: number, isBf16: boolean, base: Uint8Array, next: Uint8Array): TensorChange {
  if (!isBf16) return { tensor, raw: next };
  const steps = changesBetween(words16(base), words16(next));
  const length = steps.gaps.length + steps.steps.length + steps.escapes.length;
  return length > next.length ? { tensor, raw: next } : { tensor, elements: next.length / 2, steps };
}

function countsOf(changes: readonly TensorChange[]): [changed: number, byOne: number] {
  let [changed, byOne] = [0, 0];
  for (const change of changes) {
    if (!('steps' in change)) continue;
    changed += change.steps.count;
    byOne += byOneOf(change.steps);
  }
  return [changed, byOne];
}

/** Bytes that who comes from the anchor has to fetch for it; of the anchor itself none. */
const sinceAnchor = ({ manifest }: Checkpoint): number => (manifest.isAnchor ? 0 : manifest.deltas[0]!.bytes);

function isAnchorDue(deltaBytes: readonly number[], { bytes }: FileFacts): boolean {
  const sum = deltaBytes.reduce((total, each) => total + each, 0);
  // the anchor is the first in the chain, and no delta of it
  return sum > bytes * ANCHOR_SHARE || deltaBytes.length - 1 > CHAIN;
}

/** What the deltas of `chain` (newest first) and then `last` come to; undefined where one of them is gone. */
async function skipped(
  store: CheckpointStore,
  chain: readonly Checkpoint[],
  last: readonly TensorChange[],
  tensors: readonly ManifestTensor[],
): Promise<TensorChange[] | undefined> {
  const none = new Uint8Array(32);
  const deltas = [parseDelta(encodeDelta({ baseRoot: none, resultRoot: none, changes: last }))];
  for (const { manifest } of chain) {
    const [own] = manifest.deltas;
    const file = own && (await store.open(own.sha256));
    if (!file) return undefined;
    try {
      deltas.unshift(parseDelta(await file.read(0, file.size)));
    } finally {
      await file.close();
    }
  }
  return composeDeltas(deltas, (tensor) => {
    const { dtype, shape } = tensors[tensor]!;
    return byteLength(dtype, shape) / 2;
  });
}
