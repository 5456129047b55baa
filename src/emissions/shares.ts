// Owns: how a block's TAO is shared among subnets (subtensor coinbase/subnet_emissions.rs), by the rule of the time.
// Does not own: which subnets take part, what a subnet does with its share (injection.ts).
import { I64F64, U64F64, U96F32 } from './fixed.js';
import { exp, ln, squareRoot } from './transcendental.js';

/**
 * - `price`: by moving price alone, until November 2025
 * - `flow`: by the moving average of net TAO flow, from 4 November 2025
 * - `price-ema`: by moving price, less for subnets that withhold their miners' incentive, from 22 June 2026
 */
export type ShareRule = 'price' | 'flow' | 'price-ema';

const FIRST_FLOW_SPEC = 334;
const FIRST_PRICE_EMA_SPEC = 421;

/**
 * The rule of a released runtime. Specs 421 to 424 weighted `price-ema` by each subnet's root proportion as well, for
 * eight days; that is not reproduced.
 */
export function shareRuleAt(specVersion: number): ShareRule {
  if (specVersion < FIRST_FLOW_SPEC) return 'price';
  return specVersion < FIRST_PRICE_EMA_SPEC ? 'flow' : 'price-ema';
}

/** What a subnet's share hangs on. */
export interface SubnetMarket {
  /** `get_moving_alpha_price`, raw I96F32: `SubnetMovingPrice`, or 1 where the mechanism is stable */
  readonly movingPrice: bigint;
  /** raw U96F32 */
  readonly minerBurned: bigint;
  /** `SubnetEmissionEnabled`; always true before May 2026. The rule `price` does not ask */
  readonly emissionEnabled: boolean;
  /**
   * `SubnetEmaTaoFlow`, raw I64F64; the rule `flow` only
   * @default 0
   */
  readonly flowEma?: bigint;
  /**
   * `SubnetEmaProtocolFlow`, raw I64F64; under `netFlow` only. It is averaged as `flowEma` is, of the TAO that injection
   * and the chain's buys put into the pool, less what root's sales took out
   * @default 0
   */
  readonly protocolFlowEma?: bigint;
}

/**
 * `get_subnet_block_emissions`: TAO of this block by subnet, raw U96F32, in the order given. Subnets without emission
 * get 0 and theirs goes to the others; if no other is left, nobody gets it and the block's TAO is recycled. Exact, with
 * the chain's defaults under `flow` (`TaoFlowCutoff` 0, `FlowNormExponent` 1).
 *
 * @param options.netFlow under `flow`: the protocol's own flow is deducted (`NetTaoFlowEnabled`, on by default from the
 *   release of spec 411, May 2026)
 */
export function taoEmissions(
  subnets: readonly SubnetMarket[],
  blockEmissionRao: bigint,
  rule: ShareRule = 'price-ema',
  options: { readonly netFlow?: boolean } = {},
): bigint[] {
  if (rule === 'price') return byPriceOnly(subnets, blockEmissionRao);
  const all = rule === 'flow' ? flowShares(subnets, options.netFlow === true) : priceShares(subnets);
  const shares = withoutDisabled(subnets, all);
  return shares.map((share) => (blockEmissionRao * share) >> 32n);
}

/** `get_network_root_sell_flag`: root's alpha is kept for selling while the moving prices sum to more than 1. */
export function isRootSelling(subnets: readonly Pick<SubnetMarket, 'movingPrice'>[]): boolean {
  return totalPrice(subnets) > U96F32.one;
}

/** `DefaultFlowEmaSmoothingFactor` over 2^63−1: a half-life of 216 000 blocks. */
const FLOW_ALPHA = I64F64.div(I64F64.fromInteger(29_597_889_189_277n), I64F64.fromInteger((1n << 63n) - 1n));

/**
 * A subnet's flow average after a block (`get_ema_flow`), raw I64F64.
 *
 * @param flowRao TAO staked less TAO unstaked in the block
 */
export function nextFlowEma(ema: bigint, flowRao: bigint): bigint {
  const kept = I64F64.mul(I64F64.one - FLOW_ALPHA, ema);
  return I64F64.add(kept, I64F64.mul(FLOW_ALPHA, I64F64.fromInteger(flowRao)));
}

/** Below, shares are raw U64F64. Prices have 32 fraction bits and counts of subnets are small: nothing saturates. */
const ONE = U64F64.one;

/** run_coinbase.rs until November 2025: the product first, in 32 fraction bits. */
function byPriceOnly(subnets: readonly SubnetMarket[], blockEmissionRao: bigint): bigint[] {
  const total = totalPrice(subnets);
  return subnets.map((subnet) => U96F32.div(blockEmissionRao * priceOf(subnet), total));
}

