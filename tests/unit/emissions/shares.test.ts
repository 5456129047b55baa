import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { I64F64, U96F32 } from '../../../src/emissions/fixed.js';
import {
  isRootSelling,
  nextFlowEma,
  type SubnetMarket,
  shareRuleAt,
  taoEmissions,
} from '../../../src/emissions/shares.js';

const ONE = 1n << 32n;
const market = (price: number, change: Partial<SubnetMarket> = {}): SubnetMarket => ({
  movingPrice: BigInt(Math.round(price * 2 ** 32)),
  minerBurned: 0n,
  emissionEnabled: true,
  ...change,
});
const rao = (emissions: readonly bigint[]) => emissions.map((emission) => emission >> 32n);

describe('taoEmissions by moving price', () => {
  it('gives twice the price twice the TAO (test_coinbase_tao_issuance_different_prices)', () => {
    expect(rao(taoEmissions([market(0.1), market(0.2)], 100_000_000n))).toEqual([33_333_333n, 66_666_666n]);
  });

  it('gives equal prices equal shares (get_shares_ignores_root_prop_storage_when_prices_and_burns_match)', () => {
    expect(taoEmissions([market(1), market(1)], 1n << 20n)).toEqual([1n << 51n, 1n << 51n]);
  });

  it("hands a disabled subnet's share to the others (test_coinbase_disabled_subnet_emission_redistributes_…)", () => {
    const off = { emissionEnabled: false };
    expect(rao(taoEmissions([market(1), market(1, off), market(1)], 3_333_333n))).toEqual([
      1_666_666n,
      0n,
      1_666_666n,
    ]);
    expect(taoEmissions([market(1, off), market(2, off)], 3_333_333n)).toEqual([0n, 0n]);
  });

  it('takes the burned part of the miners off a price before sharing', () => {
    // 1·(1 − 1/2) against 1: a third and two, each share cut at 64 fraction bits and so just below
    expect(rao(taoEmissions([market(1, { minerBurned: ONE / 2n }), market(1)], 3_000_000n))).toEqual([
      999_999n,
      1_999_999n,
    ]);
    // all burned, or more than all: nothing
    for (const minerBurned of [ONE, 3n * ONE])
      expect(rao(taoEmissions([market(5, { minerBurned }), market(1)], 1_000n))).toEqual([0n, 1_000n]);
  });

  it('falls back to plain prices when everybody burns everything', () => {
    const burned = { minerBurned: ONE };
    expect(rao(taoEmissions([market(1, burned), market(3, burned)], 1_000n))).toEqual([250n, 750n]);
  });

  it('gives nothing while no price has moved (test_zero_shares_zero_emission)', () => {
    expect(taoEmissions([market(0), market(0)], 1_000_000_000n)).toEqual([0n, 0n]);
    expect(taoEmissions([], 1_000_000_000n)).toEqual([]);
  });

  it('never gives more than the block has, and less than a rao of it is lost while somebody may have it', () => {
    const anyMarket = fc.record({
      movingPrice: fc.bigInt({ min: -5n, max: 20n * ONE }),
      minerBurned: fc.bigInt({ min: 0n, max: 2n * ONE }),
      emissionEnabled: fc.boolean(),
      flowEma: fc.bigInt({ min: -(10n ** 12n) << 64n, max: (10n ** 12n) << 64n }),
    });
    fc.assert(
      fc.property(
        fc.array(anyMarket, { maxLength: 20 }),
        fc.bigInt({ min: 0n, max: 1_000_000_000n }),
        fc.constantFrom('price' as const, 'flow' as const, 'price-ema' as const),
        (markets, block, rule) => {
          const given = taoEmissions(markets, block, rule).reduce((sum, emission) => sum + emission, 0n);
          expect(given).toBeLessThanOrEqual(block << 32n);
          if (given > 0n) expect((block << 32n) - given).toBeLessThan(ONE);
        },
      ),
    );
  });

  it('gives a subnet less the more it burns, and the same whatever the order of the others', () => {
    fc.assert(
      fc.property(
        fc.array(fc.bigInt({ min: 1n, max: 20n * ONE }), { minLength: 2, maxLength: 8 }),
        fc.bigInt({ min: 0n, max: ONE }),
        fc.bigInt({ min: 0n, max: ONE }),
        (prices, a, b) => {
          const [less, more] = a < b ? [a, b] : [b, a];
          const rest = prices.slice(1).map((movingPrice) => market(0, { movingPrice }));
          const own = (minerBurned: bigint, others: readonly SubnetMarket[]) =>
            taoEmissions(
              [market(0, { movingPrice: prices[0]!, minerBurned }), ...others],
              1_000_000_000n,
            )[0]!;
          expect(own(more, rest)).toBeLessThanOrEqual(own(less, rest));
          expect(own(more, [...rest].reverse())).toBe(own(more, rest));
        },
      ),
    );
  });
});

describe('the earlier rules', () => {
  it('are chosen by the spec version of the release that brought them', () => {
    expect([233, 326, 334, 413, 420, 421, 425].map(shareRuleAt)).toEqual([
      'price',
      'price',
      'flow',
      'flow',
      'flow',
      'price-ema',
      'price-ema',
    ]);
  });

  it('know neither burned miners nor, by price, disabled subnets', () => {
    const markets = [market(1, { minerBurned: ONE, emissionEnabled: false }), market(3)];
    expect(rao(taoEmissions(markets, 1_000n, 'price'))).toEqual([250n, 750n]);
    const flows = markets.map((each, index) => ({
      ...each,
      emissionEnabled: true,
      flowEma: BigInt(index) << 64n,
    }));
    expect(rao(taoEmissions(flows, 1_000n, 'flow'))).toEqual([0n, 1_000n]);
  });

  it('share by positive flow only (get_shares_negative_vs_positive_flow, …_both_negative_flows_zero_emission)', () => {
    const flow = (value: bigint) => market(1, { flowEma: value << 64n });
    expect(rao(taoEmissions([flow(-100n), flow(500n)], 1_000n, 'flow'))).toEqual([0n, 1_000n]);
    expect(rao(taoEmissions([flow(-100n), flow(-200n)], 1_000n, 'flow'))).toEqual([0n, 0n]);
    expect(rao(taoEmissions([flow(1_000n), flow(3_000n), flow(6_000n)], 1_000n, 'flow'))).toEqual([
      99n,
      299n,
      599n,
    ]);
  });

  it('forget half of a flow in 216,000 blocks', () => {
    let ema = I64F64.fromInteger(1_000_000_000n);
    for (let block = 0; block < 216_000; block++) ema = nextFlowEma(ema, 0n);
    expect(Number(ema >> 64n)).toBeCloseTo(500_000_000, -2);
    // one block's flow weighs 29597889189277/2^63
    expect(nextFlowEma(0n, 10n ** 9n)).toBe(29_597_889_189_277n * 2n * 10n ** 9n);
  });
});

describe('isRootSelling', () => {
  it('needs moving prices of more than 1 in sum', () => {
    expect(isRootSelling([market(0.5), market(0.5)])).toBe(false);
    expect(isRootSelling([market(0.5), { movingPrice: ONE / 2n + 1n }])).toBe(true);
    expect(isRootSelling([{ movingPrice: -ONE }, market(1)])).toBe(false);
    expect(isRootSelling([])).toBe(false);
    expect(U96F32.one).toBe(ONE);
  });
});
