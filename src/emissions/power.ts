// Owns: powers of ratios to 18 decimal digits, rounded as the chain's big integers round them (crate safe-bigmath).
// Does not own: which powers a swap takes.

export interface Ratio {
  readonly numerator: bigint;
  readonly denominator: bigint;
}

/** 1.0 in parts of 10^18, the chain's Perquintill. */
export const ACCURACY = 10n ** 18n;

const GUARD_BITS = 24n;
/** 10^18 has 60 bits; safe-bigmath keeps at least 8 more. */
const MIN_PRECISION = 68;
const MAX_EXACT_EXPONENT = 1024n;

/**
 * 10^18·base^exponent as `pow_ratio_scaled` gives it. For exponents of up to 1024/1024 in lowest terms that is the floor
 * of the true value. For others it is what the same series with the same guard bits and stops give: the floor too, save
 * where the true value lies within about 2^-240 of an integer, or where |exponent·ln base| goes far beyond 100. There
 * the exponential's series cancels to noise, which can be of any size and sign; callers clamp it as the chain does.
 *
 * @param base positive or 0
 * @param exponent positive
 * @param precision bits behind the point; the chain asks for 256 in swaps and for 1024 at a price limit
 */
export function powerOfRatio(base: Ratio, exponent: Ratio, precision: 256 | 1024 = 256): bigint {
  if (base.numerator === 0n) return 0n;
  const divisor = greatestCommonDivisor(exponent.numerator, exponent.denominator);
  const numerator = exponent.numerator / divisor;
  const denominator = exponent.denominator / divisor;
  if (numerator <= MAX_EXACT_EXPONENT && denominator <= MAX_EXACT_EXPONENT)
    return rootOf(
      (base.numerator ** numerator * ACCURACY ** denominator) / base.denominator ** numerator,
      denominator,
    );
  const bits = BigInt(Math.max(precision, MIN_PRECISION)) + GUARD_BITS;
  const logarithm = naturalLog(base.numerator, bits) - naturalLog(base.denominator, bits);
  const power = exponential(floorDivide(logarithm * numerator, denominator), bits);
  return (withoutGuard(power) * ACCURACY) >> (bits - GUARD_BITS);
}

/**
 * 10^18·(reserve/grown)^exponent, the same as `powerOfRatio`, for `reserve` < `grown`. Small steps, as blocks and most
 * orders make them, take a short way: of the series 1 − (1−t)^r = r·t·(1 + (1−r)/2·t·…), t = 1 − reserve/grown, all is
 * taken in doubles, or the first term exactly and the rest in doubles. Where their error could move the floor, the next
 * longer way decides.
 */
export function shrinkPower(reserve: bigint, grown: bigint, exponent: Ratio): bigint {
  const added = grown - reserve;
  const r = Number(exponent.numerator) / Number(exponent.denominator);
  const t = Number(added) / Number(grown);
  // above, the series falls too slowly
  if (t * (r > 1 ? r : 1) <= 0.125) {
    const difference = Number(exponent.denominator - exponent.numerator);
    const correction = (difference / Number(exponent.denominator)) * 0.5 * t * tailOf(r, t);
    const lost = 1e18 * r * t;
    const short = lossRoundedUp(0n, lost * (1 + correction), lost * 2 ** -48);
    if (short !== undefined) return ACCURACY - short;
    const first = ((ACCURACY * exponent.numerator * added) << 32n) / (exponent.denominator * grown);
    // the first term is cut at 2^-32, some twenty roundings are 2^-53 of the rest each
    const rest = lost * correction;
    const longer = lossRoundedUp(first, rest, Math.abs(rest) * 2 ** -47 + 2 ** -31);
    if (longer !== undefined) return ACCURACY - longer;
  }
  return powerOfRatio({ numerator: reserve, denominator: grown }, exponent);
}

