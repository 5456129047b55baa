// Owns: the weighted pool that prices a subnet's alpha in TAO (pallet swap, balancer.rs and swap_step.rs).
// Does not own: what a block injects (injection.ts), who pays.
import { AssayError } from '../model/errors.js';
import { U64F64 } from './fixed.js';
import { ACCURACY, powerOfRatio, type Ratio, shrinkPower } from './power.js';

/** `SubnetTAO`, `SubnetAlphaIn` and `SwapBalancer`. */
export interface Pool {
  readonly taoRao: bigint;
  readonly alphaRao: bigint;
  /**
   * TAO's weight, parts of 10^18; alpha's is the rest. Injection moves it, within 1 % and 99 %
   * @default 5·10^17
   */
  readonly taoWeight?: bigint;
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
/** `Balancer::default`: both sides weigh the same */
export const EQUAL_WEIGHT = ACCURACY / 2n;

const MIN_WEIGHT = ACCURACY / 100n;
const MAX_WEIGHT = ACCURACY - MIN_WEIGHT;
const MIN_RESERVE_RAO = 1_000_000n;
const MAX_INPUT_RESERVES = 1_000n;
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

/**
 * A pool of these reserves at this price: TAO weighs y/(p·x + y), floored to 18 digits (`maybe_initialize_palswap`).
 *
 * @param parts.price raw U64F64, TAO per alpha
 * @throws RangeError when a weight would leave 1 % to 99 %, or nothing is there
 */
export function initialPool(parts: {
  readonly taoRao: bigint;
  readonly alphaRao: bigint;
  readonly price: bigint;
}): Pool {
  const { taoRao, alphaRao } = parts;
  const total = ((parts.price * alphaRao) >> U64F64.fractionBits) + taoRao;
  const taoWeight = total === 0n ? 0n : (ACCURACY * taoRao) / total;
  if (!isWeight(taoWeight))
    throw new RangeError(`initialPool: expected weights of 1 % to 99 %, got ${taoWeight} of 10^18 for TAO`);
  return { taoRao, alphaRao, taoWeight };
}

/**
 * TAO per alpha, raw U64F64: alpha's weight over TAO's, times TAO over alpha, each truncated; 0 for an empty pool.
 *
 * @throws RangeError for a weight beyond 1 % to 99 %
 */
export function price({ taoRao, alphaRao, taoWeight = EQUAL_WEIGHT }: Pool): bigint {
  if (alphaRao === 0n) return 0n;
  const reserves = (taoRao << 64n) / alphaRao;
  if (taoWeight === EQUAL_WEIGHT) return reserves;
  assertWeight(taoWeight);
  const raw = ((((ACCURACY - taoWeight) << 64n) / taoWeight) * reserves) >> 64n;
  return raw > U64F64.max ? U64F64.max : raw;
}

/** Rao per alpha, as `SwapRuntimeApi.current_alpha_price` tells it. */
export const priceRao = (pool: Pool): bigint =>
  U64F64.toU64(U64F64.mul(price(pool), U64F64.fromInteger(PRICE_SCALE)));

/**
 * Liquidity at any ratio, the price kept by moving the weights (`adjust_protocol_liquidity`). When a weight would leave
 * 1 % to 99 %, nothing at all is added. TAO's new weight is floored to 18 digits, also when nothing is added.
 *
 * @returns the pool afterwards and what was added
 * @throws RangeError for a negative amount, or a weight beyond 1 % to 99 % before
 */
export function injectLiquidity(
  pool: Pool,
  taoRao: bigint,
  alphaRao: bigint,
): { readonly pool: Pool; readonly taoRao: bigint; readonly alphaRao: bigint } {
  const taoWeight = weightAfter(pool, taoRao, alphaRao);
  if (taoWeight === undefined) return { pool, taoRao: 0n, alphaRao: 0n };
  return {
    pool: { taoRao: pool.taoRao + taoRao, alphaRao: pool.alphaRao + alphaRao, taoWeight },
    taoRao,
    alphaRao,
  };
}

/** `update_weights_for_added_liquidity`; undefined where a weight would leave its range. */
export function weightAfter(pool: Pool, addedTaoRao: bigint, addedAlphaRao: bigint): bigint | undefined {
  const { taoRao, alphaRao, taoWeight = EQUAL_WEIGHT } = pool;
  assertAmount('addedTaoRao', addedTaoRao);
  assertAmount('addedAlphaRao', addedAlphaRao);
  assertWeight(taoWeight);
  const alphaPart = timesWeight(taoRao * (alphaRao + addedAlphaRao), ACCURACY - taoWeight);
  const taoPart = timesWeight(alphaRao * (taoRao + addedTaoRao), taoWeight);
  const total = alphaPart + taoPart;
  const weight = total === 0n ? EQUAL_WEIGHT : (ACCURACY * taoPart) / total;
  return isWeight(weight) ? weight : undefined;
}

/** `mul_perquintill_round`: to the nearest, halves up. */
const timesWeight = (value: bigint, weight: bigint): bigint => (value * weight + ACCURACY / 2n) / ACCURACY;

const isWeight = (taoWeight: bigint): boolean => taoWeight >= MIN_WEIGHT && taoWeight <= MAX_WEIGHT;

function assertWeight(taoWeight: bigint): void {
  if (!isWeight(taoWeight))
    throw new RangeError(
      `taoWeight: expected ${MIN_WEIGHT} to ${MAX_WEIGHT} (1 % to 99 %), got ${taoWeight}`,
    );
}

function assertAmount(label: string, rao: bigint): void {
  if (rao < 0n || rao > U64_MAX) throw new RangeError(`${label}: expected a u64 of rao, got ${rao}`);
}

function assertFeeRate(feeRate: number): void {
  if (!(Number.isInteger(feeRate) && feeRate >= 0 && feeRate <= 65535))
    throw new RangeError(`feeRate: expected an integer from 0 to 65535, got ${feeRate}`);
}

/**
 * Buys alpha. What `paidInRao + feeRao` leaves of the amount was not spent: the limit came first.
 *
 * @throws AssayError `chain-rejected` with `SwapInputTooLarge`, `ReservesTooLow` or `PriceLimitExceeded`
 * @throws RangeError for an amount beyond u64, a fee rate beyond u16, a weight beyond 1 % to 99 %
 */
export function swapTaoForAlpha(pool: Pool, amountRao: bigint, options: SwapOptions = {}): Swap {
  const { feeRate = DEFAULT_FEE_RATE, limitPriceRao = MAX_PRICE_RAO } = options;
  const { taoWeight = EQUAL_WEIGHT } = pool;
  assertWeight(taoWeight);
  const order = {
    in: pool.taoRao,
    out: pool.alphaRao,
    weightIn: taoWeight,
    weightOut: ACCURACY - taoWeight,
    amountRao,
    feeRate,
  };
  const bought = ({ paidInRao, paidOutRao }: Fill): Pool => ({
    ...pool,
    taoRao: pool.taoRao + paidInRao,
    alphaRao: pool.alphaRao - paidOutRao,
  });
  const whole = wholeFill(order, compareToLimit(pool, limitPriceRao) < 0);
  const after = bought(whole);
  if (compareToLimit(after, limitPriceRao) <= 0) return toSwap(whole, after);
  const filled = fillToLimit(order, toPrice(limitPriceRao), price(pool));
  return toSwap(filled, bought(filled));
}

/**
 * Sells alpha. What `paidInRao + feeRao` leaves of the amount was not sold: the limit came first.
 *
 * @throws AssayError `chain-rejected` with `SwapInputTooLarge`, `ReservesTooLow` or `PriceLimitExceeded`
 * @throws RangeError for an amount beyond u64, a fee rate beyond u16, a weight beyond 1 % to 99 %
 */
export function swapAlphaForTao(pool: Pool, amountRao: bigint, options: SwapOptions = {}): Swap {
  const { feeRate = DEFAULT_FEE_RATE, limitPriceRao = MIN_PRICE_RAO } = options;
  const { taoWeight = EQUAL_WEIGHT } = pool;
  assertWeight(taoWeight);
  const order = {
    in: pool.alphaRao,
    out: pool.taoRao,
    weightIn: ACCURACY - taoWeight,
    weightOut: taoWeight,
    amountRao,
    feeRate,
  };
  const sold = ({ paidInRao, paidOutRao }: Fill): Pool => ({
    ...pool,
    taoRao: pool.taoRao - paidOutRao,
    alphaRao: pool.alphaRao + paidInRao,
  });
  const whole = wholeFill(order, compareToLimit(pool, limitPriceRao) > 0);
  const after = sold(whole);
  if (compareToLimit(after, limitPriceRao) >= 0) return toSwap(whole, after);
  const filled = fillToLimit(order, price(pool), toPrice(limitPriceRao));
  return toSwap(filled, sold(filled));
}

/**
 * What the whole amount would have brought at the price before, less what it brought: fee and price movement together,
 * as the runtime APIs `sim_swap_tao_for_alpha` and `sim_swap_alpha_for_tao` tell it. Of the output's currency.
 */
export function slippageRao(pool: Pool, side: 'buy' | 'sell', amountRao: bigint, swap: Swap): bigint {
  const amount = U64F64.fromInteger(amountRao);
  const unmoved = side === 'buy' ? U64F64.div(amount, price(pool)) : U64F64.mul(amount, price(pool));
  const lost = U64F64.toU64(unmoved) - swap.paidOutRao;
  return lost > 0n ? lost : 0n;
}

/**
 * `calculate_fee_amount`: the rate is truncated at 64 fraction bits first, so whole quotients can come out 1 lower.
 *
 * @throws RangeError for an amount beyond u64 or a rate beyond u16
 */
export function swapFee(amountRao: bigint, feeRate: number): bigint {
  assertAmount('amountRao', amountRao);
  if (feeRate === 0) return 0n;
  assertFeeRate(feeRate);
  const rate = U64F64.div(U64F64.fromInteger(feeRate), U64F64.fromInteger(65535));
  return U64F64.toU64(U64F64.mul(U64F64.fromInteger(amountRao), rate));
}

/** Reserves and weights from the order's side: what it pays into and what it is paid from. */
interface Order {
  readonly in: bigint;
  readonly out: bigint;
  /** parts of 10^18 */
  readonly weightIn: bigint;
  readonly weightOut: bigint;
  readonly amountRao: bigint;
  readonly feeRate: number;
}

type Fill = Omit<Swap, 'pool'>;

/** The whole order, checked in the chain's sequence (`do_swap`, `swap_inner`). */
function wholeFill(order: Order, isWithinLimit: boolean): Fill {
  const feeRao = swapFee(order.amountRao, order.feeRate);
  const paidInRao = order.amountRao - feeRao;
  if (paidInRao > order.in * MAX_INPUT_RESERVES) throw rejected('SwapInputTooLarge');
  if (order.out < MIN_RESERVE_RAO) throw rejected('ReservesTooLow');
  if (!isWithinLimit) throw rejected('PriceLimitExceeded');
  return { paidInRao, feeRao, paidOutRao: amountOut(order, paidInRao) };
}

/** Only what is filled in the end has to be paid for (`process_swap`): where the limit lets nothing in, nothing is. */
function toSwap({ paidInRao, feeRao, paidOutRao }: Fill, pool: Pool): Swap {
  if (paidInRao > 0n && paidOutRao === 0n) throw rejected('ReservesTooLow');
  return { paidInRao, feeRao, paidOutRao, pool };
}

/**
 * As much of the order as moves the price from `lower` to `higher` or back: in·((higher/lower)^weightOut − 1)
 * (`calculate_quote_delta_in`, `calculate_base_delta_in`); the fee is then that of what was filled.
 */
function fillToLimit(order: Order, higher: bigint, lower: bigint): Fill {
  const prices: Ratio = { numerator: higher, denominator: lower };
  const exponent: Ratio = { numerator: order.weightOut, denominator: ACCURACY };
  const digits = powerOfRatio(prices, exponent, 1024);
  const factor = U64F64.div(
    U64F64.fromInteger(digits > U64_MAX ? U64_MAX : digits < 0n ? 0n : digits),
    U64F64.fromInteger(ACCURACY),
  );
  const paidInRao = U64F64.toU64(U64F64.mul(U64F64.fromInteger(order.in), U64F64.sub(factor, U64F64.one)));
  const rate = U64F64.div(U64F64.fromInteger(order.feeRate), U64F64.fromInteger(65535 - order.feeRate));
  const feeRao = U64F64.toU64(U64F64.mul(U64F64.fromInteger(paidInRao), rate));
  return { paidInRao, feeRao, paidOutRao: amountOut(order, paidInRao) };
}

/** `convert_deltas`: out·(1 − (in/(in+Δ))^(weightIn/weightOut)), the power kept to 18 decimal digits. */
function amountOut(order: Order, deltaIn: bigint): bigint {
  const grown = order.in + deltaIn > U64_MAX ? U64_MAX : order.in + deltaIn;
  const kept = (keptDigits(order, grown) << 64n) / ACCURACY;
  return (order.out * (U64F64.one - kept)) >> 64n;
}

/** `exp_scaled`; what does not fit u64 counts as 0, and more than 1 as 1. */
function keptDigits({ in: reserve, weightIn, weightOut }: Order, grown: bigint): bigint {
  if (grown === 0n || reserve === 0n) return 0n;
  if (grown === reserve) return ACCURACY;
  if (weightIn === weightOut) return (reserve * ACCURACY) / grown;
  const digits = shrinkPower(reserve, grown, { numerator: weightIn, denominator: weightOut });
  if (digits < 0n || digits > U64_MAX) return 0n;
  return digits > ACCURACY ? ACCURACY : digits;
}

/**
 * The price against a limit in rao per alpha: negative, 0 or positive. Doubles tell unless the two are within 10^-6,
 * far more than their error and than what truncation takes off a price.
 */
function compareToLimit(pool: Pool, limitPriceRao: bigint): number {
  const limit = Number(limitPriceRao);
  const estimate = (Number(pool.taoRao) / Number(pool.alphaRao)) * weightRatio(pool) * 1e9;
  if (estimate < limit * (1 - 1e-6)) return -1;
  if (estimate > limit * (1 + 1e-6) + 1e-6 && pool.alphaRao !== 0n) return 1;
  const exact = price(pool) - toPrice(limitPriceRao);
  return exact < 0n ? -1 : exact > 0n ? 1 : 0;
}

const weightRatio = ({ taoWeight = EQUAL_WEIGHT }: Pool): number =>
  taoWeight === EQUAL_WEIGHT ? 1 : Number(ACCURACY - taoWeight) / Number(taoWeight);

const toPrice = (rao: bigint): bigint => U64F64.div(U64F64.fromInteger(rao), U64F64.fromInteger(PRICE_SCALE));

function rejected(
  error: 'SwapInputTooLarge' | 'ReservesTooLow' | 'PriceLimitExceeded',
): AssayError<'chain-rejected'> {
  return new AssayError('chain-rejected', `swap: ${error}`, { call: 'swap', error });
}
