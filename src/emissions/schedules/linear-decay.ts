// Owns: emission that falls by the same amount every day down to 0, and the tail that burned tokens pay for afterwards.
// Does not own: how much is burned, which is an argument.
import { z } from 'zod';
import { splitSchema } from './split.js';
import { described, NANO, positiveAmount } from './token-amount.js';

const basisPoints = z.int().min(0).max(10_000);

const tailSchema = z.strictObject({
  /** days of a tail epoch; the first begins when the decay has reached 0 */
  epochDays: z.int().min(1).max(100_000),
  /** supply at the start of the first epoch */
  supply: positiveAmount,
  /** at most this part of what has been burned is emitted again */
  burnedBps: basisPoints,
  /** and at most this part of what still circulates */
  circulatingBps: basisPoints,
});

export const linearDecaySchema = z.strictObject({
  kind: z.literal('linear-decay'),
  ...described,
  firstDay: positiveAmount,
  decreasePerDay: positiveAmount,
  split: splitSchema.optional(),
  tail: tailSchema.optional(),
});

export type LinearDecay = z.output<typeof linearDecaySchema>;
export type Tail = z.output<typeof tailSchema>;

/**
 * The last day on which the decay itself emits: 5,833 for Morpheus, whose formula gives −1.646090933 on day 5,834.
 * One sentence of a source has 5,883, a slip for the 5,833 it uses elsewhere.
 */
export const lastDecayDay = ({ firstDay, decreasePerDay }: LinearDecay): number =>
  Number((firstDay - 1n) / decreasePerDay) + 1;

export interface TailEpoch {
  readonly burnedNano: bigint;
  readonly emissionNano: bigint;
  readonly supplyAfterNano: bigint;
}

/**
 * One tail epoch: `min(burned × burnedBps, (supply − burned) × circulatingBps)`, each floored. Morpheus emits half of
 * what was burned, at most 16 % of what circulates, over 5,833 days: with a quarter of 42 million burned 5,040,000, that
 * is 864.049 a day. A source prints "~863", which is the same over 16 × 365 = 5,840 days.
 *
 * @param burnRateNano part of the supply that is burned, 10^9 for all
 * @throws RangeError for a rate outside 0 to 10^9
 */
export function tailEpoch(
  tail: Pick<Tail, 'burnedBps' | 'circulatingBps'>,
  supplyNano: bigint,
  burnRateNano: bigint,
): TailEpoch {
  if (burnRateNano < 0n || burnRateNano > NANO)
    throw new RangeError(`burn rate: expected 0 to ${NANO}, got ${burnRateNano}`);
  const burnedNano = (supplyNano * burnRateNano) / NANO;
  const circulating = supplyNano - burnedNano;
  const half = (burnedNano * BigInt(tail.burnedBps)) / 10_000n;
  const cap = (circulating * BigInt(tail.circulatingBps)) / 10_000n;
  const emissionNano = half < cap ? half : cap;
  return { burnedNano, emissionNano, supplyAfterNano: circulating + emissionNano };
}

/**
 * Cumulative emission by day, `first·n − decrease·n(n−1)/2` up to the last day of the decay. In a tail the same part of
 * the supply is burned in every epoch; its emission is spread evenly, and what is burned is not subtracted here.
 */
export function linearDecayCumulative(schedule: LinearDecay, burnRateNano: bigint): (day: number) => bigint {
  const last = lastDecayDay(schedule);
  const tail = schedule.tail === undefined ? undefined : tailCumulative(schedule.tail, burnRateNano);
  return (day) => {
    const n = BigInt(Math.min(day, last));
    const decayed = schedule.firstDay * n - (schedule.decreasePerDay * n * (n - 1n)) / 2n;
    return tail === undefined || day <= last ? decayed : decayed + tail(day - last);
  };
}

function tailCumulative(tail: Tail, burnRateNano: bigint): (day: number) => bigint {
  /** epochs reached so far, with what all before them emitted */
  const epochs = [{ before: 0n, ...tailEpoch(tail, tail.supply, burnRateNano) }];
  return (day) => {
    const whole = Math.floor(day / tail.epochDays);
    while (epochs.length <= whole) {
      const { before, emissionNano, supplyAfterNano } = epochs.at(-1)!;
      epochs.push({ before: before + emissionNano, ...tailEpoch(tail, supplyAfterNano, burnRateNano) });
    }
    const { before, emissionNano } = epochs[whole]!;
    return before + (emissionNano * BigInt(day % tail.epochDays)) / BigInt(tail.epochDays);
  };
}
