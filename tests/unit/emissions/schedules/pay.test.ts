import { describe, expect, test } from 'vitest';
import { jobTopUp, lockedStakeWeight, settleJob } from '../../../../src/emissions/schedules/metering.js';
import {
  cardWeights,
  pricePerCard,
  type Ratio,
  superlinearScore,
} from '../../../../src/emissions/schedules/pay-curves.js';
import fc from '../../../support/properties.js';
import { vectors } from './vectors.js';

const DAY = 86_400n;
const inMicro = (nos: number): bigint => BigInt(Math.round(nos * 1e6));

describe('a metered job', () => {
  test.each(vectors.nosanaPay)(
    'that ran $ran of $timeout s pays $pay and returns $refund',
    ({ priceMicroPerSec, timeout, ran, deposit, pay, refund }) => {
      const settled = settleJob({
        pricePerSecond: BigInt(priceMicroPerSec),
        timeoutSeconds: BigInt(timeout),
        ranSeconds: BigInt(ran),
      });
      expect(settled).toEqual({ deposit: inMicro(deposit), pay: inMicro(pay), refund: inMicro(refund) });
    },
  );

  test('splits its deposit into pay and refund, neither below 0', () => {
    const any = fc.bigInt({ min: 0n, max: 10n ** 18n });
    fc.assert(
      fc.property(any, any, any, (pricePerSecond, timeoutSeconds, ranSeconds) => {
        const { deposit, pay, refund } = settleJob({ pricePerSecond, timeoutSeconds, ranSeconds });
        expect(pay + refund).toBe(deposit);
        expect(pay >= 0n && refund >= 0n).toBe(true);
      }),
    );
  });

  test('costs 0.414 NOS more to run 7,200 s instead of 3,600; no longer timeout is refused', () => {
    const job = { pricePerSecond: 115n, timeoutSeconds: 3600n };
    expect(jobTopUp({ ...job, newTimeoutSeconds: 7200n })).toBe(414_000n);
    expect(() => jobTopUp({ ...job, newTimeoutSeconds: 3600n })).toThrow('expected more than 3600, got 3600');
  });

  test('with a negative price or time is refused', () => {
    const job = { pricePerSecond: 1n, timeoutSeconds: 1n, ranSeconds: 1n };
    for (const key of ['pricePerSecond', 'timeoutSeconds', 'ranSeconds'])
      expect(() => settleJob({ ...job, [key]: -1n })).toThrow(key);
    expect(() => jobTopUp({ pricePerSecond: -1n, timeoutSeconds: 1n, newTimeoutSeconds: 2n })).toThrow(
      RangeError,
    );
  });
});

describe('locked stake', () => {
  const weigh = (durationSeconds: bigint, unstaking = false) =>
    lockedStakeWeight({ amount: 1_000_000n, durationSeconds, unstaking });

  test.each(Object.entries(vectors.xnos))('for %s days counts %d times', (days, factor) => {
    expect(Number(weigh(BigInt(Number(days) * 86_400))) / 1e6).toBeCloseTo(factor, 4);
  });

  test('counts exactly 4 times for a year, 2.5 times for half of one, and not at all while it is withdrawn', () => {
    expect(weigh(365n * DAY)).toBe(4_000_000n);
    expect(weigh((365n * DAY) / 2n)).toBe(2_500_000n);
    expect(weigh(365n * DAY, true)).toBe(0n);
  });

  test('is held 14 to 365 days', () => {
    expect(() => weigh(14n * DAY - 1n)).toThrow(RangeError);
    expect(() => weigh(365n * DAY + 1n)).toThrow(RangeError);
    expect(() => lockedStakeWeight({ amount: -1n, durationSeconds: 14n * DAY, unstaking: false })).toThrow(
      RangeError,
    );
  });
});

