import { describe, expect, test } from 'vitest';
import { CLIENT_SCRIPT, FORMAT_SCRIPT, HEAT_SCRIPT } from '../../../../src/emissions/report/client.js';
import { formatFixed, formatNumber } from '../../../../src/emissions/report/numbers.js';
import { DIVERGING, SEQUENTIAL } from '../../../../src/emissions/report/palette.js';

interface FormatScript {
  formatFixed(value: number | null, decimals: number): string;
  formatNumber(value: number | null): string;
}
interface Scale {
  low: number;
  high: number;
  stops: readonly string[];
}
interface HeatScript {
  heatScale(values: (number | null)[]): Scale;
  heatDecimals(scale: Scale): number;
  heatColour(scale: Scale, value: number): { background: string; ink: string };
}

const format = new Function(`${FORMAT_SCRIPT}; return { formatFixed, formatNumber };`)() as FormatScript;
const heat = new Function(
  'SEQUENTIAL',
  'DIVERGING',
  `${HEAT_SCRIPT}; return { heatScale, heatDecimals, heatColour };`,
)(SEQUENTIAL, DIVERGING) as HeatScript;

test('the whole script is one that browsers can read', () => {
  expect(() => new Function(CLIENT_SCRIPT)).not.toThrow();
});

describe('numbers in the script', () => {
  const values = [0, 1, -1, 0.1, -0.00004, 1e-12, 12.3456, 999.95, 1234.5, -20_000, 1e6 + 0.25, 21e15];

  test('are written as the page writes them', () => {
    for (const value of values) {
      expect(format.formatNumber(value)).toBe(formatNumber(value));
      for (const decimals of [0, 2, 9])
        expect(format.formatFixed(value, decimals)).toBe(formatFixed(value, decimals));
    }
    expect(format.formatNumber(null)).toBe(formatNumber(undefined));
    expect(format.formatNumber(Number.NaN)).toBe('\u2013');
  });

  test('have thin groups, a true minus, four digits at least and no idle zeros', () => {
    expect(values.map(formatNumber)).toEqual([
      '0',
      '1',
      '\u22121',
      '0.1',
      '\u22120.00004',
      '0',
      '12.35',
      '1\u202f000',
      '1\u202f235',
      '\u221220\u202f000',
      '1\u202f000\u202f000',
      '21\u202f000\u202f000\u202f000\u202f000\u202f000',
    ]);
  });
});

describe('colours of the heat map', () => {
  test('run from the first stop to the last, and equal values lie in the middle', () => {
    const scale = heat.heatScale([2, null, 4]);
    expect(scale).toEqual({ low: 2, high: 4, stops: SEQUENTIAL });
    // #00224e and #fee838
    expect(heat.heatColour(scale, 2)).toEqual({ background: 'rgb(0 34 78)', ink: '#fff' });
    expect(heat.heatColour(scale, 4)).toEqual({ background: 'rgb(254 232 56)', ink: '#000' });
    expect(heat.heatColour(heat.heatScale([3, 3]), 3).background).toBe(
      heat.heatColour({ low: 0, high: 2, stops: SEQUENTIAL }, 1).background,
    );
  });

  test('have zero in the middle where some are losses and some are gains', () => {
    const scale = heat.heatScale([-1, 3]);
    expect(scale).toEqual({ low: -3, high: 3, stops: DIVERGING });
    // #f2f2ef
    expect(heat.heatColour(scale, 0).background).toBe('rgb(242 242 239)');
  });

  test('have digits enough to tell squares apart', () => {
    expect(heat.heatDecimals(heat.heatScale([0.0199061, 0.0199063]))).toBe(9);
    expect(heat.heatDecimals(heat.heatScale([0, 80]))).toBe(1);
    expect(heat.heatDecimals(heat.heatScale([0, 80_000]))).toBe(0);
    expect(heat.heatDecimals(heat.heatScale([5, 5]))).toBe(3);
  });
});
