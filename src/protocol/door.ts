// Owns: who comes in. In this order: limits, parse, signature, freshness and replay, admission.
// Does not own: what is done with an admitted call (session.ts), sizes and connections (grpc/).
import type { Keypair } from '../keys/keypair.js';
import { toAddress } from '../keys/ss58.js';
import { toHex } from '../model/bytes.js';
import type { Clock } from '../model/clock.js';
import { AssayError } from '../model/errors.js';
import { type Hotkey, toHotkey } from '../model/ids.js';
import type { Log } from '../model/log.js';
import type { Random } from '../model/prng.js';
import {
  CertificateCache,
  checkChannel,
  checkParties,
  checkSignature,
  createSessionKeys,
  type SessionKey,
  type VerifiedCertificate,
  verifyCertificate,
} from './certificate.js';
import { arrivalTime, checkFreshness, type Header, type Method, readEnvelope } from './envelope.js';
import { limitExceeded, unauthenticated } from './errors.js';
import type { Limits } from './limits.js';
import { NonceStore } from './nonces.js';
import { Bucket, Buckets } from './rate.js';
import type { Admission } from './session.js';
import type { Arrived, Origin } from './wire.js';

/** Distinct remote addresses whose rates are known at once; a flood from more forgets the longest unused. */
const ADDRESSES = 4096;

export interface DoorParts {
  readonly keypair: Keypair;
  readonly clock: Clock;
  readonly log: Log;
  readonly random: Random;
  readonly admit: (hotkey: Hotkey) => Promise<Admission> | Admission;
}

/** A call whose envelope, freshness and caller were found good. */
export interface Admitted {
  readonly header: Header;
  readonly certificate: VerifiedCertificate;
  readonly peer: PeerState;
  /** it may have files, and nothing else */
  readonly filesOnly: boolean;
}

/** What the server keeps about one admitted hotkey. */
export interface PeerState {
  readonly hotkey: Hotkey;
  /** of the channel that a call came over: a server that changes keys has two for a while */
  sessionKey(channel: Uint8Array): SessionKey;
  readonly calls: Bucket;
  readonly contents: Bucket;
  /** the same while it is admitted for files alone */
  readonly files: Bucket;
  /** pieces of files, and the same while it is admitted for files alone */
  readonly pieces: Bucket;
  readonly filePieces: Bucket;
  readonly nonces: NonceStore;
  streams: number;
}

export class Door {
  readonly #parts: DoorParts;
  readonly #netuid: number;
  readonly #limits: Limits;
  readonly #startedAt: number;
  readonly #certificates: CertificateCache;
  readonly #callsByAddress: Buckets;
  readonly #checksByAddress: Buckets;
  readonly #strangersChecks: Bucket;
  /** addresses of admitted calls, the longest unused forgotten */
  readonly #known = new Set<string>();
  readonly #peers = new Map<Hotkey, PeerState>();

  constructor(parts: DoorParts, netuid: number, limits: Limits) {
    this.#parts = parts;
    this.#netuid = netuid;
    this.#limits = limits;
    this.#startedAt = Math.floor(parts.clock.now());
    this.#certificates = new CertificateCache(limits.certificateCache);
    this.#callsByAddress = new Buckets(limits.callsPerSecondPerAddress, ADDRESSES);
    this.#checksByAddress = new Buckets(limits.certificatesPerSecondPerAddress, ADDRESSES);
    this.#strangersChecks = new Bucket(limits.certificatesPerSecondOfStrangers, parts.clock.monotonic());
  }

  /** Before anything of the call is looked at. @throws AssayError `limit-exceeded` */
  knock(origin: Origin): void {
    this.#callsByAddress.take(origin.address, 'calls-per-address', this.#parts.clock.monotonic());
  }

