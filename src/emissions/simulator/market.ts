// Owns: what traders and renters of a scenario do in an epoch. Does not own: the pool's arithmetic, what miners are paid.
import { toRao } from './amounts.js';
import { drawNormal, keyOf } from './noise.js';
import type { Scenario } from './scenario.js';
import type { Subnet } from './subnet.js';

const MARKET = keyOf('market');

/** Whoever holds alpha outside the pool and is no group of the scenario. They sell no more than they have. */
export interface Traders {
  alphaRao: bigint;
}

/**
 * The epoch's trades, as one order each: steady buying and selling, rent that buys alpha, then traders who follow the
 * price path as far as their depth goes.
 *
 * @param rentTao paid by renters in this epoch; the part that buys alpha does not reach the miners
 */
export function trade(
  subnet: Subnet,
  traders: Traders,
  parts: {
    readonly seed: number;
    readonly epoch: number;
    readonly day: number;
    readonly days: number;
    readonly rentTao: number;
  },
): void {
  const { market } = subnet.scenario;
  const { seed, epoch, day, days, rentTao } = parts;
  const swing = (which: number): number =>
    Math.max(0, 1 + market.noise * drawNormal(seed, MARKET, epoch, which));
  const buyTao = market.buyTaoPerDay * days * swing(0) + rentTao * market.rental.buysAlpha;
  buy(subnet, traders, rounded(buyTao));
  sell(subnet, traders, rounded(market.sellAlphaPerDay * days * swing(1)));
  followPath(subnet, traders, market, day, days);
}

function followPath(
  subnet: Subnet,
  traders: Traders,
  market: Scenario['market'],
  day: number,
  days: number,
): void {
  const target = priceOnPath(market.pricePath, day);
  if (target === undefined) return;
  const limitRao = BigInt(Math.round(target * 1e9));
  const depth = market.depthTaoPerDay * days;
  if (subnet.price < target) buy(subnet, traders, rounded(depth), limitRao);
  else if (subnet.price > target) sell(subnet, traders, rounded(depth / target), limitRao);
}

/** Linear between the path's points, level before the first and after the last; undefined without a path. */
export function priceOnPath(path: Scenario['market']['pricePath'], day: number): number | undefined {
  const later = path.findIndex((point) => point.day >= day);
  if (later < 0) return path.at(-1)?.price;
  const to = path[later]!;
  const from = path[later - 1];
  if (from === undefined) return to.price;
  return from.price + ((to.price - from.price) * (day - from.day)) / (to.day - from.day);
}

function buy(subnet: Subnet, traders: Traders, taoRao: bigint, limitRao?: bigint): void {
  if (taoRao <= 0n) return;
  const bought = subnet.buy(taoRao, limitRao);
  if (bought !== undefined) traders.alphaRao += bought.alphaRao;
}

/** Nobody sells what they do not have. */
function sell(subnet: Subnet, traders: Traders, alphaRao: bigint, limitRao?: bigint): void {
  const amount = alphaRao < traders.alphaRao ? alphaRao : traders.alphaRao;
  if (amount <= 0n) return;
  const sold = subnet.sell(amount, limitRao);
  if (sold !== undefined) traders.alphaRao -= sold.alphaRao;
}

/** Tokens to rao; what a market does is rounded to a millionth of a token. */
const rounded = (tokens: number): bigint => toRao(Math.round(Math.min(tokens, 21_000_000) * 1e6) / 1e6);

/** One machine's offer to renters. */
export interface Offer {
  readonly quality: number;
  /** device hours in this epoch */
  readonly hours: number;
}

/** Hours rented of each offer: the best quality first; equals share in proportion to what they offer. */
export function rentOut(offers: readonly Offer[], demandHours: number): number[] {
  const rented = offers.map(() => 0);
  const qualities = [...new Set(offers.map(({ quality }) => quality))].sort((a, b) => b - a);
  let left = demandHours;
  for (const quality of qualities) {
    const offered = offers.reduce((sum, offer) => sum + (offer.quality === quality ? offer.hours : 0), 0);
    if (offered <= 0 || left <= 0) continue;
    const share = Math.min(1, left / offered);
    offers.forEach((offer, i) => {
      if (offer.quality === quality) rented[i] = offer.hours * share;
    });
    left -= offered * share;
  }
  return rented;
}
