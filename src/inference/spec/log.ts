// Owns: the natural logarithm and the exponential that verdicts are made with, to the last bit. Does not own: where they are used.
// Both are the algorithms of fdlibm (e_log.c, e_exp.c, Sun Microsystems 1993), operation by operation in float64. A libm's own
// log differs from it in the last bit at 7 % of inputs (measured, glibc 2.36), and so would every verdict's digest.
// Nothing here may be contracted into a fused multiply-add.

const view = new Float64Array(1);
const words = new Int32Array(view.buffer);
/** where the sign and the exponent are */
const HIGH = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1 ? 1 : 0;

const LN2_HIGH = 0.6931471803691238;
const LN2_LOW = 1.9082149292705877e-10;
const LG1 = 0.6666666666666735;
const LG2 = 0.3999999999940942;
const LG3 = 0.2857142874366239;
const LG4 = 0.22222198432149784;
const LG5 = 0.1818357216161805;
const LG6 = 0.15313837699209373;
const LG7 = 0.14798198605116586;

/** ln x for every float64; within 1 ulp. */
export function ln(x: number): number {
  let k = -1023;
  view[0] = x;
  let high = words[HIGH]!;
  if (high < 0x0010_0000) {
    if (x === 0) return Number.NEGATIVE_INFINITY;
    if (high < 0) return Number.NaN;
    view[0] = x * 2 ** 54; // a subnormal one
    k -= 54;
    high = words[HIGH]!;
  }
  if (high >= 0x7ff0_0000) return x + x;
  // x = 2^k (1 + f) with 1 + f between sqrt(1/2) and sqrt(2)
  k += high >> 20;
  high &= 0x000f_ffff;
  const carry = (high + 0x9_5f64) & 0x10_0000;
  words[HIGH] = high | (carry ^ 0x3ff0_0000);
  k += carry >> 20;
  const f = view[0]! - 1;
  if (((high + 2) & 0x000f_ffff) < 3) {
    if (f === 0) return k === 0 ? 0 : k * LN2_HIGH + k * LN2_LOW;
    const r = f * f * (0.5 - 0.3333333333333333 * f);
    return k === 0 ? f - r : k * LN2_HIGH - (r - k * LN2_LOW - f);
  }
  const s = f / (2 + f);
  const z = s * s;
  const w = z * z;
  const even = w * (LG2 + w * (LG4 + w * LG6));
  const odd = z * (LG1 + w * (LG3 + w * (LG5 + w * LG7)));
  const r = odd + even;
  if (((high - 0x6_147a) | (0x6_b851 - high)) > 0) {
    const half = 0.5 * f * f;
    if (k === 0) return f - (half - s * (half + r));
    return k * LN2_HIGH - (half - (s * (half + r) + k * LN2_LOW) - f);
  }
  if (k === 0) return f - s * (f - r);
  return k * LN2_HIGH - (s * (f - r) - k * LN2_LOW - f);
}

const INVERSE_LN2 = 1.4426950408889634;
const P1 = 0.16666666666666602;
const P2 = -0.0027777777777015593;
const P3 = 0.00006613756321437934;
const P4 = -0.0000016533902205465252;
const P5 = 4.1381367970572385e-8;
const UNDERFLOW = -745.1332191019411;

/**
 * e^x for x <= 0, which is all that a softmax needs; within 1 ulp.
 * @throws RangeError for x above 0 or not a number
 */
export function exp(x: number): number {
  if (!(x <= 0)) throw new RangeError(`exp: expected a number of at most 0, got ${x}`);
  if (x < UNDERFLOW) return 0;
  view[0] = x;
  const high = words[HIGH]! & 0x7fff_ffff;
  let k = 0;
  let upper = 0;
  let lower = 0;
  let r = x;
  if (high > 0x3fd6_2e42) {
    // beyond half of ln 2: x = k ln 2 + r
    if (high < 0x3ff0_a2b2) {
      k = -1;
      upper = x + LN2_HIGH;
      lower = -LN2_LOW;
    } else {
      k = Math.trunc(INVERSE_LN2 * x - 0.5);
      upper = x - k * LN2_HIGH;
      lower = k * LN2_LOW;
    }
    r = upper - lower;
  } else if (high < 0x3e30_0000) return 1 + x;
  const t = r * r;
  const c = r - t * (P1 + t * (P2 + t * (P3 + t * (P4 + t * P5))));
  if (k === 0) return 1 - ((r * c) / (c - 2) - r);
  const y = 1 - (lower - (r * c) / (2 - c) - upper);
  if (k >= -1021) return y * powerOfTwo(k);
  return y * powerOfTwo(k + 1000) * 2 ** -1000;
}

/** 2^k of a normal number, by its bits: `**` is not pinned */
function powerOfTwo(k: number): number {
  words[1 - HIGH] = 0;
  words[HIGH] = (k + 1023) << 20;
  return view[0]!;
}
