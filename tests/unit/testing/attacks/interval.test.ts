import { describe, expect, test } from 'vitest';
import { exactInterval } from '../../../../src/testing/attacks/interval.js';

// halving the binomial distribution's own sums, in Python: tail(k, n, p) = sum(comb(n, i) * p**i * (1-p)**(n-i) for i in range(k+1))
describe('the interval of Clopper and Pearson', () => {
  test.each([
    [0, 100, 0.95, 0, 0.036_216_69],
    [5, 100, 0.95, 0.016_431_88, 0.112_834_91],
    [50, 100, 0.95, 0.398_321_13, 0.601_678_87],
    [100, 100, 0.95, 0.963_783_31, 1],
    [1, 1, 0.9, 0.05, 1],
    [7, 20, 0.99, 0.113_879_76, 0.656_568_58],
    [3, 10_000, 0.999, 0.000_014_97, 0.001_392_64],
  ])('%i of %i at %d', (successes, runs, confidence, low, high) => {
    const [from, to] = exactInterval(successes, runs, confidence);
    expect(from).toBeCloseTo(low, 7);
    expect(to).toBeCloseTo(high, 7);
  });

  test('inverts the binomial distribution', () => {
    // chance of at most 3 of 12 at the upper end is the tail
    const [, high] = exactInterval(3, 12, 0.98);
    let chance = 0;
    for (let i = 0, ways = 1; i <= 3; ways = (ways * (12 - i)) / (i + 1), i++)
      chance += ways * high ** i * (1 - high) ** (12 - i);
    expect(chance).toBeCloseTo(0.01, 10);
  });

  test('refuses counts that are none', () => {
    expect(() => exactInterval(2, 1, 0.95)).toThrow(RangeError);
    expect(() => exactInterval(0, 0, 0.95)).toThrow(RangeError);
    expect(() => exactInterval(0, 1, 1)).toThrow(RangeError);
  });
});