/** 1 + (2−r)/3·t·(1 + (3−r)/4·t·(…)) */
function tailOf(r: number, t: number): number {
  let term = 1;
  let sum = 1;
  for (let k = 2; term > 1e-17 || term < -1e-17; k++) {
    term *= ((k - r) / (k + 1)) * t;
    sum += term;
  }
  return sum;
}

/** ⌈first/2^32 + rest⌉; undefined where `error` leaves it open. */
function lossRoundedUp(first: bigint, rest: number, error: number): bigint | undefined {
  const wholeRest = Math.floor(rest);
  const fraction = (first === 0n ? 0 : Number(BigInt.asUintN(32, first)) / 2 ** 32) + (rest - wholeRest);
  const carry = fraction < 1 ? 0 : 1;
  const beyond = fraction - carry;
  if (!(beyond > error && beyond < 1 - error)) return undefined;
  const whole = BigInt(wholeRest + carry + 1);
  return first === 0n ? whole : (first >> 32n) + whole;
}

function greatestCommonDivisor(a: bigint, b: bigint): bigint {
  let [larger, smaller] = [a, b];
  while (smaller !== 0n) [larger, smaller] = [smaller, larger % smaller];
  return larger;
}

/** The largest integer whose `degree`-th power is at most `value`. */
function rootOf(value: bigint, degree: bigint): bigint {
  if (degree === 1n) return value;
  let low = 0n;
  let high = 1n << (BigInt(bitLength(value)) / degree + 1n);
  while (low < high) {
    const middle = (low + high + 1n) >> 1n;
    if (middle ** degree <= value) low = middle;
    else high = middle - 1n;
  }
  return low;
}

const logsOfTwo = new Map<bigint, bigint>();

/** ln 2 as −ln(1 − 1/2). */
function logOfTwo(bits: bigint): bigint {
  let log = logsOfTwo.get(bits);
  if (log === undefined) {
    log = -logOfOnePlus(-(1n << (bits - 1n)), bits);
    logsOfTwo.set(bits, log);
  }
  return log;
}

/** ln of a positive integer: of its mantissa in [0.75, 1.5), and ln 2 for each binary place. */
function naturalLog(value: bigint, bits: bigint): bigint {
  let shift = BigInt(bitLength(value) - 1);
  let mantissa = (value << bits) >> shift;
  if (mantissa >= 3n << (bits - 1n)) {
    mantissa >>= 1n;
    shift++;
  }
  return logOfOnePlus(mantissa - (1n << bits), bits) + logOfTwo(bits) * shift;
}

/** Taylor's series until a term falls below the guard bits. */
function logOfOnePlus(x: bigint, bits: bigint): bigint {
  const iterations = maxIterations(bits);
  let power = x;
  let result = x;
  for (let n = 2n; n <= iterations; n++) {
    power = (power * x) >> bits;
    const term = floorDivide(power, n);
    if (term === 0n) break;
    if (n % 2n === 0n) result -= term;
    else result += term;
    if (isBelowGuard(term)) break;
  }
  return result;
}

function exponential(x: bigint, bits: bigint): bigint {
  const iterations = maxIterations(bits);
  let term = 1n << bits;
  let result = term;
  for (let n = 1n; n <= iterations; n++) {
    term = floorDivide((term * x) >> bits, n);
    if (term === 0n) break;
    result += term;
    if (isBelowGuard(term)) break;
  }
  return result;
}

const maxIterations = (bits: bigint): bigint => bits + 128n;
const isBelowGuard = (term: bigint): boolean => (term < 0n ? -term : term) >> GUARD_BITS === 0n;

/** Without its guard bits, to the nearest, halves away from 0. */
function withoutGuard(value: bigint): bigint {
  const half = 1n << (GUARD_BITS - 1n);
  return value < 0n ? -((half - value) >> GUARD_BITS) : (value + half) >> GUARD_BITS;
}

function floorDivide(a: bigint, positive: bigint): bigint {
  const quotient = a / positive;
  return a < 0n && quotient * positive !== a ? quotient - 1n : quotient;
}

const bitLength = (value: bigint): number => value.toString(2).length;
