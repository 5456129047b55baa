// Owns: whether all that a store holds of a checkpoint is what its manifests say. Does not own: mending it (pull.ts).
import { createHash } from 'node:crypto';
import { equals, toHex } from '../../model/bytes.js';
import type { Checkpoint, FileFacts } from './manifest.js';
import { assertMaster } from './master-file.js';
import { type CheckpointStore, MAX_CHAIN } from './store.js';

export interface Finding {
  /** step of the checkpoint that it is about; undefined where its manifest does not parse */
  readonly step: number | undefined;
  readonly part: 'manifest' | 'delta' | 'master';
  readonly digest: Uint8Array;
  /** `absent`: not here, which may be as it should */
  readonly state: 'ok' | 'bad' | 'absent';
  /** what is wrong; empty for the others */
  readonly why: string;
}

/** From a checkpoint back to its anchor: signatures, digests of all files that are here, tensors of all masters. */
export async function* verifyStore(
  store: CheckpointStore,
  { digest, trainer }: { readonly digest: Uint8Array; readonly trainer?: Uint8Array | undefined },
  signal: AbortSignal,
): AsyncGenerator<Finding> {
  let child: Checkpoint | undefined;
  let next: Uint8Array | undefined = digest;
  for (let count = 0; next && count <= MAX_CHAIN; count++) {
    signal.throwIfAborted();
    const wanted: Uint8Array = next;
    let found: Checkpoint | undefined;
    const about = { step: undefined, part: 'manifest', digest: wanted } as const;
    try {
      found = await store.checkpoint(wanted);
    } catch (error) {
      yield { ...about, state: 'bad', why: messageOf(error) };
      return;
    }
    if (!found) {
      yield { ...about, state: 'absent', why: '' };
      return;
    }
    const { manifest } = found;
    const why = wrongWith(found, child, trainer);
    yield { ...about, step: manifest.step, state: why === '' ? 'ok' : 'bad', why };
    for (const delta of manifest.deltas)
      yield {
        step: manifest.step,
        part: 'delta',
        digest: delta.sha256,
        ...(await stateOf(store, delta, signal)),
      };
    yield {
      step: manifest.step,
      part: 'master',
      digest: manifest.master.sha256,
      ...(await masterState(store, found, signal)),
    };
    if (manifest.isAnchor) return;
    child = found;
    next = manifest.parent;
  }
}

function wrongWith(
  { manifest }: Checkpoint,
  child: Checkpoint | undefined,
  trainer: Uint8Array | undefined,
): string {
  const of = child?.manifest;
  if (!equals(manifest.trainer, trainer ?? of?.trainer ?? manifest.trainer))
    return 'signed by another trainer';
  if (of && of.modelId !== manifest.modelId)
    return `of the model ${manifest.modelId}, its child of ${of.modelId}`;
  if (of && of.step <= manifest.step) return `step ${manifest.step}, its child has ${of.step}`;
  return '';
}

async function stateOf(
  store: CheckpointStore,
  { bytes, sha256 }: FileFacts,
  signal: AbortSignal,
): Promise<Pick<Finding, 'state' | 'why'>> {
  const pieces = await store.get(sha256, signal);
  if (!pieces) return { state: 'absent', why: '' };
  const hash = createHash('sha256');
  let got = 0;
  for await (const piece of pieces) {
    hash.update(piece);
    got += piece.length;
  }
  if (got !== bytes) return { state: 'bad', why: `${got} bytes, listed with ${bytes}` };
  const digest = hash.digest();
  return equals(digest, sha256)
    ? { state: 'ok', why: '' }
    : { state: 'bad', why: `its bytes have the digest ${toHex(digest)}` };
}

async function masterState(
  store: CheckpointStore,
  { manifest }: Checkpoint,
  signal: AbortSignal,
): Promise<Pick<Finding, 'state' | 'why'>> {
  const state = await stateOf(store, manifest.master, signal);
  if (state.state !== 'ok') return state;
  const file = (await store.open(manifest.master.sha256))!; // it was read a moment ago
  try {
    await assertMaster(file, manifest, signal);
    return state;
  } catch (error) {
    signal.throwIfAborted();
    return { state: 'bad', why: messageOf(error) };
  } finally {
    await file.close();
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
