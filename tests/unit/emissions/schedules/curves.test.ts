import { describe, expect, test } from 'vitest';
import {
  accessRates,
  type BudgetAccess,
  userMax,
} from '../../../../src/emissions/schedules/budget-access.js';
import { curveRows, dailyRows } from '../../../../src/emissions/schedules/evaluate.js';
import { type StakeBoost, stakeBoost } from '../../../../src/emissions/schedules/stake-boost.js';
import { NANO, parseTokens } from '../../../../src/emissions/schedules/token-amount.js';
import fc from '../../../support/properties.js';
import { curvePreset, dailyPreset, tokens, vectors } from './vectors.js';

const boost = curvePreset('heurist-boost') as StakeBoost;
const yellowstone = curvePreset('yellowstone') as BudgetAccess;
const [seed, lumerin] = vectors.yellowstone;

describe('stake boost', () => {
  test.each(vectors.heuristBoost)('%d staked boosts %d times', (stake, factor) => {
    expect(tokens(stakeBoost(boost, BigInt(stake) * NANO))).toBe(factor);
  });

  test('shows the points that the preset names', () => {
    const shown = curveRows(boost).map(({ inputNano, outputNano }) => [
      tokens(inputNano),
      tokens(outputNano),
    ]);
    expect(shown).toEqual(vectors.heuristBoost);
  });

  test('starts at the minimum, not one unit below, and never falls as stake grows', () => {
    expect(stakeBoost(boost, boost.minimumStake - 1n)).toBe(0n);
    expect(stakeBoost(boost, boost.minimumStake)).toBe(NANO);
    const stake = fc.bigInt({ min: 0n, max: 200_000n * NANO });
    fc.assert(
      fc.property(
        stake,
        stake,
        (a, b) => stakeBoost(boost, a < b ? a : b) <= stakeBoost(boost, a < b ? b : a),
      ),
    );
  });
});

describe('linear vesting', () => {
  const { amount, byDay } = vectors.heuristVest;
  const vesting = dailyPreset('heurist-vesting');

  test.each(Object.entries(byDay))('has vested on day %s %d of 3,650', (day, vested) => {
    expect(vesting).toMatchObject({ amount: BigInt(amount) * NANO });
    expect(dailyRows(vesting, { days: Number(day) }).at(-1)!.cumulativeNano).toBe(BigInt(vested) * NANO);
  });

  test('vests the whole amount in its days, whatever does not divide', () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: 1n, max: 10n ** 18n }),
        fc.integer({ min: 1, max: 400 }),
        (whole, days) => {
          const rows = dailyRows({ kind: 'linear-vesting', amount: whole, days }, { days: days + 2 });
          expect(rows.reduce((sum, { emissionNano }) => sum + emissionNano, 0n)).toBe(whole);
          expect(rows[days - 1]!.cumulativeNano).toBe(whole);
          // evenly: no two days differ by more than one unit
          const daily = rows.slice(0, days).map(({ emissionNano }) => emissionNano);
          const [low, high] = [daily, daily].map((all, i) =>
            all.reduce((a, b) => (i === 0 ? (a < b ? a : b) : a > b ? a : b)),
          );
          expect(high! - low!).toBeLessThanOrEqual(1n);
        },
      ),
    );
  });
});

describe('budget and access', () => {
  test("the paper's example gives 47,999.9446 for a token and 479,999.4463 for ten, not the 48.067 and 480.067 it prints", () => {
    expect(accessRates(yellowstone)).toEqual({
      budgetNano: parseTokens('3120.69'),
      maxIpsNano: parseTokens('62413800000'),
      accessRateNano: parseTokens('47999.944627694'),
    });
    expect(userMax(yellowstone, 10n * NANO)).toBe(parseTokens('479999.446276943'));
    expect(tokens(accessRates(yellowstone).budgetNano)).toBe(seed!.budget);
    expect(tokens(accessRates(yellowstone).maxIpsNano)).toBe(seed!.maxIps);
    expect(tokens(accessRates(yellowstone).accessRateNano)).toBeCloseTo(seed!.accessRate, 8);
    expect(tokens(userMax(yellowstone, 10n * NANO))).toBeCloseTo(seed!.userMax10!, 8);
    expect(yellowstone).toMatchObject({
      supply: BigInt(seed!.supply) * NANO,
      tokenPrice: BigInt(seed!.price) * NANO,
      pricePer1000: parseTokens(String(seed!.ipsPricePer1000)),
    });
  });

  test("its predecessor's example comes out as printed there", () => {
    const schedule: BudgetAccess = {
      kind: 'budget-access',
      supply: BigInt(lumerin!.supply) * NANO,
      balance: 300_000n * NANO,
      budgetBps: 100,
      tokenPrice: BigInt(lumerin!.price) * NANO,
      pricePer1000: parseTokens(String(lumerin!.ipsPricePer1000)),
      at: [],
    };
    const rates = accessRates(schedule);
    expect(tokens(rates.budgetNano)).toBe(lumerin!.budget);
    expect(tokens(rates.maxIpsNano)).toBe(lumerin!.maxIps);
    expect(tokens(rates.accessRateNano)).toBe(lumerin!.accessRate);
    expect(tokens(userMax(schedule, 5n * NANO))).toBe(lumerin!.userMax5);
    expect(tokens(userMax(schedule, 500n * NANO))).toBe(1_500_000);
  });

  test('at 24 % of any supply set aside the rate is 48,000 for $50 and $0.0025', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 1n, max: 10n ** 17n }), (unit) => {
        const schedule = { ...yellowstone, supply: unit * 100n, balance: unit * 24n };
        expect(accessRates(schedule).accessRateNano).toBe(48_000n * NANO);
      }),
    );
  });

  test('holders together never get more than the budget buys', () => {
    const shares = fc.array(fc.bigInt({ min: 1n, max: 10n ** 15n }), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(shares, (held) => {
        const schedule = { ...yellowstone, supply: held.reduce((sum, value) => sum + value, 0n) };
        const used = held.reduce((sum, value) => sum + userMax(schedule, value), 0n);
        expect(used <= accessRates(schedule).maxIpsNano).toBe(true);
      }),
    );
  });
});
