// Owns: a key pair together with what it can be restored from. Does not own: files of it (key-json.ts, nacl-file.ts).
import { ristretto255 } from '@noble/curves/ed25519.js';
import { bip39Generate, sr25519KeypairFromSeed } from '@polkadot/wasm-crypto';
import { concat } from '../model/bytes.js';
import { keypairFromPair, type VrfKeypair } from './keypair.js';
import { secretOfUri } from './uri.js';

/** Never logged, never in an error. */
export interface Secret {
  readonly keypair: VrfKeypair;
  /** 64 bytes as schnorrkel and sp_core write it: a scalar and a nonce */
  readonly privateKey: Uint8Array;
  /** 32 bytes; undefined of a derived key, whose private key is all there is */
  readonly seed: Uint8Array | undefined;
  /** 12 to 24 words that give this key with no junction and no password */
  readonly phrase: string | undefined;
}

export type Words = 12 | 24;

/** A new BIP39 phrase. Its randomness is the operating system's and no argument: a phrase that repeats is a stolen one. */
export const createPhrase = (words: Words): string => bip39Generate(words);

/**
 * @param uri a phrase, `0x` and a seed, or either with junctions and a password
 * @throws AssayError `invalid-input`; the message never repeats the secret
 */
export function secretFromUri(uri: string): Secret {
  const { pair, seed, phrase } = secretOfUri(uri);
  return { ...fromPair(pair), seed, phrase };
}

/** @param seed 32 bytes */
export const secretFromSeed = (seed: Uint8Array): Secret => ({
  ...fromPair(sr25519KeypairFromSeed(seed)),
  seed,
  phrase: undefined,
});

/**
 * @param secret 64 bytes in the form of polkadot-js: the scalar times eight, as Ed25519 has it
 * @throws RangeError when it is no private key
 */
export const secretFromPolkadot = (secret: Uint8Array): Secret => secretFromPrivateKey(toSchnorrkel(secret));

/**
 * @param privateKey 64 bytes as schnorrkel writes it
 * @throws RangeError when it is no private key
 */
export function secretFromPrivateKey(privateKey: Uint8Array): Secret {
  const scalar = littleEndian(privateKey.subarray(0, 32));
  const isKey = privateKey.length === 64 && scalar > 0n && scalar < ristretto255.Point.Fn.ORDER;
  if (!isKey) throw new RangeError('private key: expected 64 bytes that begin with a scalar of the group');
  const publicKey = ristretto255.Point.BASE.multiply(scalar).toBytes();
  return { ...fromPair(concat(fromSchnorrkel(privateKey), publicKey)), seed: undefined, phrase: undefined };
}

/** @param pair 96 bytes as wasm-crypto gives them */
function fromPair(pair: Uint8Array): Pick<Secret, 'keypair' | 'privateKey'> {
  return { keypair: keypairFromPair(pair), privateKey: toSchnorrkel(pair.subarray(0, 64)) };
}

/** wasm-crypto holds the scalar multiplied by the cofactor (schnorrkel `to_half_ed25519_bytes`); three bits tell them apart. */
const toSchnorrkel = (secret: Uint8Array): Uint8Array => scaled(secret, (scalar) => scalar >> 3n);
const fromSchnorrkel = (secret: Uint8Array): Uint8Array => scaled(secret, (scalar) => scalar << 3n);

function scaled(secret: Uint8Array, change: (scalar: bigint) => bigint): Uint8Array {
  const out = Uint8Array.from(secret);
  let rest = change(littleEndian(secret.subarray(0, 32)));
  for (let i = 0; i < 32; i++, rest >>= 8n) out[i] = Number(rest & 255n);
  return out;
}

const littleEndian = (bytes: Uint8Array): bigint =>
  bytes.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
