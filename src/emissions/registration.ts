// Owns: the price of registering a neuron, block by block (subtensor subnets/registration.rs).
// Does not own: paying it, nor whom a full subnet prunes.
import { U64F64 } from './fixed.js';

const ONE_Q32 = 1n << 32n;
const HALF_Q32 = 1n << 31n;

/** `DefaultBurnIncreaseMult`: `U64F64::from_num(1.26)`, the double nearest 1.26 at 64 fraction bits. */
export const DEFAULT_BURN_INCREASE = BigInt(1.26 * 2 ** 52) << 12n;
/** `DefaultBurnHalfLife`, blocks */
export const DEFAULT_BURN_HALF_LIFE = 360;

export interface BurnBounds {
  readonly minBurnRao: bigint;
  readonly maxBurnRao: bigint;
}

/**
 * `update_registration_prices_for_networks`: the price after one more block.
 *
 * @param halfLife blocks; 0 stops the decay. The chain does not decay in blocks 0 and 1: the caller leaves those out.
 */
export function decayBurn(burnRao: bigint, halfLife: number, bounds: BurnBounds): bigint {
  return clampBurn(mulQ32(burnRao, decayFactor(halfLife)), bounds);
}

/**
 * `bump_registration_price_after_registration`: the price right after a registration.
 *
 * @param increase raw U64F64; less than 1 counts as 1
 */
export function bumpBurn(burnRao: bigint, increase: bigint, bounds: BurnBounds): bigint {
  const factor = increase < U64F64.one ? U64F64.one : increase;
  return clampBurn(U64F64.toU64(U64F64.mul(U64F64.fromInteger(burnRao), factor)), bounds);
}

const factors = new Map<number, bigint>();

/** `decay_factor_q32`: the largest f in units of 2^-32 with f^halfLife <= 1/2. Remembered: it is asked for every block. */
export function decayFactor(halfLife: number): bigint {
  if (halfLife === 0) return ONE_Q32;
  const known = factors.get(halfLife);
  if (known !== undefined) return known;
  let low = 0n;
  let high = ONE_Q32;
  while (low + 1n < high) {
    const middle = low + ((high - low) >> 1n);
    if (powQ32(middle, halfLife) > HALF_Q32) high = middle;
    else low = middle;
  }
  factors.set(halfLife, low);
  return low;
}

const mulQ32 = (value: bigint, factor: bigint): bigint => (value * factor) >> 32n;

/** `pow_q32`: by squaring, floored at each step, which is why f must be searched and not computed. */
function powQ32(base: bigint, exponent: number): bigint {
  let result = ONE_Q32;
  let factor = base;
  for (let power = exponent; power > 0; power >>= 1) {
    if (power & 1) result = mulQ32(result, factor);
    factor = mulQ32(factor, factor);
  }
  return result;
}

function clampBurn(burnRao: bigint, { minBurnRao, maxBurnRao }: BurnBounds): bigint {
  const raised = burnRao < minBurnRao ? minBurnRao : burnRao;
  return raised > maxBurnRao ? maxBurnRao : raised;
}
