// Owns: parameter sets as values at a door: every key known, every value in its range, one address for the same numbers.
// Does not own: what a kind's numbers mean (kinds/*/params.ts).
import { createHash } from 'node:crypto';
import { toHex, utf8 } from '../model/bytes.js';
import { canonicalJson } from '../model/canonical-json.js';
import { AssayError } from '../model/errors.js';
import { nearest } from '../model/near.js';

/** What a key's value must be, in words and as a test. */
export interface Check {
  readonly expected: string;
  readonly holds: (value: unknown) => boolean;
}

/** One for each key of `Params`. */
export type Checks<Params> = { readonly [K in keyof Params]: Check };

export const integer = (min: number, max: number): Check => ({
  expected: `an integer in ${min}..${max}`,
  holds: (v) => Number.isInteger(v) && (v as number) >= min && (v as number) <= max,
});

/** Amounts and rates. */
export const amount: Check = integer(0, Number.MAX_SAFE_INTEGER);

export const powerOfTwo = (min: number, max: number): Check => ({
  expected: `a power of two in ${min}..${max}`,
  holds: (v) => typeof v === 'number' && v >= min && v <= max && Number.isInteger(Math.log2(v)),
});

export const flag: Check = { expected: 'true or false', holds: (v) => typeof v === 'boolean' };

export const exactly = (text: string): Check => ({
  expected: JSON.stringify(text),
  holds: (v) => v === text,
});

/** A class's name in the table: part of the address, so that equal numbers of two classes stay two sets. */
export const className: Check = {
  expected: 'lower-case kebab of at most 32 characters',
  holds: (v) => typeof v === 'string' && /^[a-z][a-z0-9-]{0,31}$/.test(v),
};

/**
 * Canonical parameters from a parsed JSON value: the keys of `checks`, in their order, and no others.
 * @throws AssayError `invalid-input` naming the key
 */
export function checkedParams<Params extends object>(checks: Checks<Params>, value: unknown): Params {
  if (value === null || typeof value !== 'object' || Array.isArray(value))
    throw invalid('params', 'an object', value);
  const given = value as Record<string, unknown>; // every key is checked below
  for (const key of Object.keys(given))
    if (!Object.hasOwn(checks, key))
      throw invalid(`params.${key}`, `one of ${Object.keys(checks).join(', ')}`, key, meant(checks, key));
  for (const [key, { expected, holds }] of Object.entries<Check>(checks))
    if (!holds(given[key])) throw invalid(`params.${key}`, expected, given[key]);
  // each key has just been checked
  return Object.fromEntries(Object.keys(checks).map((key) => [key, given[key]])) as unknown as Params;
}

/** A slip of the pen is named, as long as nobody must guess which. */
export const meant = (known: object, key: string): string => {
  const near = nearest(key, Object.keys(known));
  return near === undefined ? '' : `; did you mean ${near}?`;
};

function invalid(what: string, expected: string, value: unknown, hint = ''): AssayError<'invalid-input'> {
  const got = `${(JSON.stringify(value) ?? String(value)).slice(0, 60)}${hint}`;
  return new AssayError('invalid-input', `${what}: expected ${expected}, got ${got}`, {
    what,
    expected,
    got,
  });
}

/** 32 bytes: SHA-256 of the canonical JSON; what Arm and SlotClaim carry. */
export const paramsId = (params: object): Uint8Array =>
  Uint8Array.from(
    createHash('sha256')
      .update(utf8(canonicalJson(params)))
      .digest(),
  );

/** What parameter sets of every kind have. */
interface Common {
  readonly class: string;
  readonly goLeadMs: number;
  readonly openingTimeoutMs: number;
  readonly localnetOnly: boolean;
}

/** The part of a kind's facts that is read off, not derived. */
export const commonFacts = (params: Common) => ({
  className: params.class,
  goLeadMs: params.goLeadMs,
  openingMs: params.openingTimeoutMs,
  localnetOnly: params.localnetOnly,
});

/** Sets by content address, lower-case hex. */
export const paramsTable = <Params extends object>(sets: readonly Params[]): ReadonlyMap<string, Params> =>
  new Map(sets.map((params) => [toHex(paramsId(params)), params]));

/** From Open to the last byte: a minute, and the bytes at 1 Mbit/s. Late openings gain nothing, so slow uplinks may have it. */
export const openingTimeout = (openingMb: number): number => 60_000 + openingMb * 8000;
