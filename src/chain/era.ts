// Owns: how long a signature holds. Does not own: its bytes (codec/extrinsic.ts), signing (subtensor/submit.ts).

/** The least period that Substrate's `Era` knows. */
const MIN_PERIOD = 4;

/** An era, dead from block `birth + period` on (sp_runtime `Era::death`). */
export interface EraPlan {
  readonly birth: number;
  /** a power of two */
  readonly period: number;
}

export interface EraBounds {
  readonly best: number;
  readonly finalized: number;
  /** the period at most, a power of two */
  readonly longest: number;
  /** The era is dead in this block at the latest. @default what `longest` gives */
  readonly deathBlock?: number | undefined;
}

/**
 * The era of a call that is signed now. It counts from the finalised block, which no fork takes away (its hash is signed,
 * so the extrinsic would die with it); from the best one where finality lags by so much that little of the era would be
 * left. With `deathBlock` from an earlier one, so that it ends there, or else as shortly before as can be: the period is
 * a power of two, the birth is not.
 * @returns undefined when not even the next block would be early enough
 */
export function planEra({ best, finalized, longest, deathBlock }: EraBounds): EraPlan | undefined {
  const isLate = best - finalized > longest / 4;
  if (deathBlock === undefined) return { birth: isLate ? best : finalized, period: longest };
  if (best + 1 >= deathBlock) return undefined;
  const exact = powerOfTwo(deathBlock - finalized, Math.ceil);
  if (exact <= longest && exact <= deathBlock) return { birth: deathBlock - exact, period: exact };
  const [settled, newest] = [finalized, best].map((birth): EraPlan => {
    const period = powerOfTwo(deathBlock - birth, Math.floor);
    return { birth, period: Math.min(longest, period) };
  }) as [EraPlan, EraPlan];
  const holds = ({ birth, period }: EraPlan) => birth + period <= deathBlock && birth + period > best + 1;
  const isBetter =
    !holds(settled) || (isLate && newest.birth + newest.period > settled.birth + settled.period);
  const plan = isBetter ? newest : settled;
  return holds(plan) ? plan : undefined;
}

const powerOfTwo = (blocks: number, round: (exponent: number) => number): number =>
  Math.max(MIN_PERIOD, 2 ** round(Math.log2(blocks)));
