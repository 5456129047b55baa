// Owns: one session over one stream: signing, order, freshness and time-outs of its frames.
// Does not own: the first frame's admission (door.ts), what frames mean (validator, miner).
import { create, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import type { Clock } from '../model/clock.js';
import { type AssayError, isAssayError } from '../model/errors.js';
import type { Hotkey } from '../model/ids.js';
import {
  type CertificateCache,
  checkChannel,
  checkParties,
  checkSignature,
  type SessionKey,
  type VerifiedCertificate,
  verifyCertificate,
} from './certificate.js';
import { decode } from './codec.js';
import {
  checkFreshness,
  type Direction,
  type Header,
  readEnvelope,
  readWallClock,
  seal,
} from './envelope.js';
import { cancelled, invalidInput, isRefusal, timedOut, unauthenticated } from './errors.js';
import type { SignedFrame } from './evidence.js';
import { type Frame, FrameSchema, type Signed } from './gen/assay/v1/miner_pb.js';
import type { Limits } from './limits.js';
import type { Arrived, WireStream } from './wire.js';

export interface Sent {
  readonly signed: SignedFrame;
  /** monotonic ms just before the bytes were handed to the socket */
  readonly at: number;
  /** ms until flushed */
  readonly flushMs: number;
}

export interface Received {
  readonly frame: Frame;
  readonly signed: SignedFrame;
  /** monotonic ms at arrival, stamped before any queue */
  readonly at: number;
}

/** `{ case: 'ready', value: {} }`: plain objects do, generated messages too. */
export type FrameBody = NonNullable<MessageInitShape<typeof FrameSchema>['body']>;

/** One proof of one slot. A fault of the peer rejects `receive` and breaks the stream: nothing is delivered after it. */
export interface ProofSession {
  /** 16 bytes, chosen by the dialling end */
  readonly id: Uint8Array;
  readonly peer: Hotkey;
  /** of the trace that the dialling end has the session in; nobody answers for it */
  readonly traceparent?: string | undefined;
  /** certificate of our session key: stored beside our frames */
  readonly ownCertificate: Uint8Array;
  /** the peer's, once its first frame arrived */
  peerCertificate(): Uint8Array | undefined;
  /** Awaiting it is the back-pressure. @throws AssayError when the session is broken, or the frame is over a limit */
  send(body: FrameBody): Promise<Sent>;
  /**
   * undefined: the peer ended in good order.
   * @throws AssayError `unauthenticated` or `invalid-input` for the peer's fault unless `isRefusal(error)`, and then it
   *   is the peer that refused us; `unreachable`, `timeout`, `refused` for the rest
   */
  receive(): Promise<Received | undefined>;
  end(): void;
  cancel(): void;
}

export interface SessionContext {
  readonly clock: Clock;
  readonly limits: Limits;
  readonly certificates: CertificateCache;
  /** what the peer's certificate must bind */
  readonly channel: Uint8Array;
  readonly netuid: number;
  /** public keys */
  readonly own: Uint8Array;
  readonly other: Uint8Array;
  readonly peer: Hotkey;
  readonly id: Uint8Array;
  readonly key: SessionKey;
  /** of the frames that we send */
  readonly direction: Direction;
  readonly traceparent?: string | undefined;
  /** the listening end's first frame, already admitted */
  readonly first?: { readonly arrived: Arrived; readonly certificate: VerifiedCertificate };
}

export class Session implements ProofSession {
  readonly id: Uint8Array;
  readonly peer: Hotkey;
  readonly traceparent: string | undefined;
  readonly ownCertificate: Uint8Array;
  readonly #stream: WireStream;
  readonly #context: SessionContext;
  readonly #watch = new AbortController();
  readonly #startedAt: number;
  readonly #toUnixMs: (at: number) => number;
  #activeAt: number;
  #first: SessionContext['first'];
  #certificate: VerifiedCertificate | undefined;
  #sent = 0;
  #received = 0;
  #connected: boolean;
  #fault: AssayError | undefined;

  constructor(stream: WireStream, context: SessionContext) {
    this.#stream = stream;
    this.#context = context;
    this.id = context.id;
    this.peer = context.peer;
    this.traceparent = context.traceparent;
    this.ownCertificate = context.key.certificate;
    this.#first = context.first;
    this.#certificate = context.first?.certificate;
    this.#connected = context.first !== undefined;
    this.#startedAt = context.clock.monotonic();
    this.#toUnixMs = readWallClock(context.clock);
    this.#activeAt = this.#startedAt;
    stream.closed.then(() => this.#watch.abort());
    void this.#guard();
  }

  /** Why the session is broken, when it is. */
  get fault(): AssayError | undefined {
    return this.#fault;
  }

  peerCertificate(): Uint8Array | undefined {
    return this.#certificate?.bytes;
  }

  async send(body: FrameBody): Promise<Sent> {
    if (body.case === undefined) throw new TypeError('send: expected a frame with a body, got none');
    if (this.#fault) throw this.#fault;
    const { clock, limits, key, own, other, netuid, direction } = this.#context;
    const sequence = this.#sent++;
    const sentAt = Math.floor(this.#toUnixMs(clock.monotonic()));
    const message = seal(
      {
        direction,
        method: 'prove',
        netuid,
        sender: own,
        receiver: other,
        callId: this.id,
        sequence,
        sentAt,
        expiresAt: sentAt + limits.envelopeMs,
      },
      toBinary(FrameSchema, create(FrameSchema, { body })),
      key.sign,
      sequence === 0 ? key.certificate : undefined,
    );
    const at = clock.monotonic();
    try {
      await this.#stream.send(message);
    } catch (error) {
      // it never left, so the next would leave a gap; after any other failure what arrived can still be taken
      if (isAssayError(error, 'limit-exceeded') && !isRefusal(error)) this.#break(error);
      throw this.#fault ?? error;
    }
    this.#connected = true;
    this.#activeAt = clock.monotonic();
    return { signed: toSigned(message), at, flushMs: this.#activeAt - at };
  }

  async receive(): Promise<Received | undefined> {
    if (this.#fault) throw this.#fault;
    let arrived: Arrived | undefined;
    if (this.#first) {
      arrived = this.#first.arrived;
      this.#first = undefined;
    } else {
      try {
        arrived = await this.#stream.receive();
      } catch (error) {
        throw this.#fault ?? error;
      }
      if (this.#fault) throw this.#fault;
      if (!arrived) {
        // the dialling end's stream is over with its peer's end; the listening end may go on sending
        if (this.#context.direction === 'request') this.#watch.abort();
        return undefined;
      }
      try {
        this.#check(arrived);
      } catch (error) {
        throw this.#break(error as AssayError); // #check throws nothing else
      }
    }
    this.#received++;
    this.#connected = true;
    this.#activeAt = this.#context.clock.monotonic();
    const { message, at } = arrived;
    try {
      const frame = decode(FrameSchema, message.body, 'frame');
      if (frame.body.case === undefined) throw invalidInput('frame', 'a body', 'none that we know');
      return { frame, signed: toSigned(message), at };
    } catch (error) {
      throw this.#break(error as AssayError); // decode throws nothing else
    }
  }

  end(): void {
    if (!this.#fault) this.#stream.end();
  }

  cancel(): void {
    this.#break(cancelled());
  }

  /** Nothing is left to guard. */
  close(): void {
    this.#watch.abort();
  }

  #check(arrived: Arrived): void {
    const { message } = arrived;
    const { limits, certificates, channel, own, other, netuid, direction } = this.#context;
    const header: Header = readEnvelope(message, {
      direction: direction === 'request' ? 'response' : 'request',
      method: 'prove',
      netuid,
      sender: other,
      receiver: own,
      callId: this.id,
      sequence: this.#received,
    });
    const known = this.#certificate;
    if (known && message.certificate.length > 0) throw unauthenticated('unexpected-certificate');
    const certificate = known ?? authenticate(message, certificates);
    checkParties(certificate, header);
    if (!known) checkChannel(certificate, channel);
    checkSignature(certificate.key, message.header, message.signature);
    // later frames are bound by session, sequence and key: a clock stepped meanwhile, here or there, is nobody's fault
    if (header.sequence === 0) checkFreshness(header, this.#toUnixMs(arrived.at), limits);
    this.#certificate = certificate;
  }

  #break(error: AssayError): AssayError {
    this.#fault ??= error;
    this.#watch.abort();
    this.#stream.cancel(this.#fault);
    return this.#fault;
  }

  /** A stream that hangs is ended: while connecting, without frames, or altogether too old. */
  async #guard(): Promise<void> {
    const { clock, limits } = this.#context;
    const { signal } = this.#watch;
    while (!signal.aborted) {
      const now = clock.monotonic();
      const idle = this.#connected
        ? { what: 'frame', at: this.#activeAt + limits.streamIdleMs, ms: limits.streamIdleMs }
        : { what: 'connect', at: this.#startedAt + limits.connectMs, ms: limits.connectMs };
      const total = { what: 'stream', at: this.#startedAt + limits.streamMs, ms: limits.streamMs };
      const due = idle.at < total.at ? idle : total;
      if (now >= due.at) {
        this.#break(timedOut(due.what, due.ms));
        return;
      }
      await clock.sleep(due.at - now, signal);
    }
  }
}

/** The certificate of a peer whom we dialled, remembered. @throws AssayError `unauthenticated`, `invalid-input` */
export function authenticate(message: Signed, certificates: CertificateCache): VerifiedCertificate {
  if (message.certificate.length === 0) throw unauthenticated('missing-certificate');
  const known = certificates.get(message.certificate);
  if (known) return known;
  const certificate = verifyCertificate(message.certificate);
  certificates.put(certificate);
  return certificate;
}

const toSigned = ({ header, signature, body }: Signed): SignedFrame => ({ header, signature, body });
