// Owns: how much work fits in a window. Does not own: when the window began (miner).
import type { Pace } from './proof.js';

/** Steps differ in length: another one is begun only if this many of the longest so far fit. */
const STEPS_IN_RESERVE = 1.5;

/**
 * To be asked before each step of a prover: whether there is time for it. The first one always has.
 *
 *     const fits = whileItFits(pace);
 *     while (done < all && fits()) await step();
 */
export function whileItFits({ leftMs }: Pace): () => boolean {
  let before: number | undefined;
  let longestMs = 0;
  return () => {
    const left = leftMs();
    if (before !== undefined && Number.isFinite(left)) longestMs = Math.max(longestMs, before - left);
    const first = before === undefined;
    before = left;
    return first || left >= STEPS_IN_RESERVE * longestMs;
  };
}
