// Owns: accounts as polkadot-js exports them, version 3, for import. Does not own: Bittensor's own files (key-json.ts).
import { scrypt } from 'node:crypto';
import { promisify } from 'node:util';
import { base64Decode, naclDecrypt, scryptFromU8a } from '@polkadot/util-crypto';
import { equals, fromHex, fromUtf8 } from '../model/bytes.js';
import { invalid } from '../model/invalid-input.js';
import { type Secret, secretFromPolkadot } from './secret.js';

const KDF_BYTES = 32 + 3 * 4; // salt, N, p, r
const NONCE_BYTES = 24;
/** PKCS 8 around an Ed25519 private key, as polkadot-js uses it for 64 bytes of sr25519 (keyring, pair/defaults). */
const HEADER = fromHex('3053020101300506032b657004220420');
const DIVIDER = fromHex('a123032100');
const SECRET_AT = HEADER.length;
const DIVIDER_AT = SECRET_AT + 64;
const PUBLIC_AT = DIVIDER_AT + DIVIDER.length;

/**
 * @param ask for the password, once, where the account is encrypted
 * @param path named in errors
 * @throws AssayError `invalid-input` for a wrong password, another kind of key or version, and a damaged file
 */
export async function openPolkadotJson(
  bytes: Uint8Array,
  path: string,
  ask: () => Promise<Uint8Array>,
): Promise<Secret> {
  const { encoded, content, types, version } = parse(bytes, path);
  if (version !== '3')
    throw invalid(path, 'a polkadot-js account of version 3', `version ${version.slice(0, 16)}`);
  if (!content.includes('sr25519'))
    throw invalid(path, 'an sr25519 key', `a polkadot-js account of ${content.join(' ').slice(0, 64)}`);
  const plain = types.includes('none') ? encoded : await decrypt(encoded, types, path, ask);
  return secretIn(plain, path);
}

async function decrypt(
  encoded: Uint8Array,
  types: readonly string[],
  path: string,
  ask: () => Promise<Uint8Array>,
): Promise<Uint8Array> {
  if (!types.includes('scrypt') || !types.includes('xsalsa20-poly1305'))
    throw invalid(path, 'scrypt and xsalsa20-poly1305', types.join(' ').slice(0, 64));
  const { N, p, r, salt } = costOf(encoded, path);
  const password = await ask();
  const key = await promisify<Uint8Array, Uint8Array, number, object, Buffer>(scrypt)(password, salt, 32, {
    N,
    p,
    r,
    maxmem: 256 * 2 ** 20, // N = 2^17 and r = 8 take 128 MiB
  });
  password.fill(0);
  const sealed = encoded.subarray(KDF_BYTES);
  const plain = naclDecrypt(sealed.subarray(NONCE_BYTES), sealed.subarray(0, NONCE_BYTES), key);
  key.fill(0);
  if (plain === null)
    throw invalid(path, 'the password of this polkadot-js account', 'another one (or the file is damaged)');
  return plain;
}

/** Only the costs that polkadot-js itself allows: a file could ask for any. */
function costOf(encoded: Uint8Array, path: string): { N: number; p: number; r: number; salt: Uint8Array } {
  try {
    const { params, salt } = scryptFromU8a(encoded.subarray(0, KDF_BYTES));
    if (encoded.length > KDF_BYTES + NONCE_BYTES) return { ...params, salt };
  } catch {
    // the one error below
  }
  throw invalid(path, 'a whole polkadot-js account', 'a damaged one');
}

function secretIn(plain: Uint8Array, path: string): Secret {
  const isPair =
    equals(plain.subarray(0, SECRET_AT), HEADER) && equals(plain.subarray(DIVIDER_AT, PUBLIC_AT), DIVIDER);
  if (!isPair) throw invalid(path, 'a key pair inside the polkadot-js account', 'something else');
  const secret = secretFromPolkadot(plain.slice(SECRET_AT, DIVIDER_AT));
  const publicKey = plain.slice(PUBLIC_AT, PUBLIC_AT + 32);
  plain.fill(0);
  if (!equals(publicKey, secret.keypair.publicKey))
    throw invalid(path, "the public key of the account's secret", 'another one: the file is damaged');
  return secret;
}

interface Parsed {
  readonly encoded: Uint8Array;
  readonly content: readonly string[];
  readonly types: readonly string[];
  readonly version: string;
}

function parse(bytes: Uint8Array, path: string): Parsed {
  try {
    const { encoded, encoding } = JSON.parse(fromUtf8(bytes)) as {
      readonly encoded: string;
      readonly encoding: {
        readonly content: readonly string[];
        readonly type: string | readonly string[];
        readonly version: string;
      };
    }; // what is not so is caught below
    return {
      encoded: Uint8Array.from(base64Decode(encoded)),
      content: strings(encoding.content),
      types: strings(encoding.type),
      version: String(encoding.version),
    };
  } catch {
    throw invalid(path, 'a polkadot-js account', 'a damaged one'); // without the cause, which may quote it
  }
}

function strings(value: string | readonly string[]): readonly string[] {
  const list = typeof value === 'string' ? [value] : value;
  if (!list.every((item) => typeof item === 'string')) throw new TypeError('expected strings');
  return list;
}
