// Owns: the seam between sessions and transports: Signed messages in, Signed messages out.
// Does not own: what is in them (envelope.ts), who may call (session.ts), sockets (grpc/), memory (loopback.ts).
import type { AssayError } from '../model/errors.js';
import type { Hotkey } from '../model/ids.js';
import type { Signed } from './gen/assay/v1/miner_pb.js';
import type { ServerIdentity, ServerKey } from './server-key.js';

export interface Address {
  readonly host: string;
  readonly port: number;
}

export interface DialAddress extends Address {
  /** TLS with a server that has this key and no other; plaintext without it */
  readonly serverKey?: ServerKey | undefined;
}

export interface ListenAddress extends Address {
  /** TLS with the key that a client asks for, the first where it asks for none of them; plaintext without any */
  readonly identities?: readonly ServerIdentity[] | undefined;
}

/** A message and when it came: stamped in the transport's data callback, before any queue. */
export interface Arrived {
  readonly message: Signed;
  /** monotonic ms */
  readonly at: number;
}

/** One end of an open stream. A failed transport rejects with an `AssayError`; nothing is thrown synchronously. */
export interface WireStream {
  /** Resolves when the bytes are flushed to the socket: awaiting it is the back-pressure. */
  send(message: Signed): Promise<void>;
  /** undefined: the other side ended in good order. One caller at a time. */
  receive(): Promise<Arrived | undefined>;
  /** No more from this side (half-close when called by the dialling end). */
  end(): void;
  /**
   * Breaks the stream both ways: messages not yet taken are dropped, pending and later `receive` reject with `error`.
   * From the listening end `error` reaches the caller as a status.
   * @param error @default `refused`, reason `cancelled`
   */
  cancel(error?: AssayError): void;
  /** Resolves when the transport is done with the stream, however it went. */
  readonly closed: Promise<void>;
}

export interface WireChannel {
  /** @throws AssayError `timeout` after `deadlineMs`, `refused` (reason `cancelled`) when `signal` aborts, or the peer's refusal */
  describe(message: Signed, deadlineMs: number, signal?: AbortSignal): Promise<Arrived>;
  /** @param traceparent what the other end may hang its own trace under: not signed, and part of nothing that is */
  prove(traceparent?: string): WireStream;
  /** Breaks what is still open. */
  close(): void;
}

/** Where bytes came from, as far as the transport knows: for limits before anybody is authenticated, never for trust. */
export interface Origin {
  /** what limits count as one place: an IPv4 address, the /64 of an IPv6 one */
  readonly address: string;
  /** what certificates of session keys must bind: `channelOf` the server key that was asked for, zeros on plaintext */
  readonly channel: Uint8Array;
  /** what the other end said of its trace, of the right form: for our own traces, never for trust */
  readonly traceparent?: string | undefined;
  /**
   * Says that the call is `hotkey`'s and may come in: until then it and its connection are a stranger's, and the first to go.
   * @throws AssayError `limit-exceeded` when admitted peers have no more room
   */
  admitted(hotkey: Hotkey): void;
}

/** What a rejection carries reaches the caller as a status (errors.ts); anything but an AssayError arrives as `internal`. */
export interface WireHandlers {
  describe(arrived: Arrived, origin: Origin): Promise<Signed>;
  /** The stream ends when the promise settles: in good order, or with the rejection's status. */
  prove(stream: WireStream, origin: Origin): Promise<void>;
}

export interface WireListener extends Address {
  /** Keys to answer with from now on; connections that are open stay. Nothing where it began without any. */
  rekey(identities: readonly ServerIdentity[]): void;
  /** Stops accepting, breaks what is open, resolves when nothing is left. */
  close(): Promise<void>;
}

export interface Wire {
  /** Port 0 picks a free one. @throws AssayError `unreachable` when the address cannot be bound */
  listen(address: ListenAddress, handlers: WireHandlers): Promise<WireListener>;
  /** Never blocks and never fails by itself: calls on the channel do. */
  connect(address: DialAddress): WireChannel;
}