/** `get_shares`: by price, weighted with 1 − MinerBurned; by price alone where that leaves nothing. */
function priceShares(subnets: readonly SubnetMarket[]): readonly bigint[] {
  const total = totalPrice(subnets);
  if (total === 0n) return subnets.map(() => 0n);
  const shares = subnets.map((subnet) => (priceOf(subnet) << 64n) / total);
  const weighted = shares.map((share, index) => (share * keptByMiners(subnets[index]!)) >> 64n);
  const sum = sumOf(weighted);
  return sum === 0n ? shares : weighted.map((share) => (share << 64n) / sum);
}

function keptByMiners({ minerBurned }: SubnetMarket): bigint {
  const burned = minerBurned << 32n;
  return burned > ONE ? 0n : ONE - burned;
}

/** `get_shares_flow` net: the protocol's flow counts for no more than stakers brought in all; a negative one is a gain. */
function netFlows(subnets: readonly SubnetMarket[]): readonly bigint[] {
  const staked = sumOf(subnets.map(({ flowEma = 0n }) => atLeastZero(flowEma)));
  const spent = sumOf(subnets.map(({ protocolFlowEma = 0n }) => atLeastZero(protocolFlowEma)));
  const counted = staked > spent ? I64F64.one : I64F64.div(staked, spent);
  return subnets.map(
    ({ flowEma = 0n, protocolFlowEma = 0n }) =>
      flowEma - (protocolFlowEma > 0n ? I64F64.mul(counted, protocolFlowEma) : protocolFlowEma),
  );
}

const LARGEST = U64F64.fromInteger((1n << 31n) - 1n);
/** `precision_min`: below, the chain leaves flows as they are */
const TOO_SMALL = U64F64.div(LARGEST, U64F64.fromInteger((1n << 64n) - 1n));

/**
 * `inplace_pow_normalize` of the positive flows, with exponent 1: scaled to 1 at most, then up as far as I32F32 allows,
 * then each is taken through ln and exp. What ln cannot take is 0. What exp cannot, a flow of about 10^-14 of the
 * largest, counts as 2^31 and takes nearly everything, as on the chain.
 */
function flowShares(subnets: readonly SubnetMarket[], netFlow: boolean): readonly bigint[] {
  const flows = netFlow ? netFlows(subnets) : subnets.map(({ flowEma = 0n }) => flowEma);
  const positive = flows.map(atLeastZero);
  const unit = U64F64.div(U64F64.one, largestOf(positive));
  const scaled = positive.map((flow) => U64F64.mul(unit, flow));
  const largest = largestOf(scaled);
  const size = U64F64.mul(U64F64.fromInteger(scaled.length), U64F64.mul(largest, largest));
  if (size < TOO_SMALL) return scaled;
  const factor = squareRoot(U64F64.div(LARGEST, size));
  const powers = scaled.map((flow) => throughLogarithm(U64F64.mul(factor, flow)));
  const total = sumOf(powers);
  return powers.map((power) => U64F64.div(power, total));
}

/** `safe_pow` with exponent 1, raw U64F64 and of at most 2^31. */
function throughLogarithm(value: bigint): bigint {
  const log = ln(value >> 32n);
  if (log === undefined) return 0n;
  const power = exp(log);
  return power === undefined ? LARGEST : power << 32n;
}

const atLeastZero = (value: bigint): bigint => (value > 0n ? value : 0n);

const largestOf = (values: readonly bigint[]): bigint =>
  values.reduce((largest, value) => (value > largest ? value : largest), 0n);

function withoutDisabled(subnets: readonly SubnetMarket[], shares: readonly bigint[]): readonly bigint[] {
  if (subnets.every(({ emissionEnabled }) => emissionEnabled)) return shares;
  const enabled = shares.map((share, index) => (subnets[index]!.emissionEnabled ? share : 0n));
  const sum = sumOf(enabled);
  return sum === 0n ? enabled : enabled.map((share) => (share << 64n) / sum);
}

const priceOf = ({ movingPrice }: Pick<SubnetMarket, 'movingPrice'>): bigint =>
  movingPrice > 0n ? movingPrice : 0n;

function totalPrice(subnets: readonly Pick<SubnetMarket, 'movingPrice'>[]): bigint {
  let total = 0n;
  for (const subnet of subnets) total += priceOf(subnet);
  return total;
}

function sumOf(values: readonly bigint[]): bigint {
  let total = 0n;
  for (const value of values) total += value;
  return total;
}
