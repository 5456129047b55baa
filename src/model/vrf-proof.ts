// Owns: the layout of an sr25519 VRF's output and proof, for those who have no key. Does not own: making and checking one (keys/vrf.ts).

/** Output (32 bytes, a compressed point) and proof (64). */
export const VRF_BYTES = 96;

/**
 * The same for every proof of one key and message: the proof's nonce is fresh each time, the output is not, and there is no
 * second one that verifies (the encoding of its point is canonical).
 * It is a point, not uniform bytes: hash it.
 */
export function vrfOutput(proof: Uint8Array): Uint8Array {
  if (proof.length !== VRF_BYTES)
    throw new RangeError(`proof: expected ${VRF_BYTES} bytes, got ${proof.length}`);
  return proof.slice(0, 32);
}
