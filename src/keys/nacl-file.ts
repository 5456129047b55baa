// Owns: the encrypted form of Bittensor key files: `$NACL`, a nonce, a secretbox. Does not own: what is in it (key-json.ts).
import { naclDecrypt, naclEncrypt } from '@polkadot/util-crypto';
import { concat, utf8 } from '../model/bytes.js';
import { invalid } from '../model/invalid-input.js';
import type { Random } from '../model/prng.js';
import type { DeriveKey } from './argon2.js';

const MAGIC = utf8('$NACL');
const NONCE_BYTES = 24;
/** Poly1305's, in front of what is encrypted. */
const TAG_BYTES = 16;
const HEAD_BYTES = MAGIC.length + NONCE_BYTES;

/**
 * @param password of at least one byte
 * @param path named in errors
 * @throws AssayError `invalid-input` for a wrong password, a truncated or a damaged file
 */
export async function openNacl(
  file: Uint8Array,
  password: Uint8Array,
  path: string,
  derive: DeriveKey,
  signal?: AbortSignal,
): Promise<Uint8Array> {
  if (file.length <= HEAD_BYTES + TAG_BYTES)
    throw invalid(path, 'a whole $NACL key file', `one that ends after ${file.length} bytes`);
  const key = await keyOf(password, derive, signal);
  const plain = naclDecrypt(file.subarray(HEAD_BYTES), file.subarray(MAGIC.length, HEAD_BYTES), key);
  key.fill(0);
  if (plain === null)
    throw invalid(
      path,
      'the password that this file was encrypted with',
      'another one (or the file is damaged)',
    );
  return plain;
}

/** @param password of at least one byte */
export async function sealNacl(
  plain: Uint8Array,
  password: Uint8Array,
  parts: { readonly derive: DeriveKey; readonly random: Random },
  signal?: AbortSignal,
): Promise<Uint8Array> {
  const key = await keyOf(password, parts.derive, signal);
  const { encrypted, nonce } = naclEncrypt(plain, key, parts.random.bytes(NONCE_BYTES));
  key.fill(0);
  return concat(MAGIC, nonce, encrypted);
}

async function keyOf(password: Uint8Array, derive: DeriveKey, signal?: AbortSignal): Promise<Uint8Array> {
  if (password.length === 0) throw new RangeError('password: expected at least one byte, got none');
  return derive(password, signal);
}
