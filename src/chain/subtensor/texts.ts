// Owns: names and identities, which the chain has as bytes, as text. Does not own: whose they are.
import type { IdentityRecord } from '../operator-reads.js';
import { asOctets, asRecord } from './plain.js';

const decoder = new TextDecoder(); // not fatal: anybody may write what is no UTF-8 on the chain

export const textOf = (plain: unknown): string => decoder.decode(asOctets(plain));

/** All fields of an identity of any version are bytes. */
export function asIdentity(plain: unknown): IdentityRecord {
  const texts = Object.entries(asRecord(plain)).map(([name, value]) => [name, textOf(value)] as const);
  return Object.fromEntries(texts.filter(([, text]) => text !== ''));
}
