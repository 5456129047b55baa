// Owns: one block of one subnet beside another, twice: by src/emissions as a localnet strings it together, and plainly,
// each line of the pallet in the fixed point's own operations. Tests hold the two equal, the benchmark compares them.
import { EQUAL_WEIGHT, type Pool, price } from '../../src/emissions/amm.js';
import {
  accrueBlock,
  blockEmission,
  NO_PENDING,
  type PendingEmission,
  rootProportion,
  TOTAL_SUPPLY_RAO,
} from '../../src/emissions/coinbase.js';
import { I96F32, U64F64, U96F32 } from '../../src/emissions/fixed.js';
import {
  emitIntoPool,
  type PoolEmission,
  type SubnetTerms,
  subnetTerms,
} from '../../src/emissions/injection.js';
import { nextMovingPrice } from '../../src/emissions/moving-price.js';
import { ACCURACY, powerOfRatio } from '../../src/emissions/power.js';
import { isRootSelling, type SubnetMarket, taoEmissions } from '../../src/emissions/shares.js';

export interface SubnetState {
  readonly pool: Pool;
  readonly alphaOutRao: bigint;
  readonly pending: PendingEmission;
  /** raw I96F32 */
  readonly movingPrice: bigint;
  readonly blocksSinceStart: number;
}

export interface World {
  readonly blockEmissionRao: bigint;
  readonly rootTaoRao: bigint;
  readonly taoWeight: bigint;
  readonly ownerCut: number;
  /** raw U96F32 */
  readonly minerBurned: bigint;
  readonly movingAlpha: bigint;
  readonly halvingBlocks: number;
  readonly other: SubnetMarket;
}

export function newSubnet(pool: Pool, change: Partial<SubnetState> = {}): SubnetState {
  return { pool, alphaOutRao: 0n, pending: NO_PENDING, movingPrice: 0n, blocksSinceStart: 1, ...change };
}

export function quickBlock(subnet: SubnetState, world: World): SubnetState {
  const { pool, alphaOutRao, movingPrice } = subnet;
  const markets = [{ movingPrice, minerBurned: world.minerBurned, emissionEnabled: true }, world.other];
  const alphaEmissionRao = blockEmission(pool.alphaRao + alphaOutRao);
  const proportion = (issuance: bigint) =>
    rootProportion({
      rootTaoRao: world.rootTaoRao,
      alphaIssuanceRao: issuance,
      taoWeight: world.taoWeight,
    });
  const terms = subnetTerms({
    taoEmission: taoEmissions(markets, world.blockEmissionRao)[0]!,
    pool,
    rootProportion: proportion(pool.alphaRao + alphaOutRao),
    alphaEmissionRao,
  });
  const emitted = emitIntoPool(pool, terms);
  const minted = alphaOutRao + emitted.boughtAlphaRao + alphaEmissionRao;
  const { pending, recycledRao } = accrueBlock(subnet.pending, {
    alphaEmissionRao,
    ownerCut: world.ownerCut,
    rootProportion: proportion(emitted.pool.alphaRao + minted),
    rootSell: isRootSelling(markets),
  });
  return {
    pool: emitted.pool,
    alphaOutRao: minted - recycledRao,
    pending,
    movingPrice: nextMovingPrice({
      movingPrice,
      price: price(emitted.pool),
      movingAlpha: world.movingAlpha,
      blocksSinceStart: subnet.blocksSinceStart,
      halvingBlocks: world.halvingBlocks,
    }),
    blocksSinceStart: subnet.blocksSinceStart + 1,
  };
}

