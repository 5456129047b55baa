import { sr25519VrfSign, sr25519VrfVerify } from '@polkadot/util-crypto';
import { sr25519KeypairFromSeed } from '@polkadot/wasm-crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { devKeypair, readyKeys } from '../../../src/keys/keypair.js';
import { VRF_BYTES, verifyVrf, vrfOutput } from '../../../src/keys/vrf.js';
import { toHex, utf8 } from '../../../src/model/bytes.js';
import { sha256 } from '../../../src/model/hash.js';
import { createSeededRandom } from '../../../src/model/prng.js';

const message = utf8('a window');

describe('the random function of a key', () => {
  beforeAll(readyKeys);

  it('has one output a message, whatever its proof', () => {
    const alice = devKeypair('alice');
    const [one, two] = [alice.vrf(message), alice.vrf(message)];
    expect(one).toHaveLength(VRF_BYTES);
    expect(toHex(vrfOutput(one))).toBe('502e39c6c31f580101115e506cf2701be629ca6b7ffc5d4241af6046e6d4b150');
    expect(vrfOutput(two)).toEqual(vrfOutput(one));
    expect(two).not.toEqual(one);
    expect(vrfOutput(alice.vrf(utf8('another window')))).not.toEqual(vrfOutput(one));
    expect(vrfOutput(devKeypair('bob').vrf(message))).not.toEqual(vrfOutput(one));
  });

  it('is believed from its key and message alone', () => {
    const alice = devKeypair('alice');
    const proof = alice.vrf(message);
    expect(verifyVrf(proof, message, alice.publicKey)).toBe(true);
    expect(verifyVrf(proof, utf8('another'), alice.publicKey)).toBe(false);
    expect(verifyVrf(proof, message, devKeypair('bob').publicKey)).toBe(false);
  });

  it('is what another implementation of it computes', () => {
    const alice = devKeypair('alice');
    expect(sr25519VrfVerify(message, alice.vrf(message), alice.publicKey, 'assay/vrf/1')).toBe(true);
    const secretKey = sr25519KeypairFromSeed(sha256(utf8('assay/dev-key/1'), utf8('alice'))).subarray(0, 64);
    const theirs = sr25519VrfSign(message, { secretKey }, 'assay/vrf/1');
    expect(verifyVrf(theirs, message, alice.publicKey)).toBe(true);
    expect(vrfOutput(theirs)).toEqual(vrfOutput(alice.vrf(message)));
  });

  it('survives no change of a byte, and any bytes without a throw', () => {
    const alice = devKeypair('alice');
    const proof = alice.vrf(message);
    for (let at = 0; at < proof.length; at++) {
      const changed = proof.slice();
      changed[at]! ^= 1 << (at % 8);
      expect(verifyVrf(changed, message, alice.publicKey), `byte ${at}`).toBe(false);
    }
    const random = createSeededRandom('vrf');
    for (const length of [0, 1, 32, 95, 96, 96, 96, 97, 200])
      expect(verifyVrf(random.bytes(length), message, random.bytes(length === 1 ? 31 : 32))).toBe(false);
    for (const fill of [0, 255])
      expect(verifyVrf(new Uint8Array(96).fill(fill), message, new Uint8Array(32).fill(fill))).toBe(false);
    expect(verifyVrf(proof, message, alice.publicKey)).toBe(true); // the wasm is whole after all that
    expect(() => vrfOutput(proof.subarray(1))).toThrow(RangeError);
  });
});
