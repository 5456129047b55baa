import { describe, expect, it } from 'vitest';
import {
  EQUAL_WEIGHT,
  initialPool,
  injectLiquidity,
  type Pool,
  price,
  priceRao,
  slippageRao,
  swapAlphaForTao,
  swapFee,
  swapTaoForAlpha,
} from '../../../src/emissions/amm.js';
import { U64F64 } from '../../../src/emissions/fixed.js';
import fc from '../../support/properties.js';

/** Upstream's pool of test_swap_basic: 0.25 TAO per alpha. */
const pool = { taoRao: 1_000_000_000n, alphaRao: 4_000_000_000n };

describe('amm', () => {
  it('prices alpha by the reserves, scaled by 10^9', () => {
    expect(priceRao(pool)).toBe(250_000_000n);
    expect(priceRao({ taoRao: 0n, alphaRao: 0n })).toBe(0n);
  });

  it('takes 33/65535 of the input as fee, floored', () => {
    expect(swapFee(1_000n, 33)).toBe(0n);
    expect(swapFee(123_456n, 33)).toBe(62n);
    expect(swapFee(1_000_000_000n, 33)).toBe(503_547n);
    // 65535·33/65535 is 33, but the rate was truncated first
    expect(swapFee(65_535n, 33)).toBe(32n);
    expect(swapFee(1_000_000_000n, 0)).toBe(0n);
  });

  it("buys and sells upstream's amounts", () => {
    expect(swapTaoForAlpha(pool, 1_000n)).toEqual({
      paidInRao: 1_000n,
      feeRao: 0n,
      paidOutRao: 3_999n,
      pool: { taoRao: 1_000_001_000n, alphaRao: 3_999_996_001n },
    });
    expect(swapTaoForAlpha(pool, 123_456n)).toMatchObject({ feeRao: 62n, paidOutRao: 493_515n });
    expect(swapAlphaForTao(pool, 123_456n)).toMatchObject({ feeRao: 62n, paidOutRao: 30_847n });
    expect(swapTaoForAlpha(pool, 10_000_000_000n)).toMatchObject({
      feeRao: 5_035_477n,
      paidOutRao: 3_636_197_098n,
    });
  });

  it('moves the price up by buying and down by selling', () => {
    expect(priceRao(swapTaoForAlpha(pool, 1_000_000n).pool)).toBeGreaterThan(priceRao(pool));
    expect(priceRao(swapAlphaForTao(pool, 1_000_000n).pool)).toBeLessThan(priceRao(pool));
  });

  it('refuses more than 1000 times the reserve, and admits exactly that', () => {
    const small = { taoRao: 1_000_000n, alphaRao: 1_000_000n };
    expect(swapAlphaForTao(small, 1_000_000_000n, { feeRate: 0, limitPriceRao: 1n }).paidOutRao).toBe(
      999_000n,
    );
    expect(() => swapAlphaForTao(small, 1_000_000_001n, { feeRate: 0 })).toThrow(
      expect.objectContaining({ code: 'chain-rejected', data: { call: 'swap', error: 'SwapInputTooLarge' } }),
    );
  });

  it('refuses when the output reserve is below a million, or pays out nothing', () => {
    const rejection = expect.objectContaining({
      code: 'chain-rejected',
      data: { call: 'swap', error: 'ReservesTooLow' },
    });
    expect(() => swapTaoForAlpha({ taoRao: 1_000_000_000n, alphaRao: 999_999n }, 1_000n)).toThrow(rejection);
    expect(() => swapAlphaForTao({ taoRao: 1_000_000n, alphaRao: 10n ** 11n }, 1n)).toThrow(rejection);
  });

  it('stops at the limit price and charges the fee of what was filled', () => {
    // from 0.25 to 1 the TAO reserve doubles: √(1/0.25) − 1 = 1
    expect(swapTaoForAlpha(pool, 10_000_000_000n, { limitPriceRao: 1_000_000_000n })).toEqual({
      paidInRao: 1_000_000_000n,
      feeRao: 503_801n,
      paidOutRao: 2_000_000_000n,
      pool: { taoRao: 2_000_000_000n, alphaRao: 2_000_000_000n },
    });
    // from 0.25 to 0.01 the alpha reserve grows fivefold
    const sold = swapAlphaForTao(pool, 100_000_000_000n, { feeRate: 0, limitPriceRao: 10_000_000n });
    expect(Number(sold.paidInRao)).toBeCloseTo(16_000_000_000, -2);
    expect(Number(sold.paidOutRao)).toBeCloseTo(800_000_000, -2);
    expect(priceRao(sold.pool)).toBe(9_999_999n);
  });

  it('refuses an order whose limit the price has already passed', () => {
    const rejection = expect.objectContaining({
      code: 'chain-rejected',
      data: { call: 'swap', error: 'PriceLimitExceeded' },
    });
    expect(() => swapTaoForAlpha(pool, 1_000n, { limitPriceRao: 250_000_000n })).toThrow(rejection);
    expect(() => swapAlphaForTao(pool, 1_000n, { limitPriceRao: 250_000_000n })).toThrow(rejection);
  });

  it('asks what is filled to be paid for, not the whole order (swap_step.rs process_swap)', () => {
    // 1 rao would move the price past the limit, and up to it there is no whole rao
    const small = { taoRao: 1_000_000n, alphaRao: 1_000_000n };
    const nothing = { paidInRao: 0n, feeRao: 0n, paidOutRao: 0n, pool: small };
    expect(swapTaoForAlpha(small, 1n, { feeRate: 0, limitPriceRao: 1_000_000_500n })).toEqual(nothing);
    expect(swapAlphaForTao(small, 1n, { feeRate: 0, limitPriceRao: 999_999_500n })).toEqual(nothing);
    const rejection = expect.objectContaining({ data: { call: 'swap', error: 'ReservesTooLow' } });
    expect(() => swapTaoForAlpha(small, 1n, { feeRate: 0 })).toThrow(rejection);
    expect(() => swapAlphaForTao(small, 1n, { feeRate: 0 })).toThrow(rejection);
  });

  it('tells wrong arguments from refusals', () => {
    for (const swap of [swapTaoForAlpha, swapAlphaForTao]) {
      for (const amountRao of [-1n, 1n << 64n])
        for (const feeRate of [0, 33])
          expect(() => swap(pool, amountRao, { feeRate })).toThrow(/^amountRao: expected a u64 of rao, got /);
      for (const feeRate of [-1, 65_536, 0.5, Number.NaN])
        expect(() => swap(pool, 1_000n, { feeRate })).toThrow(/^feeRate: expected an integer .* got /);
      for (const taoWeight of [0n, weight(1) - 1n, weight(99) + 1n, PERQUINTILL])
        expect(() => swap({ ...pool, taoWeight }, 1_000n)).toThrow(RangeError);
    }
    expect(() => price({ ...pool, taoWeight: 0n })).toThrow(/^taoWeight: expected /);
    expect(() => injectLiquidity({ ...pool, taoWeight: PERQUINTILL }, 1n, 1n)).toThrow(/^taoWeight/);
    expect(() => injectLiquidity(pool, -1n, 1n)).toThrow(/^addedTaoRao/);
    expect(() => injectLiquidity(pool, 1n, -1n)).toThrow(/^addedAlphaRao/);
    expect(() => swapFee(-1n, 0)).toThrow(RangeError);
    expect(swapTaoForAlpha(pool, 1_000n, { feeRate: 65_535 })).toMatchObject({
      paidInRao: 0n,
      paidOutRao: 0n,
    });
  });

  it('never passes the limit and never takes more than was offered', () => {
    const reserve = fc.bigInt({ min: 1_000_000n, max: 10n ** 15n });
    const offer = fc.bigInt({ min: 1n, max: 10n ** 15n });
    fc.assert(
      fc.property(reserve, reserve, offer, offer, (taoRao, alphaRao, amount, limitPriceRao) => {
        const any = { taoRao, alphaRao };
        const isBuy = priceRao(any) < limitPriceRao;
        fc.pre(amount <= 100n * (isBuy ? taoRao : alphaRao) && priceRao(any) !== limitPriceRao);
        let done: ReturnType<typeof swapTaoForAlpha>;
        try {
          done = (isBuy ? swapTaoForAlpha : swapAlphaForTao)(any, amount, { limitPriceRao });
        } catch (error) {
          // too little to be paid a single rao for
          expect(error).toMatchObject({ code: 'chain-rejected', data: { error: 'ReservesTooLow' } });
          return;
        }
        expect(done.paidInRao + done.feeRao).toBeLessThanOrEqual(amount);
        expect(done.pool.taoRao >= 0n && done.pool.alphaRao >= 0n).toBe(true);
        // a rao in a small reserve moves the price by more than the limit's own rounding
        if (done.pool.taoRao < 10n ** 9n || done.pool.alphaRao < 10n ** 9n) return;
        const slack = limitPriceRao / 1_000_000n + 2n;
        if (isBuy) expect(priceRao(done.pool)).toBeLessThanOrEqual(limitPriceRao + slack);
        else expect(priceRao(done.pool)).toBeGreaterThanOrEqual(limitPriceRao - slack);
      }),
    );
  });

  it('swaps nothing for nothing', () => {
    expect(swapTaoForAlpha(pool, 0n)).toEqual({ paidInRao: 0n, feeRao: 0n, paidOutRao: 0n, pool });
  });

  it('keeps the product of the reserves to within a rao of output', () => {
    const reserve = fc.bigInt({ min: 1_000_000_000n, max: 10n ** 16n });
    fc.assert(
      fc.property(reserve, reserve, fc.bigInt({ min: 1n, max: 10n ** 16n }), (taoRao, alphaRao, amount) => {
        fc.pre(amount <= taoRao);
        const exact = (alphaRao * amount) / (taoRao + amount);
        fc.pre(exact > 1n);
        const { paidOutRao } = swapTaoForAlpha({ taoRao, alphaRao }, amount, {
          feeRate: 0,
          limitPriceRao: 10n ** 18n,
        });
        expect(paidOutRao - exact).toBeGreaterThanOrEqual(-1n);
        expect(paidOutRao - exact).toBeLessThanOrEqual(1n);
      }),
    );
  });
});

