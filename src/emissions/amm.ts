// Owns: the pool that prices a subnet's alpha in TAO, at equal weights (pallet swap, balancer.rs and swap_step.rs).
// Does not own: other weights (liquidity injection moves them), who pays.
import { AssayError } from '../model/errors.js';
import { U64F64 } from './fixed.js';

/** `SubnetTAO` and `SubnetAlphaIn`. */
export interface Pool {
  readonly taoRao: bigint;
  readonly alphaRao: bigint;
}

export interface Swap {
  /** what entered the pool: the input less the fee */
  readonly paidInRao: bigint;
  /** of the input's currency; it goes to the block's author, not into the pool */
  readonly feeRao: bigint;
  readonly paidOutRao: bigint;
  /** afterwards */
  readonly pool: Pool;
}

/** Swap pallet `FeeRate` default, u16: 0.0504 % */
export const DEFAULT_FEE_RATE = 33;

const MIN_RESERVE_RAO = 1_000_000n;
const MAX_INPUT_RESERVES = 1_000n;
const ACCURACY = 10n ** 18n;
const U64_MAX = (1n << 64n) - 1n;
const PRICE_SCALE = 1_000_000_000n;
/** `max_price` and `min_price`, rao per alpha: where an order without a limit of its own stops. */
const MAX_PRICE_RAO = 10n ** 15n;
const MIN_PRICE_RAO = 1_000n;

export interface SwapOptions {
  /**
   * u16; 0 for the chain's own buys
   * @default 33
   */
  readonly feeRate?: number;
  /**
   * rao per alpha; the order is filled until the price reaches it
   * @default 10^15 when buying, 1000 when selling
   */
  readonly limitPriceRao?: bigint;
}

/** TAO per alpha, raw U64F64; 0 for an empty pool. */
export const price = (pool: Pool): bigint =>
  U64F64.div(U64F64.fromInteger(pool.taoRao), U64F64.fromInteger(pool.alphaRao));

/** Rao per alpha, as `SwapRuntimeApi.current_alpha_price` tells it. */
export const priceRao = (pool: Pool): bigint =>
  U64F64.toU64(U64F64.mul(price(pool), U64F64.fromInteger(PRICE_SCALE)));

/**
 * Buys alpha. What `paidInRao + feeRao` leaves of the amount was not spent: the limit came first.
 *
 * @throws AssayError `chain-rejected` with `SwapInputTooLarge`, `ReservesTooLow` or `PriceLimitExceeded`
 */
export function swapTaoForAlpha(pool: Pool, amountRao: bigint, options: SwapOptions = {}): Swap {
  const { feeRate = DEFAULT_FEE_RATE, limitPriceRao = MAX_PRICE_RAO } = options;
  const limit = toPrice(limitPriceRao);
  const current = price(pool);
  const order = { in: pool.taoRao, out: pool.alphaRao, amountRao, feeRate };
  const { netRao, paidOutRao, feeRao } = openSwap(order, current < limit);
  const after = { taoRao: pool.taoRao + netRao, alphaRao: pool.alphaRao - paidOutRao };
  if (price(after) <= limit) return { paidInRao: netRao, feeRao, paidOutRao, pool: after };
  const filled = fillToLimit(order, limit, current);
  return {
    ...filled,
    pool: { taoRao: pool.taoRao + filled.paidInRao, alphaRao: pool.alphaRao - filled.paidOutRao },
  };
}

/**
 * Sells alpha. What `paidInRao + feeRao` leaves of the amount was not sold: the limit came first.
 *
 * @throws AssayError `chain-rejected` with `SwapInputTooLarge`, `ReservesTooLow` or `PriceLimitExceeded`
 */
export function swapAlphaForTao(pool: Pool, amountRao: bigint, options: SwapOptions = {}): Swap {
  const { feeRate = DEFAULT_FEE_RATE, limitPriceRao = MIN_PRICE_RAO } = options;
  const limit = toPrice(limitPriceRao);
  const current = price(pool);
  const order = { in: pool.alphaRao, out: pool.taoRao, amountRao, feeRate };
  const { netRao, paidOutRao, feeRao } = openSwap(order, current > limit);
  const after = { taoRao: pool.taoRao - paidOutRao, alphaRao: pool.alphaRao + netRao };
  if (price(after) >= limit) return { paidInRao: netRao, feeRao, paidOutRao, pool: after };
  const filled = fillToLimit(order, current, limit);
  return {
    ...filled,
    pool: { taoRao: pool.taoRao - filled.paidOutRao, alphaRao: pool.alphaRao + filled.paidInRao },
  };
}

