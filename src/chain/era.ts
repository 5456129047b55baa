// Owns: how long a signature holds. Does not own: its bytes (codec/extrinsic.ts), signing (subtensor/submit.ts).

/** The least period that Substrate's `Era` knows. */
const MIN_PERIOD = 4;

/**
 * The shortest period, a power of two, of an era that is born in block `born` or before and dead in block `deathBlock`;
 * `longest` where that is not long enough.
 */
export function eraUntil(deathBlock: number, born: number, longest: number): number {
  let period = MIN_PERIOD;
  while (period < deathBlock - born && period < longest) period *= 2;
  return period;
}