  /**
   * Cheap things first, so that who floods us pays more than we do: lengths, freshness, whether the named caller may come in
   * at all; then at most one sr25519 check, and one ed25519 check.
   * @param signed told whose signature was found good
   * @throws AssayError
   */
  async enter(
    arrived: Arrived,
    method: Method,
    origin: Origin,
    signed: (hotkey: Hotkey) => void = () => {},
  ): Promise<Admitted> {
    const { clock, keypair } = this.#parts;
    const { message } = arrived;
    const header = readEnvelope(message, {
      direction: 'request',
      method,
      netuid: this.#netuid,
      receiver: keypair.publicKey,
      sequence: 0,
    });

    if (message.certificate.length === 0) throw unauthenticated('missing-certificate');
    const now = arrivalTime(clock, arrived);
    checkFreshness(header, now, this.#limits);
    // call ids are not kept over a restart: what was signed before it could be a replay
    if (header.sentAt < this.#startedAt) throw unauthenticated('before-start', header.sentAt - now);

    const hotkey = toHotkey(toAddress(header.sender));
    const admission = await this.#admissionOf(hotkey);
    // a session is never opened for files alone
    const mayEnter = admission === true || (admission === 'files' && method === 'describe');
    const known = this.#certificates.get(message.certificate);
    if (!known) {
      // a name that may not come in is refused before it is known to be the caller's own: keys are free, checks are not
      if (!mayEnter) throw notAdmitted();
      this.#checksByAddress.take(origin.address, 'certificates-per-address', clock.monotonic());
      if (!this.#known.has(origin.address))
        this.#strangersChecks.take('certificates-of-strangers', clock.monotonic());
    }
    const certificate = known ?? verifyCertificate(message.certificate);
    checkParties(certificate, header);
    checkChannel(certificate, origin.channel);
    checkSignature(certificate.key, message.header, message.signature);
    signed(hotkey);
    if (this.#peers.get(hotkey)?.nonces.has(header.callId)) throw unauthenticated('replayed');
    if (!mayEnter) throw notAdmitted();

    // state only from here on: strangers, however many, cost none
    const peer = this.#peers.get(hotkey) ?? this.#addPeer(hotkey, header.sender);
    peer.calls.take('calls-per-peer', clock.monotonic());
    // whoever may have files alone stays among the strangers: all hotkeys of a subnet together could fill the peers' places
    if (admission === true) {
      origin.admitted(hotkey);
      this.#remember(origin.address);
    }
    if (peer.nonces.has(header.callId)) throw unauthenticated('replayed'); // two at once, while admit was asked
    peer.nonces.add(header.callId, header.sentAt + this.#limits.skewMs, clock.now());
    if (!known) this.#certificates.put(certificate);
    return { header, certificate, peer, filesOnly: admission === 'files' };
  }

  #remember(address: string): void {
    this.#known.delete(address);
    this.#known.add(address);
    if (this.#known.size <= ADDRESSES) return;
    for (const oldest of this.#known) {
      this.#known.delete(oldest);
      break;
    }
  }

  async #admissionOf(hotkey: Hotkey): Promise<Admission> {
    try {
      return await this.#parts.admit(hotkey);
    } catch (error) {
      // not knowing is no admission; and it is our fault, not the caller's
      this.#parts.log.error('admission could not be decided', { hotkey, error });
      throw new AssayError('internal', 'admission could not be decided', { what: 'admit' }, { cause: error });
    }
  }

  #addPeer(hotkey: Hotkey, publicKey: Uint8Array): PeerState {
    const limits = this.#limits;
    const now = this.#parts.clock.now();
    if (this.#peers.size >= limits.peers) {
      for (const [key, peer] of this.#peers) {
        peer.nonces.forget(now);
        if (peer.streams === 0 && peer.nonces.size === 0) this.#peers.delete(key);
      }
      if (this.#peers.size >= limits.peers) throw limitExceeded('peers', limits.peers, this.#peers.size + 1);
    }
    const { keypair, clock, random } = this.#parts;
    const peer: PeerState = {
      hotkey,
      // a copy: the header's view would keep its message alive
      sessionKey: sessionKeys({ keypair, clock, random, limits }, publicKey.slice(), this.#netuid),
      calls: new Bucket(limits.callsPerSecondPerPeer, clock.monotonic()),
      contents: new Bucket(limits.contentsPerSecondPerPeer, clock.monotonic()),
      files: new Bucket(limits.contentsPerSecondPerNeuron, clock.monotonic()),
      pieces: new Bucket(limits.piecesPerSecondPerPeer, clock.monotonic()),
      filePieces: new Bucket(limits.piecesPerSecondPerNeuron, clock.monotonic()),
      nonces: new NonceStore(limits.noncesPerPeer),
      streams: 0,
    };
    this.#peers.set(hotkey, peer);
    return peer;
  }
}

export const notAdmitted = (): AssayError<'permission-denied'> =>
  new AssayError('permission-denied', 'caller is not admitted', { reason: 'not-admitted' });

/** One source of keys for each channel: at most as many as the server has identities, and plaintext. */
function sessionKeys(
  parts: Parameters<typeof createSessionKeys>[0],
  peer: Uint8Array,
  netuid: number,
): (channel: Uint8Array) => SessionKey {
  const sources = new Map<string, () => SessionKey>();
  return (channel) => {
    const id = toHex(channel);
    let source = sources.get(id);
    if (!source) {
      source = createSessionKeys(parts, { peer, netuid, channel });
      sources.set(id, source);
    }
    return source();
  };
}

/** For logs: what went wrong, without a byte of the peer's. */
export function toLogData(error: unknown): Record<string, unknown> {
  return error instanceof AssayError ? { code: error.code, ...error.data } : { error };
}

export const shortId = (id: Uint8Array): string => toHex(id.subarray(0, 4));
