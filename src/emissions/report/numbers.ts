// Owns: numbers as a reader sees them: thin groups, a true minus, a dash for nothing. Does not own: units.

const THIN = '\u202f';
const MINUS = '\u2212';
const NOTHING = '\u2013';
/** Significant digits of the largest number of a column, and of a number alone. */
const COLUMN_DIGITS = 6;
const ALONE_DIGITS = 4;
const MAX_DECIMALS = 9;

/** A value that may be missing: of a ratio without a divisor, of a point that was not run. */
export type Measured = number | undefined;

/** 12 345.60 with the decimals that are asked for */
export function formatFixed(value: Measured, decimals: number): string {
  if (value === undefined || !Number.isFinite(value)) return NOTHING;
  const [whole = '', fraction] = Math.abs(value).toFixed(decimals).split('.');
  const text = whole.replace(/\B(?=(\d{3})+$)/g, THIN) + (fraction === undefined ? '' : `.${fraction}`);
  return value < 0 && /[1-9]/.test(text) ? MINUS + text : text;
}

/** Four significant digits, and all of a whole part; no zeros at the end */
export function formatNumber(value: Measured): string {
  if (value === undefined || !Number.isFinite(value)) return NOTHING;
  const text = formatFixed(value, decimalsOf(value, ALONE_DIGITS));
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text;
}

/** Decimals under which all numbers of a column stand in line, no more than one of them needs */
export function columnDecimals(values: readonly Measured[]): number {
  const known = values.filter((value): value is number => value !== undefined && Number.isFinite(value));
  const largest = known.reduce((max, value) => Math.max(max, Math.abs(value)), 0);
  const most = decimalsOf(largest, COLUMN_DIGITS);
  const used = known.map((value) => (value.toFixed(most).split('.')[1] ?? '').replace(/0+$/, '').length);
  return Math.max(0, ...used);
}

function decimalsOf(value: number, digits: number): number {
  const magnitude = value === 0 ? 0 : Math.floor(Math.log10(Math.abs(value)));
  return Math.min(Math.max(digits - 1 - magnitude, 0), MAX_DECIMALS);
}

/** +12.3, −4.5 */
export function formatSigned(value: Measured): string {
  return `${value !== undefined && value > 0 ? '+' : ''}${formatNumber(value)}`;
}

/** Of 1, as percent with its sign: three digits are as much as a gain can bear */
export function formatGain(gain: number): string {
  const percent = gain * 100;
  const decimals = Math.abs(percent) >= 100 ? 0 : Math.abs(percent) >= 10 ? 1 : 2;
  return `${percent > 0 ? '+' : ''}${formatFixed(percent, decimals)}${THIN}%`;
}

/** Six significant digits: what a chart shows of a number, in a third of its bytes; JSON has null for nothing. */
export function plotted(value: Measured): number | null {
  return value === undefined || !Number.isFinite(value) ? null : Number(value.toPrecision(6));
}

/** All digits that the number has, as it stands in a file. */
export function formatExact(value: number): string {
  const text = String(value);
  return text.includes('e') ? text : formatFixed(value, text.split('.')[1]?.length ?? 0);
}
