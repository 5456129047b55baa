import { describe, expect, test } from 'vitest';
import {
  achieved,
  boundAdvice,
  figureOf,
  nominalAdvice,
  spreadOf,
  unsteady,
} from '../../../../src/verification/calibration/figures.js';

describe('a figure', () => {
  test('is a median between extremes, of any number of runs', () => {
    expect(figureOf([3, 1, 2])).toEqual({ median: 2, min: 1, max: 3 });
    expect(figureOf([4, 1, 2, 3])).toEqual({ median: 2.5, min: 1, max: 4 });
    expect(spreadOf(figureOf([90, 100, 120]))).toBeCloseTo(0.3);
    expect(spreadOf(figureOf([0]))).toBe(0);
    expect(() => figureOf([])).toThrow('values: expected at least one, got none');
  });

  test('is a share of its peak: more of a rate is better, less of a time', () => {
    const peak = { value: 200, of: 'the best' };
    expect(achieved({ name: 'rate', unit: 'B/s', ...figureOf([150]), peak })).toBe(0.75);
    expect(achieved({ name: 'time', unit: 'ns', ...figureOf([400]), peak })).toBe(0.5);
    expect(achieved({ name: 'rate', unit: 'B/s', ...figureOf([150]) })).toBeUndefined();
    expect(achieved({ name: 'rate', unit: 'ms', ...figureOf([0]), peak })).toBeUndefined();
  });

  test('that differs too much between runs says so', () => {
    expect(unsteady('rates', [figureOf([100, 110])])).toBeUndefined();
    expect(unsteady('rates', [figureOf([100, 110]), figureOf([80, 100])])).toMatch(/^rates differ by 22 %/);
  });
});

describe('advice', () => {
  test('of what counts one leaves a tenth either way to the class', () => {
    const why = 'it does so much';
    expect(nominalAdvice('rounds', { set: 10, found: 11, why })).toEqual({
      advice: [],
      notes: ['rounds stays: 11 here, 10 count one'],
    });
    expect(nominalAdvice('rounds', { set: 10, found: 12, why })).toEqual({
      advice: [{ parameter: 'rounds', from: 10, to: 12, why }],
      notes: [],
    });
  });

  test('of a bound is given as soon as one honest host breaks it', () => {
    expect(boundAdvice('hashBytesPerS', { set: 100, found: 100 })).toMatchObject({ advice: [] });
    expect(boundAdvice('hashBytesPerS', { set: 100, found: 101 }).advice).toMatchObject([
      { from: 100, to: 101 },
    ]);
    expect(boundAdvice('stepNs', { set: 300, found: 301, quicker: true })).toMatchObject({ advice: [] });
    expect(boundAdvice('stepNs', { set: 300, found: 250, quicker: true }).advice).toMatchObject([
      { from: 300, to: 250 },
    ]);
  });
});