export function plainBlock(subnet: SubnetState, world: World): SubnetState {
  const { pool, alphaOutRao, movingPrice } = subnet;
  const markets = [{ movingPrice, minerBurned: world.minerBurned, emissionEnabled: true }, world.other];
  const alphaEmissionRao = plainEmission(pool.alphaRao + alphaOutRao);
  const terms = plainTerms(
    plainShare(markets, world.blockEmissionRao),
    pool,
    plainProportion(world, pool.alphaRao + alphaOutRao),
    alphaEmissionRao,
  );
  const emitted = plainInjection(pool, terms);
  const minted = alphaOutRao + emitted.boughtAlphaRao + alphaEmissionRao;
  const total = markets.reduce((sum, market) => U64F64.add(sum, market.movingPrice << 32n), 0n);
  const { pending, recycledRao } = plainAccrual(subnet.pending, alphaEmissionRao, {
    ownerCut: world.ownerCut,
    proportion: plainProportion(world, emitted.pool.alphaRao + minted),
    rootSell: total > U64F64.one,
  });
  return {
    pool: emitted.pool,
    alphaOutRao: minted - recycledRao,
    pending,
    movingPrice: plainAverage(subnet, world, plainPrice(emitted.pool)),
    blocksSinceStart: subnet.blocksSinceStart + 1,
  };
}

/** `get_block_emission_for_issuance` */
export function plainEmission(issuanceRao: bigint): bigint {
  if (issuanceRao >= TOTAL_SUPPLY_RAO) return 0n;
  const issued = I96F32.div(I96F32.fromInteger(issuanceRao), I96F32.fromInteger(TOTAL_SUPPLY_RAO));
  let residue = I96F32.div(I96F32.one, I96F32.sub(I96F32.one, issued));
  let multiplier = I96F32.one;
  for (; residue >= 2n * I96F32.one; residue >>= 1n) multiplier = I96F32.mul(multiplier, 2n * I96F32.one);
  return I96F32.toU64(I96F32.mul(I96F32.div(I96F32.one, multiplier), I96F32.fromInteger(1_000_000_000n)));
}

/** `root_proportion` */
function plainProportion(world: World, issuanceRao: bigint): bigint {
  const weight = U96F32.div(U96F32.fromInteger(world.taoWeight), U96F32.fromInteger((1n << 64n) - 1n));
  const root = U96F32.mul(U96F32.fromInteger(world.rootTaoRao), weight);
  return U96F32.div(root, U96F32.add(root, U96F32.fromInteger(issuanceRao)));
}

/** `get_shares`, `get_subnet_block_emissions`, of the first subnet */
function plainShare(markets: readonly SubnetMarket[], blockEmissionRao: bigint): bigint {
  const total = markets.reduce((sum, { movingPrice }) => U64F64.add(sum, movingPrice << 32n), 0n);
  const shares = markets.map(({ movingPrice }) => U64F64.div(movingPrice << 32n, total));
  const weighted = markets.map(({ minerBurned }, index) => {
    const burned = minerBurned << 32n;
    const factor = U64F64.sub(U64F64.one, burned > U64F64.one ? U64F64.one : burned);
    return U64F64.mul(shares[index]!, factor);
  });
  const sum = weighted.reduce((all, share) => U64F64.add(all, share), 0n);
  const final = sum > 0n ? weighted.map((share) => U64F64.div(share, sum)) : shares;
  return U64F64.mul(U64F64.fromInteger(blockEmissionRao), final[0]!) >> 32n;
}

/** `calculate_price` */
export function plainPrice({ taoRao, alphaRao, taoWeight = EQUAL_WEIGHT }: Pool): bigint {
  const weights = U64F64.div(U64F64.fromInteger(ACCURACY - taoWeight), U64F64.fromInteger(taoWeight));
  return U64F64.mul(weights, U64F64.div(U64F64.fromInteger(taoRao), U64F64.fromInteger(alphaRao)));
}

/** `get_subnet_terms` */
function plainTerms(
  taoEmission: bigint,
  pool: Pool,
  proportion: bigint,
  alphaEmissionRao: bigint,
): SubnetTerms {
  const spot = plainPrice(pool) >> 32n;
  const cap = U96F32.mul(proportion, U96F32.fromInteger(alphaEmissionRao));
  let taoIn = taoEmission;
  let alphaIn = U96F32.div(taoEmission, spot);
  if (alphaIn > cap) {
    alphaIn = cap;
    taoIn = U96F32.mul(cap, spot);
  }
  return {
    taoInRao: U96F32.toU64(taoIn),
    alphaInRao: U96F32.toU64(alphaIn),
    excessTaoRao: U96F32.toU64(U96F32.sub(taoEmission, taoIn)),
  };
}

