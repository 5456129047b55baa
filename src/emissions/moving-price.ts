// Owns: the moving average of a subnet's price, by which TAO is shared (subtensor staking/stake_utils.rs).
import { U64F64 } from './fixed.js';

/** `DefaultMovingAlpha`, raw I96F32: 0.000003, to the nearest as the chain's `from_num` rounds a double */
export const DEFAULT_MOVING_ALPHA = 12_885n;
/** `EMAPriceHalvingBlocks`: 28 days of 12-second blocks */
export const DEFAULT_HALVING_BLOCKS = 201_600;

/**
 * `update_moving_price`, once a block after the epochs: towards the spot price, of which 1 TAO at most counts, by
 * movingAlpha·b/(b + halvingBlocks), so that a young subnet's average starts slowly.
 *
 * @returns raw I96F32, floored
 */
export function nextMovingPrice(parts: {
  /** raw I96F32 */
  readonly movingPrice: bigint;
  /** spot, raw U64F64 */
  readonly price: bigint;
  /** `SubnetMovingAlpha`, raw I96F32 */
  readonly movingAlpha: bigint;
  /** b: this block less (`FirstEmissionBlockNumber` − 1) */
  readonly blocksSinceStart: number;
  readonly halvingBlocks: number;
}): bigint {
  const { movingPrice, price, movingAlpha } = parts;
  const blocks = BigInt(parts.blocksSinceStart);
  const span = blocks + BigInt(parts.halvingBlocks);
  const age = span === 0n ? 0n : (blocks << 64n) / span;
  // a moving alpha of 32 fraction bits as U64F64, times a fraction below 1
  const alpha = movingAlpha > 0n ? (movingAlpha * age) >> 32n : 0n;
  const spot = price > U64F64.one ? U64F64.one : price;
  const kept = alpha < U64F64.one ? U64F64.one - alpha : 0n;
  const previous = movingPrice > 0n ? movingPrice : 0n;
  // the average has 32 fraction bits and becomes one of 64: shifted up by 32, the product down by 64
  return (((alpha * spot) >> 64n) + ((kept * previous) >> 32n)) >> 32n;
}
