// Owns: decoded chain values as plain ones, and their narrowing. Does not own: which type a value has (metadata).
//
// Not Codec.toPrimitive: it prints bytes as text where they happen to be ASCII and as hex where not, and addresses with
// the prefix that the node declares.
import {
  BTreeMap,
  BTreeSet,
  bool,
  Compact,
  Enum,
  GenericAccountId,
  Int,
  Null,
  Option,
  Struct,
  Text,
  UInt,
} from '@polkadot/types';
import type { Codec } from '@polkadot/types/types';
import { toAddress } from '../../keys/ss58.js';
import { AssayError } from '../../model/errors.js';

/** A value of an enum: the variant's name and what it carries (`undefined` for nothing). */
export interface Variant {
  readonly kind: string;
  readonly value: unknown;
}

/**
 * Integers as numbers where they are exact and bigints beyond, accounts as SS58 of prefix 42, other bytes as Uint8Array,
 * options as value or undefined, structs as objects with camelCase keys, enums as Variant, maps as lists of pairs.
 */
export function plainOf(codec: Codec): unknown {
  if (codec instanceof UInt || codec instanceof Int) return plainInteger(codec.toBigInt());
  if (codec instanceof Uint8Array)
    return codec instanceof GenericAccountId ? toAddress(codec) : Uint8Array.from(codec);
  if (Array.isArray(codec)) return codec.map((element: Codec) => plainOf(element));
  if (codec instanceof Compact) return plainOf(codec.unwrap());
  if (codec instanceof Option) return codec.isSome ? plainOf(codec.unwrap()) : undefined;
  if (codec instanceof Null) return undefined;
  if (codec instanceof bool) return codec.isTrue;
  if (codec instanceof Text) return codec.toString();
  if (codec instanceof Enum) return { kind: codec.type, value: plainOf(codec.inner) };
  if (codec instanceof BTreeMap) return [...(codec as Map<Codec, Codec>)].map((pair) => pair.map(plainOf));
  if (codec instanceof BTreeSet) return [...(codec as Set<Codec>)].map(plainOf);
  if (codec instanceof Struct)
    return Object.fromEntries([...(codec as Map<string, Codec>)].map(([key, of]) => [key, plainOf(of)]));
  return codec.toPrimitive(); // a call, an era: forms of their own, which no read of ours narrows
}

const plainInteger = (value: bigint): number | bigint => {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
};

// A misfit below means that the chain's type is not what Subtensor's is.

export const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export function asNumber(plain: unknown): number {
  if (typeof plain === 'number') return plain;
  const big = asBigint(plain);
  if (big > BigInt(Number.MAX_SAFE_INTEGER)) throw misfit('a number below 2^53', plain);
  return Number(big);
}

/** 2^53 - 1 for whatever is beyond: where anybody may choose the number, none may keep others' values from being read. */
export function asCapped(plain: unknown): number {
  const big = asBigint(plain);
  return big > BigInt(Number.MAX_SAFE_INTEGER) ? Number.MAX_SAFE_INTEGER : Number(big);
}

export function asBigint(plain: unknown): bigint {
  if (typeof plain === 'bigint') return plain;
  if (typeof plain === 'number' && Number.isInteger(plain)) return BigInt(plain);
  if (typeof plain === 'string' && /^\d+$/.test(plain)) return BigInt(plain);
  throw misfit('an integer', plain);
}

export function asBoolean(plain: unknown): boolean {
  if (typeof plain === 'boolean') return plain;
  throw misfit('a boolean', plain);
}

export function asText(plain: unknown): string {
  if (typeof plain === 'string') return plain;
  throw misfit('a text', plain);
}

export function asBytes(plain: unknown): Uint8Array {
  if (plain instanceof Uint8Array) return plain;
  throw misfit('bytes', plain);
}

/** Bytes, each of which may be an integer of its own: the chain has names as Vec<Compact<u8>>. */
export function asOctets(plain: unknown): Uint8Array {
  return plain instanceof Uint8Array ? plain : Uint8Array.from(asList(asNumber)(plain));
}

export const asList =
  <T>(of: (plain: unknown) => T) =>
  (plain: unknown): readonly T[] => {
    if (!Array.isArray(plain)) throw misfit('a list', plain);
    return plain.map(of);
  };

/** A tuple of two. */
export const asPair =
  <A, B>(first: (plain: unknown) => A, second: (plain: unknown) => B) =>
  (plain: unknown): readonly [A, B] => {
    if (!Array.isArray(plain) || plain.length !== 2) throw misfit('a pair', plain);
    return [first(plain[0]), second(plain[1])];
  };

export function asRecord(plain: unknown): Readonly<Record<string, unknown>> {
  if (isRecord(plain)) return plain;
  throw misfit('a struct', plain);
}

export function asVariant(plain: unknown): Variant {
  const { kind, value } = asRecord(plain);
  return { kind: asText(kind), value };
}

/** The raw bits of a number of the chain's fixed point (substrate-fixed): a struct with one field. */
export const asBits = (plain: unknown): bigint => asBigint(asRecord(plain).bits);

function misfit(expected: string, got: unknown): AssayError {
  const form = Array.isArray(got) ? 'a list' : typeof got;
  return new AssayError('invalid-input', `chain value: expected ${expected}, got ${form}`, {
    what: 'chain value',
    expected,
    got: form,
  });
}
