// Owns: ed25519 keys as raw bytes, for keys that live for an hour or an event. Does not own: hotkeys (keys), certificates
// (protocol), what is signed.
import { createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import { concat, equals, fromHex } from './bytes.js';

export interface Ed25519Key {
  /** 32 bytes */
  readonly publicKey: Uint8Array;
  /** 64 bytes */
  sign(message: Uint8Array): Uint8Array;
}

// DER around raw keys (RFC 8410), fixed because both lengths are
const PKCS8 = fromHex('302e020100300506032b657004220420');
const SPKI = fromHex('302a300506032b6570032100');

/** @param seed 32 bytes, handed in, so that tests and simulations repeat */
export function ed25519FromSeed(seed: Uint8Array): Ed25519Key {
  const der = Buffer.from(concat(PKCS8, seed));
  const privateKey = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  const spki = createPublicKey(privateKey).export({ format: 'der', type: 'spki' });
  return {
    publicKey: new Uint8Array(spki.subarray(SPKI.length)),
    sign: (message) => Uint8Array.from(sign(null, message, privateKey)), // no Buffer in evidence: its slice does not copy
  };
}

/** @param publicKey 32 bytes. @throws what node says of bytes that are no point */
export const toEd25519 = (publicKey: Uint8Array): KeyObject =>
  createPublicKey({ key: Buffer.from(concat(SPKI, publicKey)), format: 'der', type: 'spki' });

/** Checks signatures of one key; false, never an exception, for any bytes. */
export function ed25519Verifier(
  publicKey: Uint8Array,
): (message: Uint8Array, signature: Uint8Array) => boolean {
  if (!isSigningKey(publicKey)) return () => false;
  try {
    const key = toEd25519(publicKey);
    return (message, signature) => signature.length === 64 && verify(null, message, key, signature);
  } catch {
    return () => false; // 32 bytes that are no point: nobody signs with them
  }
}

/** 32 bytes that not everybody can sign for. */
export const isSigningKey = (key: Uint8Array): boolean =>
  key.length === 32 && !SMALL_ORDER.some((point) => equals(point, key));

// Points of order 1, 2, 4 and 8 and their non-canonical spellings (libsodium ed25519_ref10.c, ge25519_has_small_order): under such a key
// anybody can make signatures, so one would convict nobody.
const SMALL_ORDER = [
  '0100000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000080',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff',
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0000000000000000000000000000000000000000000000000000000000000080',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa',
  'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff',
  'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff',
].map(fromHex);
