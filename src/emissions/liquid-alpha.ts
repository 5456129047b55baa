// Owns: liquid alpha: how fast each bond follows its weight, and the moving average with those speeds.
// Does not own: the bonds' other steps (yuma3-bonds.ts).
import { fromU16Proportion, I32F32 } from './fixed.js';
import { type SparseMatrix, type SparseRow, toDense } from './sparse-matrix.js';
import { safeExp } from './transcendental.js';

/** `AlphaValues` and `AlphaSigmoidSteepness` of a subnet. */
export interface LiquidAlpha {
  /** u16: of a bond whose weight agrees with consensus */
  readonly low: number;
  /** u16: of a bond that is bought ahead of consensus, or sold */
  readonly high: number;
  /** i16, hundredths: 1000 is a slope of 10 */
  readonly steepness: number;
}

const HALF = I32F32.one / 2n;

/**
 * `mat_ema_alpha_sparse` over `compute_liquid_alpha_values_sparse`: floor((1−α)·bond) + floor(α·weight), at most 1, for
 * each entry of the weight row, in its order. A bond whose column is absent from the weight row is lost at once; with
 * an explicit zero it decays.
 */
export function liquidMovingAverage(
  weights: SparseMatrix,
  bonds: SparseMatrix,
  consensus: readonly bigint[],
  liquidAlpha: LiquidAlpha,
): SparseMatrix {
  const columns = consensus.length;
  const alphaOf = createAlpha(liquidAlpha);
  return weights.map((entries, row) => {
    if (entries.length === 0) return entries;
    const seenWeights = seenByCursor(entries, columns);
    const seenBonds = seenByCursor(bonds[row]!, columns);
    const held = toDense(bonds[row]!, columns);
    return entries.flatMap(([column, weight]) => {
      const alpha = alphaOf(consensus[column]!, seenWeights[column]!, seenBonds[column]!);
      const kept = I32F32.mul(I32F32.sub(I32F32.one, alpha), held[column]!);
      const gained = I32F32.mul(alpha, weight);
      const bond = clamp(I32F32.add(kept, gained > 0n ? gained : 0n), 0n, I32F32.one);
      return bond > 0n ? [[column, bond] as const] : [];
    });
  });
}

/**
 * A row by column as the chain's cursor over ascending columns sees it: it waits at its entry until that column comes,
 * so an entry behind a higher or equal column is never seen and reads as 0.
 */
function seenByCursor(entries: SparseRow, columns: number): bigint[] {
  let highest = -1;
  return toDense(
    entries.filter(([column]) => {
      if (column <= highest) return false;
      highest = column;
      return true;
    }),
    columns,
  );
}

/**
 * `alpha_sigmoid`: low + (high − low)/(1 + e^(−slope·(difference − 1/2))). The difference is what a validator weighs
 * above consensus while it buys (weight at least the bond), or what it sells.
 */
export function createAlpha({
  low,
  high,
  steepness,
}: LiquidAlpha): (consensus: bigint, weight: bigint, bond: bigint) => bigint {
  const lowest = fromU16Proportion(low);
  const highest = fromU16Proportion(high);
  const slope = I32F32.div(I32F32.fromInteger(steepness), I32F32.fromInteger(-100));
  return (consensus, weight, bond) => {
    const moved = weight >= bond ? I32F32.sub(weight, consensus) : I32F32.sub(bond, weight);
    const difference = clamp(moved, 0n, I32F32.one);
    const power = safeExp(I32F32.mul(slope, I32F32.sub(difference, HALF)));
    const sigmoid = I32F32.div(I32F32.one, I32F32.add(I32F32.one, power));
    const alpha = I32F32.add(lowest, I32F32.mul(sigmoid, I32F32.sub(highest, lowest)));
    return clamp(alpha, lowest, highest);
  };
}

/** `clamp_value`: the lower bound wins where the bounds cross. */
function clamp(value: bigint, lowest: bigint, highest: bigint): bigint {
  const capped = value < highest ? value : highest;
  return capped > lowest ? capped : lowest;
}
