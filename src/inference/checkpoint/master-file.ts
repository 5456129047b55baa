// Owns: what a master file says of itself for a manifest, and whether a file is the master of one. Does not own: safetensors.
import { createHash } from 'node:crypto';
import { equals } from '../../model/bytes.js';
import { AssayError } from '../../model/errors.js';
import { sha256 } from '../../model/hash.js';
import { type ByteSource, openSafetensors, type Safetensors, type TensorEntry } from '../safetensors.js';
import { assertListed } from './apply.js';
import type { CheckpointManifest, FileFacts } from './manifest.js';
import { PIECE_BYTES } from './store.js';

export interface MasterFile {
  readonly file: Safetensors;
  /** length prefix and header */
  readonly header: FileFacts;
}

/** @throws AssayError `invalid-input`, `limit-exceeded` for what is no safetensors file */
export async function openMasterFile(source: ByteSource, what: string): Promise<MasterFile> {
  const file = await openSafetensors(source, what);
  const bytes = file.tensors[0]?.at ?? file.size;
  return { file, header: { bytes, sha256: sha256(await source.read(0, bytes)) } };
}

/** SHA-256 of a tensor's data, piece by piece. */
export async function tensorDigest(file: Safetensors, entry: TensorEntry): Promise<Uint8Array> {
  const hash = createHash('sha256');
  for (let at = 0; at < entry.bytes; at += PIECE_BYTES)
    hash.update(await file.read(entry, at, Math.min(PIECE_BYTES, entry.bytes - at)));
  return hash.digest();
}

/**
 * Header, tensors and their places.
 * @throws AssayError `corrupt` naming what differs
 */
export async function assertMaster(
  source: ByteSource,
  { header, tensors, master }: CheckpointManifest,
  signal: AbortSignal,
): Promise<void> {
  const corrupt = (path: string): AssayError =>
    new AssayError('corrupt', `master of a checkpoint: ${path} differs from its manifest`, {
      path,
      why: 'differs from its manifest',
    });
  if (source.size !== master.bytes) throw corrupt('its size');
  const found = await openMasterFile(source, 'master of a checkpoint');
  if (found.header.bytes !== header.bytes || !equals(found.header.sha256, header.sha256))
    throw corrupt('its header');
  assertListed(found.file.tensors, tensors);
  for (const [i, entry] of found.file.tensors.entries()) {
    signal.throwIfAborted();
    if (!equals(await tensorDigest(found.file, entry), tensors[i]!.sha256)) throw corrupt(`tensor ${i}`);
  }
}
