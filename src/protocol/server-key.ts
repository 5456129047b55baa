// Owns: the TLS key that a neuron announces on the chain: its certificate, and the anchor that trusts this key and no other.
// Does not own: the channel (grpc/), where the key is kept (cli), session keys (certificate.ts).
import { createPrivateKey, createPublicKey, type KeyObject, sign, X509Certificate } from 'node:crypto';
import { concat, equals, toHex, utf8 } from '../model/bytes.js';
import { AssayError } from '../model/errors.js';
import { sha256 } from '../model/hash.js';

/** What the chain keeps of it (NeuronCertificate of Subtensor). */
export interface ServerKey {
  readonly algorithm: number;
  /** 1..64 bytes */
  readonly publicKey: Uint8Array;
}

/** The one algorithm of this protocol; the chain gives the byte no meaning of its own. */
export const ED25519 = 1;

/** What the serving end needs. */
export interface ServerIdentity {
  readonly serverKey: ServerKey;
  readonly keyPem: string;
  readonly certificatePem: string;
}

/**
 * The same certificate for the same seed: nothing about it but its key counts.
 * @param seed 32 bytes, secret
 */
export function createServerIdentity(seed: Uint8Array): ServerIdentity {
  if (seed.length !== 32) throw new RangeError(`seed: expected 32 bytes, got ${seed.length}`);
  const privateKey = createPrivateKey({
    key: Buffer.from(concat(PKCS8_ED25519, seed)),
    format: 'der',
    type: 'pkcs8',
  });
  const publicKey = rawKey(createPublicKey(privateKey));
  const serverKey = { algorithm: ED25519, publicKey };
  const names = sequence(context(2, utf8(serverName(serverKey)))); // GeneralName dNSName
  const extensions = [
    extension(OID.subjectAltName, names),
    extension(OID.basicConstraints, sequence(), true),
  ];
  const body = certificateBody(publicKey, 'assay server', extensions);
  const certificate = signed(body, sign(null, body, privateKey));
  return {
    serverKey,
    keyPem: String(privateKey.export({ format: 'pem', type: 'pkcs8' })),
    certificatePem: toPem(certificate),
  };
}

/**
 * A root certificate of this very key, so that ordinary verification accepts what the key signed and nothing else. Its own
 * signature is empty: a trust anchor's is not looked at, and only the key's owner could make one.
 * @throws AssayError `unsupported` for a key that this build cannot trust
 */
export function trustAnchorPem(serverKey: ServerKey): string {
  assertSupported(serverKey);
  const extensions = [
    extension(OID.basicConstraints, sequence(tlv(0x01, Uint8Array.of(0xff))), true), // cA TRUE
    extension(OID.keyUsage, tlv(0x03, Uint8Array.of(2, 0x04)), true), // keyCertSign
  ];
  const body = certificateBody(serverKey.publicKey, ISSUER, extensions);
  return toPem(signed(body, new Uint8Array(64)));
}

/** By it a server that changes keys knows which one a client trusts. */
export const serverName = (serverKey: ServerKey): string =>
  `${toHex(channelOf(serverKey)).slice(0, 40)}.assay`;

/** What certificates of session keys bind: this key's channels and no others. 32 bytes */
export const channelOf = ({ algorithm, publicKey }: ServerKey): Uint8Array =>
  sha256(utf8('assay/tls-server-key/1'), Uint8Array.of(algorithm), publicKey);

/** @param certificate DER. @throws AssayError `unauthenticated` unless its key is `serverKey` */
export function assertPinned(certificate: Uint8Array, serverKey: ServerKey): void {
  const publicKey = certifiedKey(certificate);
  if (publicKey && equals(publicKey, serverKey.publicKey)) return;
  const reason = 'server-key';
  throw new AssayError('unauthenticated', "the server's TLS key is not the one that its axon names", {
    reason,
  });
}

/** @param certificate DER. @returns its ed25519 key, 32 bytes; undefined for no certificate, or a key of another algorithm */
export function certifiedKey(certificate: Uint8Array): Uint8Array | undefined {
  try {
    return rawKey(new X509Certificate(certificate).publicKey);
  } catch {
    return undefined;
  }
}

