import { expect, it } from 'vitest';
import { raoOf, toRao, toTokens } from '../../../../src/emissions/simulator/amounts.js';
import fc from '../../../support/properties.js';

it.each([
  [0, 0n],
  [0.1, 100_000_000n],
  [1e-9, 1n],
  [0.000_000_123, 123n],
  [20_999_999.999_999_9, 20_999_999_999_999_900n],
  [1e21, 10n ** 30n],
])('reads %d tokens as %d rao', (tokens, rao) => {
  expect(raoOf(tokens)).toBe(rao);
});

it.each([1e-10, 0.123_456_789_1, -1, Number.NaN, Number.POSITIVE_INFINITY])(
  'has no rao for %d tokens',
  (tokens) => {
    expect(raoOf(tokens)).toBeUndefined();
    expect(() => toRao(tokens)).toThrow(RangeError);
  },
);

it('loses nothing of fifteen digits, which a double can hold', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 999_999_999_999_999n }), (rao) => {
      expect(raoOf(toTokens(rao))).toBe(rao);
    }),
  );
});
