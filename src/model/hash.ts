// Owns: SHA-256, the one hash of our protocols (measured fastest in Node on hosts with SHA extensions).
import { createHash } from 'node:crypto';

/** Node refuses 2 GiB at once, which weights of a billion parameters have. */
const MAX_UPDATE_BYTES = 2 ** 30;

/** SHA-256 over the concatenation of `parts`; 32 bytes. */
export function sha256(...parts: readonly Uint8Array[]): Uint8Array {
  const hash = createHash('sha256');
  for (const part of parts)
    for (let at = 0; at < part.length; at += MAX_UPDATE_BYTES)
      hash.update(part.subarray(at, at + MAX_UPDATE_BYTES));
  return hash.digest();
}
