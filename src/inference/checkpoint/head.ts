// Owns: the pointer that says which checkpoint counts in a window, and what two pointers say of each other.
// Does not own: how it reaches the chain (the roles), files (store.ts).
import { type Keypair, verifySignature } from '../../keys/keypair.js';
import { concat, equals, u64le } from '../../model/bytes.js';
import { AssayError } from '../../model/errors.js';
import { invalid } from '../../model/invalid-input.js';
import { taggedHash } from '../spec/tagged.js';
import { createReader, text } from './bytes.js';
import { MODEL_ID } from './manifest.js';

const TAG = text('assay/rollouts/head/1');
/** Tag, model id, window, digest, trainer, signature. */
export const MAX_HEAD_BYTES = 512;
const SIGNATURE_BYTES = 64;

/** Window -> digest, signed by the trainer. There is one for each window: two that differ are proof of a fault of the trainer. */
export interface Head {
  readonly modelId: string;
  readonly window: number;
  readonly digest: Uint8Array;
  readonly trainer: Uint8Array;
}

export interface SignedHead extends Head {
  readonly bytes: Uint8Array;
}

export function signHead(head: Omit<Head, 'trainer'>, keypair: Keypair): SignedHead {
  const { modelId, window, digest } = head;
  if (!MODEL_ID.test(modelId) || !Number.isSafeInteger(window) || window < 0 || digest.length !== 32)
    throw new RangeError('head: expected a model id, a window, a digest of 32 bytes');
  const body = concat(TAG, text(modelId), u64le(window), digest, keypair.publicKey);
  return {
    modelId,
    window,
    digest,
    trainer: keypair.publicKey,
    bytes: concat(body, keypair.sign(taggedHash('head-signature', body))),
  };
}

/** Keys must be ready. @throws AssayError `invalid-input`; `unauthenticated` for a signature that is not its trainer's */
export function parseHead(bytes: Uint8Array, what = 'head'): SignedHead {
  if (bytes.length > MAX_HEAD_BYTES || bytes.length < SIGNATURE_BYTES)
    throw invalid(what, `a signed head of at most ${MAX_HEAD_BYTES} bytes`, `${bytes.length}`);
  const body = bytes.subarray(0, bytes.length - SIGNATURE_BYTES);
  const reader = createReader(body, what);
  reader.expect(TAG, 'a head of version 1');
  const modelId = reader.text(128, 'model id');
  if (!MODEL_ID.test(modelId)) throw invalid(`model id of ${what}`, 'letters, digits, . _ / -', 'others');
  const window = reader.u64('window');
  const digest = reader.bytes(32, 'digest');
  const trainer = reader.bytes(32, 'trainer');
  reader.end();
  if (!verifySignature(bytes.subarray(body.length), taggedHash('head-signature', body), trainer))
    throw new AssayError('unauthenticated', `${what}: not signed by its trainer`, { reason: 'signature' });
  return { modelId, window, digest, trainer, bytes };
}

/**
 * What a head says to who knows another of the same trainer and model: `older` ones are no news (a pointer that went back),
 * `conflict` is one window with two digests.
 * @throws RangeError for heads of two trainers or models: they say nothing of each other
 */
export function compareHeads(known: Head, seen: Head): 'same' | 'newer' | 'older' | 'conflict' {
  if (!equals(known.trainer, seen.trainer) || known.modelId !== seen.modelId)
    throw new RangeError('heads: expected those of one trainer and model');
  if (seen.window !== known.window) return seen.window > known.window ? 'newer' : 'older';
  return equals(known.digest, seen.digest) ? 'same' : 'conflict';
}
