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

/** 4 x 4 sums in local variables, which a compiler keeps in registers: 8 loads for 16 products. */
function addTile(c: Floats, a: Floats, b: Floats, i: number, j: number, m: number, k: number): void {
  const a0 = i * k;
  const a1 = (i + 1) * k;
  const a2 = (i + 2) * k;
  const a3 = (i + 3) * k;
  const b0 = j * k;
  const b1 = (j + 1) * k;
  const b2 = (j + 2) * k;
  const b3 = (j + 3) * k;
  let s00 = 0;
  let s01 = 0;
  let s02 = 0;
  let s03 = 0;
  let s10 = 0;
  let s11 = 0;
  let s12 = 0;
  let s13 = 0;
  let s20 = 0;
  let s21 = 0;
  let s22 = 0;
  let s23 = 0;
  let s30 = 0;
  let s31 = 0;
  let s32 = 0;
  let s33 = 0;
  for (let p = 0; p < k; p++) {
    const x0 = a[a0 + p]!;
    const x1 = a[a1 + p]!;
    const x2 = a[a2 + p]!;
    const x3 = a[a3 + p]!;
    const y0 = b[b0 + p]!;
    s00 += x0 * y0;
    s10 += x1 * y0;
    s20 += x2 * y0;
    s30 += x3 * y0;
    const y1 = b[b1 + p]!;
    s01 += x0 * y1;
    s11 += x1 * y1;
    s21 += x2 * y1;
    s31 += x3 * y1;
    const y2 = b[b2 + p]!;
    s02 += x0 * y2;
    s12 += x1 * y2;
    s22 += x2 * y2;
    s32 += x3 * y2;
    const y3 = b[b3 + p]!;
    s03 += x0 * y3;
    s13 += x1 * y3;
    s23 += x2 * y3;
    s33 += x3 * y3;
  }
  const at = i * m + j;
  c[at]! += s00;
  c[at + 1]! += s01;
  c[at + 2]! += s02;
  c[at + 3]! += s03;
  c[at + m]! += s10;
  c[at + m + 1]! += s11;
  c[at + m + 2]! += s12;
  c[at + m + 3]! += s13;
  c[at + 2 * m]! += s20;
  c[at + 2 * m + 1]! += s21;
  c[at + 2 * m + 2]! += s22;
  c[at + 2 * m + 3]! += s23;
  c[at + 3 * m]! += s30;
  c[at + 3 * m + 1]! += s31;
  c[at + 3 * m + 2]! += s32;
  c[at + 3 * m + 3]! += s33;
}

export function transposed(x: Floats, rows: number, columns: number): Floats {
  const out = zerosLike(x, rows * columns);
  for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) out[j * rows + i] = x[i * columns + j]!;
  return out;
}

export const zerosLike = (x: Floats, length: number): Floats =>
  x instanceof Float32Array ? new Float32Array(length) : new Float64Array(length);
