// Owns: a grpc-js duplex stream, of either end, as a WireStream.
import type { AssayError } from '../../model/errors.js';
import { decodeSigned, encodeSigned } from '../codec.js';
import { cancelled, limitExceeded } from '../errors.js';
import type { Signed } from '../gen/assay/v1/miner_pb.js';
import { Inbox } from '../inbox.js';
import type { Arrived, WireStream } from '../wire.js';
import type { Bytes } from './service.js';

/** What both ends' stream classes of grpc-js have. */
interface DuplexCall {
  on(event: 'data', listener: (bytes: Bytes) => void): unknown;
  read(): Bytes | null;
  write(bytes: Uint8Array, flushed: (error?: Error | null) => void): boolean;
  end(): unknown;
}

export interface GrpcStreamOptions {
  readonly call: DuplexCall;
  readonly maxSendBytes: number;
  /** stops and restarts reading when this many messages wait */
  readonly unreadMessages: number;
  pause(): void;
  resume(): void;
  /** tells the other end, in whatever way this end can */
  abort(error: AssayError): void;
}

export class GrpcStream implements WireStream {
  readonly closed: Promise<void>;
  readonly #options: GrpcStreamOptions;
  readonly #inbox: Inbox;
  #close: () => void = () => {};
  #over: AssayError | undefined;
  #paused = false;
  /** sends whose flush was not confirmed: grpc-js never calls back for some of a stream that ended */
  readonly #unflushed = new Set<(error: AssayError) => void>();

  constructor(options: GrpcStreamOptions) {
    this.#options = options;
    this.closed = new Promise((resolve) => {
      this.#close = resolve;
    });
    this.#inbox = new Inbox(() => {
      if (!this.#paused || this.#inbox.unread >= options.unreadMessages) return;
      this.#paused = false;
      options.resume();
    });
    options.call.on('data', ({ bytes, at }: Bytes) => this.#arrive(bytes, at));
  }

  send(message: Signed): Promise<void> {
    if (this.#over) return Promise.reject(this.#over);
    const bytes = encodeSigned(message);
    const { maxSendBytes, call } = this.#options;
    if (bytes.length > maxSendBytes)
      return Promise.reject(limitExceeded('message', maxSendBytes, bytes.length));
    return new Promise((resolve, reject) => {
      this.#unflushed.add(reject);
      // an error here also ends the call, and its status says more
      call.write(bytes, (error) => {
        if (error) return;
        this.#unflushed.delete(reject);
        resolve();
      });
    });
  }

  async receive(): Promise<Arrived | undefined> {
    return this.#inbox.receive();
  }

  end(): void {
    if (!this.#over) this.#options.call.end();
  }

  cancel(error: AssayError = cancelled()): void {
    this.#inbox.break(error);
    if (this.#over) return;
    this.finish(error);
    this.#options.abort(error);
  }

  /** The other end sends no more; what came can still be taken. */
  ended(): void {
    while (this.#options.call.read()); // grpc-js may hold messages that its 'data' event has not told yet
    this.#inbox.end();
  }

  /** The stream is over: sends fail with `error`, and so does `receive` once what came is taken, unless `ended` was first. */
  finish(error: AssayError): void {
    if (this.#over) return;
    while (this.#options.call.read());
    this.#over = error;
    this.#inbox.end(error);
    for (const reject of this.#unflushed) reject(error);
    this.#unflushed.clear();
    this.#close();
  }

  #arrive(bytes: Uint8Array, at: number): void {
    let message: Signed;
    try {
      message = decodeSigned(bytes);
    } catch (error) {
      this.cancel(error as AssayError); // decodeSigned throws nothing else
      return;
    }
    this.#inbox.put({ message, at });
    if (!this.#paused && this.#inbox.unread >= this.#options.unreadMessages) {
      this.#paused = true;
      this.#options.pause();
    }
  }
}
