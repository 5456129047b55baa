import { describe, expect, it } from 'vitest';
import { EQUAL_WEIGHT, price, priceRao, swapTaoForAlpha } from '../../../src/emissions/amm.js';
import { U96F32 } from '../../../src/emissions/fixed.js';
import { emitIntoPool, subnetTerms } from '../../../src/emissions/injection.js';
import fc from '../../support/properties.js';

const TAO = 1_000_000_000n;
const even = { taoRao: 1_000_000n * TAO, alphaRao: 1_000_000n * TAO };
const raw = U96F32.fromInteger;

describe('subnetTerms', () => {
  it('injects all TAO and as much alpha as it is worth, below the cap (…_alpha_in_lte_alpha_emission)', () => {
    const parts = { pool: even, rootProportion: U96F32.one, alphaEmissionRao: TAO };
    expect(subnetTerms({ ...parts, taoEmission: raw(34_566_756n) })).toEqual({
      taoInRao: 34_566_756n,
      alphaInRao: 34_566_756n,
      excessTaoRao: 0n,
    });
    const quarter = { taoRao: TAO, alphaRao: 4n * TAO };
    expect(subnetTerms({ ...parts, pool: quarter, taoEmission: raw(100n) })).toMatchObject({
      alphaInRao: 400n,
    });
  });

  it('caps alpha at root proportion × alpha emission, and buys with the rest (…_alpha_in_gt_alpha_emission)', () => {
    const hundredth = { taoRao: TAO, alphaRao: 100n * TAO };
    const terms = subnetTerms({
      taoEmission: raw(10_000_001n),
      pool: hundredth,
      rootProportion: U96F32.one / 2n,
      alphaEmissionRao: TAO,
    });
    // 0.01 in 32 fraction bits lies below 0.01: 5·10^8 of it floor to 1 less, and that rao is excess
    expect(terms).toEqual({ taoInRao: 4_999_999n, alphaInRao: 500_000_000n, excessTaoRao: 5_000_001n });
  });

  it('caps exactly at the cap (test_get_subnet_terms_alpha_emissions_cap)', () => {
    const parts = { pool: even, rootProportion: U96F32.one / 4n, alphaEmissionRao: TAO };
    expect(subnetTerms({ ...parts, taoEmission: raw(100_000_000n) })).toMatchObject({
      alphaInRao: 100_000_000n,
    });
    expect(subnetTerms({ ...parts, taoEmission: raw(10n * TAO) })).toEqual({
      taoInRao: TAO / 4n,
      alphaInRao: TAO / 4n,
      excessTaoRao: 10n * TAO - TAO / 4n,
    });
  });

  it('has caps of their own under the earlier rules', () => {
    const parts = {
      taoEmission: raw(10n * TAO),
      pool: even,
      rootProportion: 0n,
      alphaEmissionRao: TAO,
      blockEmissionRao: 2n * TAO,
    };
    expect(subnetTerms({ ...parts, rule: 'price' })).toMatchObject({ alphaInRao: 2n * TAO });
    expect(subnetTerms({ ...parts, rule: 'flow' })).toMatchObject({ alphaInRao: TAO });
    expect(subnetTerms({ ...parts, rule: 'flow', blockEmissionRao: 3n })).toMatchObject({ alphaInRao: 3n });
    const { blockEmissionRao: _, ...without } = parts;
    expect(() => subnetTerms({ ...without, rule: 'flow' })).toThrow(RangeError);
  });

  it('has the cap of the spec version, whatever the rule (run_coinbase.rs at tags v3.2.9-326 to v3.4.6-421)', () => {
    const parts = {
      taoEmission: raw(10n * TAO),
      pool: even,
      rootProportion: U96F32.one / 8n,
      alphaEmissionRao: TAO,
      blockEmissionRao: TAO / 2n,
    };
    const alphaIn = (specVersion: number) => subnetTerms({ ...parts, specVersion, rule: 'flow' }).alphaInRao;
    expect([326, 334, 338].map(alphaIn)).toEqual([TAO / 2n, TAO / 2n, TAO / 2n]);
    expect([342, 352, 361].map(alphaIn)).toEqual([TAO, TAO, TAO]);
    expect([362, 411, 420].map(alphaIn)).toEqual([TAO / 2n, TAO / 2n, TAO / 2n]);
    expect([421, 425].map(alphaIn)).toEqual([TAO / 8n, TAO / 8n]);
    const { blockEmissionRao: _, ...without } = parts;
    for (const specVersion of [338, 362])
      expect(() => subnetTerms({ ...without, specVersion })).toThrow(/blockEmissionRao/);
    for (const specVersion of [342, 421])
      expect(() => subnetTerms({ ...without, specVersion })).not.toThrow();
  });

  it('compares the price with the share until spec 338, so that alpha may pass the cap by what the share lost', () => {
    // a price of 2^-20, 4096 in 32 fraction bits; so is the share, floored from 10^9 − 1 parts of 10^9 above
    const pool = { taoRao: 1n << 20n, alphaRao: 1n << 40n };
    const taoEmission = 4096n * TAO + TAO - 1n;
    const parts = { taoEmission, pool, rootProportion: 0n, alphaEmissionRao: TAO, blockEmissionRao: TAO };
    expect(subnetTerms({ ...parts, specVersion: 338 })).toEqual({
      taoInRao: 953n,
      alphaInRao: TAO + 244_140n,
      excessTaoRao: 0n,
    });
    expect(subnetTerms({ ...parts, specVersion: 342 }).alphaInRao).toBe(TAO);
    const more = subnetTerms({ ...parts, taoEmission: taoEmission + 1n, specVersion: 338 });
    expect(more).toEqual({ taoInRao: 953n, alphaInRao: TAO, excessTaoRao: 0n });
    const unpriced = { ...parts, pool: { taoRao: 0n, alphaRao: 5n }, specVersion: 338 };
    expect(subnetTerms(unpriced)).toEqual({ taoInRao: 0n, alphaInRao: TAO, excessTaoRao: 953n });
    // nobody gets anything: alpha emission is what the quotient falls back to
    expect(subnetTerms({ ...unpriced, taoEmission: 0n, alphaEmissionRao: 7n })).toEqual({
      taoInRao: 0n,
      alphaInRao: 7n,
      excessTaoRao: 0n,
    });
  });

  it('injects TAO alone into a pool without a price', () => {
    const empty = { taoRao: 0n, alphaRao: 0n };
    expect(
      subnetTerms({ taoEmission: raw(5n), pool: empty, rootProportion: 0n, alphaEmissionRao: TAO }),
    ).toEqual({ taoInRao: 5n, alphaInRao: 0n, excessTaoRao: 0n });
  });
});

