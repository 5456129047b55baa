import { expect, it } from 'vitest';
import { draw, drawNormal, keyOf } from '../../../../src/emissions/simulator/noise.js';

it('gives the same value for the same names, in whatever order they are asked for', () => {
  const seed = keyOf('seed');
  const names = [1, 2, 3].map((i) => keyOf(`agent/${i}`));
  const forward = names.map((name) => draw(seed, name, 7, 0));
  const backward = [...names].reverse().map((name) => draw(seed, name, 7, 0));
  expect(backward.reverse()).toEqual(forward);
  expect(new Set(forward).size).toBe(3);
});

it('is about normal: mean 0, deviation 1, a twentieth beyond 1.96', () => {
  const seed = keyOf('normal');
  const values = Array.from({ length: 40_000 }, (_, i) => drawNormal(seed, i % 200, Math.floor(i / 200), 1));
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
  const beyond = values.filter((value) => Math.abs(value) > 1.96).length / values.length;
  expect(Math.abs(mean)).toBeLessThan(0.02); // four standard errors
  expect(Math.abs(variance - 1)).toBeLessThan(0.03);
  expect(beyond).toBeGreaterThan(0.03);
  expect(beyond).toBeLessThan(0.06);
  expect(Math.max(...values.map(Math.abs))).toBeLessThanOrEqual(2 * Math.sqrt(3));
});

it('does not correlate neighbours', () => {
  const seed = keyOf('neighbours');
  const pairs = Array.from(
    { length: 20_000 },
    (_, i) => [drawNormal(seed, 5, i, 1), drawNormal(seed, 5, i, 2)] as const,
  );
  const covariance = pairs.reduce((sum, [a, b]) => sum + a * b, 0) / pairs.length;
  expect(Math.abs(covariance)).toBeLessThan(0.03);
});
