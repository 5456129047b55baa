// Owns: what a subnet's TAO of a block does: liquidity up to a cap, a buy with the rest (subtensor run_coinbase.rs).
// Does not own: the share itself (shares.ts), alpha for participants (coinbase.ts).
import { isAssayError } from '../model/errors.js';
import { EQUAL_WEIGHT, type Pool, price, swapTaoForAlpha, weightAfter } from './amm.js';
import { U96F32 } from './fixed.js';
import type { ShareRule } from './shares.js';

/** `max_price`, no fee: the chain's own buys */
const CHAIN_BUY = { feeRate: 0 };

/** Whole rao: what is injected, and the TAO that buys alpha from the pool. */
export interface SubnetTerms {
  readonly taoInRao: bigint;
  readonly alphaInRao: bigint;
  readonly excessTaoRao: bigint;
}

/**
 * `get_subnet_terms`: alpha is injected next to the TAO at the pool's price, up to a cap; TAO that comes without alpha
 * then is the excess.
 *
 * The cap is today root proportion × alpha emission. Under the rule `flow` it is the smaller of alpha emission and block
 * emission (specs 362 to 420), under `price` the block emission (until spec 361, there as a comparison of prices, whose
 * last digit may differ). Before May 2026 the alpha bought left AlphaOut again instead of becoming the protocol's, which
 * is the caller's to do.
 *
 * @throws RangeError for an older rule without the block emission
 */
export function subnetTerms(parts: {
  /** raw U96F32 */
  readonly taoEmission: bigint;
  readonly pool: Pool;
  /** raw U96F32 */
  readonly rootProportion: bigint;
  readonly alphaEmissionRao: bigint;
  /** @default 'price-ema' */
  readonly rule?: ShareRule;
  /** needed by the older rules */
  readonly blockEmissionRao?: bigint;
}): SubnetTerms {
  const { taoEmission } = parts;
  const spot = price(parts.pool) >> 32n; // U64F64 to U96F32
  let alphaIn = U96F32.div(taoEmission, spot);
  let taoIn = taoEmission;
  const cap = injectionCap(parts);
  if (alphaIn > cap) {
    alphaIn = cap;
    taoIn = (cap * spot) >> 32n;
  }
  return {
    taoInRao: taoIn >> 32n,
    alphaInRao: alphaIn >> 32n,
    excessTaoRao: taoEmission > taoIn ? (taoEmission - taoIn) >> 32n : 0n,
  };
}

/** raw U96F32 */
function injectionCap(parts: Parameters<typeof subnetTerms>[0]): bigint {
  const { rootProportion, alphaEmissionRao, rule = 'price-ema', blockEmissionRao } = parts;
  if (rule === 'price-ema') return rootProportion * alphaEmissionRao;
  if (blockEmissionRao === undefined)
    throw new RangeError(`subnetTerms: blockEmissionRao: expected a bigint under the rule ${rule}, got none`);
  const isAlphaLess = rule === 'flow' && alphaEmissionRao < blockEmissionRao;
  return (isAlphaLess ? alphaEmissionRao : blockEmissionRao) << 32n;
}

export interface PoolEmission {
  readonly pool: Pool;
  /** what was really injected: all or, where a weight would have left its range, nothing */
  readonly taoInRao: bigint;
  readonly alphaInRao: bigint;
  /** out of the pool, for `SubnetProtocolAlpha`; stays in AlphaOut */
  readonly boughtAlphaRao: bigint;
  /** what the buy really paid */
  readonly excessTaoRao: bigint;
}

/**
 * `inject_and_maybe_swap` for one subnet. The weights move first, for the reserves as if the injection were in; then
 * the excess buys from the reserves as they still are, under the new weights; then the injection enters. A buy that the
 * pool refuses buys nothing, and its TAO stays with the subnet's account outside the pool.
 *
 * @param options.isFirstSwap the pool has never been swapped with (`PalSwapInitialized`): the buy then resets both
 *   weights to a half, whatever injection had made of them
 */
export function emitIntoPool(
  pool: Pool,
  terms: SubnetTerms,
  { isFirstSwap = false }: { readonly isFirstSwap?: boolean } = {},
): PoolEmission {
  let { taoRao, alphaRao, taoWeight = EQUAL_WEIGHT } = pool;
  let { taoInRao, alphaInRao } = terms;
  const weight = weightAfter(pool, taoInRao, alphaInRao);
  if (weight === undefined) taoInRao = alphaInRao = 0n;
  else taoWeight = weight;

  let boughtAlphaRao = 0n;
  let excessTaoRao = 0n;
  if (terms.excessTaoRao > 0n) {
    const weightMet = isFirstSwap ? EQUAL_WEIGHT : taoWeight;
    const bought = chainBuy({ taoRao, alphaRao, taoWeight: weightMet }, terms.excessTaoRao);
    if (bought) {
      taoWeight = weightMet;
      boughtAlphaRao = bought.paidOutRao;
      excessTaoRao = bought.paidInRao;
      taoRao = bought.pool.taoRao;
      alphaRao = bought.pool.alphaRao;
    }
  }
  return {
    pool: { taoRao: taoRao + taoInRao, alphaRao: alphaRao + alphaInRao, taoWeight },
    taoInRao,
    alphaInRao,
    boughtAlphaRao,
    excessTaoRao,
  };
}

function chainBuy(pool: Pool, taoRao: bigint): ReturnType<typeof swapTaoForAlpha> | undefined {
  try {
    return swapTaoForAlpha(pool, taoRao, CHAIN_BUY);
  } catch (error) {
    if (!isAssayError(error, 'chain-rejected')) throw error;
    return undefined;
  }
}
