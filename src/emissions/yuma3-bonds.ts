// Owns: Yuma3 bonds: their moving average, what they earn, what is stored. Does not own: liquid alpha, classic bonds.
import { emaAlpha, movingAverage } from './bonds.js';
import { I32F32, normalize } from './fixed.js';
import { type LiquidAlpha, liquidMovingAverage } from './liquid-alpha.js';
import { normalizeColumns, type SparseMatrix, timesColumns } from './sparse-matrix.js';

export interface Yuma3Bonds {
  /** normalised, raw I32F32 */
  readonly dividends: readonly bigint[];
  /** to store: as averaged, between 0 and 1 */
  readonly bonds: SparseMatrix;
}

/**
 * One step of Yuma3 bonds (`epoch_mechanism` with Yuma3 on, `compute_bonds_sparse`). Stake enters the dividends and not
 * the bonds: a bond is how long its validator has meant the miner, whoever that validator is.
 *
 * @param parts.bonds rows as stored, u16 taken as proportions, outdated columns already dropped
 * @param parts.bondsMovingAverage millionths; not asked with liquid alpha, unless nobody reached consensus
 */
export function yuma3Bonds(parts: {
  readonly bonds: SparseMatrix;
  readonly weights: SparseMatrix;
  readonly consensus: readonly bigint[];
  readonly activeStake: readonly bigint[];
  readonly incentive: readonly bigint[];
  readonly bondsMovingAverage: number;
  readonly liquidAlpha: LiquidAlpha | undefined;
}): Yuma3Bonds {
  const { weights, consensus, activeStake, liquidAlpha } = parts;
  const bonds =
    liquidAlpha !== undefined && consensus.some((value) => value !== 0n)
      ? liquidMovingAverage(weights, parts.bonds, consensus, liquidAlpha)
      : movingAverage(weights, parts.bonds, emaAlpha(parts.bondsMovingAverage));
  const shares = normalizeColumns(bonds, activeStake.length);
  const earned = timesColumns(shares, parts.incentive);
  return {
    dividends: normalize(earned.map((value, uid) => I32F32.mul(value, activeStake[uid]!))),
    bonds,
  };
}
