// Owns: the proof of a wrong token as bytes. Does not own: what it proves and how that is confirmed (consumed.ts).
import { lengthPrefixed } from '../../inference/spec/tagged.js';
import { concat, equals, u32le, u64le, utf8 } from '../../model/bytes.js';
import { readBytes } from './byte-reader.js';
import type { FraudProof } from './consumed.js';
import { MAX_MANIFEST_BYTES } from './limits.js';

const HEAD = lengthPrefixed(utf8('assay/rollouts/fraud/1'));
/** A record of 65,536 tokens, which no policy exceeds, is a quarter of it. */
export const MAX_FRAUD_PROOF_BYTES = 1 << 20;
/** One hash for each level over 2^20 rollouts, and some more. */
const MAX_PATH_BYTES = 32 * 32;

export const isFraudProof = (bytes: Uint8Array): boolean => equals(bytes.subarray(0, HEAD.length), HEAD);

/** The fields in order; manifest, record and path behind their lengths. */
export const encodeFraudProof = ({ manifest, opening, position, margin }: FraudProof): Uint8Array =>
  concat(
    HEAD,
    lengthPrefixed(manifest),
    u32le(opening.place),
    lengthPrefixed(opening.record, opening.path),
    u32le(position),
    u64le(margin),
  );

/** Undefined for what is none; nothing in it is believed yet. */
export function decodeFraudProof(bytes: Uint8Array): FraudProof | undefined {
  if (bytes.length > MAX_FRAUD_PROOF_BYTES || !isFraudProof(bytes)) return undefined;
  const reader = readBytes(bytes.subarray(HEAD.length), 'fraud proof');
  try {
    const manifest = reader.sized();
    const place = reader.u32();
    const [record, path] = [reader.sized(), reader.sized()];
    const [position, margin] = [reader.u32(), reader.u53()];
    reader.end();
    if (manifest.length > MAX_MANIFEST_BYTES || path.length > MAX_PATH_BYTES) return undefined;
    return { manifest, opening: { place, record, path }, position, margin };
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}
