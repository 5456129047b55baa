// Owns: classic bonds: their moving average, what they earn, what is stored. Does not own: Yuma3 bonds, liquid alpha.
import { I32F32, I64F64, normalize } from './fixed.js';
import {
  normalizeColumns,
  type SparseMatrix,
  scaleRows,
  timesColumns,
  toDense,
  toPositiveSparse,
  upscaleColumns,
} from './sparse-matrix.js';

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
    const full = toDense(entries, columns);
    const bound = toDense(clipped[row]!, columns);
    return toPositiveSparse(
      full.map((value, column) => I32F32.add(value, I32F32.mul(penalty, I32F32.sub(bound[column]!, value)))),
    );
  });
}

export interface ClassicBonds {
  /** normalised, raw I32F32 */
  readonly dividends: readonly bigint[];
  /** to store: the largest of each column is 1 */
  readonly bonds: SparseMatrix;
}

/**
 * One step of classic bonds (`epoch_mechanism` with Yuma3 off).
 *
 * @param parts.bonds rows as stored, u16 taken as integers, outdated columns already dropped
 * @param parts.bondsMovingAverage millionths
 */
export function classicBonds(parts: {
  readonly bonds: SparseMatrix;
  readonly weights: SparseMatrix;
  readonly activeStake: readonly bigint[];
  readonly incentive: readonly bigint[];
  readonly bondsMovingAverage: number;
}): ClassicBonds {
  const n = parts.activeStake.length;
  const held = normalizeColumns(parts.bonds, n);
  const delta = normalizeColumns(scaleRows(parts.weights, parts.activeStake), n);
  const averaged = normalizeColumns(movingAverage(delta, held, emaAlpha(parts.bondsMovingAverage)), n);
  return {
    dividends: normalize(timesColumns(averaged, parts.incentive)),
    bonds: upscaleColumns(averaged, n),
  };
}

/** 1 − average/10^6; the quotient is truncated at 64 fraction bits, then at 32 (`compute_ema_bonds_normal_sparse`). */
function emaAlpha(bondsMovingAverage: number): bigint {
  const kept = I64F64.div(I64F64.fromInteger(bondsMovingAverage), I64F64.fromInteger(1_000_000));
  return I32F32.sub(I32F32.one, kept >> (I64F64.fractionBits - I32F32.fractionBits));
}

/** `mat_ema_sparse`: floor(α·new) + floor((1−α)·old), each product floored by itself; only positive entries are kept. */
function movingAverage(newer: SparseMatrix, older: SparseMatrix, alpha: bigint): SparseMatrix {
  const rest = I32F32.sub(I32F32.one, alpha);
  return newer.map((entries, row) => {
    const dense = new Array<bigint>(newer.length).fill(0n);
    for (const [column, value] of entries) dense[column]! += I32F32.mul(alpha, value);
    for (const [column, value] of older[row]!) dense[column]! += I32F32.mul(rest, value);
    return toPositiveSparse(dense);
  });
}
