// Owns: SHA-256, the one hash of our protocols (measured fastest in Node on hosts with SHA extensions).
import { createHash } from 'node:crypto';

/** SHA-256 over the concatenation of `parts`; 32 bytes. */
export function sha256(...parts: readonly Uint8Array[]): Uint8Array {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest();
}
