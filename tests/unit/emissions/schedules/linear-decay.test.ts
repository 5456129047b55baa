import { describe, expect, test } from 'vitest';
import {
  type DailySchedule,
  dailyRows,
  parseSchedule,
} from '../../../../src/emissions/schedules/evaluate.js';
import {
  type LinearDecay,
  lastDecayDay,
  type Tail,
  tailEpoch,
} from '../../../../src/emissions/schedules/linear-decay.js';
import { splitAmount } from '../../../../src/emissions/schedules/split.js';
import { parseTokens } from '../../../../src/emissions/schedules/token-amount.js';
import fc from '../../../support/properties.js';
import { dailyPreset, tokens, vectors } from './vectors.js';

const morpheus = dailyPreset('morpheus') as LinearDecay;
const tail = morpheus.tail as Tail;
const rows = dailyRows(morpheus, { days: 6000 });
const rowOf = (day: number) => rows[day - 1]!;

// the recomputed rows, digit by digit. Their cumulative figures were doubles: 746 at the end of day 1,458 and 363 of day
// 5,833 are 747 and 372 exactly (14400 n − 2.468994701 n(n−1)/2 in decimal arithmetic)
const TABLE: readonly (readonly [day: number, daily: string, cumulative: string])[] = [
  [1, '14400.000000000', '14400.000000000'],
  [2, '14397.531005299', '28797.531005299'],
  [90, '14180.259471611', '1286111.676222495'],
  [91, '14177.790476910', '1300289.466699405'],
  [178, '13962.987937923', '2524305.926475147'],
  [365, '13501.285928836', '5091984.682012570'],
  [1000, '11933.474293701', '13166737.146850500'],
  [1458, '10802.674720643', '18372749.871348747'],
  [2916, '7202.880446585', '31496999.691120930'],
  [5832, '3.291898469', '41999999.175935604'],
  [5833, '0.822903768', '41999999.998839372'],
  [5834, '0', '41999999.998839372'],
];

describe('Morpheus, day by day', () => {
  test.each(TABLE)('day %i emits %s, %s in all', (day, daily, cumulative) => {
    expect(rowOf(day)).toMatchObject({
      emissionNano: parseTokens(daily),
      cumulativeNano: parseTokens(cumulative),
    });
  });

  test.each(vectors.morpheus.emission)('agrees with the double of day $day', ({ day, daily, cum }) => {
    expect(tokens(rowOf(day).emissionNano)).toBeCloseTo(daily, 9);
    expect(tokens(rowOf(day).cumulativeNano)).toBeCloseTo(cum, 7);
  });

  test.each([
    [1, 3456, 576],
    [2, 3455.407441, 575.90124],
    [90, 3403.262273, 567.210379],
    [91, 3402.669714, 567.111619],
    [178, 3351.117105, 558.519518],
    [365, 3240.308623, 540.051437],
    [1000, 2864.03383, 477.338972],
    [1458, 2592.641933, 432.106989],
    [2916, 1728.691307, 288.115218],
    [5832, 0.790056, 0.131676],
    [5833, 0.197497, 0.032916],
  ])('day %i gives %d to each 24 %% pool and %d to the 4 %% pool', (day, big, small) => {
    const { coders, capital, compute, community, protection } = rowOf(day).splitNano;
    for (const pool of [coders, capital, compute, community]) expect(tokens(pool!)).toBeCloseTo(big, 6);
    expect(tokens(protection!)).toBeCloseTo(small, 6);
  });

  test('has put 308,666.8023 into a 24 % pool and 51,444.467 into the 4 % pool by day 90, not the 50,482 of a source', () => {
    const pools = splitAmount(rowOf(90).cumulativeNano, morpheus.split!);
    expect(tokens(pools.coders!)).toBeCloseTo(308_666.8023, 4);
    expect(tokens(pools.protection!)).toBeCloseTo(51_444.467, 3);
    const onDay = (day: number) =>
      tokens(splitAmount(rowOf(day).cumulativeNano, morpheus.split!).protection!);
    expect([onDay(88), onDay(89)].map(Math.floor)).toEqual([50_309, 50_877]);
    const day91 = splitAmount(rowOf(91).cumulativeNano, morpheus.split!);
    expect(tokens(day91.compute!)).toBeCloseTo(312_069.472, 3);
  });

  test('falls by 0.59255872824 a day in a 24 % pool and by 0.09875978804 in the 4 % pool', () => {
    const drop = splitAmount(morpheus.decreasePerDay, morpheus.split!);
    expect(drop).toEqual({
      coders: 592_558_729n,
      capital: 592_558_728n,
      compute: 592_558_728n,
      community: 592_558_728n,
      protection: 98_759_788n,
    });
  });

  test.each([
    [1, 0.0343],
    [2, 0.0686],
    [90, 3.0622],
    [91, 3.0959],
    [178, 6.0103],
    [365, 12.1238],
    [1000, 31.3494],
    [1458, 43.7446],
    [2916, 74.9929],
  ])('has emitted on day %i %d %% of 42 million', (day, percent) => {
    expect((tokens(rowOf(day).cumulativeNano) / 42e6) * 100).toBeCloseTo(percent, 4);
  });

  test('splits as the vectors say', () => {
    expect(morpheus.split).toEqual({ of: 10_000, shares: vectors.morpheus.splitBps });
  });
});

