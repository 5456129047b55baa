// Owns: the chain of keys of one pass phase. Same code on both ends.
import { u32le, utf8 } from '../../../model/bytes.js';
import { sha256 } from '../../../model/hash.js';

const FIRST = utf8('assay/memory/1/first');
const NEXT = utf8('assay/memory/1/next');

/** Key of round 1, 32 bytes: nobody knows it before the Pass. */
export const firstKey = (pass: Uint8Array): Uint8Array => sha256(FIRST, pass);

/**
 * Key of the round after `round`: chained, for with keys known beforehand one reading would serve all rounds.
 * @param root of the tree over that round's digests
 */
export const nextKey = (key: Uint8Array, round: number, root: Uint8Array): Uint8Array =>
  sha256(NEXT, key, u32le(round), root);
