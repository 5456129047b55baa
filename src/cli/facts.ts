// Owns: how commands of the chain print what they found: two columns, proportions, fixed point, ages.
import type { FixedPoint } from '../chain/operator-reads.js';
import { toHex } from '../model/bytes.js';
import { print } from './output.js';
import { terminalWidth } from './table.js';
import { taoText } from './tao.js';
import { filled } from './text-width.js';

export type Fact = readonly [name: string, value: string | number | bigint | boolean | undefined];

/** One line each, names in a column; facts that are not known are left out. */
export function factLines(facts: readonly Fact[], space: number = terminalWidth()): string {
  const known = facts.filter(([, value]) => value !== undefined);
  const width = Math.max(0, ...known.map(([name]) => name.length));
  const indent = `\n${' '.repeat(width + 2)}`;
  return known
    .map(([name, value]) => {
      const lines = filled(String(value), Math.max(24, space - width - 2));
      return `${name.padEnd(width)}  ${lines.replaceAll('\n', indent)}`;
    })
    .join('\n');
}

export const printFacts = (facts: readonly Fact[]): void => print(factLines(facts));

/** A proportion of 65535, as the chain keeps most: `0.5`, four decimals at most. */
export const shareText = (part: number): string => `${Number((part / 65_535).toFixed(4))}`;

/** Exact to nine decimals, rounded down. */
export function fixedText({ bits, fractionBits }: FixedPoint): string {
  const negative = bits < 0n;
  const scaled = ((negative ? -bits : bits) * 1_000_000_000n) >> BigInt(fractionBits);
  return `${negative ? '-' : ''}${taoText(scaled)}`;
}

/** `1.23 G`, for a unit behind it. */
export function scaled(amount: number): string {
  const steps = ['', 'k', 'M', 'G', 'T', 'P'];
  const step = Math.min(steps.length - 1, Math.max(0, Math.floor(Math.log10(Math.max(amount, 1)) / 3)));
  return `${Number((amount / 1000 ** step).toPrecision(3))} ${steps[step]}`;
}

export const gibibytes = (bytes: number): string => `${(bytes / 2 ** 30).toFixed(1)} GiB`;

/** First and last letters of an address: enough to recognise it, too little to copy. */
export const shortAddress = (address: string): string => `${address.slice(0, 6)}…${address.slice(-4)}`;

export const hashText = (hash: Uint8Array): string => `0x${toHex(hash)}`;

/** `a - b` of `a` in per cent, two decimals, rounded towards zero; undefined where there is no `a`. */
export function lossPercent(a: bigint, b: bigint): string | undefined {
  if (a <= 0n) return undefined;
  const hundredths = ((a - b) * 10_000n) / a;
  const size = hundredths < 0n ? -hundredths : hundredths;
  return `${hundredths < 0n ? '-' : ''}${size / 100n}.${`${size % 100n}`.padStart(2, '0')}`;
}

/** `1 block`, `2 blocks`. */
export const counted = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`;
