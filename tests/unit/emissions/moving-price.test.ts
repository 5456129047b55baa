import { describe, expect, it } from 'vitest';
import {
  DEFAULT_HALVING_BLOCKS,
  DEFAULT_MOVING_ALPHA,
  nextMovingPrice,
} from '../../../src/emissions/moving-price.js';
import fc from '../../support/properties.js';

const I96_ONE = 1n << 32n;
const PRICE_ONE = 1n << 64n;
const toNumber = (raw: bigint) => Number(raw) / 2 ** 32;
const base = {
  movingPrice: 0n,
  price: PRICE_ONE,
  movingAlpha: DEFAULT_MOVING_ALPHA,
  blocksSinceStart: 7_200_000,
  halvingBlocks: DEFAULT_HALVING_BLOCKS,
};

describe('nextMovingPrice', () => {
  it('stays where the spot price is (test_coinbase_moving_prices)', () => {
    expect(nextMovingPrice({ ...base, movingPrice: I96_ONE })).toBe(I96_ONE);
  });

  it('comes from 0 to 0.5123 in 14 blocks of alpha 0.1, 28 days after the start (test_coinbase_moving_prices)', () => {
    const movingAlpha = BigInt(Math.round(0.1 * 2 ** 32));
    let movingPrice = 0n;
    for (let i = 0; i < 14; i++)
      movingPrice = nextMovingPrice({ ...base, movingPrice, movingAlpha, blocksSinceStart: 7200 * 28 });
    // upstream: 0.512325 ± 0.001
    expect(toNumber(movingPrice)).toBeCloseTo(0.5123, 3);
  });

  it('hardly moves for a young subnet, and by the whole alpha for an old one (test_update_moving_price_…)', () => {
    const movingAlpha = I96_ONE / 2n;
    expect(toNumber(nextMovingPrice({ ...base, movingAlpha, blocksSinceStart: 11 }))).toBeLessThan(0.001);
    expect(toNumber(nextMovingPrice({ ...base, movingAlpha, blocksSinceStart: 144_000_001 }))).toBeCloseTo(
      0.5,
      2,
    );
  });

  it('counts at most 1 TAO of the spot price', () => {
    expect(nextMovingPrice({ ...base, price: 50n * PRICE_ONE })).toBe(nextMovingPrice(base));
  });

  it('does not move in the block of the start, nor without a halving time there', () => {
    expect(nextMovingPrice({ ...base, movingPrice: 5n, blocksSinceStart: 0 })).toBe(5n);
    expect(nextMovingPrice({ ...base, movingPrice: 5n, blocksSinceStart: 0, halvingBlocks: 0 })).toBe(5n);
  });

  it('stays between the last average and the spot price, a unit of flooring aside', () => {
    const upToOne = fc.bigInt({ min: 0n, max: PRICE_ONE });
    fc.assert(
      fc.property(
        fc.bigInt({ min: 0n, max: I96_ONE }),
        upToOne,
        fc.bigInt({ min: 0n, max: I96_ONE }),
        fc.integer({ min: 0, max: 10_000_000 }),
        (movingPrice, price, movingAlpha, blocksSinceStart) => {
          const next = nextMovingPrice({ ...base, movingPrice, price, movingAlpha, blocksSinceStart });
          const spot = price >> 32n;
          const [low, high] = spot < movingPrice ? [spot, movingPrice] : [movingPrice, spot];
          expect(next >= low - 1n && next <= high).toBe(true);
        },
      ),
    );
  });
});
