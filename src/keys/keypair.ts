// Owns: sr25519 key pairs. Does not own: wallet files (wallet.ts), session keys (protocol/certificate.ts).
import { sr25519KeypairFromSeed, sr25519Sign, sr25519Verify, waitReady } from '@polkadot/wasm-crypto';
import { utf8 } from '../model/bytes.js';
import { sha256 } from '../model/hash.js';
import { toAddress } from './ss58.js';
import { signVrf } from './vrf.js';

export interface Keypair {
  /** 32 bytes */
  readonly publicKey: Uint8Array;
  /** SS58, prefix 42 */
  readonly address: string;
  /** sr25519 signature over `message`, 64 bytes, context "substrate" */
  sign(message: Uint8Array): Uint8Array;
}

/** A key pair whose secret is here. Signers elsewhere can often sign and no more. */
export interface VrfKeypair extends Keypair {
  /** output (the same each time) and proof of the key's random function at `message`: 96 bytes, see vrf.ts */
  vrf(message: Uint8Array): Uint8Array;
}

/** Must resolve once before any key is made or signature checked. */
export async function readyKeys(): Promise<void> {
  await waitReady();
}

/**
 * @param seed 32 bytes (mini secret key)
 * @throws RangeError when `seed` has another length
 */
export function keypairFromSeed(seed: Uint8Array): VrfKeypair {
  if (seed.length !== 32) throw new RangeError(`seed: expected 32 bytes, got ${seed.length}`);
  return keypairFromPair(sr25519KeypairFromSeed(seed));
}

/** @param pair 96 bytes as wasm-crypto gives them: secret key (64) and public key (32) */
export function keypairFromPair(pair: Uint8Array): VrfKeypair {
  const secret = pair.slice(0, 64);
  const publicKey = pair.slice(64);
  return {
    publicKey,
    address: toAddress(publicKey),
    sign: (message) => sr25519Sign(publicKey, secret, message),
    vrf: (message) => signVrf(secret, message),
  };
}

/** A key pair for tests and demos: SHA-256 of a tag and `name` is the seed. Anyone can derive it. */
export const devKeypair = (name: string): VrfKeypair =>
  keypairFromSeed(sha256(utf8('assay/dev-key/1'), utf8(name)));

/** False, never an exception, for any bytes. */
export function verifySignature(signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array): boolean {
  if (signature.length !== 64 || publicKey.length !== 32) return false;
  try {
    return sr25519Verify(signature, message, publicKey);
  } catch {
    return false; // the wasm throws on bytes that are no curve point: not a signature of this key
  }
}
