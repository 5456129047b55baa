// Owns: the natural logarithm and the exponential that verdicts are made with, to the last bit. Does not own: where they are used.
// Both are the algorithms of fdlibm (e_log.c, e_exp.c, Sun Microsystems 1993), operation by operation in float64. A libm's own
// log differs from it in the last bit at 7 % of inputs (measured, glibc 2.36), and so would every verdict's digest.
// Nothing here may be contracted into a fused multiply-add.

const view = new Float64Array(1);
const words = new Int32Array(view.buffer);
/** where the sign and the exponent are */
const HIGH = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1 ? 1 : 0;

const LN2_HIGH = 6.9314718036912381649e-1;
const LN2_LOW = 1.90821492927058770002e-10;
const LG1 = 6.66666666666673513e-1;
const LG2 = 3.999999999940941908e-1;
const LG3 = 2.857142874366239149e-1;
const LG4 = 2.222219843214978396e-1;
const LG5 = 1.818357216161805012e-1;
const LG6 = 1.531383769920937332e-1;
const LG7 = 1.479819860511658591e-1;

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

const INVERSE_LN2 = 1.442695040888963387;
const P1 = 1.66666666666666019037e-1;
const P2 = -2.77777777770155933842e-3;
const P3 = 6.61375632143793436117e-5;
const P4 = -1.6533902205465251539e-6;
const P5 = 4.13813679705723846039e-8;
const UNDERFLOW = -7.4513321910194110842e2;

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
