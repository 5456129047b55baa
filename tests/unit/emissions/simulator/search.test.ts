import { describe, expect, test } from 'vitest';
import { mostEvaluations, search } from '../../../../src/emissions/simulator/search.js';
import fc from '../../../support/properties.js';

const unit = { from: 0, to: 1 } as const;
const judgedBy = (holds: (value: number) => boolean) => async (value: number) => ({ holds: holds(value) });

describe('search', () => {
  test('samples the range with both ends and then halves the interval of the smallest value that holds', async () => {
    const result = await search({
      ...unit,
      want: 'smallest',
      tolerance: 0.05,
      samples: 5,
      judge: judgedBy((value) => value >= 0.3),
    });
    expect(result).toEqual({
      outcome: 'found',
      value: 0.3125,
      bracket: [0.28125, 0.3125],
      evaluations: 8,
      monotone: true,
      samples: [
        { value: 0, holds: false },
        { value: 0.25, holds: false },
        { value: 0.5, holds: true },
        { value: 0.75, holds: true },
        { value: 1, holds: true },
      ],
      bisection: [
        { value: 0.375, holds: true },
        { value: 0.3125, holds: true },
        { value: 0.28125, holds: false },
      ],
    });
  });

  test('finds the largest value where it holds below', async () => {
    const { value, bracket } = await search({
      ...unit,
      want: 'largest',
      judge: judgedBy((at) => at <= 0.3),
    });
    expect(bracket).toEqual([0.300_781_25, 0.299_804_688]);
    expect(value).toBe(0.299_804_688);
  });

  test('takes the outermost interval when it holds in two places, and says that there are two', async () => {
    const twice = judgedBy((at) => (at > 0.2 && at < 0.4) || at > 0.7);
    const smallest = await search({ ...unit, want: 'smallest', judge: twice });
    expect(smallest.monotone).toBe(false);
    expect(smallest.value).toBeCloseTo(0.2, 2);
    const island = await search({
      ...unit,
      want: 'largest',
      judge: judgedBy((at) => at > 0.2 && at < 0.4),
    });
    expect(island.monotone).toBe(false);
    expect(island.value).toBeCloseTo(0.4, 2);
  });

  test('says plainly that it holds nowhere, everywhere, or up to the end of the range', async () => {
    const nowhere = await search({ ...unit, want: 'smallest', judge: judgedBy(() => false) });
    expect(nowhere).toMatchObject({
      outcome: 'holds-nowhere',
      value: undefined,
      bracket: undefined,
      evaluations: 9,
    });
    const everywhere = await search({ ...unit, want: 'largest', judge: judgedBy(() => true) });
    expect(everywhere).toMatchObject({
      outcome: 'holds-everywhere',
      value: 1,
      bracket: undefined,
      evaluations: 9,
    });
    const end = await search({ ...unit, want: 'largest', judge: judgedBy((at) => at > 0.4) });
    expect(end).toMatchObject({ outcome: 'found', value: 1, bracket: undefined, evaluations: 9 });
  });

  test('tries whole numbers only when asked to, each once', async () => {
    const tried: number[] = [];
    const result = await search({
      from: 0,
      to: 5,
      want: 'smallest',
      integer: true,
      judge: async (value) => {
        tried.push(value);
        return { holds: value >= 4 };
      },
    });
    expect(tried).toEqual([0, 1, 2, 3, 4, 5]);
    expect(result).toMatchObject({ value: 4, bracket: [3, 4], evaluations: 6 });
  });

  test('asks for all samples before the first answer is there', async () => {
    let asked = 0;
    let answer: () => void = () => {};
    const all = new Promise<void>((resolve) => {
      answer = resolve;
    });
    const judge = async (): Promise<{ holds: boolean }> => {
      asked++;
      if (asked === 9) answer();
      await all;
      return { holds: false };
    };
    expect((await search({ ...unit, want: 'smallest', judge })).evaluations).toBe(9);
  });

  test('keeps what the judge said of each value', async () => {
    const judge = async (value: number) => ({ holds: value >= 0.5, profit: value - 0.5 });
    const { samples } = await search({ ...unit, want: 'smallest', samples: 2, judge });
    expect(samples).toEqual([
      { value: 0, holds: false, profit: -0.5 },
      { value: 1, holds: true, profit: 0.5 },
    ]);
  });

  test('ends with the first value that cannot be judged', async () => {
    const judge = async (): Promise<{ holds: boolean }> => {
      throw new Error('out of range');
    };
    await expect(search({ ...unit, want: 'smallest', judge })).rejects.toThrow('out of range');
  });

  test('refuses ranges, tolerances and sample counts that cannot be', async () => {
    const base = { ...unit, want: 'smallest', judge: judgedBy(() => true) } as const;
    await expect(search({ ...base, to: 0 })).rejects.toThrow(RangeError);
    await expect(search({ ...base, to: Number.POSITIVE_INFINITY })).rejects.toThrow(RangeError);
    await expect(search({ ...base, to: 1.5, integer: true })).rejects.toThrow('whole numbers');
    await expect(search({ ...base, tolerance: 0 })).rejects.toThrow('tolerance');
    await expect(search({ ...base, samples: 1 })).rejects.toThrow('2 samples');
  });

  test('comes as close as asked to any threshold, with no more runs than announced', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.constantFrom(0.1, 0.01, 1e-6),
        fc.integer({ min: 2, max: 12 }),
        fc.boolean(),
        async (threshold, tolerance, samples, upwards) => {
          const judge = judgedBy((at) => (upwards ? at >= threshold : at <= threshold));
          const range = { ...unit, tolerance, samples };
          const { value, evaluations, monotone } = await search({
            ...range,
            want: upwards ? 'smallest' : 'largest',
            judge,
          });
          expect(monotone).toBe(true);
          // to nine decimals, as values are tried
          expect(Math.abs(value! - threshold)).toBeLessThanOrEqual(tolerance + 1e-9);
          expect(upwards ? value! >= threshold : value! <= threshold).toBe(true);
          expect(evaluations).toBeLessThanOrEqual(mostEvaluations(range));
        },
      ),
    );
  });

  test('finds the very number when numbers are whole', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: -1000, max: 65_535 }), async (threshold) => {
        const input = { from: -1000, to: 65_535, integer: true, want: 'smallest' } as const;
        const { value } = await search({ ...input, judge: judgedBy((at) => at >= threshold) });
        expect(value).toBe(threshold);
      }),
    );
  });
});