describe('the end of the decay', () => {
  test('is day 5,833: from 5,834 on, where the formula turns negative, nothing is emitted', () => {
    expect(lastDecayDay(morpheus)).toBe(5833);
    expect(vectors.morpheus.clampFromDay).toBe(5834);
    expect(morpheus.firstDay - morpheus.decreasePerDay * 5833n).toBe(-1_646_090_933n);
    for (const row of rows.slice(5833)) {
      expect(row.emissionNano).toBe(0n);
      expect(row.cumulativeNano).toBe(41_999_999_998_839_372n);
    }
  });

  test('never emits less than 0, and at least something until its last day', () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: 1n, max: 10n ** 12n }),
        fc.bigInt({ min: 1n, max: 10n ** 12n }),
        (firstDay, decreasePerDay) => {
          const schedule: LinearDecay = { kind: 'linear-decay', firstDay, decreasePerDay };
          const last = lastDecayDay(schedule);
          const on = (n: number) => firstDay - decreasePerDay * BigInt(n - 1);
          expect(on(last) > 0n && on(last + 1) <= 0n).toBe(true);
          for (const { day, emissionNano } of dailyRows(schedule, { days: Math.min(last + 3, 200) }))
            expect(emissionNano).toBe(day <= last ? on(day) : 0n);
        },
      ),
    );
  });
});

