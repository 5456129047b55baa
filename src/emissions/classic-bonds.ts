// Owns: classic bonds: their moving average, what they earn, what is stored. Does not own: Yuma3 bonds, liquid alpha.
import { emaAlpha, movingAverage } from './bonds.js';
import { normalize } from './fixed.js';
import {
  normalizeColumns,
  type SparseMatrix,
  scaleRows,
  timesColumns,
  upscaleColumns,
} from './sparse-matrix.js';

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
