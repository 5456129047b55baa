import { describe, expect, test } from 'vitest';
import { raoOf, taoText } from '../../../src/cli/tao.js';
import { isAssayError } from '../../../src/model/errors.js';
import fc from '../../support/properties.js';

const refused = (text: string): string => {
  try {
    raoOf(text, 'the amount');
  } catch (error) {
    if (isAssayError(error, 'invalid-input')) return error.message;
    throw error;
  }
  return expect.fail(`${text} was taken`);
};

describe('amounts', () => {
  test.each([
    ['1', 1_000_000_000n],
    ['0.5', 500_000_000n],
    ['0.000000001', 1n],
    ['12.345678901', 12_345_678_901n],
    // 2^64 - 1 rao, the most that the chain counts to
    ['18446744073.709551615', 18_446_744_073_709_551_615n],
  ])('%s TAO are %s rao', (text, rao) => {
    expect(raoOf(text, 'the amount')).toBe(rao);
  });

  test.each([
    '1e3',
    '1E-9',
    '+1',
    '-1',
    '1,000',
    '1_000',
    '1.',
    '.5',
    ' 1',
    '',
    'all',
    '0x10',
    'NaN',
    '١',
    '1.5.0',
  ])('are no amount when written as %j', (text) => {
    expect(refused(text)).toMatch(/^the amount: expected TAO as a plain decimal number/);
  });

  test('have nine decimals at most, zeros too', () => {
    expect(refused('1.0000000000')).toMatch(/at most nine decimals/);
  });

  test('fit into 64 bits', () => {
    expect(refused('18446744073.709551616')).toMatch(/an amount that the chain can count/);
    expect(refused('9'.repeat(12))).toMatch(/an amount that the chain can count/);
    expect(refused('9'.repeat(40))).toMatch(/plain decimal number/);
  });

  test('are what was printed, for every rao', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), (rao) => {
        expect(raoOf(taoText(rao), 'the amount')).toBe(rao);
      }),
    );
  });

  test('are never read as something else: whatever is taken is written back with the same value', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[0-9.eE+,-]{1,14}$/), (text) => {
        let rao: bigint;
        try {
          rao = raoOf(text, 'the amount');
        } catch {
          return;
        }
        const [whole = '', decimals = ''] = text.split('.');
        expect(rao).toBe(BigInt(whole) * 1_000_000_000n + BigInt(decimals.padEnd(9, '0')));
      }),
    );
  });
});