describe('the tail', () => {
  const burning = (rate: string) => tailEpoch(tail, tail.supply, parseTokens(rate));

  test.each(vectors.morpheus.tail)(
    'emits $tail when $burnRate is burned, $perDay a day',
    ({ burnRate, tail: emission, perDay }) => {
      const { emissionNano } = burning(String(burnRate));
      expect(emissionNano).toBe(BigInt(emission) * 10n ** 9n);
      const day = dailyRows(morpheus, { days: 5834, burnRateNano: parseTokens(String(burnRate)) }).at(-1)!;
      expect(tokens(day.emissionNano)).toBeCloseTo(perDay, 6);
    },
  );

  test.each([
    ['0.1', '4200000', '6048000', '2100000', '2100000'],
    ['0.2', '8400000', '5376000', '4200000', '4200000'],
    ['0.25', '10500000', '5040000', '5250000', '5040000'],
    ['0.5', '21000000', '3360000', '10500000', '3360000'],
  ])('at rate %s: burned %s, cap %s, half %s, so %s', (rate, burned, cap, half, emission) => {
    expect(burning(rate)).toMatchObject({
      burnedNano: parseTokens(burned),
      emissionNano: parseTokens(emission),
    });
    const unbound = { burnedBps: 5000, circulatingBps: 10_000 };
    const uncapped = tailEpoch(unbound, tail.supply, parseTokens(rate)).emissionNano;
    expect(uncapped).toBe(parseTokens(half));
    const capOnly = { burnedBps: 10_000, circulatingBps: 1600 };
    if (parseTokens(cap) < parseTokens(burned))
      expect(tailEpoch(capOnly, tail.supply, parseTokens(rate)).emissionNano).toBe(parseTokens(cap));
  });

  test('is 864.049 a day at a quarter burned; the 863.01 of a source counts 5,840 days instead of 5,833', () => {
    const { emissionNano } = burning('0.25');
    expect(tokens(emissionNano / 5833n)).toBeCloseTo(864.049374, 6);
    expect(tokens(emissionNano / 5840n)).toBeCloseTo(863.0137, 4);
  });

  test('is capped from a burn rate of 0.16/0.66 = 24.2424 % on', () => {
    const half = (rate: string) => burning(rate).burnedNano / 2n;
    expect(burning('0.242424242').emissionNano).toBe(half('0.242424242'));
    expect(burning('0.242424243').emissionNano).toBeLessThan(half('0.242424243'));
  });

  test('starts its second epoch from 36,540,000 when a quarter is burned again, and emits 4,384,800', () => {
    const first = burning('0.25');
    expect(first.supplyAfterNano).toBe(parseTokens('36540000'));
    const second = tailEpoch(tail, first.supplyAfterNano, parseTokens('0.25'));
    expect(second).toMatchObject({
      burnedNano: parseTokens('9135000'),
      emissionNano: parseTokens('4384800'),
    });
  });

  test('hands out the whole of each epoch in 5,833 days, and begins the next on the day after', () => {
    const burnRateNano = parseTokens('0.25');
    const at = (days: number) => dailyRows(morpheus, { days, every: days, burnRateNano }).at(-1)!;
    const decayed = 41_999_999_998_839_372n;
    expect(at(5833).cumulativeNano).toBe(decayed);
    expect(at(2 * 5833).cumulativeNano).toBe(decayed + parseTokens('5040000'));
    expect(at(3 * 5833).cumulativeNano).toBe(decayed + parseTokens('9424800'));
    expect(tokens(at(2 * 5833 + 1).emissionNano)).toBeCloseTo(4_384_800 / 5833, 8);
  });

  test('never emits more than half of what was burned, nor more than 16 % of what circulates', () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: 0n, max: 10n ** 18n }),
        fc.bigInt({ min: 0n, max: 10n ** 9n }),
        (supply, rate) => {
          const { burnedNano, emissionNano, supplyAfterNano } = tailEpoch(tail, supply, rate);
          expect(emissionNano * 2n <= burnedNano).toBe(true);
          expect(emissionNano * 100n <= (supply - burnedNano) * 16n).toBe(true);
          expect(supplyAfterNano).toBe(supply - burnedNano + emissionNano);
          expect(supplyAfterNano <= supply).toBe(true);
        },
      ),
    );
  });

  test('is nothing without burning, and refuses a rate beyond 1', () => {
    expect(burning('0').emissionNano).toBe(0n);
    expect(() => burning('1.000000001')).toThrow(RangeError);
    expect(() => tailEpoch(tail, 1n, -1n)).toThrow(RangeError);
  });
});

test('a decay without tail and split has neither', () => {
  const plain = parseSchedule({ kind: 'linear-decay', firstDay: '3', decreasePerDay: '1' }) as DailySchedule;
  const emissions = dailyRows(plain, { days: 5 }).map(({ emissionNano, splitNano }) => [
    emissionNano,
    splitNano,
  ]);
  expect(emissions).toEqual([
    [3_000_000_000n, {}],
    [2_000_000_000n, {}],
    [1_000_000_000n, {}],
    [0n, {}],
    [0n, {}],
  ]);
});
