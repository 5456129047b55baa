import { describe, expect, it } from 'vitest';
import { I64F64, U96F32 } from '../../../src/emissions/fixed.js';
import {
  isRootSelling,
  nextFlowEma,
  type SubnetMarket,
  shareRuleAt,
  taoEmissions,
} from '../../../src/emissions/shares.js';
import fc from '../../support/properties.js';

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
  });

  it("know neither a subnet's price nor its burned miners by flow", () => {
    const flowEma = 5n << 64n;
    const markets = [market(1, { minerBurned: ONE, flowEma }), market(9, { flowEma })];
    expect(rao(taoEmissions(markets, 1_000n, 'flow'))).toEqual([500n, 500n]);
  });

  it('forget half of a flow in 216,000 blocks', () => {
    let ema = I64F64.fromInteger(1_000_000_000n);
    for (let block = 0; block < 216_000; block++) ema = nextFlowEma(ema, 0n);
    expect(Number(ema >> 64n)).toBeCloseTo(500_000_000, -2);
    // one block's flow weighs 29597889189277/2^63
    expect(nextFlowEma(0n, 10n ** 9n)).toBe(29_597_889_189_277n * 2n * 10n ** 9n);
  });
});

describe('taoEmissions by flow', () => {
  const TAO_FLOW = 1n << 64n;
  const flow = (flowEma: bigint, protocolFlowEma = 0n): SubnetMarket =>
    market(0, { flowEma, protocolFlowEma });
  /** Raw shares of 64 fraction bits: a block of 2^32 rao shows them all. */
  const shares = (markets: readonly SubnetMarket[], netFlow = false) =>
    taoEmissions(markets, ONE, 'flow', { netFlow });

  it("gives the shares of the pallet's own functions, to the last bit", () => {
    // get_shares_flow and inplace_pow_normalize of spec 425, compiled with substrate-fixed 0.6.0 and given these
    expect(shares([1_000n, 3_000n, 6_000n].map((tao) => flow(tao * TAO_FLOW)))).toEqual([
      1_844_674_418_428_667_786n,
      5_534_023_295_073_364_834n,
      11_068_046_360_207_518_994n,
    ]);
    const odd = [123_456_789_012n * TAO_FLOW + 12_345_678_901_234_567n, 98_765_432_109n * TAO_FLOW];
    expect(shares([...odd, -5n * TAO_FLOW, TAO_FLOW].map((raw) => flow(raw)))).toEqual([
      10_248_191_074_462_033_492n,
      8_198_552_999_164_516_341n,
      0n,
      83_001_782n,
    ]);
    expect(shares([flow(7n * TAO_FLOW)])).toEqual([TAO_FLOW]);
    expect(shares([flow(7n), flow(7n)])).toEqual([TAO_FLOW / 2n, TAO_FLOW / 2n]);
  });

  it('is proportional to 0.1 % (inplace_pow_normalize_regular_case_relative_proportions_preserved)', () => {
    const told = shares([2n, 3n, 5n].map((tao) => flow(tao * TAO_FLOW))).map((raw) => Number(raw) / 2 ** 64);
    [0.2, 0.3, 0.5].forEach((share, index) => {
      expect(Math.abs(told[index]! - share)).toBeLessThan(0.001);
    });
    expect(told.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 12);
  });

  it('gives nothing while nothing flows, or too little to be scaled (…_all_zero_inputs_no_panic_and_unchanged)', () => {
    expect(shares([flow(0n), flow(0n)])).toEqual([0n, 0n]);
    expect(shares([flow(1n), flow(0n)])).toEqual([0n, 0n]);
    expect(shares([])).toEqual([]);
  });

  it('gives nearly everything to a flow whose logarithm the exponential cannot take, as the chain does', () => {
    const large = flow(1n << 94n);
    // 2^-15, 2·2^-15 and 3·2^-15 against 2^30
    expect([1n, 2n, 3n].map((parts) => shares([large, flow(parts << 48n)]))).toEqual([
      [TAO_FLOW, 0n],
      [281_470_704_366_726n, 18_446_462_603_005_184_889n],
      [18_446_744_073_708_896_256n, 655_359n],
    ]);
  });

  it("deducts the protocol's flow, of which no more counts than stakers brought, and adds what it took out", () => {
    // from the same functions with NetTaoFlowEnabled
    const net = (...flows: readonly (readonly [bigint, bigint])[]) =>
      shares(
        flows.map(([staked, spent]) => flow(staked * TAO_FLOW, spent * TAO_FLOW)),
        true,
      );
    expect(net([1_000n, 300n], [500n, 900n])).toEqual([TAO_FLOW, 0n]);
    expect(net([1_000n, 4_000n], [500n, 1_000n])).toEqual([0n, TAO_FLOW]);
    // 1100 against 400
    expect(net([1_000n, -100n], [500n, 100n])).toEqual([
      13_527_612_179_892_970_908n,
      4_919_131_893_816_580_707n,
    ]);
    // without it nothing is deducted
    expect(shares([flow(TAO_FLOW, 9n * TAO_FLOW), flow(TAO_FLOW)])).toEqual([TAO_FLOW / 2n, TAO_FLOW / 2n]);
  });

  const anyFlow = fc.bigInt({ min: 1n << 64n, max: (10n ** 12n) << 64n });

  it('shares all but 2^-60 of a block, more for more flow, and the same in any order', () => {
    fc.assert(
      fc.property(fc.array(anyFlow, { minLength: 1, maxLength: 12 }), (raws) => {
        const told = shares(raws.map((raw) => flow(raw)));
        const total = told.reduce((sum, share) => sum + share, 0n);
        expect(TAO_FLOW - total).toBeGreaterThanOrEqual(0n);
        expect(TAO_FLOW - total).toBeLessThan(16n);
        expect(shares([...raws].reverse().map((raw) => flow(raw))).reverse()).toEqual(told);
        raws.forEach((raw, a) => {
          raws.forEach((other, b) => {
            // ln moves by steps of 2^-32, and exp of it by that of a value up to 46340
            if (raw > other) expect(told[a]! - told[b]!).toBeGreaterThanOrEqual(-(TAO_FLOW >> 24n));
          });
        });
      }),
    );
  });

  it('is within a millionth of the plain proportion', () => {
    fc.assert(
      fc.property(fc.array(anyFlow, { minLength: 2, maxLength: 12 }), (raws) => {
        const total = raws.reduce((sum, raw) => sum + raw, 0n);
        shares(raws.map((raw) => flow(raw))).forEach((share, index) => {
          const plain = Number(raws[index]!) / Number(total);
          expect(Math.abs(Number(share) / 2 ** 64 - plain)).toBeLessThan(1e-6);
        });
      }),
    );
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
