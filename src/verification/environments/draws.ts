// Owns: the numbers that a task is made of, from its seed. Does not own: what they mean (each environment), seeds themselves.

import { taggedHash } from '../../inference/spec/tagged.js';
import { u32le, utf8 } from '../../model/bytes.js';

const SEED_BYTES = 32;
const BLOCK_BYTES = 32;

/** Uniform integers of one task, in the order in which they are asked for. */
export interface Draws {
  /** 0 .. bound - 1; bound 1..2^32 */
  below(bound: number): number;
  /** a uniform order of 0 .. count - 1 */
  order(count: number): number[];
}

/**
 * Words of 32 bits, little-endian, from the blocks hash(`task`, environment, seed, 0), (.., 1) and so on. A word at or above the
 * largest multiple of the bound is thrown away and the next one taken, so that nothing is likelier than anything else.
 * @throws RangeError unless the seed has 32 bytes
 */
export function createDraws(environment: string, seed: Uint8Array): Draws {
  if (seed.length !== SEED_BYTES)
    throw new RangeError(`seed: expected ${SEED_BYTES} bytes, got ${seed.length}`);
  let block: DataView = new DataView(new ArrayBuffer(0));
  let at = 0;
  let blocks = 0;
  const word = (): number => {
    if (at === block.byteLength) {
      const bytes = taggedHash('task', utf8(environment), seed, u32le(blocks++));
      block = new DataView(bytes.buffer, bytes.byteOffset, BLOCK_BYTES);
      at = 0;
    }
    at += 4;
    return block.getUint32(at - 4, true);
  };
  const below = (bound: number): number => {
    const limit = 2 ** 32 - (2 ** 32 % bound);
    for (;;) {
      const value = word();
      if (value < limit) return value % bound;
    }
  };
  return {
    below,
    order(count) {
      const out = Array.from({ length: count }, (_, i) => i);
      for (let i = count - 1; i > 0; i--) {
        const j = below(i + 1);
        [out[i], out[j]] = [out[j]!, out[i]!];
      }
      return out;
    },
  };
}
