// Owns: what every measuring is given, and the two things that all of them do: a rate of some work, and of SHA-256 on one thread.
import { sha256 } from '../../model/hash.js';
import type { Random } from '../../model/prng.js';

export interface MeasureParts {
  readonly random: Random;
  /** ms on a monotonic source */
  readonly now: () => number;
  /** told before each thing that takes time */
  readonly onStep?: (what: string) => void;
}

const HASHED_BYTES = 8 << 20;
/** So long that a call costs nothing beside its bytes. */
const HASH_CHUNK = 64 * 1024;

/** `amount` a second. */
export async function rateOf(now: MeasureParts['now'], amount: number, work: () => unknown): Promise<number> {
  const from = now();
  await work();
  return (amount * 1000) / Math.max(now() - from, Number.EPSILON);
}

/** Bytes a second that one thread hashes at its best. */
export function hashRate(now: MeasureParts['now'], random: Random): Promise<number> {
  const chunk = random.bytes(HASH_CHUNK);
  return rateOf(now, HASHED_BYTES, () => {
    for (let done = 0; done < HASHED_BYTES; done += HASH_CHUNK) sha256(chunk);
  });
}
