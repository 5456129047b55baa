// Owns: the transport that needs no network: addresses are keys of a map in one process.
// A real implementation: messages travel as bytes, are bounded, and push back; it keeps no timers but those of the clock handed in.

import { toHex } from '../model/bytes.js';
import { type Clock, withTimeout } from '../model/clock.js';
import type { AssayError } from '../model/errors.js';
import { toTraceparent } from '../model/trace.js';
import { PLAINTEXT_CHANNEL } from './certificate.js';
import { decodeSigned, encodeSigned } from './codec.js';
import {
  cancelled,
  fromStatus,
  limitExceeded,
  peerEnded,
  timedOut,
  toStatus,
  unreachable,
} from './errors.js';
import type { Signed } from './gen/assay/v1/miner_pb.js';
import { Inbox } from './inbox.js';
import { type Limits, toLimits } from './limits.js';
import { channelOf, type ServerIdentity, type ServerKey } from './server-key.js';
import type {
  Address,
  Arrived,
  Origin,
  Wire,
  WireChannel,
  WireHandlers,
  WireListener,
  WireStream,
} from './wire.js';

/** Nobody here is a stranger who could take a place. */
const originOf = (serverKey: ServerKey | undefined): Origin => ({
  address: PLACE,
  channel: serverKey ? channelOf(serverKey) : PLAINTEXT_CHANNEL,
  admitted: () => {},
});
const PLACE = 'loopback';

export interface LoopbackOptions {
  readonly clock: Clock;
  /** @default limits.ts */
  readonly limits?: Partial<Limits>;
}

interface Listening {
  readonly handlers: WireHandlers;
  /** channels that a client may ask for: of server keys, or plaintext */
  channels: ReadonlySet<string>;
  readonly pipes: Set<Pipe>;
  readonly serving: Set<Promise<void>>;
}

export function createLoopback(options: LoopbackOptions): Wire {
  const { clock } = options;
  const limits = toLimits(options.limits);
  const listeners = new Map<string, Listening>();
  let nextPort = 1;

  return {
    async listen(address, handlers): Promise<WireListener> {
      const port = address.port === 0 ? nextPort++ : address.port;
      const key = toKey({ host: address.host, port });
      if (listeners.has(key)) throw unreachable(key);
      const { identities = [] } = address;
      const listening: Listening = {
        handlers,
        channels: identities.length > 0 ? channelsOf(identities) : new Set([toHex(PLAINTEXT_CHANNEL)]),
        pipes: new Set(),
        serving: new Set(),
      };
      listeners.set(key, listening);
      return {
        host: address.host,
        port,
        rekey(next) {
          if (identities.length > 0) listening.channels = channelsOf(next);
        },
        async close() {
          listeners.delete(key);
          for (const pipe of listening.pipes) pipe.drop(unreachable(key));
          await Promise.all(listening.serving);
        },
      };
    },

    connect(address): WireChannel {
      const origin = originOf(address.serverKey);
      // as over TLS: nobody answers there with that key, or without one
      const reach = () => {
        const listening = listeners.get(key);
        return listening?.channels.has(toHex(origin.channel)) ? listening : undefined;
      };
      const key = toKey(address);
      const open = new Set<Pipe>();
      const calls = new Set<(error: AssayError) => void>();
      let closed = false;
      return {
        async describe(message, deadlineMs, signal) {
          const listening = reach();
          if (!listening || closed) throw unreachable(key);
          const request = carry(message, limits.requestBytes);
          const answer = Promise.resolve()
            .then(() => listening.handlers.describe({ message: request, at: clock.monotonic() }, origin))
            .then((response) => ({
              message: carry(response, limits.responseBytes),
              at: clock.monotonic(),
            }))
            .catch((error: unknown) => {
              throw told(error, key, 'describe');
            });
          let abandon: (error: AssayError) => void = () => {};
          const abandoned = new Promise<never>((_resolve, reject) => {
            abandon = reject;
          });
          const onAbort = () => abandon(cancelled());
          signal?.addEventListener('abort', onAbort, { once: true });
          if (signal?.aborted) onAbort();
          calls.add(abandon);
          try {
            return await withTimeout(clock, deadlineMs, Promise.race([answer, abandoned]), () =>
              timedOut('describe', deadlineMs),
            );
          } finally {
            calls.delete(abandon);
            signal?.removeEventListener('abort', onAbort);
          }
        },
        prove(traceparent) {
          const pipe = new Pipe(key, clock, limits);
          const listening = closed ? undefined : reach();
          if (!listening) {
            pipe.drop(unreachable(key));
            return pipe.dialler;
          }
          open.add(pipe);
          listening.pipes.add(pipe);
          const serving = pipe
            .serve(listening.handlers, { ...origin, traceparent: toTraceparent(traceparent) })
            .finally(() => {
              open.delete(pipe);
              listening.pipes.delete(pipe);
              listening.serving.delete(serving);
            });
          listening.serving.add(serving);
          return pipe.dialler;
        },
        close() {
          closed = true;
          for (const pipe of open) pipe.drop(unreachable(key));
          for (const abandon of calls) abandon(unreachable(key));
        },
      };
    },
  };
}

