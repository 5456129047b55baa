import { describe, expect, it } from 'vitest';
import { isRare, lowerBound, MAX_TRIALS, RATE_ONE } from '../../../src/model/binomial.js';
import { exactInterval } from '../../../src/testing/attacks/interval.js';

describe('a binomial count', () => {
  it('is rare exactly when its probability is at most the limit', () => {
    // three heads of three: 1 in 8
    expect(isRare(3, 3, [1n, 2n], [1n, 8n])).toBe(true);
    expect(isRare(3, 3, [1n, 2n], [124_999n, 1_000_000n])).toBe(false);
    // one or more of three: 7 in 8, summed over the other side
    expect(isRare(1, 3, [1n, 2n], [7n, 8n])).toBe(true);
    expect(isRare(1, 3, [1n, 2n], [6n, 7n])).toBe(false);
    expect(isRare(0, 3, [1n, 2n], [1n, 2n])).toBe(false);
    expect(isRare(1, 5, [0n, 1n], [0n, 1n])).toBe(true); // what cannot be
    expect(isRare(5, 5, [1n, 1n], [99n, 100n])).toBe(false); // what must be
  });

  it('sums to one over both sides', () => {
    for (const [successes, trials] of [
      [2, 7],
      [5, 7],
      [30, 100],
      [71, 100],
    ] as const) {
      // P(X >= k) at p is 1 - P(X >= n - k + 1) at 1 - p
      const at = (k: number, p: bigint, limit: bigint) => isRare(k, trials, [p, 10n], [limit, 10_000n]);
      let upper = 0n;
      while (!at(successes, 3n, upper)) upper++;
      let lower = 0n;
      while (!at(trials - successes + 1, 7n, lower)) lower++;
      expect(upper + lower - 10_000n).toBeGreaterThanOrEqual(0n);
      expect(upper + lower - 10_000n).toBeLessThanOrEqual(1n);
    }
  });

  it('bounds its rate from below as the interval in doubles does, rounded down', () => {
    for (const [successes, trials] of [
      [8, 8],
      [24, 24],
      [96, 96],
      [70, 72],
      [1, 6],
      [60, 100],
      [700, 768],
    ] as const) {
      const [low] = exactInterval(successes, trials, 0.9);
      const bound = lowerBound(successes, trials, [1n, 20n]);
      expect(bound).toBe(Math.floor(low * RATE_ONE));
    }
    expect(lowerBound(8, 8, [1n, 20n])).toBe(721_059); // .6877: the twentieth part's eighth root
    expect(lowerBound(0, 8, [1n, 20n])).toBe(0);
  });

  it('refuses counts that are none', () => {
    for (const [k, n] of [
      [-1, 3],
      [4, 3],
      [0, 0],
      [1.5, 3],
      [0, MAX_TRIALS + 1],
    ] as const)
      expect(() => lowerBound(k, n, [1n, 20n])).toThrow(RangeError);
  });
});
