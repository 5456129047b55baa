import { describe, expect, test } from 'vitest';
import {
  type DailySchedule,
  dailyRows,
  isDaily,
  parseSchedule,
} from '../../../../src/emissions/schedules/evaluate.js';
import { SCHEDULE_PRESETS, type SchedulePresetName } from '../../../../src/emissions/schedules/presets.js';
import { splitAmount, splitSchema } from '../../../../src/emissions/schedules/split.js';
import { parseTokens } from '../../../../src/emissions/schedules/token-amount.js';
import { AssayError } from '../../../../src/model/errors.js';
import fc from '../../../support/properties.js';
import { dailyPreset } from './vectors.js';

const problemOf = (value: unknown): AssayError<'invalid-input'> => {
  try {
    parseSchedule(value, 'own.json');
  } catch (error) {
    if (error instanceof AssayError) return error as AssayError<'invalid-input'>;
  }
  throw new Error('was accepted');
};

const morpheus = SCHEDULE_PRESETS.morpheus;
const names = Object.keys(SCHEDULE_PRESETS) as SchedulePresetName[];
const dailyNames = names.filter((name) => isDaily(parseSchedule(SCHEDULE_PRESETS[name])));

describe('rows', () => {
  test.each(dailyNames)(
    '%s: the cumulative emission is the sum of the daily ones, and its split is the whole',
    (name) => {
      const { split } = dailyPreset(name) as { split?: unknown };
      let sum = 0n;
      for (const row of dailyRows(dailyPreset(name), { days: 6500, burnRateNano: parseTokens('0.3') })) {
        sum += row.emissionNano;
        const parts = Object.values(row.splitNano).reduce((all, part) => all + part, 0n);
        if (
          row.cumulativeNano !== sum ||
          row.emissionNano < 0n ||
          (split !== undefined && parts !== row.emissionNano)
        )
          expect.unreachable(`day ${row.day}`);
      }
      expect(sum).toBeGreaterThan(0n);
    },
  );

  test('are of day 1, every n-th day and the last day, and the same whichever are asked for', () => {
    const all = dailyRows(dailyPreset('morpheus'), { days: 25 });
    const some = dailyRows(dailyPreset('morpheus'), { days: 25, every: 10 });
    expect(some.map(({ day }) => day)).toEqual([1, 10, 20, 25]);
    expect(some).toEqual([all[0], all[9], all[19], all[24]]);
  });

  test('refuse days that are none', () => {
    for (const days of [0, -1, 1.5, Number.NaN, 100_001])
      expect(() => dailyRows(dailyPreset('bitcoin'), { days })).toThrow(RangeError);
    expect(() => dailyRows(dailyPreset('bitcoin'), { days: 1, every: 0 })).toThrow('every');
  });

  test('of the documented example are as documented', () => {
    const vesting = parseSchedule({ kind: 'linear-vesting', amount: '3650', days: 365 }) as DailySchedule;
    expect(dailyRows(vesting, { days: 1 })).toEqual([
      { day: 1, emissionNano: 10_000_000_000n, cumulativeNano: 10_000_000_000n, splitNano: {} },
    ]);
  });
});

describe('a split', () => {
  const anySplit = fc
    .array(fc.integer({ min: 1, max: 10_000 }), { minLength: 1, maxLength: 32 })
    .map((values) => ({
      of: values.reduce((sum, value) => sum + value, 0),
      shares: Object.fromEntries(values.map((value, index) => [`role-${index}`, value])),
    }));

  test('loses nothing, and no role is a unit off its share', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 10n ** 20n }), anySplit, (amount, split) => {
        const parts = splitAmount(amount, split);
        expect(Object.values(parts).reduce((sum, part) => sum + part, 0n)).toBe(amount);
        for (const [role, part] of Object.entries(parts)) {
          const error = part * BigInt(split.of) - amount * BigInt(split.shares[role]!);
          expect(error < BigInt(split.of) && error > -BigInt(split.of)).toBe(true);
        }
      }),
    );
  });

  test('gives what is left over to the largest remainders, and among equal ones to the first', () => {
    expect(splitAmount(10n, { of: 3, shares: { a: 1, b: 2 } })).toEqual({ a: 3n, b: 7n });
    expect(splitAmount(1n, { of: 4, shares: { a: 2, b: 2 } })).toEqual({ a: 1n, b: 0n });
    expect(() => splitAmount(-1n, { of: 1, shares: { a: 1 } })).toThrow(RangeError);
  });

  test('of more than 32 roles is refused', () => {
    const shares = Object.fromEntries(Array.from({ length: 33 }, (_, index) => [`r${index}`, 1]));
    expect(splitSchema.safeParse({ of: 33, shares }).error?.issues[0]?.message).toBe('33 roles, at most 32');
  });
});