/** One stream: two inboxes, each with the sends that wait for room in it. */
class Pipe {
  readonly dialler: WireStream;
  readonly #listener: WireStream;
  readonly #key: string;
  readonly #clock: Clock;
  readonly #toListener: Lane;
  readonly #toDialler: Lane;
  readonly #closed: Promise<void>;
  #close: () => void = () => {};

  constructor(key: string, clock: Clock, limits: Limits) {
    this.#key = key;
    this.#clock = clock;
    this.#toListener = new Lane(limits.unreadMessages);
    this.#toDialler = new Lane(limits.unreadMessages);
    this.#closed = new Promise((resolve) => {
      this.#close = resolve;
    });
    this.dialler = this.#end(this.#toListener, this.#toDialler, limits.requestBytes, (error) => {
      this.#toDialler.break(error, unreachable(PLACE));
      this.#toListener.break(unreachable(PLACE), error);
      this.#close();
    });
    this.#listener = this.#end(this.#toDialler, this.#toListener, limits.responseBytes, (error) => {
      const status = told(error, this.#key, 'prove');
      this.#toListener.break(error, status);
      this.#toDialler.break(status, error);
      this.#close();
    });
  }

  async serve(handlers: WireHandlers, origin: Origin): Promise<void> {
    await Promise.resolve(); // a server never runs inside its caller's call
    try {
      await handlers.prove(this.#listener, origin);
      this.#toDialler.end();
    } catch (error) {
      this.#toDialler.end(told(error, this.#key, 'prove'));
    }
    this.#toListener.break(peerEnded('prove'));
    this.#close();
  }

  /** The connection broke under both ends. */
  drop(error: AssayError): void {
    this.#toListener.break(error);
    this.#toDialler.break(error);
    this.#close();
  }

  #end(out: Lane, into: Lane, maxBytes: number, cancel: (error: AssayError) => void): WireStream {
    return {
      send: async (message) => out.send({ message: carry(message, maxBytes), at: this.#clock.monotonic() }),
      receive: async () => into.inbox.receive(),
      end: () => out.end(),
      cancel: (error = cancelled()) => cancel(error),
      closed: this.#closed,
    };
  }
}

class Lane {
  readonly inbox = new Inbox(() => this.#wake());
  readonly #room: number;
  readonly #blocked: (() => void)[] = [];
  #error: AssayError | undefined;
  #ended = false;

  constructor(room: number) {
    this.#room = room;
  }

  async send(arrived: Arrived): Promise<void> {
    if (this.#error) throw this.#error;
    if (this.#ended) throw new TypeError('send: expected before end, got after');
    this.inbox.put(arrived);
    while (this.inbox.unread >= this.#room && !this.#error)
      await new Promise<void>((resolve) => this.#blocked.push(resolve));
    if (this.#error) throw this.#error;
  }

  end(error?: AssayError): void {
    this.#ended = true;
    if (error) this.#error = error;
    this.inbox.end(error);
    this.#wake();
  }

  /** @param toSender what the sending end is told, if that differs */
  break(error: AssayError, toSender: AssayError = error): void {
    this.#error ??= toSender;
    if (!this.#ended || this.inbox.unread > 0) this.inbox.break(error);
    this.#wake();
  }

  #wake(): void {
    for (const resolve of this.#blocked.splice(0)) resolve();
  }
}

const channelsOf = (identities: readonly ServerIdentity[]): ReadonlySet<string> =>
  new Set(identities.map(({ serverKey }) => toHex(channelOf(serverKey))));

const toKey = ({ host, port }: Address): string =>
  host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;

/** @throws AssayError `limit-exceeded` */
function carry(message: Signed, maxBytes: number): Signed {
  const bytes = encodeSigned(message);
  if (bytes.length > maxBytes) throw limitExceeded('message', maxBytes, bytes.length);
  return decodeSigned(bytes);
}

const told = (error: unknown, key: string, what: string): AssayError =>
  fromStatus(toStatus(error), key, what);
