// Owns: the next master from the one before and a delta. Does not own: where masters are kept (store.ts), which deltas (pull.ts).
import { equals } from '../../model/bytes.js';
import { AssayError } from '../../model/errors.js';
import { sha256 } from '../../model/hash.js';
import { invalid } from '../../model/invalid-input.js';
import { words16 } from '../bf16.js';
import { type ByteSource, openSafetensors, type TensorEntry } from '../safetensors.js';
import { assertLittleEndian, move } from './changes.js';
import { type Delta, type Frame, readChanges } from './delta.js';
import { type Checkpoint, haveOneLayout, type ManifestTensor } from './manifest.js';
import { PIECE_BYTES } from './store.js';

/** Changes that are followed at a time: two arrays in the first cache. */
const BATCH = 2048;

export interface ApplyInput {
  /** checkpoint and master that the delta starts from */
  readonly base: Checkpoint;
  readonly baseMaster: ByteSource;
  readonly target: Checkpoint;
  readonly delta: Delta;
}

/**
 * Writes the target's master piece by piece: tensors that stay are copied, the others moved. What it appended is nobody's master
 * until it resolved and its SHA-256 is that of `target.manifest.master`, which the caller compares: it binds every tensor, and their
 * own digests would cost half as much again as all else (measured, delta.bench.ts).
 * @throws AssayError `invalid-input` for a delta of other checkpoints; `corrupt` where header or tensors are not those of the manifest
 */
export async function applyDelta(
  { base, baseMaster, target, delta }: ApplyInput,
  append: (bytes: Uint8Array) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  if (!equals(delta.baseRoot, base.root)) throw invalid('delta', 'one that starts from its base', 'another');
  if (!equals(delta.resultRoot, target.root))
    throw invalid('delta', 'one that leads to its target', 'another');
  const { manifest } = target;
  if (!haveOneLayout(base.manifest, manifest))
    throw invalid('delta', 'between checkpoints of one layout', 'others');
  const file = await openSafetensors(baseMaster, 'master of the base');
  assertListed(file.tensors, manifest.tensors);
  const header = await baseMaster.read(0, manifest.header.bytes);
  if (!equals(sha256(header), manifest.header.sha256)) throw corrupt('its header', 'differs');
  await append(header);

  const frames = new Map(delta.frames.map((frame) => [frame.tensor, frame]));
  for (const [i, entry] of file.tensors.entries()) {
    signal.throwIfAborted();
    const [before, after] = [base.manifest.tensors[i]!, manifest.tensors[i]!];
    const frame = frames.get(i);
    frames.delete(i);
    if (frame === undefined) {
      if (!equals(before.sha256, after.sha256)) throw corrupt(`tensor ${i}`, 'changes without a frame');
      for (let at = 0; at < entry.bytes; at += PIECE_BYTES)
        await append(await file.read(entry, at, Math.min(PIECE_BYTES, entry.bytes - at)));
    } else await append(await moved(frame, entry, () => file.read(entry)));
  }
  if (frames.size > 0) throw invalid('delta', `frames of ${file.tensors.length} tensors`, 'one of another');
}

/** A tensor's new bytes. */
async function moved(
  frame: Frame,
  { bytes, dtype }: Pick<TensorEntry, 'bytes' | 'dtype'>,
  read: () => Promise<Uint8Array>,
): Promise<Uint8Array> {
  const what = `tensor ${frame.tensor} of a delta`;
  if (frame.kind === 'raw') {
    if (frame.bytes.length !== bytes) throw invalid(what, `${bytes} bytes`, `${frame.bytes.length}`);
    return frame.bytes;
  }
  if (dtype !== 'BF16') throw invalid(what, `bytes, its type being ${dtype}`, 'steps');
  const found = await read();
  // from memory it is a view of the base, which must stay as it is; slice of a Buffer would be one too
  const data = found.byteLength === found.buffer.byteLength ? found : new Uint8Array(found);
  follow(frame, words16(data));
  return data;
}

/** Moves `words` in place along a frame. @throws AssayError `invalid-input`; the words are then neither the one nor the other */
export function follow(frame: Extract<Frame, { kind: 'steps' }>, words: Uint16Array): void {
  assertLittleEndian();
  const reader = readChanges(frame, words.length);
  const [positions, steps] = [new Float64Array(BATCH), new Int32Array(BATCH)];
  for (let count = reader.read(positions, steps); count > 0; count = reader.read(positions, steps))
    move(words, positions, steps, count);
}

export function assertListed(found: readonly TensorEntry[], listed: readonly ManifestTensor[]): void {
  const isSame =
    found.length === listed.length &&
    listed.every(
      ({ name, dtype, shape }, i) =>
        name === found[i]!.name && dtype === found[i]!.dtype && shape.join() === found[i]!.shape.join(),
    );
  if (!isSame) throw corrupt('the tensors of its header', 'differ from those of the manifest');
}

const corrupt = (path: string, why: string): AssayError =>
  new AssayError('corrupt', `master of a checkpoint: ${path} ${why}`, { path, why });
