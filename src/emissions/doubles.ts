// Owns: I32F32 on raw values held in doubles, exact where it says so. Does not own: what is computed with it, the
// arithmetic of reference (fixed.ts).

/** 1.0 */
export const ONE = 2 ** 32;

/** Up to here `div` divides: sums of 65,536 values of at most 1. */
export const DIV_LIMIT = 2 ** 48;

/** `I32F32.mul`: floor(a·b / 2^32), for |a| <= 2^36 and |b| <= 2^32: no intermediate value exceeds 2^53. */
export function mul(a: number, b: number): number {
  const high = Math.floor(a / 65536);
  const low = a - high * 65536;
  return Math.floor((high * b + Math.floor((low * b) / 65536)) / 65536);
}

/** Beyond this distance from an integer the rounding of a double division cannot have crossed it. */
const DIV_MARGIN = 2 ** -20;

/**
 * `I32F32.div`: floor(a·2^32 / b), for 0 <= a <= b <= `DIV_LIMIT`. The one rounded division is off by at most 2^-21;
 * where that could matter the quotient is taken digit by digit.
 */
export function div(a: number, b: number): number {
  const quotient = (a / b) * ONE;
  const floor = Math.floor(quotient);
  const rest = quotient - floor;
  return rest > DIV_MARGIN && rest < 1 - DIV_MARGIN ? floor : divByDigits(a, b);
}

/**
 * Each remainder times its base is at most 2^53: digits of 11, 11 and 10 bits up to 2^42, of 5 bits beyond. The quotient
 * behind a digit is at most the base; when it is no integer, it is at least 1/b below the next one (2^-42 with a base of
 * 2^11, 2^-48 with one of 2^5), which is more than half of its last bit, 2^-43 and 2^-49.
 */
function divByDigits(a: number, b: number): number {
  if (b === 0) return 0;
  let quotient = 0;
  let rest = a;
  for (const base of b <= 2 ** 42 ? LONG_DIGITS : SHORT_DIGITS) {
    const digit = Math.floor((rest * base) / b);
    rest = rest * base - digit * b;
    quotient = quotient * base + digit;
  }
  return quotient;
}
const LONG_DIGITS = [2048, 2048, 1024] as const;
const SHORT_DIGITS = [32, 32, 32, 32, 32, 32, 4] as const;

/** Of a product with an inverse: two roundings of a value up to 2^32 are off by at most 2^-20. */
const INVERSE_MARGIN = 2 ** -19;

/** `div(a, b)` where 2^32/b is at hand as `inverse`. */
export function divByInverse(a: number, b: number, inverse: number): number {
  const quotient = a * inverse;
  const floor = Math.floor(quotient);
  const rest = quotient - floor;
  return rest > INVERSE_MARGIN && rest < 1 - INVERSE_MARGIN ? floor : divByDigits(a, b);
}

/**
 * floor(share·amount / 2^32) of a share up to 1. The double product is off by at most amount·2^-52; where that could
 * matter the product is taken in bigints.
 *
 * @param amount u64
 * @param rounded the same as a double
 */
export function mulAmount(share: number, amount: bigint, rounded: number): bigint {
  if (share === 0) return 0n;
  const product = (share * rounded) / ONE;
  const floor = Math.floor(product);
  const rest = product - floor;
  // two roundings, that of the amount itself among them
  const margin = rounded * 2 ** -51;
  return rest > margin && rest < 1 - margin ? BigInt(floor) : (BigInt(share) * amount) >> 32n;
}

/** `exp` answers for magnitudes up to this: 5.0, which is as far as the default slope of 10 asks. */
export const EXP_LIMIT = 5 * ONE;
/** transcendental.ts `E` */
const E = 22_802_600 * 512;
const EXP_MARGIN = 2 ** -13;
const INVERSES = Float64Array.from({ length: 32 }, (_, i) => 1 / (i * ONE));

/**
 * `safeExp` of transcendental.ts, for |x| <= `EXP_LIMIT`. floor(floor(t·x/2^32)/i) is floor(t·x/(2^32·i)); terms stay
 * below 2^37, so three roundings are off by less than 2^-14, and where that could matter the term is taken in parts.
 */
export function exp(x: number): number {
  if (x === 0) return ONE;
  if (x === ONE) return E;
  const magnitude = Math.abs(x);
  let result = magnitude + ONE;
  let term = magnitude;
  for (let i = 2; i < 32; i++) {
    // grouped so that only one product waits for the term before
    const next = term * (magnitude * INVERSES[i]!);
    if (next < 0.5) break; // this and all further terms are 0
    const floor = Math.floor(next);
    const rest = next - floor;
    term = rest > EXP_MARGIN && rest < 1 - EXP_MARGIN ? floor : termByParts(term, magnitude, i);
    result += term;
  }
  return x < 0 ? div(ONE, result) : result;
}

/** floor(floor(term·x / 2^32) / i) with x in parts of 12, 12 and the upper bits. */
function termByParts(term: number, x: number, i: number): number {
  const high = Math.floor(x / 16_777_216);
  const rest = x - high * 16_777_216;
  const middle = Math.floor(rest / 4096);
  const low = rest - middle * 4096;
  const carried = Math.floor((Math.floor((term * low) / 4096) + term * middle) / 4096);
  return Math.floor(Math.floor((carried + term * high) / 256) / i);
}

/** `u16_proportion_to_fixed`: 2^32 is 65535·65537 + 1, so floor(v·2^32 / 65535) is v·65537, and 1 more for 65535. */
export const fromU16Proportion = (value: number): number => (value === 65535 ? ONE : value * 65537);

/** `fixed_proportion_to_u16` of a value between 0 and 1. */
export const toU16Proportion = (raw: number): number => Math.min(65535, Math.floor((raw * 65535) / ONE));