/** @throws AssayError `unsupported` */
export function assertSupported({ algorithm, publicKey }: ServerKey): void {
  if (algorithm === ED25519 && publicKey.length === 32) return;
  throw new AssayError('unsupported', `server key of algorithm ${algorithm} and ${publicKey.length} bytes`, {
    what: 'server key',
    why: `this build knows algorithm ${ED25519}, an ed25519 key of 32 bytes`,
  });
}

const ISSUER = 'assay server key';

function rawKey(key: KeyObject): Uint8Array {
  const der = key.export({ format: 'der', type: 'spki' });
  if (!equals(der.subarray(0, SPKI_ED25519.length), SPKI_ED25519))
    throw new TypeError('public key: expected ed25519');
  return new Uint8Array(der.subarray(SPKI_ED25519.length));
}

// X.509 (RFC 5280, RFC 8410) as far as two certificates of one ed25519 key need it.

const OID = {
  ed25519: Uint8Array.of(0x2b, 0x65, 0x70),
  commonName: Uint8Array.of(0x55, 0x04, 0x03),
  subjectAltName: Uint8Array.of(0x55, 0x1d, 0x11),
  basicConstraints: Uint8Array.of(0x55, 0x1d, 0x13),
  keyUsage: Uint8Array.of(0x55, 0x1d, 0x0f),
} as const;
const PKCS8_ED25519 = Buffer.from('302e020100300506032b657004220420', 'hex');
const SPKI_ED25519 = Buffer.from('302a300506032b6570032100', 'hex');

function certificateBody(
  publicKey: Uint8Array,
  subject: string,
  extensions: readonly Uint8Array[],
): Uint8Array {
  return sequence(
    explicit(0, tlv(0x02, Uint8Array.of(2))), // version 3
    tlv(0x02, concat(Uint8Array.of(1), sha256(publicKey, utf8(subject)).subarray(0, 15))),
    algorithm(),
    name(ISSUER),
    // always valid: how long a key counts is the chain's to say, and clocks must not decide
    sequence(tlv(0x17, utf8('200101000000Z')), tlv(0x18, utf8('99991231235959Z'))),
    name(subject),
    concat(SPKI_ED25519, publicKey),
    explicit(3, sequence(...extensions)),
  );
}

const signed = (body: Uint8Array, signature: Uint8Array): Uint8Array =>
  sequence(body, algorithm(), tlv(0x03, concat(Uint8Array.of(0), signature)));
const algorithm = (): Uint8Array => sequence(tlv(0x06, OID.ed25519));
const name = (text: string): Uint8Array =>
  sequence(tlv(0x31, sequence(tlv(0x06, OID.commonName), tlv(0x0c, utf8(text)))));
const extension = (oid: Uint8Array, value: Uint8Array, critical = false): Uint8Array =>
  sequence(tlv(0x06, oid), ...(critical ? [tlv(0x01, Uint8Array.of(0xff))] : []), tlv(0x04, value));
const sequence = (...parts: readonly Uint8Array[]): Uint8Array => tlv(0x30, concat(...parts));
const explicit = (tag: number, inner: Uint8Array): Uint8Array => tlv(0xa0 | tag, inner);
const context = (tag: number, bytes: Uint8Array): Uint8Array => tlv(0x80 | tag, bytes);

function tlv(tag: number, bytes: Uint8Array): Uint8Array {
  const { length } = bytes;
  if (length < 0x80) return concat(Uint8Array.of(tag, length), bytes);
  if (length < 0x100) return concat(Uint8Array.of(tag, 0x81, length), bytes);
  return concat(Uint8Array.of(tag, 0x82, length >> 8, length & 0xff), bytes);
}

const toPem = (der: Uint8Array): string =>
  `-----BEGIN CERTIFICATE-----\n${Buffer.from(der).toString('base64').replace(/.{64}/g, '$&\n')}\n-----END CERTIFICATE-----\n`;