describe('superlinear score', () => {
  const value = ({ numerator, denominator }: Ratio) => Number(numerator) / Number(denominator);
  const units = fc.bigInt({ min: 1n, max: 30_000n });

  test.each(vectors.grail)('of %d rollouts is %d', (count, score) => {
    expect(value(superlinearScore(BigInt(count)))).toBeCloseTo(score, 12);
  });

  test('of half the cap is 6.25 %, not the 5 % of its page', () => {
    const { numerator, denominator } = superlinearScore(30_000n);
    expect(numerator * 16n).toBe(denominator);
  });

  test('is 16 times as much for twice the work, below the cap', () => {
    fc.assert(
      fc.property(units, (u) => superlinearScore(2n * u).numerator === 16n * superlinearScore(u).numerator),
    );
  });

  test('is k^-3 of the whole for one operator under k names', () => {
    const split = (k: bigint, whole: bigint) => k * superlinearScore(whole / k).numerator;
    expect(split(2n, 60_000n) * 8n).toBe(superlinearScore(60_000n).numerator);
    expect(split(4n, 60_000n) * 64n).toBe(superlinearScore(60_000n).numerator);
    fc.assert(
      fc.property(fc.bigInt({ min: 1n, max: 100n }), fc.bigInt({ min: 1n, max: 600n }), (k, u) => {
        expect(split(k, k * u) * k ** 3n).toBe(superlinearScore(k * u).numerator);
      }),
    );
  });

  test('takes another cap and exponent, and refuses what makes no score', () => {
    expect(superlinearScore(5n, { cap: 10n, exponent: 2 })).toEqual({ numerator: 25n, denominator: 100n });
    expect(() => superlinearScore(-1n)).toThrow('units');
    expect(() => superlinearScore(1n, { cap: 0n })).toThrow('cap');
    expect(() => superlinearScore(1n, { exponent: 1.5 })).toThrow('exponent');
  });
});

describe('pay for a card', () => {
  const auction = { targetPrice: 250n, targetCards: 64n, maxPrice: 300n };

  test.each(vectors.targon)('of $cards is $perCard cents', ({ cards, perCard, ...rest }) => {
    expect(rest).toEqual({ targetPrice: 250, targetCards: 64, maxPrice: 300 });
    expect(pricePerCard({ ...auction, cards: BigInt(cards) })).toBe(BigInt(perCard));
  });

  test('is none without cards: the class is not paid', () => {
    expect(pricePerCard({ ...auction, cards: 0n })).toBeUndefined();
    expect(() => pricePerCard({ ...auction, cards: -1n })).toThrow('cards');
  });

  test('never costs more than the class at its target, nor more than the maximum for a card', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 1n, max: 10_000n }), (cards) => {
        const each = pricePerCard({ ...auction, cards })!;
        expect(each * cards <= 250n * 64n && each <= 300n).toBe(true);
      }),
    );
  });
});

describe('card weights', () => {
  test('burn what nobody earned', () => {
    // 300 × 1.2 / 1440 = 1/4, and 65535/4 = 16383.75
    expect(cardWeights([300n, 300n], 1440n)).toEqual({ weights: [16_383n, 16_383n], burned: 32_769n });
    expect(cardWeights([], 1n)).toEqual({ weights: [], burned: 65_535n });
  });

  test('scale down together when pay exceeds what the emission is worth', () => {
    expect(cardWeights([100n, 200n], 1n)).toEqual({ weights: [21_845n, 43_690n], burned: 0n });
  });

  test('sum with the burn to 65535, and none is negative', () => {
    fc.assert(
      fc.property(
        fc.array(fc.bigInt({ min: 0n, max: 10n ** 12n }), { maxLength: 50 }),
        fc.bigInt({ min: 1n, max: 10n ** 13n }),
        (earned, worth) => {
          const { weights, burned } = cardWeights(earned, worth);
          expect(weights.reduce((sum, weight) => sum + weight, burned)).toBe(65_535n);
          expect([...weights, burned].every((part) => part >= 0n)).toBe(true);
        },
      ),
    );
  });

  test('refuse negative pay and emission without worth', () => {
    expect(() => cardWeights([-1n], 1n)).toThrow('earned');
    expect(() => cardWeights([1n], 0n)).toThrow('emissionWorth');
  });
});

test('the figures for sending weights are carried along; they are bandwidth, no schedule, and hold together', () => {
  const { bytes, minutes, MBps, oneTrillion2TBat100MbitHours } = vectors.weightSync;
  expect(bytes / (minutes * 60) / 1e6).toBeCloseTo(MBps, 6);
  expect((2e12 * 8) / 100e6 / 3600).toBeCloseTo(oneTrillion2TBat100MbitHours, 4);
});
