// Owns: IEEE 754 binary16 and back. Does not own: arithmetic on it (instructions.ts).

const SINGLES = Float32Array.from({ length: 1 << 16 }, (_, bits) => {
  const exponent = (bits >>> 10) & 31;
  const fraction = bits & 1023;
  const sign = bits >>> 15 ? -1 : 1;
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (exponent === 0 ? fraction * 2 ** -24 : (1024 + fraction) * 2 ** (exponent - 25));
});

export const toSingle = (half: number): number => SINGLES[half];

/** To the nearest, of two as near to the even one. */
export function toHalf(value: number): number {
  const magnitude = Math.abs(value);
  if (!(magnitude < 65_520)) throw new Error(`half: ${value} is beyond what is interpreted`);
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const exponent = magnitude < 2 ** -14 ? -14 : Math.floor(Math.log2(magnitude));
  const units = magnitude / 2 ** (exponent - 10);
  const floor = Math.floor(units);
  const odd = floor % 2;
  const rounded = units - floor > 0.5 || (units - floor === 0.5 && odd === 1) ? floor + 1 : floor;
  // a subnormal has no hidden bit, and what rounds up to the next power carries into the exponent by itself
  return sign | (rounded + (exponent + 14) * 1024);
}
