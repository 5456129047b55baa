// Owns: what a validator's pay rule is, and the two simplest. Does not own: scores over a window (scoring), burn share, pools.

/** Device hours of one miner in one epoch, as a validator measured them. */
export interface Hours {
  readonly proven: number;
  /** at most `proven` */
  readonly rented: number;
}

/**
 * A score for an epoch's hours, at least 0; only its proportion to other miners' scores counts.
 *
 * @example
 * // half for being there, half for being used
 * const rule: PayRule = ({ proven, rented }) => proven + rented;
 */
export type PayRule = (hours: Hours) => number;

/** Pays what was proven, whether or not anyone used it. */
export const payForCapacity: PayRule = ({ proven }) => proven;

/** Pays what somebody rented. */
export const payIfRented: PayRule = ({ rented }) => rented;

export const payRules: Readonly<Record<'capacity' | 'rented', PayRule>> = {
  capacity: payForCapacity,
  rented: payIfRented,
};
