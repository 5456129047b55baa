import { beforeAll, describe, expect, test } from 'vitest';
import { readyKeys } from '../../../src/keys/keypair.js';
import { fromHex } from '../../../src/model/bytes.js';
import { isAssayError } from '../../../src/model/errors.js';
import { createSeededRandom } from '../../../src/model/prng.js';
import {
  CERTIFICATE_BYTES,
  CertificateCache,
  createSessionKeys,
  decodeCertificate,
  issueCertificate,
  PLAINTEXT_CHANNEL,
  verifyCertificate,
} from '../../../src/protocol/certificate.js';
import { toLimits } from '../../../src/protocol/limits.js';
import { cast, clockAt, keyOf, NOW } from './builders.js';

beforeAll(readyKeys);

const HOUR = 3_600_000;

function subject(overrides: Partial<Parameters<typeof issueCertificate>[1]> = {}) {
  return {
    netuid: 7,
    peer: cast().miner.publicKey,
    sessionKey: fromHex('d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a'), // RFC 8032, 7.1, test 1
    channel: PLAINTEXT_CHANNEL,
    issuedAt: NOW,
    expiresAt: NOW + HOUR,
    ...overrides,
  };
}

const reasonOf = (run: () => unknown): string => {
  try {
    run();
  } catch (error) {
    if (isAssayError(error, 'unauthenticated')) return error.data.reason;
    if (isAssayError(error, 'invalid-input')) return error.code;
    throw error;
  }
  return 'accepted';
};

describe('certificate', () => {
  test('says who vouches for which key, to whom, where and until when', () => {
    const { validator, miner } = cast();
    const bytes = issueCertificate(validator, subject());
    expect(bytes.length).toBe(CERTIFICATE_BYTES);
    const { key, address, bytes: kept, ...fields } = verifyCertificate(bytes);
    expect(fields).toEqual({ ...subject(), hotkey: validator.publicKey, peer: miner.publicKey });
    expect(address).toBe(validator.address);
    expect(kept).toEqual(bytes);
    expect(key.asymmetricKeyType).toBe('ed25519');
  });

  test('of more than an hour, or of no time, is refused whoever signed it', () => {
    const { validator } = cast();
    for (const expiresAt of [NOW + HOUR + 1, NOW, NOW - 1])
      expect(reasonOf(() => verifyCertificate(issueCertificate(validator, subject({ expiresAt }))))).toBe(
        'certificate-lifetime',
      );
  });

  test('for a key that anybody can sign for is refused', () => {
    const { validator } = cast();
    const sessionKey = new Uint8Array(32).with(0, 1); // the neutral element
    expect(reasonOf(() => verifyCertificate(issueCertificate(validator, subject({ sessionKey }))))).toBe(
      'invalid-input',
    );
  });

  test('signed by another hotkey is refused', () => {
    const { validator, stranger } = cast();
    const forged = issueCertificate(stranger, subject());
    forged.set(validator.publicKey, 10);
    expect(reasonOf(() => verifyCertificate(forged))).toBe('certificate-signature');
  });
});

describe('session keys', () => {
  const limits = toLimits();

  test('are kept while the longest stream fits, then renewed', () => {
    const { validator, miner } = cast();
    const clock = clockAt();
    const current = createSessionKeys(
      { keypair: validator, clock, random: createSeededRandom('k'), limits },
      { peer: miner.publicKey, netuid: 7, channel: PLAINTEXT_CHANNEL },
    );
    const first = current();
    clock.set(NOW + limits.certificateMs - limits.certificateRenewMs);
    expect(current()).toBe(first);
    clock.set(NOW + limits.certificateMs - limits.certificateRenewMs + 1);
    const second = current();
    expect(second).not.toBe(first);
    expect(decodeCertificate(second.certificate).sessionKey).not.toEqual(
      decodeCertificate(first.certificate).sessionKey,
    );
    expect(decodeCertificate(second.certificate).issuedAt).toBe(clock.now());
  });

  test('are renewed when the wall clock was set back, or every message would precede its certificate', () => {
    const { validator, miner } = cast();
    const clock = clockAt();
    const current = createSessionKeys(
      { keypair: validator, clock, random: createSeededRandom('k'), limits },
      { peer: miner.publicKey, netuid: 7, channel: PLAINTEXT_CHANNEL },
    );
    current();
    clock.set(NOW - 5_000);
    expect(decodeCertificate(current().certificate).issuedAt).toBe(NOW - 5_000);
  });

  test('repeat with the same randomness, and only then', () => {
    const { validator, miner } = cast();
    const key = (seed: string) => decodeCertificate(keyOf(validator, miner, { seed }).certificate).sessionKey;
    expect(key('a')).toEqual(key('a'));
    expect(key('a')).not.toEqual(key('b'));
  });
});

test('the cache keeps what is used and drops what is not', () => {
  const { validator, miner } = cast();
  const certificates = ['a', 'b', 'c'].map((seed) =>
    verifyCertificate(keyOf(validator, miner, { seed }).certificate),
  );
  const cache = new CertificateCache(2);
  cache.put(certificates[0]!);
  cache.put(certificates[1]!);
  expect(cache.get(certificates[0]!.bytes)).toBe(certificates[0]);
  cache.put(certificates[2]!);
  expect(cache.size).toBe(2);
  expect(cache.get(certificates[1]!.bytes)).toBeUndefined();
  expect(cache.get(certificates[0]!.bytes)).toBe(certificates[0]);
});
