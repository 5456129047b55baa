// The epoch as one would write it without the chain's arithmetic: dense rows of float64. Its values are near the chain's
// and not the chain's; it is here as what exactness costs against. Yuma3 only, none of the masks; the
// median is the same code, which asks nothing of its numbers.
import type { EpochInput, U16Row } from '../../src/emissions/epoch.js';
import { createMedian } from '../../src/emissions/epoch-in-doubles.js';

export interface FloatEpoch {
  readonly consensus: Float64Array;
  readonly incentive: Float64Array;
  readonly dividends: Float64Array;
  /** by uid, undefined of one without stake */
  readonly bonds: readonly (Float64Array | undefined)[];
}

/** @param ownBonds in place of those of the input, as the epoch before gave them */
export function float64Epoch(input: EpochInput, ownBonds?: FloatEpoch['bonds']): FloatEpoch {
  const { n } = input;
  const stake = normalized(Float64Array.from(input.stakes, Number));
  const voters = Array.from(stake.keys()).filter((row) => stake[row]! > 0);
  const weights = voters.map((row) => normalized(toDense(input.weights[row]!, n)));
  const shares = Float64Array.from(voters, (row) => stake[row]!);
  const majority = input.kappa / 65535;
  const median = createMedian(shares, shares.reduce((sum, share) => sum + share, 0) - majority);
  const votes = new Float64Array(voters.length);
  const consensus = stake.map((_, column) => {
    for (let k = 0; k < voters.length; k++) votes[k] = weights[k]![column]!;
    return median(votes, 0);
  });

  const alphaOf = createAlpha(input);
  const penalty = input.bondsPenalty / 65535;
  const rank = new Float64Array(n);
  const totals = new Float64Array(n);
  const bonds = new Array<Float64Array | undefined>(n).fill(undefined);
  voters.forEach((row, k) => {
    const held = ownBonds?.[row] ?? toDense(input.bonds[row]!, n, 65535);
    const grown = new Float64Array(n);
    for (let column = 0; column < n; column++) {
      const full = weights[k]![column]!;
      const clipped = Math.min(full, consensus[column]!);
      const weight = full + penalty * (clipped - full);
      const bond = held[column]!;
      rank[column]! += stake[row]! * clipped;
      const rate = alphaOf(weight, bond, consensus[column]!);
      grown[column] = (1 - rate) * bond + rate * weight;
      totals[column]! += grown[column]!;
    }
    bonds[row] = grown;
  });
  const incentive = normalized(rank);
  const earned = Float64Array.from(bonds, (row, uid) => {
    if (row === undefined) return 0;
    let total = 0;
    for (let column = 0; column < n; column++)
      if (totals[column]! > 0) total += (row[column]! / totals[column]!) * incentive[column]!;
    return total * stake[uid]!;
  });
  return { consensus, incentive, dividends: normalized(earned), bonds };
}

function toDense(row: U16Row, n: number, one = 1): Float64Array {
  const dense = new Float64Array(n);
  for (const [uid, value] of row) dense[uid] = value / one;
  return dense;
}

function createAlpha({
  liquidAlpha,
  bondsMovingAverage,
}: EpochInput): (weight: number, bond: number, consensus: number) => number {
  if (liquidAlpha === undefined) return () => 1 - bondsMovingAverage / 1e6;
  const low = liquidAlpha.low / 65535;
  const range = liquidAlpha.high / 65535 - low;
  const slope = liquidAlpha.steepness / -100;
  return (weight, bond, consensus) => {
    const moved = Math.max(0, weight >= bond ? weight - consensus : bond - weight);
    return low + range / (1 + Math.exp(slope * (moved - 0.5)));
  };
}

function normalized(values: Float64Array): Float64Array {
  const total = values.reduce((sum, value) => sum + value, 0);
  return total === 0 ? values : values.map((value) => value / total);
}
