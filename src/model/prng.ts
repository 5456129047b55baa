// Owns: randomness as an argument. Seeded streams for tests, demos and simulators; system randomness for production.
import { createCipheriv, randomBytes } from 'node:crypto';
import { utf8 } from './bytes.js';
import { sha256 } from './hash.js';

export interface Random {
  /** `length` fresh bytes */
  bytes(length: number): Uint8Array;
  /** uniform integer in [0, bound), without modulo bias; 1 <= bound <= 2^32 */
  below(bound: number): number;
  /** A stream of its own for `label`: of a seeded one the same whenever it is asked for, however far this one is. */
  fork(label: string): Random;
}

/** The operating system's CSPRNG. */
export const systemRandom: Random = fromBytes(
  (length) => randomBytes(length),
  () => systemRandom,
);

/** Deterministic AES-256-CTR stream of SHA-256(tag, seed): the same bytes for the same seed, on every machine. */
export function createSeededRandom(seed: string): Random {
  const cipher = createCipheriv('aes-256-ctr', sha256(utf8('assay/prng/1'), utf8(seed)), new Uint8Array(16));
  return fromBytes(
    (length) => cipher.update(new Uint8Array(length)),
    (label) => createSeededRandom(`${seed}\0${label}`),
  );
}

/** A uniformly random order of `items`; `items` itself is left alone. */
export function shuffled<T>(items: readonly T[], random: Random): T[] {
  const out = [...items];
  for (let i = out.length - 1; i > 0; i--) {
    const j = random.below(i + 1);
    [out[i], out[j]] = [out[j]!, out[i]!];
  }
  return out;
}

function fromBytes(bytes: (length: number) => Uint8Array, fork: (label: string) => Random): Random {
  return {
    bytes,
    fork,
    below(bound) {
      if (!Number.isInteger(bound) || bound < 1 || bound > 2 ** 32)
        throw new RangeError(`bound: expected an integer in 1..2^32, got ${bound}`);
      const limit = 2 ** 32 - (2 ** 32 % bound);
      for (;;) {
        const value = Buffer.from(bytes(4)).readUInt32LE(0);
        if (value < limit) return value % bound;
      }
    },
  };
}
