// Owns: how everything of rollouts is hashed: a domain, then parts with their lengths. Does not own: what is hashed.
import { concat, u32le, utf8 } from '../../model/bytes.js';
import { sha256 } from '../../model/hash.js';

/** Each part behind its length, 32 bits: two lists of parts never give the same bytes. */
export const lengthPrefixed = (...parts: readonly Uint8Array[]): Uint8Array =>
  concat(...parts.flatMap((part) => [u32le(part.length), part]));

/** SHA-256 over the tag `assay/rollouts/<what>/1` and the parts, all of them behind their lengths. */
export const taggedHash = (what: string, ...parts: readonly Uint8Array[]): Uint8Array =>
  sha256(lengthPrefixed(utf8(`assay/rollouts/${what}/1`), ...parts));