const PERQUINTILL = 10n ** 18n;
const weight = (percent: number) => (PERQUINTILL * BigInt(percent)) / 100n;
const anyReserve = fc.bigInt({ min: 1_000_000_000n, max: 10n ** 16n });
const anyWeight = fc.bigInt({ min: weight(1), max: weight(99) });
const anyPool = fc.record({ taoRao: anyReserve, alphaRao: anyReserve, taoWeight: anyWeight });

describe('a weighted pool', () => {
  it("prices by weights times reserves (balancer.rs's own figures)", () => {
    const told = (taoRao: bigint, alphaRao: bigint, taoWeight: bigint) =>
      Number(price({ taoRao, alphaRao, taoWeight })) / 2 ** 64;
    expect(told(10n, 4n, PERQUINTILL / 3n)).toBeCloseTo(5, 12);
    expect(told(25n, 9n, weight(40))).toBeCloseTo((0.6 / 0.4) * (25 / 9), 12);
    expect(told(15_000_000_000_000_000n, 21_000_000_000_000_000n, weight(30))).toBeCloseTo(
      (0.7 / 0.3) * (15 / 21),
      12,
    );
    expect(told(0n, 10n, weight(30))).toBe(0);
    expect(priceRao({ taoRao: 5n, alphaRao: 2n, taoWeight: EQUAL_WEIGHT })).toBe(2_500_000_000n);
  });

  it('prices as the fixed point does step by step', () => {
    fc.assert(
      fc.property(anyPool, (any) => {
        const alphaWeight = U64F64.fromInteger(PERQUINTILL - any.taoWeight);
        const weights = U64F64.div(alphaWeight, U64F64.fromInteger(any.taoWeight));
        const reserves = U64F64.div(U64F64.fromInteger(any.taoRao), U64F64.fromInteger(any.alphaRao));
        expect(price(any)).toBe(U64F64.mul(weights, reserves));
      }),
    );
  });

  it("keeps the powers of test_exp_scaled: out of a reserve of 10^18, to upstream's 10^-9", () => {
    const kept = (taoWeight: bigint, reserve: bigint, added: bigint, isSell: boolean) => {
      const unlimited = { feeRate: 0, limitPriceRao: isSell ? 0n : 10n ** 30n };
      const swap = isSell
        ? swapAlphaForTao({ taoRao: PERQUINTILL, alphaRao: reserve, taoWeight }, added, unlimited)
        : swapTaoForAlpha({ taoRao: reserve, alphaRao: PERQUINTILL, taoWeight }, added, unlimited);
      return 1 - Number(swap.paidOutRao) / 1e18;
    };
    expect(kept(weight(50), 100_000n, 100n, true)).toBeCloseTo(0.999000999000999, 9);
    expect(kept(weight(25), 500_000n, 5_000n, true)).toBeCloseTo(0.970590147927644, 9);
    expect(kept(weight(75), 200_000n, 2_000n, false)).toBeCloseTo(0.970590147927644, 9);
    expect(kept(weight(90), 13_513_642n, 1_673n, false)).toBeCloseTo(0.998886481979889, 9);
    expect(kept((PERQUINTILL * 773n) / 1000n, 7_000_000_000n, 10_000n, true)).toBeCloseTo(
      0.999999580484586,
      9,
    );
  });

  it('fills to a limit as test_calculate_quote_delta_in and …_base_delta_in do', () => {
    // weights 3/4 and 1/4; from 0.1 to 0.2 and back: 10^9·(2^0.75 − 1) and 10^9·(2^0.25 − 1), floored
    const taoWeight = weight(25);
    const rising = { taoRao: 1_000_000_000n, alphaRao: 30_000_000_000n, taoWeight };
    const falling = { taoRao: 66_666_667n, alphaRao: 1_000_000_000n, taoWeight };
    const options = (limitPriceRao: bigint) => ({ feeRate: 0, limitPriceRao });
    const bought = swapTaoForAlpha(rising, 10n ** 11n, options(200_000_000n));
    expect(Number(bought.paidInRao)).toBeCloseTo(681_792_830, -1);
    const sold = swapAlphaForTao(falling, 10n ** 11n, options(100_000_000n));
    expect(Number(sold.paidInRao)).toBeCloseTo(189_207_115, -1);
    for (const { pool } of [bought, sold]) expect(pool.taoWeight).toBe(taoWeight);
  });

  it('pays what 120 decimal digits give for a small order at odd weights', () => {
    // Python, decimal: floor(1.5·10^15·(1 − 0.999999855812049273)), the power floored to 18 digits
    const odd = {
      taoRao: 20_000_123_456_789n,
      alphaRao: 1_500_000_000_000_000n,
      taoWeight: 490_123_456_789_012_345n,
    };
    expect(swapTaoForAlpha(odd, 3_000_000n, { feeRate: 0 })).toEqual({
      paidInRao: 3_000_000n,
      feeRao: 0n,
      paidOutRao: 216_281_926n,
      pool: { ...odd, taoRao: 20_000_126_456_789n, alphaRao: 1_499_999_783_718_074n },
    });
  });

  it('never pays more than the invariant x^w·y^v allows, rounding to 18 digits aside', () => {
    fc.assert(
      fc.property(anyPool, fc.bigInt({ min: 1n, max: 10n ** 16n }), fc.boolean(), (any, amount, isBuy) => {
        fc.pre(amount <= 10n * (isBuy ? any.taoRao : any.alphaRao));
        const unlimited = { feeRate: 0, limitPriceRao: isBuy ? 10n ** 40n : 0n };
        let after: Pool;
        try {
          after = (isBuy ? swapTaoForAlpha : swapAlphaForTao)(any, amount, unlimited).pool;
        } catch (error) {
          expect(error).toMatchObject({ code: 'chain-rejected', data: { error: 'ReservesTooLow' } });
          return;
        }
        const taoShare = Number(any.taoWeight) / 1e18;
        const paid = isBuy
          ? taoShare * Math.log(Number(after.taoRao) / Number(any.taoRao))
          : (1 - taoShare) * Math.log(Number(after.alphaRao) / Number(any.alphaRao));
        const left = isBuy ? after.alphaRao : after.taoRao;
        const before = isBuy ? any.alphaRao : any.taoRao;
        // less than 10^-3 of the reserve is left only by extreme weights, where one digit is much
        if (left * 1000n < before) return;
        const got = (isBuy ? 1 - taoShare : taoShare) * Math.log(Number(left) / Number(before));
        expect(paid + got).toBeGreaterThan(-1e-11);
      }),
    );
  });
});

