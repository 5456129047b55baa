// Owns: who is to blame for a leaf that is not its key's. Pure: signed bytes against the stream. Does not own: what blame costs.
import { contentLeaf, LINK_TAG, segmentMessage } from '../../../compute/spec/link.js';
import { equals } from '../../../model/bytes.js';
import { ed25519Verifier } from '../../../model/ed25519.js';
import { sha256 } from '../../../model/hash.js';
import { climb, HASH_BYTES, pathLength } from '../../../model/merkle.js';

/** What a receiver shows of a leaf that it says came wrong. */
export interface Complaint {
  /** of the pair: names receiver, source, event and validator */
  readonly ticket: Uint8Array;
  /** what the source's segments are signed with, as the validator named it */
  readonly linkKey: Uint8Array;
  /** of the content, revealed at Open */
  readonly key: Uint8Array;
  readonly segmentLeaves: number;
  /** counted from the first leaf of the source */
  readonly leaf: number;
  /** of the leaf as it came */
  readonly digest: Uint8Array;
  /** from the leaf to its segment's root */
  readonly path: Uint8Array;
  /** the source's, over that root */
  readonly signature: Uint8Array;
}

export type Blame =
  /** the source signed bytes that are not its key's */
  | 'source'
  /** the source signed the right ones: the complaint is made up */
  | 'receiver'
  /** the source did not sign this: nobody can tell, and a receiver has no business counting it */
  | 'undecided';

/** Total: an answer for any bytes. */
export function blame(complaint: Complaint): Blame {
  const { ticket, linkKey, key, segmentLeaves, leaf, digest, path, signature } = complaint;
  const shaped =
    key.length === 32 &&
    digest.length === HASH_BYTES &&
    path.length === pathLength(segmentLeaves) * HASH_BYTES;
  if (!shaped || !Number.isInteger(leaf) || leaf < 0) return 'undecided';
  const root = Uint8Array.from(digest); // of a Buffer, slice would be the evidence itself
  climb(root, leaf % segmentLeaves, path, LINK_TAG.segment);
  const message = segmentMessage(ticket, Math.floor(leaf / segmentLeaves), root);
  if (!ed25519Verifier(linkKey)(message, signature)) return 'undecided';
  return equals(sha256(contentLeaf(key, leaf)), digest) ? 'receiver' : 'source';
}
