// Upstream's own tables (subtensor tests/math.rs), from tests/vectors/yuma-cases.json.
import { describe, expect, it } from 'vitest';
import { clipAtConsensus, consensusWeights, weightedMedian } from '../../../src/emissions/consensus.js';
import { fromU16Proportion, I32F32, sum, toU16Proportion } from '../../../src/emissions/fixed.js';
import { isTopK, isTopKNonzero } from '../../../src/emissions/permits.js';
import { isMaxLimited, maxUpscale, maxUpscaleFixed } from '../../../src/emissions/weights.js';
import { unitRows } from './yuma-vectors.js';

/** `I32F32::from_num` of a decimal that upstream writes as an f32 literal: nearest, on both conversions. */
const fixed = (decimal: number): bigint => BigInt(Math.round(Math.fround(decimal) * 2 ** 32));
const label = (row: unknown): string => JSON.stringify(row);

describe('upstream tables', () => {
  it('max-upscales u16 vectors as vec_u16_max_upscale_to_u16 does', () => {
    for (const row of unitRows<{ input: number[]; output: number[] }>('vec_u16_max_upscale_to_u16'))
      expect(maxUpscale(row.input), label(row)).toEqual(row.output);
  });

  it('max-upscales fixed vectors as vec_max_upscale_to_u16 does', () => {
    for (const row of unitRows<{ input: number[]; output: number[] }>('vec_max_upscale_to_u16'))
      expect(maxUpscaleFixed(row.input.map(fixed)), label(row)).toEqual(row.output);
  });

  it('limits the largest share as check_vec_max_limited does', () => {
    for (const row of unitRows<{ input: number[]; max_limit: number; output: boolean }>(
      'check_vec_max_limited',
    ))
      expect(isMaxLimited(row.input, row.max_limit), label(row)).toBe(row.output);
  });

  it('picks the top k as is_topk does, the later of equals', () => {
    for (const row of unitRows<{ input: number[]; k: number; output: boolean[] }>('is_topk'))
      expect(isTopK(row.input.map(BigInt), row.k), label(row)).toEqual(row.output);
  });

  it('finds the weighted median as weighted_median does', () => {
    type Row = { stake: number[]; score: number[]; majority: number; output: number };
    for (const row of unitRows<Row>('weighted_median (')) {
      const stake = row.stake.map(fixed);
      const minority = I32F32.one - fixed(row.majority);
      expect(weightedMedian(stake, row.score.map(fixed), minority, sum(stake)), label(row)).toBe(
        fixed(row.output),
      );
    }
  });

  it('finds the median of each column as weighted_median_col_sparse does', () => {
    type Row = { stake: number[]; weights: number[][]; majority: number; output: number[] };
    for (const row of unitRows<Row>('weighted_median_col(')) {
      const weights = row.weights.map((values) =>
        values.flatMap((value, column) => (value === 0 ? [] : [[column, fixed(value)] as const])),
      );
      expect(
        consensusWeights(row.stake.map(fixed), weights, row.output.length, fixed(row.majority)),
        label(row),
      ).toEqual(row.output.map(fixed));
    }
  });
});

describe('fixed point', () => {
  it('floors products and truncates quotients, also below zero', () => {
    expect(I32F32.mul(-1n, 1n)).toBe(-1n);
    expect(I32F32.mul(3n, I32F32.one / 2n)).toBe(1n);
    expect(I32F32.div(-1n, I32F32.fromInteger(2))).toBe(0n);
    expect(I32F32.div(I32F32.one, I32F32.fromInteger(3))).toBe(1_431_655_765n);
  });

  it('gives 0 for a division by zero and for a quotient that does not fit', () => {
    expect(I32F32.div(I32F32.one, 0n)).toBe(0n);
    expect(I32F32.div(I32F32.one, 1n)).toBe(0n);
  });

  it('saturates instead of wrapping', () => {
    expect(I32F32.fromInteger(2n ** 31n)).toBe(2n ** 63n - 1n);
    expect(I32F32.mul(I32F32.fromInteger(65535), I32F32.fromInteger(65535))).toBe(2n ** 63n - 1n);
    expect(I32F32.sub(I32F32.min, 1n)).toBe(-(2n ** 63n));
  });

  it('keeps 65535 as exactly 1, and takes anything less than 1 to at most 65534', () => {
    expect(fromU16Proportion(65535)).toBe(I32F32.one);
    expect(fromU16Proportion(32767)).toBe(2_147_450_879n);
    expect(toU16Proportion(I32F32.one)).toBe(65535);
    expect(toU16Proportion(I32F32.one - 1n)).toBe(65534);
    expect(toU16Proportion(-1n)).toBe(0);
  });

  it('rejects weights that are no u16', () => {
    expect(() => maxUpscale([65536])).toThrow(RangeError);
    expect(() => maxUpscale([0.5])).toThrow(RangeError);
  });

  it('upscales the three examples of the reference', () => {
    expect(maxUpscale([1, 2])).toEqual([32768, 65535]);
    expect(maxUpscale([43690, 21845])).toEqual([65535, 32768]);
    expect(maxUpscale([65534])).toEqual([65535]);
  });

  it('never permits a neuron without stake, however many places are free', () => {
    expect(isTopKNonzero([0n, 5n, 0n], 64)).toEqual([false, true, false]);
    expect(isTopKNonzero([5n, 5n, 5n], 2)).toEqual([false, true, true]);
  });

  it('clips at consensus, drops what exceeds a consensus of 0 and keeps explicit zeros', () => {
    const row = [[0, 5n] as const, [1, 5n] as const, [2, 0n] as const, [3, 2n] as const];
    expect(clipAtConsensus([row], [3n, 0n, 0n, 3n])).toEqual([
      [
        [0, 3n],
        [2, 0n],
        [3, 2n],
      ],
    ]);
  });
});
