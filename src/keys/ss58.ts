// Owns: SS58 addresses, prefix 42 as Bittensor uses it.
import { base58Decode, decodeAddress, encodeAddress } from '@polkadot/util-crypto';
import { AssayError } from '../model/errors.js';

const PREFIX = 42;

/** @param publicKey 32 bytes */
export const toAddress = (publicKey: Uint8Array): string => encodeAddress(publicKey, PREFIX);

/** @throws AssayError `invalid-input` when `address` is no SS58 address of prefix 42 and 32 bytes */
export function fromAddress(address: string): Uint8Array {
  const bytes = decoded(address, PREFIX);
  if (bytes !== undefined) return bytes;
  const shown = address.slice(0, 64);
  const foreign = decoded(address, -1) === undefined ? undefined : prefixOf(address);
  throw new AssayError(
    'invalid-input',
    foreign === undefined
      ? `not an SS58 address: ${shown}`
      : `an address of another network (SS58 prefix ${foreign}, Bittensor's is ${PREFIX}): ${shown}`,
    {
      what: 'address',
      expected: `SS58, prefix ${PREFIX}, 32 bytes`,
      got: foreign === undefined ? shown : `${shown} (prefix ${foreign})`,
    },
  );
}

/** @param prefix -1 for any */
function decoded(address: string, prefix: number): Uint8Array | undefined {
  try {
    const bytes = decodeAddress(address, false, prefix as typeof PREFIX);
    return bytes.length === 32 ? bytes : undefined;
  } catch {
    return undefined; // the caller says what it is not
  }
}

/** The network in an address that decodes: one byte, or fourteen bits over two. */
function prefixOf(address: string): number {
  const [first = 0, second = 0] = base58Decode(address);
  return first < 64 ? first : ((first & 0x3f) << 2) | (second >> 6) | ((second & 0x3f) << 8);
}
