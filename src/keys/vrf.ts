// Owns: sr25519 verifiable random functions: one output per key and message, which others cannot guess and can check.
// Does not own: what is drawn from it (verification/rollouts/draw.ts), key pairs (keypair.ts).
import { vrfSign, vrfVerify } from '@polkadot/wasm-crypto';
import { utf8 } from '../model/bytes.js';
import { VRF_BYTES, vrfOutput } from '../model/vrf-proof.js';

export { VRF_BYTES, vrfOutput };

/** Apart from signatures over the same message, and from other users of the key's function. */
const CONTEXT = utf8('assay/vrf/1');
const NOTHING = new Uint8Array(0);

/** @param secret 64 bytes, as wasm-crypto holds them */
export const signVrf = (secret: Uint8Array, message: Uint8Array): Uint8Array =>
  vrfSign(secret, CONTEXT, message, NOTHING);

/** False, never an exception, for any bytes. */
export function verifyVrf(proof: Uint8Array, message: Uint8Array, publicKey: Uint8Array): boolean {
  if (proof.length !== VRF_BYTES || publicKey.length !== 32) return false;
  try {
    return vrfVerify(publicKey, CONTEXT, message, NOTHING, proof);
  } catch {
    return false; // the wasm throws on bytes that are no curve point
  }
}