describe('injectLiquidity', () => {
  it('keeps the price while the weights move', () => {
    const { pool: after, taoRao, alphaRao } = injectLiquidity(pool, 1_000_000n, 1_000_000n);
    expect([taoRao, alphaRao]).toEqual([1_000_000n, 1_000_000n]);
    // quarter price: alpha's part grows by 1/4000, TAO's by 1/1000
    expect(after).toEqual({
      taoRao: 1_001_000_000n,
      alphaRao: 4_001_000_000n,
      taoWeight: (PERQUINTILL * 1001n * 4000n) / (1001n * 4000n + 4001n * 1000n),
    });
    expect(priceRao(after) - priceRao(pool)).toBe(0n);
  });

  it('moves the price by less than 10^-15 of itself, whatever is added to whichever pool', () => {
    fc.assert(
      fc.property(anyPool, anyReserve, anyReserve, (any, tao, alpha) => {
        const { pool: after } = injectLiquidity(any, tao % any.taoRao, alpha % any.alphaRao);
        const moved = Number(price(after) - price(any)) / Number(price(any));
        // a weight of 1 % is known to 10^-16 of itself, and a price to 2^-64 TAO
        expect(Math.abs(moved)).toBeLessThan(1e-15 + 200 / Number(price(any)));
      }),
    );
  });

  it('adds nothing at all where a weight would fall below 1 %', () => {
    const low = { taoRao: 10n ** 9n, alphaRao: 10n ** 9n, taoWeight: weight(1) };
    expect(injectLiquidity(low, 0n, 10n ** 9n)).toEqual({ pool: low, taoRao: 0n, alphaRao: 0n });
    expect(injectLiquidity(low, 10n ** 9n, 0n).taoRao).toBe(10n ** 9n);
  });

  it('gives a pool with an empty side equal weights', () => {
    expect(injectLiquidity({ taoRao: 0n, alphaRao: 0n, taoWeight: weight(20) }, 5n, 7n).pool).toEqual({
      taoRao: 5n,
      alphaRao: 7n,
      taoWeight: EQUAL_WEIGHT,
    });
  });
});