describe('emitIntoPool', () => {
  it('moves weights, then buys from the old reserves, then adds (…_inject_and_maybe_swap_does_not_skew_reserves)', () => {
    const terms = { taoInRao: 123n, alphaInRao: 456n, excessTaoRao: 789_100n };
    const emitted = emitIntoPool(even, terms);
    const taoWeight = emitIntoPool(even, { ...terms, excessTaoRao: 0n }).pool.taoWeight!;
    const bought = swapTaoForAlpha({ ...even, taoWeight }, 789_100n, { feeRate: 0 });
    expect(emitted).toEqual({
      pool: {
        taoRao: even.taoRao + 123n + 789_100n,
        alphaRao: even.alphaRao + 456n - bought.paidOutRao,
        taoWeight,
      },
      taoInRao: 123n,
      alphaInRao: 456n,
      boughtAlphaRao: bought.paidOutRao,
      excessTaoRao: 789_100n,
      hasSwapped: true,
    });
    expect(taoWeight).toBeLessThan(EQUAL_WEIGHT);
  });

  it('leaves the price alone without a buy and raises it with one', () => {
    const odd = { taoRao: 20_000n * TAO, alphaRao: 1_500_000n * TAO, taoWeight: 490_123_456_789_012_345n };
    const terms = { taoInRao: 7_000_000n, alphaInRao: 300_000_000n, excessTaoRao: 0n };
    const injected = emitIntoPool(odd, terms).pool;
    expect(Math.abs(Number(price(injected) - price(odd)) / Number(price(odd)))).toBeLessThan(1e-15);
    expect(priceRao(emitIntoPool(odd, { ...terms, excessTaoRao: TAO }).pool)).toBeGreaterThan(priceRao(odd));
  });

  it('resets the weights when its buy is the first swap of all, not when there is no buy or it fails', () => {
    const moved = { ...even, taoWeight: 600_000_000_000_000_000n };
    const first = { isFirstSwap: true };
    const terms = { taoInRao: 0n, alphaInRao: 0n, excessTaoRao: TAO };
    expect(emitIntoPool(moved, terms, first).pool.taoWeight).toBe(EQUAL_WEIGHT);
    expect(emitIntoPool(moved, { ...terms, excessTaoRao: 0n }, first).pool.taoWeight).toBe(moved.taoWeight);
    const dry = { ...moved, alphaRao: 999_999n };
    expect(emitIntoPool(dry, terms, first).pool).toEqual(dry);
  });

  it('buys nothing from a pool that refuses, and injects nothing where weights would leave their range', () => {
    const dry = { taoRao: TAO, alphaRao: 999_999n };
    const terms = { taoInRao: 5n, alphaInRao: 5n, excessTaoRao: 100n };
    expect(emitIntoPool(dry, terms)).toMatchObject({
      taoInRao: 5n,
      boughtAlphaRao: 0n,
      excessTaoRao: 0n,
      hasSwapped: false,
    });
    expect(emitIntoPool(even, { ...terms, excessTaoRao: 0n }).hasSwapped).toBe(false);
    const edge = { ...even, taoWeight: 10_000_000_000_000_000n };
    expect(emitIntoPool(edge, { taoInRao: 0n, alphaInRao: TAO, excessTaoRao: TAO })).toMatchObject({
      taoInRao: 0n,
      alphaInRao: 0n,
      excessTaoRao: TAO,
      pool: { taoRao: even.taoRao + TAO, taoWeight: edge.taoWeight },
    });
  });

  it('uses up a share to less than 2 rao, and never more than it', () => {
    const reserve = fc.bigInt({ min: 1_000_000n, max: 10n ** 16n });
    fc.assert(
      fc.property(
        reserve,
        reserve,
        fc.bigInt({ min: 10n ** 16n, max: 99n * 10n ** 16n }),
        fc.bigInt({ min: 0n, max: TAO << 32n }),
        fc.bigInt({ min: 0n, max: U96F32.one }),
        fc.bigInt({ min: 0n, max: TAO }),
        (taoRao, alphaRao, taoWeight, taoEmission, rootProportion, alphaEmissionRao) => {
          const pool = { taoRao, alphaRao, taoWeight };
          const terms = subnetTerms({ taoEmission, pool, rootProportion, alphaEmissionRao });
          const used = terms.taoInRao + terms.excessTaoRao;
          expect(used).toBeLessThanOrEqual(taoEmission >> 32n);
          expect((taoEmission >> 32n) - used).toBeLessThan(2n);
          expect(terms.alphaInRao).toBeLessThanOrEqual((rootProportion * alphaEmissionRao) >> 32n);
          const { pool: after, ...emitted } = emitIntoPool(pool, terms);
          // to the rao: the reserves are what entered and left
          expect(after.taoRao - taoRao).toBe(emitted.taoInRao + emitted.excessTaoRao);
          expect(after.alphaRao - alphaRao).toBe(emitted.alphaInRao - emitted.boughtAlphaRao);
          expect(emitted.taoInRao <= terms.taoInRao && emitted.excessTaoRao <= terms.excessTaoRao).toBe(true);
        },
      ),
    );
  });
});
