// Owns: the κ-stake-weighted median of each weight column, and clipping at it (subtensor epoch/math.rs).
// Does not own: which weights and stakes take part (epoch.ts masks them).
import { I32F32, normalize, sum } from './fixed.js';
import type { SparseMatrix } from './sparse-matrix.js';

/**
 * `weighted_median_col_sparse`: per column, the largest weight that at least κ of the active stake supports.
 *
 * @param stake by row; rows without stake take no part
 * @param majority κ, raw I32F32
 */
export function consensusWeights(
  stake: readonly bigint[],
  weights: SparseMatrix,
  columns: number,
  majority: bigint,
): readonly bigint[] {
  const voters = stake.flatMap((value, row) => (value > 0n ? [row] : []));
  const shares = normalize(voters.map((row) => stake[row]!));
  const total = sum(shares);
  const scores = Array.from({ length: columns }, () => new Array<bigint>(voters.length).fill(0n));
  voters.forEach((row, k) => {
    for (const [column, value] of weights[row]!) scores[column]![k] = value;
  });
  const minority = I32F32.sub(total, majority);
  return scores.map((score) => weightedMedian(shares, score, minority, total));
}

/**
 * `weighted_median`: the score of the element at which the stake counted from below passes `minority`.
 * Ties at the boundary go to the upper side, so with κ below 1/2 two equal validators give the higher of their weights.
 *
 * @param total Σ stake
 */
export function weightedMedian(
  stake: readonly bigint[],
  score: readonly bigint[],
  minority: bigint,
  total: bigint,
): bigint {
  let part = stake.map((_, index) => index);
  let low = 0n;
  let high = total;
  // the chain's own safety limit: one round per element suffices, since each drops the pivot
  for (let round = 0; round <= stake.length; round++) {
    if (part.length === 0) return 0n;
    if (part.length === 1) return score[part[0]!]!;
    const pivot = score[part[part.length >> 1]!]!;
    const lower: number[] = [];
    const upper: number[] = [];
    let lowerStake = 0n;
    let upperStake = 0n;
    for (const index of part) {
      const value = score[index]!;
      if (value < pivot) {
        lowerStake += stake[index]!;
        lower.push(index);
      } else if (value > pivot) {
        upperStake += stake[index]!;
        upper.push(index);
      }
    }
    if (minority < low + lowerStake && lower.length > 0) {
      part = lower;
      high = low + lowerStake;
    } else if (high - upperStake <= minority && upper.length > 0) {
      part = upper;
      low = high - upperStake;
    } else {
      return pivot;
    }
  }
  return 0n;
}

/** `col_clip_sparse`: min(w, consensus). What exceeds a consensus of 0 is dropped; a zero equal to it stays an entry. */
export function clipAtConsensus(weights: SparseMatrix, consensus: readonly bigint[]): SparseMatrix {
  return weights.map((entries) => {
    const clipped: (readonly [number, bigint])[] = [];
    for (const entry of entries) {
      const [column, value] = entry;
      const bound = consensus[column]!;
      if (bound >= value) clipped.push(entry);
      else if (bound > 0n) clipped.push([column, bound]);
    }
    return clipped;
  });
}