describe('data', () => {
  test.each(names)('of the preset %s survives a file', (name) => {
    const reread: unknown = JSON.parse(JSON.stringify(SCHEDULE_PRESETS[name]));
    expect(parseSchedule(reread)).toEqual(parseSchedule(SCHEDULE_PRESETS[name]));
  });

  test.each<[string, unknown, string]>([
    [
      'a number where tokens belong',
      { ...morpheus, firstDay: 14400 },
      'firstDay: expected a decimal in quotes, such as "14400.5"',
    ],
    ['a sign', { ...morpheus, firstDay: '-1' }, 'firstDay: expected digits, at most 15 before and 9 after'],
    ['ten decimals', { ...morpheus, firstDay: '0.0000000001' }, 'firstDay: expected digits'],
    ['an exponent', { ...morpheus, firstDay: '1e5' }, 'firstDay: expected digits'],
    ['no decrease', { ...morpheus, decreasePerDay: '0' }, 'decreasePerDay: expected more than 0'],
    [
      'shares that lose something',
      { ...morpheus, split: { of: 10_000, shares: { coders: 9999 } } },
      'split.shares: shares add up to 9999, expected 10000',
    ],
    ['a role with a space', { ...morpheus, split: { of: 1, shares: { 'a b': 1 } } }, 'split.shares.a b: '],
    [
      'a tail beyond the whole',
      { ...morpheus, tail: { ...morpheus.tail, burnedBps: 10_001 } },
      'tail.burnedBps: ',
    ],
    ['a key that nobody reads', { ...morpheus, tial: {} }, 'Unrecognized key: "tial"'],
    [
      'an escape sequence in its text',
      { ...morpheus, about: '\u001b[2J' },
      'about: expected text on one line',
    ],
    [
      'an unknown kind',
      { kind: 'exponential' },
      'kind: expected one of halving, issuance-halving, linear-decay, linear-vesting, stake-boost, budget-access',
    ],
    ['no object', [1], 'expected one of halving'],
    ['null', null, 'expected one of halving'],
    [
      'a reward finer than the token',
      { ...SCHEDULE_PRESETS.bitcoin, rewardPerBlock: '0.000000001' },
      'rewardPerBlock: has more decimals than the token',
    ],
    [
      'more issued than there can be',
      { ...SCHEDULE_PRESETS.bittensor, issuedBefore: '21000000.000000001' },
      'issuedBefore: more than the 21 million there can be',
    ],
    [
      'bounds the wrong way round',
      { ...SCHEDULE_PRESETS['heurist-boost'], maximumStake: '9999' },
      'maximumStake: expected at least minimumStake',
    ],
    ['no inputs', { ...SCHEDULE_PRESETS['heurist-boost'], at: [] }, 'at: '],
  ])('with %s is refused, with its path', (_case, value, message) => {
    const error = problemOf(value);
    expect(error.code).toBe('invalid-input');
    expect(error.message).toContain(`own.json: ${message}`);
  });

  test('that is refused is quoted where it is wrong', () => {
    expect(problemOf({ ...morpheus, tail: { ...morpheus.tail, supply: 42e6 } }).data).toEqual({
      what: 'own.json.tail.supply',
      expected: 'expected a decimal in quotes, such as "14400.5"',
      got: '42000000',
    });
  });

  test('with many problems names the first five', () => {
    const at = Array.from({ length: 9 }, () => 1);
    expect(problemOf({ ...SCHEDULE_PRESETS['heurist-boost'], at }).message).toMatch(/at\.4: .*; and 4 more$/);
  });
});

test('tokens are read to the last digit', () => {
  expect(parseTokens('2.468994701')).toBe(2_468_994_701n);
  expect(parseTokens('999999999999999.999999999')).toBe(999_999_999_999_999_999_999_999n);
  for (const text of ['', '1.', '.5', '01', '1 ', '1,000', 'NaN', '0x1'])
    expect(() => parseTokens(text)).toThrow(RangeError);
});