/** `inject_and_maybe_swap`, for pools that are deep enough for both; an order that would be paid nothing is refused */
function plainInjection(pool: Pool, terms: SubnetTerms): PoolEmission {
  const { taoRao, alphaRao, taoWeight: before = EQUAL_WEIGHT } = pool;
  const { taoInRao, alphaInRao } = terms;
  const round = (value: bigint, parts: bigint): bigint => (value * parts + ACCURACY / 2n) / ACCURACY;
  const alphaPart = round(taoRao * (alphaRao + alphaInRao), ACCURACY - before);
  const taoPart = round(alphaRao * (taoRao + taoInRao), before);
  const taoWeight = (ACCURACY * taoPart) / (alphaPart + taoPart);
  const kept = powerOfRatio(
    { numerator: taoRao, denominator: taoRao + terms.excessTaoRao },
    { numerator: taoWeight, denominator: ACCURACY - taoWeight },
  );
  const share = U64F64.div(U64F64.fromInteger(kept), U64F64.fromInteger(ACCURACY));
  const paidOut = U64F64.mul(U64F64.fromInteger(alphaRao), U64F64.sub(U64F64.one, share));
  const boughtAlphaRao = U64F64.toU64(paidOut);
  const excessTaoRao = boughtAlphaRao === 0n ? 0n : terms.excessTaoRao;
  return {
    pool: {
      taoRao: taoRao + excessTaoRao + taoInRao,
      alphaRao: alphaRao - boughtAlphaRao + alphaInRao,
      taoWeight,
    },
    taoInRao,
    alphaInRao,
    boughtAlphaRao,
    excessTaoRao,
    hasSwapped: boughtAlphaRao > 0n,
  };
}

/** `emit_to_subnets`, step 3 */
function plainAccrual(
  pending: PendingEmission,
  alphaEmissionRao: bigint,
  parts: { readonly ownerCut: number; readonly proportion: bigint; readonly rootSell: boolean },
): { readonly pending: PendingEmission; readonly recycledRao: bigint } {
  const created = U96F32.fromInteger(alphaEmissionRao);
  const cut = U96F32.div(U96F32.fromInteger(parts.ownerCut), U96F32.fromInteger(65535));
  const owner = U96F32.mul(created, cut);
  const rest = U96F32.sub(created, owner);
  const root = U96F32.mul(U96F32.mul(parts.proportion, rest), U96F32.one / 2n);
  const server = U96F32.mul(rest, U96F32.one / 2n);
  const validator = U96F32.sub(U96F32.sub(rest, server), root);
  const rootRao = U96F32.toU64(root);
  return {
    pending: {
      serverRao: pending.serverRao + U96F32.toU64(server),
      validatorRao: pending.validatorRao + U96F32.toU64(validator),
      rootRao: pending.rootRao + (parts.rootSell ? rootRao : 0n),
      ownerCutRao: pending.ownerCutRao + U96F32.toU64(owner),
    },
    recycledRao: parts.rootSell ? 0n : rootRao,
  };
}

/** `update_moving_price` */
function plainAverage(subnet: SubnetState, world: World, spot: bigint): bigint {
  const blocks = U64F64.fromInteger(subnet.blocksSinceStart);
  const age = U64F64.div(blocks, U64F64.add(blocks, U64F64.fromInteger(world.halvingBlocks)));
  const alpha = U64F64.mul(world.movingAlpha << 32n, age);
  const current = U64F64.mul(alpha, spot > U64F64.one ? U64F64.one : spot);
  const kept = U64F64.mul(U64F64.sub(U64F64.one, alpha), subnet.movingPrice << 32n);
  return U64F64.add(current, kept) >> 32n;
}
