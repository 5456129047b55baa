// Owns: the JSON of Bittensor key files, secret and public. Does not own: its encryption (nacl-file.ts), where it lies.
import { equals, fromHex, fromUtf8, toHex, utf8 } from '../model/bytes.js';
import { AssayError } from '../model/errors.js';
import { invalid } from '../model/invalid-input.js';
import { kindOfKeyFile, notOpened } from './key-file-kind.js';
import type { Keypair } from './keypair.js';
import { type Secret, secretFromPrivateKey, secretFromSeed, secretFromUri } from './secret.js';
import { fromAddress, toAddress } from './ss58.js';

type Fields = Readonly<Record<string, unknown>>;

/**
 * Fields and their order as bittensor-wallet has them (keyfile.rs, serialized_keypair_to_keyfile_data). Its `cryptoType`
 * is left out: it says sr25519 where absent, and versions before 4.1 refuse a file with a number in it. A derived key has
 * no phrase either, for these tools would take the junctions for words; they read its private key.
 */
export function toKeyJson(secret: Secret): Uint8Array {
  const { keypair, privateKey, seed, phrase } = secret;
  const publicKey = hex(keypair.publicKey);
  return utf8(
    JSON.stringify({
      accountId: publicKey,
      publicKey,
      privateKey: hex(privateKey),
      ...(phrase === undefined ? {} : { secretPhrase: phrase }),
      ...(seed === undefined ? {} : { secretSeed: hex(seed) }),
      ss58Address: keypair.address,
    }),
  );
}

/** What stands in `coldkeypub.txt` and `<hotkey>pub.txt`. */
export function toPublicJson(publicKey: Uint8Array): Uint8Array {
  const key = hex(publicKey);
  return utf8(JSON.stringify({ accountId: key, publicKey: key, ss58Address: toAddress(publicKey) }));
}

/**
 * The secret of a key file that is not encrypted. It is read from `secretSeed`, else `secretPhrase`, else
 * `privateKey`; the others must be of the same key; address and public key, where given, must be those of the secret. A phrase
 * with junctions is read as a URI. Errors never repeat the text.
 * @param path named in errors
 * @throws AssayError `invalid-input` or `unsupported`, naming what the file is instead
 */
export function fromKeyJson(bytes: Uint8Array, path: string): Secret {
  const kind = kindOfKeyFile(bytes);
  if (kind === 'nacl') throw invalid(path, 'a key file that is not encrypted', 'an encrypted one');
  if (kind !== 'plain') throw notOpened(path, kind);
  const fields = JSON.parse(fromUtf8(bytes)) as Fields; // the kind says that it parses to an object
  assertSr25519(fields, path);
  const secret = secretOf(fields, path);
  assertOneSecret(fields, secret, path);
  assertSame(fields, secret.keypair, path);
  return secret;
}

/**
 * @returns the public key of a `...pub.txt`, or of a secret key file that is not encrypted
 * @throws AssayError `invalid-input` or `unsupported`, naming what the file is instead
 */
export function fromPublicJson(bytes: Uint8Array, path: string): Uint8Array {
  const kind = kindOfKeyFile(bytes);
  if (kind === 'plain') return fromKeyJson(bytes, path).keypair.publicKey;
  if (kind === 'nacl') throw invalid(path, 'a public key file', 'an encrypted key file');
  if (kind !== 'public') throw notOpened(path, kind);
  const fields = JSON.parse(fromUtf8(bytes)) as Fields; // as above
  assertSr25519(fields, path);
  const { ss58Address, publicKey, accountId } = fields;
  const key =
    typeof ss58Address === 'string' ? addressIn(ss58Address, path) : hexIn(publicKey ?? accountId, 32);
  if (key === undefined) throw invalid(path, 'ss58Address or publicKey', 'neither in its form');
  assertSame(fields, { publicKey: key, address: toAddress(key) }, path);
  return key;
}

function secretOf({ secretSeed, secretPhrase, privateKey }: Fields, path: string): Secret {
  if (typeof secretSeed === 'string') return seedIn(secretSeed, secretPhrase, path);
  if (typeof secretPhrase === 'string') return uriIn(secretPhrase.trim(), path);
  const key = hexIn(privateKey, 64);
  try {
    if (key !== undefined) return secretFromPrivateKey(key);
  } catch {
    // not a scalar: the one error below says so
  }
  throw invalid(
    path,
    'secretSeed, secretPhrase or an sr25519 privateKey of 64 bytes',
    'none of them in its form',
  );
}

