import { describe, expect, it } from 'vitest';
import { U64F64 } from '../../../src/emissions/fixed.js';
import {
  bumpBurn,
  DEFAULT_BURN_INCREASE,
  decayBurn,
  decayFactor,
} from '../../../src/emissions/registration.js';
import fc from '../../support/properties.js';

const unbounded = { minBurnRao: 0n, maxBurnRao: (1n << 64n) - 1n };
const twice = U64F64.fromInteger(2);

describe('registration price', () => {
  it('doubles on registration and decays from the next block (test_burn_decay)', () => {
    const bumped = bumpBurn(1_000n, twice, unbounded);
    expect(bumped).toBe(2_000n);
    expect(decayBurn(bumped, 1_000, unbounded)).toBe(1_998n);
  });

  it('halves every half-life, floored each block (test_burn_halves_every_half_life)', () => {
    let burn = 1_024n;
    const seen: bigint[] = [];
    for (let block = 0; block < 4; block++) {
      burn = decayBurn(burn, 2, unbounded);
      seen.push(burn);
    }
    expect([seen[1], seen[3]]).toEqual([511n, 255n]);
  });

  it('stays between the bounds (test_burn_min_and_max_clamps)', () => {
    const bounds = { minBurnRao: 100_000n, maxBurnRao: 150_000n };
    expect(decayBurn(1n, 1, bounds)).toBe(100_000n);
    expect(bumpBurn(100_000n, twice, bounds)).toBe(150_000n);
    expect(decayBurn(150_000n, 1, bounds)).toBe(100_000n);
  });

  it('multiplies by 1.26 by default: 1 TAO becomes 1.26 TAO', () => {
    expect(bumpBurn(1_000_000_000n, DEFAULT_BURN_INCREASE, unbounded)).toBe(1_260_000_000n);
    expect(bumpBurn(100n, U64F64.one / 2n, unbounded)).toBe(100n);
  });

  it('does not decay with a half-life of 0', () => {
    expect(decayBurn(777n, 0, unbounded)).toBe(777n);
  });

  it('decays by the largest 32-bit factor whose power, floored as it is squared, is at most one half', () => {
    expect(decayFactor(1)).toBe(1n << 31n);
    expect(decayFactor(0)).toBe(1n << 32n);
    expect(Number(decayFactor(360)) / 2 ** 32).toBeCloseTo(0.5 ** (1 / 360), 8);
  });

  it('loses about half within a half-life of any length', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2_000 }), (halfLife) => {
        let burn = 100_000_000_000n;
        for (let block = 0; block < halfLife; block++) burn = decayBurn(burn, halfLife, unbounded);
        expect(Number(burn) / 1e11).toBeCloseTo(0.5, 4);
      }),
      { numRuns: 25 },
    );
  });
});
