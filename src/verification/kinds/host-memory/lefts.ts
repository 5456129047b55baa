// Owns: which siblings on a path are to its left. Same code on both ends.
import { HASH_BYTES } from '../../../model/merkle.js';

/** Of a path from leaf `index` upwards: those of nodes that are right children, in the path's order. */
export function leftSiblings(path: Uint8Array, index: number): Uint8Array[] {
  const out: Uint8Array[] = [];
  for (let at = 0, i = index; at < path.length && i > 0; at += HASH_BYTES, i >>>= 1)
    if ((i & 1) === 1) out.push(path.subarray(at, at + HASH_BYTES));
  return out;
}
