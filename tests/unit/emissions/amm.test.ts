import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { priceRao, swapAlphaForTao, swapFee, swapTaoForAlpha } from '../../../src/emissions/amm.js';

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
