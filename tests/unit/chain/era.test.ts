import { describe, expect, it } from 'vitest';
import { type EraBounds, planEra } from '../../../src/chain/era.js';
import fc from '../../support/properties.js';

const plan = (bounds: Omit<EraBounds, 'longest'>) => planEra({ longest: 64, ...bounds });

describe('the era of a call', () => {
  it('counts from the finalised block, and from the best one where finality lags', () => {
    expect(plan({ best: 100, finalized: 84 })).toEqual({ birth: 84, period: 64 });
    expect(plan({ best: 100, finalized: 83 })).toEqual({ birth: 100, period: 64 });
  });

  it.each([
    // best, finalised, wanted, birth, period
    [70, 68, 75, 67, 8],
    [70, 68, 90, 58, 32],
    [70, 68, 120, 56, 64],
    [70, 50, 90, 26, 64],
  ])('at %i (final %i) ends in block %i exactly', (best, finalized, deathBlock, birth, period) => {
    expect(plan({ best, finalized, deathBlock })).toEqual({ birth, period });
    expect(birth + period).toBe(deathBlock);
  });

  it.each([
    [5, 3, 12, 3, 8], // a chain younger than the period that would end there
    [5, 3, 60, 3, 32],
    [70, 50, 120, 50, 64], // 114; from the best block 102
    [70, 50, 140, 70, 64], // 134; from the finalised one 114
    [6, 0, 9, 0, 8],
    [7, 0, 9, undefined, undefined], // 8 from block 0 is over after 7, 4 from block 7 would be 11
    [7, 0, 12, 7, 4],
  ])(
    'at %i (final %i) that should end in block %i ends before it',
    (best, finalized, deathBlock, birth, period) => {
      expect(plan({ best, finalized, deathBlock })).toEqual(
        birth === undefined ? undefined : { birth, period },
      );
    },
  );

  it('is refused where the next block would be too late', () => {
    expect(plan({ best: 70, finalized: 68, deathBlock: 71 })).toBeUndefined();
    expect(plan({ best: 70, finalized: 68, deathBlock: 72 })).toEqual({ birth: 68, period: 4 });
  });

  it('never ends after the block wanted, nor before the next one, and is known to the chain', () => {
    const heights = fc.record({
      finalized: fc.integer({ min: 0, max: 300 }),
      lag: fc.integer({ min: 0, max: 80 }),
      ahead: fc.integer({ min: -3, max: 200 }),
    });
    fc.assert(
      fc.property(heights, ({ finalized, lag, ahead }) => {
        const best = finalized + lag;
        const era = plan({ best, finalized, deathBlock: best + ahead });
        if (!era) return ahead < 4; // with so many left, 4 from the best block always is one
        const { birth, period } = era;
        const death = birth + period;
        return (
          Number.isInteger(Math.log2(period)) &&
          period >= 4 &&
          period <= 64 &&
          birth >= 0 &&
          birth <= best &&
          death > best + 1 &&
          death <= best + ahead
        );
      }),
      { numRuns: 2_000 },
    );
  });
});
