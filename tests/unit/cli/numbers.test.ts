import { expect, test } from 'vitest';
import { loadConfig, validatorSchema } from '../../../src/cli/config.js';
import { decimal, integer } from '../../../src/cli/numbers.js';

test('decimals have signs and exponents; what is no number stays text', () => {
  expect(['0.5', '.5', '-1', '1e-3', '2.5E+2'].map(decimal)).toEqual([0.5, 0.5, -1, 0.001, 250]);
  for (const text of ['', '1.', '0x10', 'ten', '1e', '--1', 'Infinity', 'NaN', '1 '])
    expect(decimal(text)).toBe(text);
});

test('integers have digits only', () => {
  expect(['0', '-5', '007'].map(integer)).toEqual([0, -5, 7]);
  for (const text of ['', '1.5', '1e3', '+1']) expect(integer(text)).toBe(text);
});

const keep = (text: string): unknown =>
  loadConfig(validatorSchema, { hotkey: '//Alice', data: 'x', keepAccepted: decimal(text) }, {}).keepAccepted;

test('a share of accepted openings is from 0 to 1, however it is written', () => {
  expect(keep('1e-3')).toBe(0.001);
  for (const text of ['-0.1', '-1e-9', '1.5', '1e1', '1e999', 'half'])
    expect(() => keep(text)).toThrow('keepAccepted: ');
});
