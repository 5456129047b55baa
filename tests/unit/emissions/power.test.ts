import { describe, expect, it } from 'vitest';
import { ACCURACY, powerOfRatio, shrinkPower } from '../../../src/emissions/power.js';
import fc from '../../support/properties.js';

const ratio = (numerator: bigint, denominator: bigint) => ({ numerator, denominator });
const weights = (taoWeight: bigint) => ratio(taoWeight, ACCURACY - taoWeight);

describe('powerOfRatio', () => {
  it("gives safe-bigmath's own examples (integer.rs, rev 013c499)", () => {
    const base = ratio(21_000_000_000_000_000n, 28_000_000_000_000_000n);
    expect(powerOfRatio(base, weights(600_000_000_000_000_000n))).toBe(649_519_052_838_328_985n);
    expect(powerOfRatio(ratio(2n, 3n), ratio(1n, 2n))).toBe(816_496_580_927_726_032n);
    const nearOne = ratio(21_000_000_000_000_000n, 21_000_000_000_000_100n);
    for (const taoWeight of [500_000_000_000_000_000n, 499_999_999_999_500_000n, 500_000_000_000_250_000n])
      expect(powerOfRatio(nearOne, weights(taoWeight))).toBe(999_999_999_999_995_238n);
    const nearest = ratio(21_000_000_000_000_000n, 21_000_000_000_000_001n);
    expect(powerOfRatio(nearest, weights(499_999_999_500_000_000n))).toBe(999_999_999_999_999_952n);
  });

  it('floors the true value: expectations by Python, decimal of 120 digits, exp(exponent·ln(base))', () => {
    const cases: readonly (readonly [bigint, bigint, ReturnType<typeof ratio>, bigint])[] = [
      [20_000_123_456_789n, 20_000_126_456_789n, weights(490_123_456_789_012_345n), 999_999_855_812_049_273n],
      [400_775_553n, 14_446_634_308_441_135n, weights(102_337_248_363_782_924n), 137_558_120_932_567_453n],
      [7_000_000_000n, 7_000_010_000n, weights(227_000_000_000_000_000n), 999_999_580_484_586_504n],
      [
        123_456_789n,
        987_654_321n,
        ratio(987_654_321_123_456_789n, 123_456_789_987_654_321n),
        59_604_639_203n,
      ],
      [10n ** 12n, 2n * 10n ** 12n, weights(612_345_678_901_234_567n), 334_570_503_857_176_504n],
      [10n ** 15n, 10n ** 15n + 10n ** 11n, weights(333_333_333_333_333_333n), 999_950_003_749_687_527n],
    ];
    for (const [numerator, denominator, exponent, expected] of cases)
      expect(powerOfRatio(ratio(numerator, denominator), exponent)).toBe(expected);
    const half = ratio(1_844_674_407_370_955_161n, 3_689_348_814_741_910_323n);
    expect(powerOfRatio(half, ratio(750_000_000_000_000_001n, ACCURACY), 1024)).toBe(
      594_603_557_501_360_532n,
    );
  });

  it('is 0 of nothing, and noise far beyond what the series can carry, as on the chain', () => {
    expect(powerOfRatio(ratio(0n, 5n), weights(300_000_000_000_000_001n))).toBe(0n);
    // 1/1001 to the 99th: the true value is 10^-297
    const noise = powerOfRatio(ratio(1_000_003n, 1_001_003_007n), weights(989_999_999_999_999_999n));
    expect(noise > ACCURACY || noise < 0n).toBe(true);
  });
});

describe('shrinkPower', () => {
  const reserve = fc.bigInt({ min: 1_000_000n, max: 21_000_000_000_000_000n });
  const taoWeight = fc.bigInt({ min: ACCURACY / 100n, max: (ACCURACY * 99n) / 100n });

  it('is powerOfRatio, whichever way it takes', () => {
    fc.assert(
      fc.property(reserve, fc.bigInt({ min: 1n, max: 1n << 40n }), taoWeight, (before, divisor, weight) => {
        const grown = before + before / divisor + 1n;
        const exponent = weights(weight);
        expect(shrinkPower(before, grown, exponent)).toBe(powerOfRatio(ratio(before, grown), exponent));
      }),
      { numRuns: 400 },
    );
  });

  it('is powerOfRatio next to equal weights, and where the result is whole', () => {
    const near = fc.bigInt({ min: -1_000_000n, max: 1_000_000n });
    fc.assert(
      fc.property(reserve, near, fc.bigInt({ min: 1n, max: 10_000n }), (before, off, added) => {
        const exponent = weights(ACCURACY / 2n + off);
        expect(shrinkPower(before, before + added, exponent)).toBe(
          powerOfRatio(ratio(before, before + added), exponent),
        );
      }),
      { numRuns: 300 },
    );
    expect(shrinkPower(4n * 10n ** 12n, 5n * 10n ** 12n, ratio(2n, 1n))).toBe(640_000_000_000_000_000n);
  });
});
