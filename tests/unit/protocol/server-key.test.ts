import { X509Certificate } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import {
  assertPinned,
  assertSupported,
  channelOf,
  createServerIdentity,
  ED25519,
  serverName,
  trustAnchorPem,
} from '../../../src/protocol/server-key.js';

const mine = createServerIdentity(new Uint8Array(32).fill(1));
const other = createServerIdentity(new Uint8Array(32).fill(2));
const derOf = (pem: string) => new Uint8Array(new X509Certificate(pem).raw);

describe('a server key', () => {
  test('gives the same certificate whenever it is made, valid at any time, of the key that the chain names', () => {
    expect(createServerIdentity(new Uint8Array(32).fill(1))).toEqual(mine);
    const certificate = new X509Certificate(mine.certificatePem);
    expect(certificate.validFrom).toBe('Jan  1 00:00:00 2020 GMT');
    expect(certificate.validTo).toBe('Dec 31 23:59:59 9999 GMT');
    expect(certificate.subjectAltName).toBe(`DNS:${serverName(mine.serverKey)}`);
    // RFC 8032's derivation, by Node: the seed of 32 ones
    expect(Buffer.from(mine.serverKey.publicKey).toString('hex')).toBe(
      '8a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c',
    );
  });

  test('is signed by the key itself, and the anchor of a client names that key and no other', () => {
    const certificate = new X509Certificate(mine.certificatePem);
    const anchor = new X509Certificate(trustAnchorPem(mine.serverKey));
    expect(certificate.verify(anchor.publicKey)).toBe(true);
    expect(certificate.checkIssued(anchor)).toBe(true);
    expect(certificate.verify(new X509Certificate(trustAnchorPem(other.serverKey)).publicKey)).toBe(false);
    expect(anchor.ca).toBe(true);
    expect(certificate.ca).toBe(false);
  });

  test('pins: another key, another algorithm and bytes that are no certificate are refused', () => {
    expect(() => assertPinned(derOf(mine.certificatePem), mine.serverKey)).not.toThrow();
    for (const wrong of [derOf(other.certificatePem), new Uint8Array(10)])
      expect(() => assertPinned(wrong, mine.serverKey)).toThrow(
        expect.objectContaining({ code: 'unauthenticated', data: { reason: 'server-key' } }),
      );
  });

  test('binds its own channel: algorithm and key count', () => {
    const { publicKey } = mine.serverKey;
    expect(channelOf(mine.serverKey)).not.toEqual(channelOf(other.serverKey));
    expect(channelOf({ algorithm: 2, publicKey })).not.toEqual(channelOf({ algorithm: ED25519, publicKey }));
  });

  test.each([
    ['another algorithm', { algorithm: 2, publicKey: new Uint8Array(32) }],
    ['another length', { algorithm: ED25519, publicKey: new Uint8Array(64) }],
  ])('of %s is unsupported, and says so', (_, key) => {
    expect(() => assertSupported(key)).toThrow(expect.objectContaining({ code: 'unsupported' }));
    expect(() => trustAnchorPem(key)).toThrow(expect.objectContaining({ code: 'unsupported' }));
  });
});
