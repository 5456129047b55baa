import { expect, it } from 'vitest';
import { createSeriesRecorder } from '../../../../src/emissions/simulator/series.js';
import fc from '../../../support/properties.js';

const columns = [
  { name: 'paid', kind: 'flow', unit: 'alpha' },
  { name: 'price', kind: 'level', unit: 'TAO' },
] as const;

it('keeps every epoch while there is room', () => {
  const recorder = createSeriesRecorder(columns, 4);
  for (let epoch = 1; epoch <= 3; epoch++) recorder.add(epoch, [epoch, epoch * 10]);
  expect(recorder.finish()).toEqual({
    columns,
    epochs: [1, 2, 3],
    epochsPerPoint: 1,
    points: [
      [1, 10],
      [2, 20],
      [3, 30],
    ],
  });
});

it('joins neighbours when it is full: flows add up, levels keep the later', () => {
  const recorder = createSeriesRecorder(columns, 4);
  for (let epoch = 1; epoch <= 7; epoch++) recorder.add(epoch, [1, epoch]);
  expect(recorder.finish()).toMatchObject({
    epochs: [2, 4, 6, 7],
    epochsPerPoint: 2,
    points: [
      [2, 2],
      [2, 4],
      [2, 6],
      [1, 7],
    ],
  });
});

it('never holds more than its limit and never loses a flow', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 600 }), fc.constantFrom(2, 4, 8, 64), (epochs, limit) => {
      const recorder = createSeriesRecorder(columns, limit);
      for (let epoch = 1; epoch <= epochs; epoch++) recorder.add(epoch, [1, epoch]);
      const series = recorder.finish();
      expect(series.points.length).toBeLessThanOrEqual(limit);
      expect(series.points.reduce((sum, [paid]) => sum + paid!, 0)).toBe(epochs);
      expect(series.points.at(-1)![1]).toBe(epochs);
      expect(series.epochs.at(-1)).toBe(epochs);
    }),
  );
});

it.each([0, 1, 3, -2, 2.5, Number.NaN])('refuses to keep %d points', (limit) => {
  expect(() => createSeriesRecorder(columns, limit)).toThrow('points: expected an even number of at least 2');
});