/** @throws AssayError `invalid-input` where two secrets of a file are of two keys: which one was meant nobody can say */
function assertOneSecret(
  { secretSeed, secretPhrase, privateKey }: Fields,
  secret: Secret,
  path: string,
): void {
  const others: Readonly<Record<string, () => Secret | undefined>> = {
    secretPhrase: () => (typeof secretPhrase === 'string' ? secretFromUri(secretPhrase.trim()) : undefined),
    privateKey: () => {
      const key = hexIn(privateKey, 64);
      return key === undefined ? undefined : secretFromPrivateKey(key);
    },
  };
  const from = typeof secretSeed === 'string' ? 'secretSeed' : 'secretPhrase';
  for (const [name, read] of Object.entries(others)) {
    const other = unlessMalformed(read);
    if (other !== undefined && !equals(other.keypair.publicKey, secret.keypair.publicKey))
      throw invalid(path, `one key (${from} is of ${secret.keypair.address})`, `${name} of another`);
  }
}

/** What is in no form that can be read says nothing about another key: the secret that was read is enough. */
function unlessMalformed(read: () => Secret | undefined): Secret | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

/** The phrase beside a seed is kept when it is the seed's: a file that is written again loses nothing. */
function seedIn(text: string, phrase: unknown, path: string): Secret {
  const seed = hexIn(text, 32);
  if (seed === undefined)
    throw invalid(path, 'secretSeed of 64 hexadecimal digits', `${text.length} characters`);
  const secret = secretFromSeed(seed);
  if (typeof phrase !== 'string') return secret;
  try {
    const own = secretFromUri(phrase.trim());
    return own.keypair.address === secret.keypair.address ? own : secret;
  } catch {
    return secret; // the seed is enough
  }
}

function uriIn(uri: string, path: string): Secret {
  try {
    return secretFromUri(uri);
  } catch (error) {
    const expected =
      error instanceof AssayError && 'expected' in error.data ? error.data.expected : 'a key URI';
    throw invalid(path, `secretPhrase: ${expected}`, 'something else (not shown)');
  }
}

/** Absent means sr25519 (CRYPTO_SR25519 of bittensor-wallet is 1). */
function assertSr25519({ cryptoType }: Fields, path: string): void {
  if (cryptoType === undefined || cryptoType === null || cryptoType === 1) return;
  const got = cryptoType === 0 ? 'an ed25519 key (cryptoType 0)' : 'a key of another kind';
  throw invalid(path, 'an sr25519 key', got);
}

/** A file whose secret and address disagree was edited or damaged: signing with it would be with a stranger's name. */
function assertSame(
  { ss58Address, publicKey, accountId }: Fields,
  own: Pick<Keypair, 'publicKey' | 'address'>,
  path: string,
): void {
  if (typeof ss58Address === 'string' && !equals(addressIn(ss58Address, path), own.publicKey))
    throw invalid(path, `ss58Address of the file's secret (${own.address})`, ss58Address.slice(0, 64));
  for (const [name, text] of Object.entries({ publicKey, accountId }))
    if (typeof text === 'string' && text.replace(/^0x/, '').toLowerCase() !== toHex(own.publicKey))
      throw invalid(path, `${name} of the file's key (${own.address})`, text.slice(0, 66));
}

function addressIn(address: string, path: string): Uint8Array {
  try {
    return fromAddress(address);
  } catch (error) {
    throw invalid(path, 'ss58Address of Bittensor', (error as AssayError).message, error); // the one that it throws
  }
}

function hexIn(value: unknown, bytes: number): Uint8Array | undefined {
  if (typeof value !== 'string' || !/^(0x)?[0-9a-fA-F]+$/.test(value)) return undefined;
  const digits = value.replace(/^0x/, '');
  return digits.length === 2 * bytes ? fromHex(digits) : undefined;
}

const hex = (bytes: Uint8Array): string => `0x${toHex(bytes)}`;
