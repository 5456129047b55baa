// The epoch as one would write it without the chain's arithmetic: dense rows of float64. Its values are near the chain's
// and not the chain's; it is here as what exactness costs against. Yuma3 only, none of the masks; the
// median is the same code, which asks nothing of its numbers.
import type { EpochInput } from '../../src/emissions/epoch.js';
import { createMedian } from '../../src/emissions/epoch-in-doubles.js';

export interface FloatEpoch {
  readonly incentive: Float64Array;
  readonly dividends: Float64Array;
  readonly bonds: readonly Float64Array[];
}

export function float64Epoch(input: EpochInput): FloatEpoch {
  const { n } = input;
  const stake = normalized(Float64Array.from(input.stakes, Number));
  const weights = input.weights.map((row) => {
    const dense = new Float64Array(n);
    for (const [uid, value] of row) dense[uid] = value;
    return normalized(dense);
  });
  const held = input.bonds.map((row) => {
    const dense = new Float64Array(n);
    for (const [uid, value] of row) dense[uid] = value / 65535;
    return dense;
  });
  const voters = Array.from(stake.keys()).filter((row) => stake[row]! > 0);
  const shares = Float64Array.from(voters, (row) => stake[row]!);
  const median = createMedian(shares, 1 - input.kappa / 65535);
  const votes = new Float64Array(voters.length);
  const consensus = stake.map((_, column) => {
    voters.forEach((row, k) => {
      votes[k] = weights[row]![column]!;
    });
    return median(votes);
  });
  const rank = new Float64Array(n);
  const bonds = held.map(() => new Float64Array(n));
  const totals = new Float64Array(n);
  for (const row of voters) {
    for (let column = 0; column < n; column++) {
      const weight = Math.min(weights[row]![column]!, consensus[column]!);
      const bond = held[row]![column]!;
      rank[column]! += stake[row]! * weight;
      const rate = alpha(input, weight, bond, consensus[column]!);
      bonds[row]![column] = (1 - rate) * bond + rate * weight;
      totals[column]! += bonds[row]![column]!;
    }
  }
  const incentive = normalized(rank);
  const earned = Float64Array.from(stake, (share, row) => {
    let total = 0;
    for (let column = 0; column < n; column++)
      if (totals[column]! > 0) total += (bonds[row]![column]! / totals[column]!) * incentive[column]!;
    return total * share;
  });
  return { incentive, dividends: normalized(earned), bonds };
}

function alpha(input: EpochInput, weight: number, bond: number, consensus: number): number {
  const { liquidAlpha, bondsMovingAverage } = input;
  if (liquidAlpha === undefined) return 1 - bondsMovingAverage / 1e6;
  const moved = Math.max(0, weight >= bond ? weight - consensus : bond - weight);
  const sigmoid = 1 / (1 + Math.exp((liquidAlpha.steepness / -100) * (moved - 0.5)));
  const low = liquidAlpha.low / 65535;
  return low + sigmoid * (liquidAlpha.high / 65535 - low);
}

function normalized(values: Float64Array): Float64Array {
  const total = values.reduce((sum, value) => sum + value, 0);
  return total === 0 ? values : values.map((value) => value / total);
}
