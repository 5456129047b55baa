// Owns: products of matrices in plain loops, tiled so that a value is loaded once for four uses. Does not own: what they mean.

/** float32 to train with, float64 to check gradients with: the same code. */
export type Floats = Float32Array | Float64Array;

/**
 * c[i, j] += sum over p of a[i, p] b[j, p]: rows by rows, both read in the order in which they lie. Sums run in float64, in one order:
 * the same bytes on every machine.
 */
export function addProduct(c: Floats, a: Floats, b: Floats, n: number, m: number, k: number): void {
  const [wholeN, wholeM] = [n - (n % 4), m - (m % 4)];
  for (let i = 0; i < wholeN; i += 4) for (let j = 0; j < wholeM; j += 4) addTile(c, a, b, i, j, m, k);
  for (let i = 0; i < n; i++)
    for (let j = i < wholeN ? wholeM : 0; j < m; j++) {
      let sum = 0;
      for (let p = 0; p < k; p++) sum += a[i * k + p]! * b[j * k + p]!;
      c[i * m + j]! += sum;
    }
}

/**
 * 4 x 4 sums in local variables, which a compiler keeps in registers: 8 loads for 16 products. JavaScript has no way to say "for each of
 * 16 variables" but to say it in text: one column of four at a time costs a third (measured: 3.9 GFLOP/s; 5.1 with this, 5.2 with all
 * 16 lines written out by hand).
 */
const addTile = new Function('c, a, b, i, j, m, k', tileOf(4)) as (
  c: Floats,
  a: Floats,
  b: Floats,
  i: number,
  j: number,
  m: number,
  k: number,
) => void;

function tileOf(side: number): string {
  const lines = [...Array(side).keys()];
  const pairs = lines.flatMap((row) => lines.map((column) => [row, column]));
  return `
    const ${lines.map((n) => `a${n} = (i + ${n}) * k, b${n} = (j + ${n}) * k`)};
    let ${pairs.map(([row, column]) => `sum${row}${column} = 0`)};
    for (let p = 0; p < k; p++) {
      const ${lines.map((n) => `x${n} = a[a${n} + p], y${n} = b[b${n} + p]`)};
      ${pairs.map(([row, column]) => `sum${row}${column} += x${row} * y${column};`).join(' ')}
    }
    ${pairs.map(([row, column]) => `c[(i + ${row}) * m + j + ${column}] += sum${row}${column};`).join(' ')}`;
}

export function transposed(x: Floats, rows: number, columns: number): Floats {
  const out = zerosLike(x, rows * columns);
  for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) out[j * rows + i] = x[i * columns + j]!;
  return out;
}

export const zerosLike = (x: Floats, length: number): Floats =>
  x instanceof Float32Array ? new Float32Array(length) : new Float64Array(length);
