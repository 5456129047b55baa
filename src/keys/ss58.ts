// Owns: SS58 addresses, prefix 42 as Bittensor uses it.
import { decodeAddress, encodeAddress } from '@polkadot/util-crypto';
import { AssayError } from '../model/errors.js';

const PREFIX = 42;

/** @param publicKey 32 bytes */
export const toAddress = (publicKey: Uint8Array): string => encodeAddress(publicKey, PREFIX);

/** @throws AssayError `invalid-input` when `address` is no SS58 address of prefix 42 and 32 bytes */
export function fromAddress(address: string): Uint8Array {
  try {
    const bytes = decodeAddress(address, false, PREFIX);
    if (bytes.length === 32) return bytes;
  } catch {
    // falls through to the one typed error below
  }
  throw new AssayError('invalid-input', `not an SS58 address: ${address.slice(0, 64)}`, {
    what: 'address',
    expected: 'SS58, prefix 42, 32 bytes',
    got: address.slice(0, 64),
  });
}
