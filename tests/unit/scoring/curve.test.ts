import { expect, test } from 'vitest';
import { curve } from '../../../src/scoring/curve.js';
import fc from '../../support/properties.js';

const values = fc.oneof(
  fc.bigInt({ min: 1n, max: 1n << 50n }),
  fc.bigInt({ min: 1n, max: 1n << 96n }),
  fc
    .integer({ min: 0, max: 96 })
    .chain((bits) => fc.constantFrom(1n << BigInt(bits), (1n << BigInt(bits)) + 1n)),
);
const quarters = fc.integer({ min: 1, max: 16 });

test('a power by quarters is the root that is exact to its last bit, of doubles and far beyond them', () => {
  fc.assert(
    fc.property(values, quarters, (value, by) => {
      const found = curve(value, by);
      const [of, power] = by % 4 === 0 ? [0n, 1n] : by % 2 === 0 ? [64n, 2n] : [128n, 4n];
      const whole = (value ** ((BigInt(by) * power) / 4n)) << of;
      expect(found ** power <= whole).toBe(true);
      expect((found + 1n) ** power > whole).toBe(true);
    }),
    { numRuns: 500 },
  );
});

test('more is never less, and what is something is never nothing', () => {
  fc.assert(
    fc.property(values, fc.bigInt({ min: 0n, max: 1n << 40n }), quarters, (value, more, by) => {
      expect(curve(value, by) > 0n).toBe(true);
      expect(curve(value + more, by) >= curve(value, by)).toBe(true);
    }),
  );
});
