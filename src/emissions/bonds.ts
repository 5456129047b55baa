// Owns: what both kinds of bonds share: the weights they grow by, the moving average.
// Does not own: what is averaged, earned and stored (classic-bonds.ts, yuma3-bonds.ts).
import { I32F32, I64F64 } from './fixed.js';
import { type SparseMatrix, toDense, toPositiveSparse } from './sparse-matrix.js';

/**
 * `interpolate_sparse`: the weights that bonds grow by. Penalty 0 takes the weights as they are, 1 the clipped ones;
 * anything between goes through dense rows, which drops explicit zeros.
 *
 * @param penalty BondsPenalty/65535, raw I32F32
 */
export function weightsForBonds(
  weights: SparseMatrix,
  clipped: SparseMatrix,
  columns: number,
  penalty: bigint,
): SparseMatrix {
  if (penalty === 0n) return weights;
  if (penalty === I32F32.one) return clipped;
  return weights.map((entries, row) => {
    if (entries.length === 0) return entries;
    const full = toDense(entries, columns);
    const bound = toDense(clipped[row]!, columns);
    return toPositiveSparse(
      full.map((value, column) => I32F32.add(value, I32F32.mul(penalty, I32F32.sub(bound[column]!, value)))),
    );
  });
}

/**
 * 1 − average/10^6; the quotient is truncated at 64 fraction bits, then at 32, saturating (`compute_ema_bonds_normal_sparse`,
 * `compute_disabled_liquid_alpha`).
 *
 * @param bondsMovingAverage millionths, u64
 */
export function emaAlpha(bondsMovingAverage: number): bigint {
  const quotient = I64F64.div(I64F64.fromInteger(bondsMovingAverage), I64F64.fromInteger(1_000_000));
  const kept = quotient >> (I64F64.fractionBits - I32F32.fractionBits);
  return I32F32.sub(I32F32.one, kept < I32F32.max ? kept : I32F32.max);
}

/** `mat_ema_sparse`: floor(α·new) + floor((1−α)·old), each product floored by itself; only positive entries are kept. */
export function movingAverage(newer: SparseMatrix, older: SparseMatrix, alpha: bigint): SparseMatrix {
  const rest = I32F32.sub(I32F32.one, alpha);
  return newer.map((entries, row) => {
    if (entries.length === 0 && older[row]!.length === 0) return entries;
    const dense = new Array<bigint>(newer.length).fill(0n);
    for (const [column, value] of entries) dense[column]! += I32F32.mul(alpha, value);
    for (const [column, value] of older[row]!) dense[column]! += I32F32.mul(rest, value);
    return toPositiveSparse(dense);
  });
}
