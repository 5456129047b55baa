// Literals without another origin are what the crates themselves gave (substrate-fixed 0.6.0 ln and exp, safe-math's
// checked_sqrt with 1/1000), compiled and run beside each other with these inputs.
import { describe, expect, it } from 'vitest';
import { I32F32, U64F64 } from '../../../src/emissions/fixed.js';
import { exp, ln, safeExp, squareRoot } from '../../../src/emissions/transcendental.js';
import fc from '../../support/properties.js';

const ONE = I32F32.one;
const toNumber = (raw: bigint): number => Number(raw) / 2 ** 32;

describe('ln', () => {
  it("is the crate's, to the last bit", () => {
    const known: readonly (readonly [bigint, bigint])[] = [
      [ONE, 0n],
      [3n * ONE, 4_718_503_913n],
      [2n * ONE, 2_977_044_511n],
      [ONE / 2n, -2_977_044_511n],
      [4n, -89_311_335_346n],
      [3n, -90_546_920_456n],
      [I32F32.max, 92_288_379_858n],
    ];
    for (const [raw, log] of known) expect(ln(raw)).toBe(log);
  });

  it('knows nothing of what is not positive, nor of what is too small to be inverted', () => {
    for (const raw of [2n, 1n, 0n, -1n, I32F32.min]) expect(ln(raw)).toBeUndefined();
  });

  it('is within 2·10^-8 of itself and 2^-28 of the real one', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 3n, max: I32F32.max }), fc.integer({ min: 0, max: 60 }), (any, shift) => {
        const raw = any >> BigInt(shift);
        fc.pre(raw > 2n);
        const real = Math.log(toNumber(raw));
        expect(Math.abs(toNumber(ln(raw)!) - real)).toBeLessThan(2e-8 * Math.abs(real) + 2 ** -28);
      }),
    );
  });
});

describe('exp', () => {
  it('has the constants of substrate-fixed for 0 and 1', () => {
    expect(exp(0n)).toBe(ONE);
    expect(exp(ONE)).toBe(11_674_931_200n);
    // the series is nearer to e, 11674931554.5, for all that its terms lose
    expect(exp(ONE + 1n)).toBe(11_674_931_552n);
    expect(exp(10n * ONE)).toBe(94_602_947_905_357n);
  });

  it('gives up where a step does not fit, below zero too', () => {
    for (const raw of [90_000_000_000n, -90_546_920_456n, I32F32.max, I32F32.min])
      expect(exp(raw)).toBeUndefined();
    // four raw units above zero are the smallest whose logarithm comes back
    expect(exp(-89_311_335_346n)).toBe(4n);
  });

  it('is within a millionth of the real one where liquid alpha uses it by default', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -5n * ONE, max: 5n * ONE }), (x) => {
        fc.pre(x !== ONE);
        expect(Math.abs(toNumber(exp(x)!) / Math.exp(toNumber(x)) - 1)).toBeLessThan(1e-6);
      }),
    );
  });

  it('is undone by ln to 10^-6', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: ONE, max: 46_340n * ONE }), (raw) => {
        expect(Math.abs(toNumber(exp(ln(raw)!)!) / toNumber(raw) - 1)).toBeLessThan(1e-6);
      }),
    );
  });
});

describe('safeExp', () => {
  it('clamps the power to 20, and inverts for negative ones', () => {
    const twenty = I32F32.fromInteger(20);
    expect(safeExp(twenty + 1n)).toBe(safeExp(twenty));
    expect(safeExp(I32F32.max)).toBe(safeExp(twenty));
    expect(safeExp(I32F32.min)).toBe(safeExp(-twenty));
    expect(safeExp(-twenty)).toBe((ONE * ONE) / safeExp(twenty));
    // 31 terms do not reach e^20
    expect(toNumber(safeExp(twenty)) / Math.exp(20)).toBeCloseTo(0.9919, 4);
  });
});

describe('squareRoot', () => {
  it('stops where the crate does, which is no nearer than its 1/1000 asks', () => {
    expect(squareRoot(2n * U64F64.one)).toBe(26_084_849_041_729_912_832n);
    expect(squareRoot(U64F64.one / 4n)).toBe(9_232_379_236_109_516_800n);
    expect(squareRoot(U64F64.one)).toBe(U64F64.one);
  });

  it('is within 1/1000 of the root', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 1n, max: 1n << 127n }), (raw) => {
        const root = Math.sqrt(Number(raw) / 2 ** 64);
        expect(Math.abs(Number(squareRoot(raw)) / 2 ** 64 - root)).toBeLessThan(0.001);
      }),
    );
  });
});
