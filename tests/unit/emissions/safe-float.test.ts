// The decimal floats of share pools. Origin of the vectors: subtensor primitives/share-pool/src/lib.rs, mod tests.
import { describe, expect, it } from 'vitest';
import {
  buysShares,
  type Shares,
  shareValue,
  toFloat,
  withStakeChanged,
  ZERO_FLOAT,
} from '../../../src/emissions/safe-float.js';
import fc from '../../support/properties.js';

const E21 = 10n ** 21n;

/** Several stakers of one pool. */
function poolOf(stakers: number) {
  let poolRao = 0n;
  let total = ZERO_FLOAT;
  const own = Array.from({ length: stakers }, () => ZERO_FLOAT);
  const shares = (staker: number): Shares => ({ poolRao, total, own: own[staker]! });
  return {
    shares,
    value: (staker: number) => shareValue(shares(staker)),
    change(staker: number, deltaRao: bigint) {
      const after = withStakeChanged(shares(staker), deltaRao);
      poolRao = after.poolRao;
      total = after.total;
      own[staker] = after.own;
    },
    emit(rao: bigint) {
      poolRao += rao;
    },
    get poolRao() {
      return poolRao;
    },
  };
}

describe('a SafeFloat', () => {
  it('has 21 digits, or is 10^21 itself (test_safefloat_normalize)', () => {
    expect([1n, 10n, 1000n, 10n ** 20n, E21].map(toFloat)).toEqual([
      { mantissa: E21, exponent: -21n },
      { mantissa: E21, exponent: -20n },
      { mantissa: E21, exponent: -18n },
      { mantissa: E21, exponent: -1n },
      { mantissa: E21, exponent: 0n },
    ]);
    expect(toFloat(0n)).toEqual({ mantissa: 0n, exponent: 0n });
    expect(() => toFloat(-1n)).toThrow(RangeError);
  });
});

describe('shares', () => {
  it('are worth their part of the pool, floored (test_get_value, test_max_shared_value, test_division_by_zero)', () => {
    const value = (poolRao: bigint, own: bigint, total: bigint) =>
      shareValue({ poolRao, own: toFloat(own), total: toFloat(total) });
    expect([value(100n, 3n, 10n), value(100n, 7n, 10n), value(100n, 7n, 0n)]).toEqual([30n, 70n, 0n]);
    const U64_MAX = 2n ** 64n - 1n;
    expect(value(U64_MAX, 3n, 10n) + value(U64_MAX, 7n, 10n)).toBe(U64_MAX - 1n);
    expect(value(1_000_000_000n, U64_MAX / 2n, U64_MAX)).toBe(499_999_999n);
  });

  it('keep their worth where almost all is withdrawn (test_denom_precision)', () => {
    const pool = poolOf(2);
    for (const staker of [0, 1]) {
      pool.change(staker, 1000n);
      pool.change(staker, -990n);
    }
    expect([pool.value(0), pool.value(1)]).toEqual([10n, 10n]);
  });

  it('keep it through emissions a billion times the stake (test_denom_high_precision)', () => {
    const pool = poolOf(2);
    for (const staker of [0, 1]) pool.change(staker, 1n);
    pool.emit(999_999_999_999_998n);
    for (const staker of [0, 1]) pool.change(staker, -499_999_999_999_990n);
    pool.emit(999_999_999_999_980n);
    for (const staker of [0, 1]) pool.change(staker, 1_000_000_000_000n);
    for (const staker of [0, 1]) expect(Number(pool.value(staker)) - 501e12).toBeCloseTo(0, 0);
  });

  it('keep it through a thousand small withdrawals (test_denom_high_precision_many_small_unstakes)', () => {
    const pool = poolOf(2);
    for (const staker of [0, 1]) pool.change(staker, 1n);
    pool.emit(1_000_000_000_000_000n);
    for (let i = 0; i < 1000; i++) for (const staker of [0, 1]) pool.change(staker, -500_000_000n);
    pool.emit(1_000_000_000_000_000n);
    for (const staker of [0, 1]) pool.change(staker, 1_000_000_000_000n);
    const expected = 1_001_000_000_000_000 - 1000 * 500_000_000;
    for (const staker of [0, 1])
      expect(Math.abs(Number(pool.value(staker)) - expected)).toBeLessThanOrEqual(1);
  });

  it('cannot be had for nothing of a pool that has some', () => {
    const { poolRao, total } = withStakeChanged({ poolRao: 0n, total: ZERO_FLOAT, own: ZERO_FLOAT }, 5n);
    expect([buysShares(poolRao, total, 0n), buysShares(poolRao, total, 1n)]).toEqual([false, true]);
    expect(buysShares(0n, ZERO_FLOAT, 0n)).toBe(true);
  });

  it('are together never worth more than the pool by a rao each, and a change is worth what it says', () => {
    const step = fc.record({
      staker: fc.nat(3),
      kind: fc.constantFrom('stake', 'unstake', 'emit'),
      rao: fc.bigInt(1n, 10n ** 16n),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const pool = poolOf(4);
        for (const { staker, kind, rao } of steps) {
          const before = pool.value(staker);
          if (kind === 'emit') {
            if (pool.shares(0).total.mantissa > 0n) pool.emit(rao % 10n ** 12n);
            continue;
          }
          const amount = kind === 'stake' ? rao : before < rao ? before : rao;
          pool.change(staker, kind === 'stake' ? amount : -amount);
          const moved = pool.value(staker) - before;
          const asked = kind === 'stake' ? amount : -amount;
          expect(moved - asked >= -1n && moved - asked <= 1n).toBe(true);
          const values = [0, 1, 2, 3].map(pool.value).reduce((sum, value) => sum + value, 0n);
          expect(values <= pool.poolRao).toBe(true);
        }
      }),
      { numRuns: 400 },
    );
  });
});
