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
 * then is the excess. The cap, by the releases that brought it:
 *
 * - until spec 341 the TAO of a block, asked for by comparing the price with the subnet's share
 * - from spec 342 the subnet's alpha of a block (November 2025), from 362 the smaller of the two (December 2025)
 * - from spec 421 root proportion × alpha (June 2026)
 *
 * What else was different then is the caller's to do: until spec 411 (May 2026) the alpha bought left AlphaOut again
 * instead of becoming the protocol's. Pools with weights came with spec 423.
 *
 * @throws RangeError for a spec before 342 or from 362 to 420 without the block emission
 */
export function subnetTerms(parts: {
  /** raw U96F32 */
  readonly taoEmission: bigint;
  readonly pool: Pool;
  /** raw U96F32 */
  readonly rootProportion: bigint;
  readonly alphaEmissionRao: bigint;
  /**
   * of the runtime whose cap holds
   * @default the last one under `rule`
   */
  readonly specVersion?: number;
  /** @default 'price-ema' */
  readonly rule?: ShareRule;
  /** needed by the caps that hang on it */
  readonly blockEmissionRao?: bigint;
}): SubnetTerms {
  const { taoEmission } = parts;
  const spot = price(parts.pool) >> 32n; // U64F64 to U96F32
  const specVersion = parts.specVersion ?? LAST_SPEC[parts.rule ?? 'price-ema'];
  const { taoIn, alphaIn } =
    specVersion < FIRST_ALPHA_CAP_SPEC
      ? inProportion(parts, spot)
      : underCap(taoEmission, spot, injectionCap(parts, specVersion));
  return {
    taoInRao: taoIn >> 32n,
    alphaInRao: alphaIn >> 32n,
    excessTaoRao: taoEmission > taoIn ? (taoEmission - taoIn) >> 32n : 0n,
  };
}

const FIRST_ALPHA_CAP_SPEC = 342;
const FIRST_SMALLER_CAP_SPEC = 362;
const FIRST_ROOT_CAP_SPEC = 421;
const LAST_SPEC = { price: 333, flow: 420, 'price-ema': FIRST_ROOT_CAP_SPEC } as const;

/** Raw U96F32. */
interface Injection {
  readonly taoIn: bigint;
  readonly alphaIn: bigint;
}

function underCap(taoEmission: bigint, spot: bigint, cap: bigint): Injection {
  const alphaIn = U96F32.div(taoEmission, spot);
  return alphaIn > cap ? { taoIn: (cap * spot) >> 32n, alphaIn: cap } : { taoIn: taoEmission, alphaIn };
}

/** raw U96F32 */
function injectionCap(parts: Parameters<typeof subnetTerms>[0], specVersion: number): bigint {
  const { rootProportion, alphaEmissionRao } = parts;
  if (specVersion >= FIRST_ROOT_CAP_SPEC) return rootProportion * alphaEmissionRao;
  if (specVersion < FIRST_SMALLER_CAP_SPEC) return alphaEmissionRao << 32n;
  const blockEmissionRao = blockEmissionOf(parts);
  return (alphaEmissionRao < blockEmissionRao ? alphaEmissionRao : blockEmissionRao) << 32n;
}

/**
 * `run_coinbase` until spec 341: at a price below the subnet's share of the block's TAO as much alpha is injected as the
 * block has TAO.
 */
function inProportion(parts: Parameters<typeof subnetTerms>[0], spot: bigint): Injection {
  const { taoEmission, alphaEmissionRao } = parts;
  const blockEmissionRao = blockEmissionOf(parts);
  const share = blockEmissionRao === 0n ? 0n : taoEmission / blockEmissionRao;
  if (spot < share) return { taoIn: spot * blockEmissionRao, alphaIn: blockEmissionRao << 32n };
  return {
    taoIn: taoEmission,
    alphaIn: spot === 0n ? alphaEmissionRao << 32n : U96F32.div(taoEmission, spot),
  };
}

function blockEmissionOf({ blockEmissionRao }: Parameters<typeof subnetTerms>[0]): bigint {
  if (blockEmissionRao === undefined)
    throw new RangeError('subnetTerms: blockEmissionRao: expected a bigint under this cap, got none');
  return blockEmissionRao;
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
  /** the pool did not refuse the buy; false without one */
  readonly hasSwapped: boolean;
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
  let hasSwapped = false;
  if (terms.excessTaoRao > 0n) {
    const weightMet = isFirstSwap ? EQUAL_WEIGHT : taoWeight;
    const bought = chainBuy({ taoRao, alphaRao, taoWeight: weightMet }, terms.excessTaoRao);
    if (bought) {
      hasSwapped = true;
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
    hasSwapped,
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
