// Owns: session keys and the certificates by which a hotkey vouches for them.
// Does not own: the hotkey's own signature (keys/keypair.ts), what session keys sign (envelope.ts).
import { type KeyObject, verify } from 'node:crypto';
import { type Keypair, verifySignature } from '../keys/keypair.js';
import { toAddress } from '../keys/ss58.js';
import { concat, equals } from '../model/bytes.js';
import type { Clock } from '../model/clock.js';
import { ed25519FromSeed, isSigningKey, toEd25519 } from '../model/ed25519.js';
import { sha256 } from '../model/hash.js';
import { type Hotkey, toHotkey } from '../model/ids.js';
import type { Random } from '../model/prng.js';
import { type Header, readTime, TAG, writeTime } from './envelope.js';
import { invalidInput, unauthenticated } from './errors.js';
import { CERTIFICATE_MAX_MS, type Limits } from './limits.js';

const LAYOUT = 2;
const SIGNED_BYTES = 154;
export const CERTIFICATE_BYTES = SIGNED_BYTES + 64;

/** On plaintext there is no key to bind: its digest is zero. */
export const PLAINTEXT_CHANNEL = new Uint8Array(32);

/** "This ed25519 key speaks for `hotkey`, to `peer` alone, on `netuid` and this channel, from issue to expiry." */
export interface Certificate {
  readonly netuid: number;
  readonly hotkey: Uint8Array;
  readonly peer: Uint8Array;
  /** ed25519 public key, 32 bytes */
  readonly sessionKey: Uint8Array;
  /** the server key of the TLS channel (`channelOf`), or zeros on plaintext */
  readonly channel: Uint8Array;
  /** unix ms on the issuer's clock */
  readonly issuedAt: number;
  readonly expiresAt: number;
}

/**
 * offset: 0 tag(7) 7 layout(1) 8 netuid(2) 10 hotkey(32) 42 peer(32) 74 session key(32) 106 channel(32) 138 issued(8) 146 expires(8), then
 * the hotkey's sr25519 signature over these. The tag keeps the hotkey's signature from being one of an extrinsic: no pallet has index 97 ("a"; finney spec 424 ends at 32).
 */
function encodeSigned(certificate: Certificate): Uint8Array {
  const out = new Uint8Array(SIGNED_BYTES);
  const view = new DataView(out.buffer);
  out.set(TAG, 0);
  out[7] = LAYOUT;
  view.setUint16(8, certificate.netuid, true);
  out.set(certificate.hotkey, 10);
  out.set(certificate.peer, 42);
  out.set(certificate.sessionKey, 74);
  out.set(certificate.channel, 106);
  writeTime(view, 138, certificate.issuedAt);
  writeTime(view, 146, certificate.expiresAt);
  return out;
}

/** The certificate's bytes, signed. */
export function issueCertificate(keypair: Keypair, subject: Omit<Certificate, 'hotkey'>): Uint8Array {
  const signed = encodeSigned({ ...subject, hotkey: keypair.publicKey });
  return concat(signed, keypair.sign(signed));
}

/** Layout only. @throws AssayError `invalid-input` unless `bytes` are exactly one certificate */
export function decodeCertificate(bytes: Uint8Array): Certificate {
  if (bytes.length !== CERTIFICATE_BYTES)
    throw invalidInput('certificate', `${CERTIFICATE_BYTES} bytes`, `${bytes.length} bytes`);
  if (!equals(bytes.subarray(0, 7), TAG) || bytes[7] !== LAYOUT)
    throw invalidInput('certificate', 'domain tag assay/1, layout 2', 'another');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return {
    netuid: view.getUint16(8, true),
    hotkey: bytes.subarray(10, 42),
    peer: bytes.subarray(42, 74),
    sessionKey: bytes.subarray(74, 106),
    channel: bytes.subarray(106, 138),
    issuedAt: readTime(view, 138, 'certificate'),
    expiresAt: readTime(view, 146, 'certificate'),
  };
}

/** A certificate whose hotkey signature was found good, with its key ready for use. */
export interface VerifiedCertificate extends Certificate {
  readonly bytes: Uint8Array;
  readonly key: KeyObject;
  readonly address: Hotkey;
}

