import { describe, expect, test } from 'vitest';
import {
  DASH_EVERY,
  NEUTRAL,
  SEQUENTIAL,
  SERIES,
  SURFACE,
} from '../../../../src/emissions/report/palette.js';

type Rgb = readonly [number, number, number];

const linear = (hex: string): Rgb =>
  [1, 3, 5].map((at) => {
    const channel = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
    return channel <= 0.04045 ? channel / 12.92 : ((channel + 0.055) / 1.055) ** 2.4;
  }) as unknown as Rgb;

const luminance = (hex: string): number => {
  const [r, g, b] = linear(hex);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};

/** WCAG 2.2 */
const contrast = (a: string, b: string): number => {
  const [low, high] = [luminance(a), luminance(b)].sort((x, y) => x - y) as [number, number];
  return (high + 0.05) / (low + 0.05);
};

const apply = (matrix: readonly Rgb[], colour: Rgb): Rgb =>
  matrix.map((row) => row[0] * colour[0] + row[1] * colour[1] + row[2] * colour[2]) as unknown as Rgb;

/** Machado, Oliveira, Fernandes 2009, table 1, severity 1.0 */
const SIGHT: Readonly<Record<string, readonly Rgb[]>> = {
  normal: [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ],
  protan: [
    [0.152286, 1.052583, -0.204868],
    [0.114503, 0.786281, 0.099216],
    [-0.003882, -0.048116, 1.051998],
  ],
  deutan: [
    [0.367322, 0.860646, -0.227968],
    [0.280085, 0.672501, 0.047413],
    [-0.01182, 0.04294, 0.968881],
  ],
  tritan: [
    [1.255528, -0.076749, -0.178779],
    [-0.078411, 0.930809, 0.147602],
    [0.004733, 0.691367, 0.3039],
  ],
};

/** Ottosson 2020 */
function oklab(colour: Rgb): Rgb {
  const cone = apply(
    [
      [0.4122214708, 0.5363325363, 0.0514459929],
      [0.2119034982, 0.6806995451, 0.1073969566],
      [0.0883024619, 0.2817188376, 0.6299787005],
    ],
    colour.map((channel) => Math.min(Math.max(channel, 0), 1)) as unknown as Rgb,
  ).map(Math.cbrt) as unknown as Rgb;
  return apply(
    [
      [0.2104542553, 0.793617785, -0.0040720468],
      [1.9779984951, -2.428592205, 0.4505937099],
      [0.0259040371, 0.7827717662, -0.808675766],
    ],
    cone,
  );
}

const distance = (sight: string, a: string, b: string): number => {
  const [x, y] = [a, b].map((hex) => oklab(apply(SIGHT[sight]!, linear(hex)))) as [Rgb, Rgb];
  return 100 * Math.hypot(x[0] - y[0], x[1] - y[1], x[2] - y[2]);
};

describe.each(['light', 'dark'] as const)('colours of lines, %s', (theme) => {
  test('keep 3:1 to the surface', () => {
    for (const colour of [...SERIES[theme], NEUTRAL[theme]])
      expect(contrast(colour, SURFACE[theme]), colour).toBeGreaterThanOrEqual(3);
  });

  test.each(Object.keys(SIGHT))('of one dash can be told apart, %s sight', (sight) => {
    SERIES[theme].forEach((a, i) => {
      SERIES[theme].forEach((b, j) => {
        if (i < j && Math.floor(i / DASH_EVERY) === Math.floor(j / DASH_EVERY))
          expect(distance(sight, a, b), `${a} ${b}`).toBeGreaterThanOrEqual(9);
      });
    });
  });
});

test('the heat map grows lighter with every step', () => {
  const steps = SEQUENTIAL.map(luminance);
  expect([...steps].sort((a, b) => a - b)).toEqual(steps);
});
