// Owns: pay rules of other subnets that owners compare: pay that grows faster than work, and pay per card that thins out.
// Does not own: what counts as work, or as a card.

const U16_MAX = 65_535n;

/** numerator / denominator, exactly */
export interface Ratio {
  readonly numerator: bigint;
  readonly denominator: bigint;
}

/**
 * Grail's score `(min(units, cap) / cap)^exponent`. Below the cap twice the work earns 16 times the score, and one
 * operator under k names earns k × (1/k)^4 = k^-3 of what one name earns. Grail's own page says half the cap earns 5 %;
 * by its formula it is 6.25 %.
 *
 * @param rule cap 60,000 and exponent 4 unless told otherwise
 * @throws RangeError for negative units, a cap below 1, or an exponent that is not a whole number from 1 to 16
 * @example superlinearScore(30_000n) // 0.0625, as 30_000n ** 4n / 60_000n ** 4n
 */
export function superlinearScore(
  units: bigint,
  rule: { readonly cap?: bigint; readonly exponent?: number } = {},
): Ratio {
  const { cap = 60_000n, exponent = 4 } = rule;
  if (units < 0n) throw new RangeError(`units: expected at least 0, got ${units}`);
  if (cap < 1n) throw new RangeError(`cap: expected at least 1, got ${cap}`);
  if (!Number.isInteger(exponent) || exponent < 1 || exponent > 16)
    throw new RangeError(`exponent: expected 1 to 16, got ${exponent}`);
  const counted = units < cap ? units : cap;
  return { numerator: counted ** BigInt(exponent), denominator: cap ** BigInt(exponent) };
}

/**
 * Targon's pay for a card: what the class would cost at its target, divided among the cards that came, and never above
 * the maximum: `min(floor(target × targetCards / cards), max)` (weights.go).
 *
 * @returns in the unit of the prices, Targon's being cents an hour; undefined without cards, when the class is not paid
 * @throws RangeError when anything is negative
 * @example pricePerCard({ targetPrice: 250n, targetCards: 64n, maxPrice: 300n, cards: 128n }) // 125n
 */
export function pricePerCard(auction: {
  readonly targetPrice: bigint;
  readonly targetCards: bigint;
  readonly maxPrice: bigint;
  readonly cards: bigint;
}): bigint | undefined {
  for (const [label, value] of Object.entries(auction))
    if (value < 0n) throw new RangeError(`${label}: expected at least 0, got ${value}`);
  const { targetPrice, targetCards, maxPrice, cards } = auction;
  if (cards === 0n) return undefined;
  const diluted = (targetPrice * targetCards) / cards;
  return diluted < maxPrice ? diluted : maxPrice;
}

export interface CardWeights {
  /** u16 of 65535, by miner */
  readonly weights: readonly bigint[];
  /** what no miner earned */
  readonly burned: bigint;
}

/**
 * Targon's weights: each miner's pay times 1.2 as a part of what the subnet's emission is worth, all scaled down together
 * when they exceed it, floored to 65535ths; the rest burns. Targon computes in floats, so single units may differ there.
 *
 * @param earned by miner: the sum of `pricePerCard` of all its cards
 * @param emissionWorth what the emission of the same time is worth, in the same unit
 * @throws RangeError when pay is negative, or the emission worth nothing
 * @example cardWeights([300n, 300n], 1440n) // { weights: [16383n, 16383n], burned: 32769n }
 */
export function cardWeights(earned: readonly bigint[], emissionWorth: bigint): CardWeights {
  if (emissionWorth < 1n) throw new RangeError(`emissionWorth: expected at least 1, got ${emissionWorth}`);
  if (earned.some((pay) => pay < 0n)) throw new RangeError('earned: expected at least 0');
  // pay × 1.2 / worth, as pay × 12 / (worth × 10)
  const paid = earned.reduce((sum, pay) => sum + pay, 0n) * 12n;
  const whole = paid > emissionWorth * 10n ? paid : emissionWorth * 10n;
  const weights = earned.map((pay) => (U16_MAX * pay * 12n) / whole);
  return { weights, burned: U16_MAX - weights.reduce((sum, weight) => sum + weight, 0n) };
}