/** @throws AssayError `invalid-input` for no certificate, `unauthenticated` for one that the hotkey did not sign */
export function verifyCertificate(bytes: Uint8Array): VerifiedCertificate {
  const own = bytes.slice(); // a view would keep the whole message alive for as long as the certificate is cached
  const certificate = decodeCertificate(own);
  const life = certificate.expiresAt - certificate.issuedAt;
  if (life <= 0 || life > CERTIFICATE_MAX_MS) throw unauthenticated('certificate-lifetime');
  if (!isSigningKey(certificate.sessionKey))
    throw invalidInput('certificate', 'a session key of full order', 'one that anybody can sign for');
  if (!verifySignature(own.subarray(SIGNED_BYTES), own.subarray(0, SIGNED_BYTES), certificate.hotkey))
    throw unauthenticated('certificate-signature');
  return {
    ...certificate,
    bytes: own,
    key: toEd25519(certificate.sessionKey),
    address: toHotkey(toAddress(certificate.hotkey)),
  };
}

/**
 * That `certificate` speaks for the header's sender, and did so when the call or its direction of the session began (both times are the
 * sender's clock, so no skew applies). Sent-at of a later frame decides nothing: a clock that is stepped is no fault, and the session is
 * bounded by `streamMs`. Stored frames are judged by this same rule, or a frame could be good once and no evidence afterwards.
 * @throws AssayError `unauthenticated`
 */
export function checkParties(certificate: Certificate, header: Header): void {
  if (
    certificate.netuid !== header.netuid ||
    !equals(certificate.hotkey, header.sender) ||
    !equals(certificate.peer, header.receiver)
  )
    throw unauthenticated('certificate-parties');
  if (header.sequence > 0) return;
  if (header.sentAt < certificate.issuedAt || header.sentAt > certificate.expiresAt)
    throw unauthenticated('certificate-expired');
}

/** That the certificate binds the channel it came over. @throws AssayError `unauthenticated` */
export function checkChannel(certificate: Certificate, channel: Uint8Array): void {
  if (!equals(certificate.channel, channel)) throw unauthenticated('wrong-channel');
}

/** @throws AssayError `unauthenticated` unless the session key signed `header` */
export function checkSignature(key: KeyObject, header: Uint8Array, signature: Uint8Array): void {
  if (!verify(null, header, key, signature)) throw unauthenticated('bad-signature');
}

/** Verified certificates by hash, least recently used dropped. */
export class CertificateCache {
  readonly #limit: number;
  readonly #entries = new Map<string, VerifiedCertificate>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  get size(): number {
    return this.#entries.size;
  }

  get(bytes: Uint8Array): VerifiedCertificate | undefined {
    const id = toId(bytes);
    const found = this.#entries.get(id);
    if (found) {
      this.#entries.delete(id);
      this.#entries.set(id, found);
    }
    return found;
  }

  put(certificate: VerifiedCertificate): void {
    this.#entries.set(toId(certificate.bytes), certificate);
    if (this.#entries.size > this.#limit) {
      for (const oldest of this.#entries.keys()) {
        this.#entries.delete(oldest);
        break;
      }
    }
  }
}

/** Our end of one pair of hotkeys: what it signs with, and the certificate that says so. */
export interface SessionKey {
  readonly certificate: Uint8Array;
  sign(bytes: Uint8Array): Uint8Array;
}

/** A source of session keys towards one peer, renewed while enough life is left for the longest stream. */
export function createSessionKeys(
  parts: { keypair: Keypair; clock: Clock; random: Random; limits: Limits },
  subject: { peer: Uint8Array; netuid: number; channel: Uint8Array },
): () => SessionKey {
  const { keypair, clock, random, limits } = parts;
  const { peer, netuid, channel } = subject;
  let current: (SessionKey & { readonly from: number; readonly until: number }) | undefined;
  return () => {
    const now = Math.floor(clock.now());
    // a wall clock set back would put new messages before the certificate's issue
    if (current && now >= current.from && now <= current.until - limits.certificateRenewMs) return current;
    const { publicKey, sign } = ed25519FromSeed(random.bytes(32));
    const until = now + limits.certificateMs;
    current = {
      from: now,
      until,
      certificate: issueCertificate(keypair, {
        netuid,
        peer,
        sessionKey: publicKey,
        channel,
        issuedAt: now,
        expiresAt: until,
      }),
      sign,
    };
    return current;
  };
}

const toId = (bytes: Uint8Array): string => Buffer.from(sha256(bytes)).toString('latin1');