describe('initialPool', () => {
  it('finds the weights at which reserves have a price', () => {
    const started = initialPool({ taoRao: 10n ** 9n, alphaRao: 4n * 10n ** 9n, price: U64F64.one / 4n });
    expect(started.taoWeight).toBe(EQUAL_WEIGHT);
    const dear = initialPool({ taoRao: 10n ** 9n, alphaRao: 10n ** 9n, price: 3n * U64F64.one });
    expect(dear.taoWeight).toBe(weight(25));
    expect(priceRao(dear)).toBe(3_000_000_000n);
  });

  it('refuses weights beyond 1 % and 99 %, and nothing', () => {
    const reserves = { taoRao: 10n ** 9n, alphaRao: 10n ** 9n };
    expect(() => initialPool({ ...reserves, price: 100n * U64F64.one })).toThrow(RangeError);
    expect(() => initialPool({ ...reserves, price: 0n })).toThrow(RangeError);
    expect(() => initialPool({ taoRao: 0n, alphaRao: 0n, price: U64F64.one })).toThrow(RangeError);
  });
});

describe('slippageRao', () => {
  it('is what the price before would have brought and the order did not', () => {
    // 10^10 rao at 0.25 would be 4·10^10; see the amounts above
    const buy = swapTaoForAlpha(pool, 10_000_000_000n);
    expect(slippageRao(pool, 'buy', 10_000_000_000n, buy)).toBe(40_000_000_000n - 3_636_197_098n);
    const sale = swapAlphaForTao(pool, 123_456n);
    expect(slippageRao(pool, 'sell', 123_456n, sale)).toBe(30_864n - 30_847n);
  });
});