/** `calculate_fee_amount`: the rate is truncated at 64 fraction bits first, so whole quotients can come out 1 lower. */
export function swapFee(amountRao: bigint, feeRate: number): bigint {
  const rate = U64F64.div(U64F64.fromInteger(feeRate), U64F64.fromInteger(65535));
  return U64F64.toU64(U64F64.mul(U64F64.fromInteger(amountRao), rate));
}

/** Reserves from the order's side: what it pays into and what it is paid from. */
interface Order {
  readonly in: bigint;
  readonly out: bigint;
  readonly amountRao: bigint;
  readonly feeRate: number;
}

/** The whole order, checked in the chain's sequence (`do_swap`, `swap_inner`). */
function openSwap(
  order: Order,
  isWithinLimit: boolean,
): { readonly netRao: bigint; readonly feeRao: bigint; readonly paidOutRao: bigint } {
  const feeRao = swapFee(order.amountRao, order.feeRate);
  const netRao = order.amountRao - feeRao;
  if (netRao > order.in * MAX_INPUT_RESERVES) throw rejected('SwapInputTooLarge');
  if (order.out < MIN_RESERVE_RAO) throw rejected('ReservesTooLow');
  if (!isWithinLimit) throw rejected('PriceLimitExceeded');
  const paidOutRao = amountOut(order, netRao);
  if (netRao > 0n && paidOutRao === 0n) throw rejected('ReservesTooLow');
  return { netRao, feeRao, paidOutRao };
}

/**
 * As much of the order as moves the price from `lower` to `higher` or back: in·(√(higher/lower) − 1)
 * (`calculate_quote_delta_in`, `calculate_base_delta_in`); the fee is then that of what was filled.
 */
function fillToLimit(order: Order, higher: bigint, lower: bigint): Omit<Swap, 'pool'> {
  const digits = squareRoot((higher * ACCURACY * ACCURACY) / lower);
  const factor = U64F64.div(
    U64F64.fromInteger(digits > U64_MAX ? U64_MAX : digits),
    U64F64.fromInteger(ACCURACY),
  );
  const paidInRao = U64F64.toU64(U64F64.mul(U64F64.fromInteger(order.in), U64F64.sub(factor, U64F64.one)));
  const rate = U64F64.div(U64F64.fromInteger(order.feeRate), U64F64.fromInteger(65535 - order.feeRate));
  const feeRao = U64F64.toU64(U64F64.mul(U64F64.fromInteger(paidInRao), rate));
  const paidOutRao = amountOut(order, paidInRao);
  if (paidInRao > 0n && paidOutRao === 0n) throw rejected('ReservesTooLow');
  return { paidInRao, feeRao, paidOutRao };
}

/** `convert_deltas`: out·(1 − in/(in+Δ)), the ratio kept to 18 decimal digits (`exp_scaled`). */
function amountOut(order: Order, deltaIn: bigint): bigint {
  const grown = order.in + deltaIn > U64_MAX ? U64_MAX : order.in + deltaIn;
  const digits = grown === 0n ? 0n : (order.in * ACCURACY) / grown;
  const kept = U64F64.div(U64F64.fromInteger(digits), U64F64.fromInteger(ACCURACY));
  return U64F64.toU64(U64F64.mul(U64F64.fromInteger(order.out), U64F64.sub(U64F64.one, kept)));
}

/** floor(√value), by Newton's steps from above. */
function squareRoot(value: bigint): bigint {
  if (value < 2n) return value;
  let root = 1n << BigInt((value.toString(2).length + 1) >> 1);
  for (;;) {
    const next = (root + value / root) >> 1n;
    if (next >= root) return root;
    root = next;
  }
}

const toPrice = (rao: bigint): bigint => U64F64.div(U64F64.fromInteger(rao), U64F64.fromInteger(PRICE_SCALE));

function rejected(
  error: 'SwapInputTooLarge' | 'ReservesTooLow' | 'PriceLimitExceeded',
): AssayError<'chain-rejected'> {
  return new AssayError('chain-rejected', `swap: ${error}`, { call: 'swap', error });
}
