// Owns: what a division gives to some coldkeys among others that are made up. Does not own: which companies are tried, and what follows
// (deterrence.ts, testing/conformance/rule.ts).
import { toColdkey } from '../model/ids.js';
import type { Division } from './rules.js';

/** Before or after all others: a coldkey can be looked for until its address is either. */
export const PLACES = ['first', 'last'] as const;

/** Of weights: what `own` have, and everybody. */
export interface Part {
  readonly mine: bigint;
  readonly all: bigint;
}

/** @param of worth by coldkey, in integers of ONE */
export function partAmong(
  divide: Division,
  of: {
    readonly own: readonly bigint[];
    readonly others: readonly bigint[];
    readonly place: (typeof PLACES)[number];
  },
): Part {
  const claimsOf = (names: string, worths: readonly bigint[]) =>
    worths.map((worth, i) => ({ coldkey: toColdkey(`${names} ${`${i}`.padStart(4, '0')}`), worth }));
  const isFirst = of.place === 'first';
  const own = claimsOf(isFirst ? 'a' : 'c', of.own);
  const others = claimsOf('b', of.others);
  const weights = divide(isFirst ? [...own, ...others] : [...others, ...own]);
  const from = isFirst ? 0 : others.length;
  const sumOf = (some: readonly bigint[]) => some.reduce((sum, each) => sum + each, 0n);
  return { mine: sumOf(weights.slice(from, from + own.length)), all: sumOf(weights) };
}
