// Owns: the sparse matrices of the epoch and their primitives (subtensor epoch/math.rs, the `_sparse` functions).
// Does not own: what rows and columns mean.
import { I32F32 } from './fixed.js';

/** (column, raw I32F32) pairs in stored order; explicit zeros are entries, and kept. */
export type SparseRow = readonly (readonly [column: number, value: bigint])[];
export type SparseMatrix = readonly SparseRow[];

/** Keeps the entries for which `keep(row, column)` holds (`mask_rows_sparse`, `mask_diag_sparse`, `vec_mask_sparse_matrix`). */
export function filterEntries(
  matrix: SparseMatrix,
  keep: (row: number, column: number) => boolean,
): SparseMatrix {
  return matrix.map((entries, row) => entries.filter(([column]) => keep(row, column)));
}

/** `inplace_row_normalize_sparse`: rows that sum to 0 stay as they are. */
export function normalizeRows(matrix: SparseMatrix): SparseMatrix {
  return matrix.map((entries) => {
    const total = rowSum(entries);
    if (total <= 0n) return entries;
    return entries.map(([column, value]) => [column, I32F32.div(value, total)] as const);
  });
}

/** `inplace_col_normalize_sparse` */
export function normalizeColumns(matrix: SparseMatrix, columns: number): SparseMatrix {
  const totals = new Array<bigint>(columns).fill(0n);
  for (const entries of matrix) for (const [column, value] of entries) totals[column]! += value;
  return divideColumns(matrix, totals);
}

/** `inplace_col_max_upscale_sparse`: divides each column by its largest entry. */
export function upscaleColumns(matrix: SparseMatrix, columns: number): SparseMatrix {
  const maxima = new Array<bigint>(columns).fill(0n);
  for (const entries of matrix)
    for (const [column, value] of entries) if (value > maxima[column]!) maxima[column] = value;
  return divideColumns(matrix, maxima);
}

function divideColumns(matrix: SparseMatrix, divisors: readonly bigint[]): SparseMatrix {
  return matrix.map((entries) =>
    entries.map(([column, value]) => {
      const divisor = divisors[column]!;
      return [column, divisor === 0n ? value : I32F32.div(value, divisor)] as const;
    }),
  );
}

/** `row_hadamard_sparse`: each row times its factor. */
export function scaleRows(matrix: SparseMatrix, factors: readonly bigint[]): SparseMatrix {
  return matrix.map((entries, row) =>
    entries.map(([column, value]) => [column, I32F32.mul(value, factors[row]!)] as const),
  );
}

/** `row_sum_sparse` */
export const rowSums = (matrix: SparseMatrix): readonly bigint[] => matrix.map(rowSum);

function rowSum(entries: SparseRow): bigint {
  let total = 0n;
  for (const [, value] of entries) total += value;
  return total;
}

/** `matmul_sparse`: Σ_i floor(vector_i·m_ij), by column. */
export function timesRows(
  matrix: SparseMatrix,
  vector: readonly bigint[],
  columns: number,
): readonly bigint[] {
  const result = new Array<bigint>(columns).fill(0n);
  matrix.forEach((entries, row) => {
    const factor = vector[row]!;
    if (factor === 0n) return;
    for (const [column, value] of entries) result[column]! += I32F32.mul(factor, value);
  });
  return result;
}

/** `matmul_transpose_sparse`: Σ_j floor(vector_j·m_ij), by row. */
export function timesColumns(matrix: SparseMatrix, vector: readonly bigint[]): readonly bigint[] {
  return matrix.map((entries) => {
    let total = 0n;
    for (const [column, value] of entries) total += I32F32.mul(vector[column]!, value);
    return total;
  });
}

/** One row of values by column; a repeated column keeps its last value, as the chain's densification does. */
export function toDense(entries: SparseRow, columns: number): bigint[] {
  const dense = new Array<bigint>(columns).fill(0n);
  for (const [column, value] of entries) dense[column] = value;
  return dense;
}

/** The positive entries, columns ascending. */
export function toPositiveSparse(dense: readonly bigint[]): SparseRow {
  const entries: [number, bigint][] = [];
  dense.forEach((value, column) => {
    if (value > 0n) entries.push([column, value]);
  });
  return entries;
}
