// Owns: logarithm, exponential and root of the chain's fixed point, as its crates approximate them (substrate-fixed
// transcendental.rs, subtensor primitives/safe-math). Does not own: powers in 18 decimal digits (power.ts).
import { I32F32, U64F64 } from './fixed.js';

const ONE = I32F32.one;
const TWO = ONE << 1n;
/** e and log2(e) at the 23 fraction bits of substrate-fixed's constants */
const E = 22_802_600n << 9n;
const LOG2_E = 12_102_203n << 9n;

/**
 * `ln`: the base-2 logarithm over log2(e), raw I32F32. With that constant it comes out 1.4·10^-8 of itself too large;
 * less than 2^-28 is lost to rounding besides.
 *
 * @returns undefined for what is not positive, and for 2^-31 and less, whose inverse does not fit
 */
export function ln(raw: bigint): bigint | undefined {
  if (raw <= 0n) return undefined;
  if (raw >= ONE) return I32F32.div(log2(raw), LOG2_E);
  const inverse = (ONE << I32F32.fractionBits) / raw;
  return inverse > I32F32.max ? undefined : -I32F32.div(log2(inverse), LOG2_E);
}

/** Of at least 1: a bit of the result for each squaring of the mantissa; squares floor, halves round up (`rs`). */
function log2(raw: bigint): bigint {
  let x = raw;
  let result = 0n;
  for (; x >= TWO; x = halfRoundedUp(x)) result++;
  if (x === ONE) return result << I32F32.fractionBits;
  for (let bit = 0; bit < 32; bit++) {
    x = (x * x) >> I32F32.fractionBits;
    result <<= 1n;
    if (x >= TWO) {
      result |= 1n;
      x = halfRoundedUp(x);
    }
  }
  return result;
}

const halfRoundedUp = (x: bigint): bigint => (x + 1n) >> 1n;

/**
 * `exp`: the power series to its 31st term, each term floored and truncated, of |raw|; a negative power is 1 over that.
 * The powers 0 and 1 are constants.
 *
 * @returns undefined where a step does not fit, which is so beyond 20.9 on either side
 */
export function exp(raw: bigint): bigint | undefined {
  if (raw === 0n) return ONE;
  if (raw === ONE) return E;
  const x = raw < 0n ? -raw : raw;
  let result = ONE + x;
  let term = x;
  for (let i = 2n; i < 32n && term !== 0n; i++) {
    const product = (term * x) >> I32F32.fractionBits;
    if (product > I32F32.max) return undefined;
    term = product / i;
    result += term;
  }
  if (result > I32F32.max) return undefined;
  return raw < 0n ? I32F32.div(ONE, result) : result;
}

const MAX_EXPONENT = I32F32.fromInteger(20);

/** `exp_safe` (subtensor epoch/math.rs): the power of the nearest exponent from −20 to 20, all of which fit. */
export function safeExp(raw: bigint): bigint {
  return exp(raw > MAX_EXPONENT ? MAX_EXPONENT : raw < -MAX_EXPONENT ? -MAX_EXPONENT : raw)!;
}

const ROOT_TOLERANCE = U64F64.div(U64F64.one, U64F64.fromInteger(1000));

/**
 * `checked_sqrt` with the chain's 1/1000, raw U64F64: bisected until the root and what it divides the value to are that
 * close, or 129 times.
 *
 * @param raw of less than 2^63
 */
export function squareRoot(raw: bigint): bigint {
  let low = raw > U64F64.one ? 0n : raw;
  let high = raw > U64F64.one ? raw : U64F64.one;
  let middle = (low + high) >> 1n;
  let other = U64F64.div(raw, middle);
  for (let i = 0; i <= 128 && distance(other, middle) > ROOT_TOLERANCE; i++) {
    if (other < middle) high = middle;
    else low = middle;
    middle = (low + high) >> 1n;
    other = U64F64.div(raw, middle);
  }
  return middle;
}

const distance = (a: bigint, b: bigint): bigint => (a < b ? b - a : a - b);
