// Owns: objects of JSON from outside as values: every key known, every value in its range. Does not own: what the keys mean.
import { fromHex } from '../../model/bytes.js';
import { invalid } from '../../model/invalid-input.js';

/** How a key's value is read: `at` is its place, such as `policy.candidates`. */
export type Read<T> = (value: unknown, at: string) => T;

/**
 * Exactly the keys of `reads`.
 * @throws AssayError `invalid-input` naming the key
 */
export function readFields<T extends object>(
  value: unknown,
  at: string,
  reads: { readonly [K in keyof T]: Read<T[K]> },
): T {
  if (value === null || typeof value !== 'object' || Array.isArray(value))
    throw invalid(at, 'an object', shown(value));
  const given = value as Readonly<Record<string, unknown>>; // every key is read below
  const known = Object.keys(reads);
  for (const key of Object.keys(given))
    if (!known.includes(key))
      throw invalid(`${at}.${key.slice(0, 40)}`, `one of ${known.join(', ')}`, 'a key unknown');
  const entries = Object.entries<Read<unknown>>(reads).map(([key, read]) => [
    key,
    read(Object.hasOwn(given, key) ? given[key] : undefined, `${at}.${key}`),
  ]);
  return Object.fromEntries(entries) as T; // one entry a key of T, read by that key's function
}

export const integerIn =
  (min: number, max: number): Read<number> =>
  (value, at) => {
    if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) return value;
    throw invalid(at, `an integer in ${min}..${max}`, shown(value));
  };

/** A name such as `onnxruntime-node`: printable, so that it can stand in a log. */
export const name: Read<string> = (value, at) => {
  if (typeof value === 'string' && /^[!-~]{1,64}$/.test(value)) return value;
  throw invalid(at, '1..64 printable characters without spaces', shown(value));
};

export const oneOf =
  <const T extends readonly string[]>(...texts: T): Read<T[number]> =>
  (value, at) => {
    const found = texts.find((text) => text === value);
    if (found !== undefined) return found;
    throw invalid(at, `one of ${texts.join(', ')}`, shown(value));
  };

/** Bytes as lower-case hexadecimal digits. */
export const hexOf =
  (...lengths: readonly number[]): Read<Uint8Array> =>
  (value, at) => {
    if (typeof value === 'string' && lengths.some((n) => value.length === 2 * n) && /^[0-9a-f]*$/.test(value))
      return fromHex(value);
    throw invalid(at, `${lengths.map((n) => 2 * n).join(' or ')} lower-case hex digits`, shown(value));
  };

export const digest = hexOf(32);

/** What came instead, cut: it is not ours. */
export const shown = (value: unknown): string =>
  value === undefined ? 'nothing' : (JSON.stringify(value) ?? typeof value).slice(0, 80);
