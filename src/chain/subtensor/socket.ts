// Owns: JSON-RPC over one WebSocket, from opening to its end: framing, ids, deadlines, limits, whose fault it is.
// Does not own: which node is asked, coming back (connection.ts), what the answers mean.
import { WebSocket } from 'ws';
import { type Clock, withTimeout } from '../../model/clock.js';
import { AssayError } from '../../model/errors.js';
import type { ChainLimits } from '../limits.js';
import { shownUrl } from '../networks.js';
import { unreachable } from './errors.js';

export interface SocketParts {
  readonly clock: Clock;
  readonly limits: Pick<ChainLimits, 'requestTimeoutMs' | 'responseBytes'>;
}

/** The RPC names of one kind of subscription. */
export interface SubscriptionKind {
  readonly event: string;
  readonly subscribe: string;
  readonly unsubscribe: string;
}

export interface RpcSocket {
  /** as it may be shown */
  readonly url: string;
  /** as it was given */
  readonly endpoint: string;
  /** Called with the reason when it is over, at once if it is; nothing comes after. @returns what forgets `listener` */
  onOver(listener: (why: AssayError) => void): () => void;
  /**
   * Result as JSON. An answer that is an error rejects as RpcFailure; the rest are AssayError `unreachable` (over),
   * `timeout` (no answer: the socket is then over, for it is half open) and `invalid-input` (no JSON-RPC).
   */
  request(method: string, params: readonly unknown[]): Promise<unknown>;
  /**
   * Resolves to what ends it. `onValue` may be called before this resolves; with undefined when the node tells of an error
   * instead of a value.
   */
  subscribe(
    kind: SubscriptionKind,
    params: readonly unknown[],
    onValue: (value: unknown) => void,
  ): Promise<() => void>;
  /** Ends it at once: what is pending rejects as `unreachable`. */
  end(why: AssayError): void;
}

/** The node answered with an error of its own. */
export class RpcFailure extends Error {
  constructor(
    readonly code: number,
    message: string,
    readonly data: unknown,
  ) {
    super(message);
    this.name = 'RpcFailure';
  }
}

/**
 * @throws AssayError `unreachable` when nothing answers, `refused` by what speaks no WebSocket or has a certificate that
 *   we do not trust; the signal's reason when it aborts
 */
export function openSocket(parts: SocketParts, url: string, signal?: AbortSignal): Promise<RpcSocket> {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const socket = new WebSocket(url, { maxPayload: parts.limits.responseBytes });
    const fail = (error: unknown) => {
      signal?.removeEventListener('abort', onAbort);
      socket.terminate();
      reject(error);
    };
    const onAbort = () => fail(signal?.reason);
    signal?.addEventListener('abort', onAbort, { once: true });
    socket.once('unexpected-response', (_request, { statusCode = 0 }) =>
      fail(toHttpError(shownUrl(url), statusCode)),
    );
    socket.on('error', (error) => fail(toOpenError(shownUrl(url), error)));
    socket.once('open', () => {
      signal?.removeEventListener('abort', onAbort);
      resolve(runSocket(parts, url, socket));
    });
  });
}

/** A gateway whose node is away says so; any other answer means that no WebSocket is served here. */
const PASSING_STATUS = new Set([429, 500, 502, 503, 504]);

function toHttpError(url: string, status: number): AssayError {
  if (PASSING_STATUS.has(status)) return unreachable(url, new Error(`HTTP status ${status}`));
  const reason = `it answers with HTTP status ${status} where a WebSocket should open`;
  return new AssayError('refused', `${url} is no WebSocket endpoint: ${reason}`, { reason });
}

function toOpenError(url: string, error: Error): AssayError {
  const code = 'code' in error ? String(error.code) : '';
  // OpenSSL's verification results and Node's own checks of the name
  if (/CERT|SELF_SIGNED|UNABLE_TO_VERIFY|ERR_TLS|ERR_SSL|^EPROTO$/.test(code))
    return notSpeaking(url, `TLS: ${error.message}`, error);
  if (/^HPE_/.test(code) || /Sec-WebSocket|Upgrade|subprotocol/i.test(error.message))
    return notSpeaking(url, `no WebSocket is served there: ${error.message}`, error);
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') {
    const message = `the chain at ${url} cannot be reached: its name does not resolve (${code})`;
    return new AssayError('unreachable', message, { address: url }, { cause: error });
  }
  return unreachable(url, error);
}

function notSpeaking(url: string, why: string, cause: Error): AssayError<'refused'> {
  const reason = why.slice(0, 300);
  return new AssayError('refused', `${url}: ${reason}`, { reason }, { cause });
}

interface Pending {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** Notifications that came before the answer naming their subscription; a node sends at most a few. */
const EARLY_VALUES = 64;

function runSocket({ clock, limits }: SocketParts, endpoint: string, socket: WebSocket): RpcSocket {
  const url = shownUrl(endpoint);
  const pending = new Map<number, Pending>();
  const listeners = new Map<string, (value: unknown) => void>();
  let early: (readonly [id: string, value: unknown])[] = [];
  let subscribing = 0;
  let lastId = 0;
  /** a set and no promise, whose reactions would stay as long as the socket */
  const overListeners = new Set<(why: AssayError) => void>();
  let ended: AssayError | undefined;
  let reason: AssayError | undefined;

  function end(why: AssayError): void {
    if (ended) return;
    reason = why;
    // whatever ended it, to those who wait it is an outage: another node may answer them
    ended = unreachable(url, why);
    for (const { reject } of pending.values()) reject(ended);
    pending.clear();
    listeners.clear();
    early = [];
    socket.terminate(); // not close(): a half-open one would linger for the peer's answer
    for (const listener of overListeners) listener(why);
    overListeners.clear();
  }

  socket.removeAllListeners('error');
  socket.on('error', (error) => end(isTooLarge(error) ? malformed(url, error) : unreachable(url, error)));
  socket.on('close', () => end(unreachable(url)));
  socket.on('message', (data) => {
    if (ended) return;
    try {
      receive(JSON.parse(String(data)));
    } catch (error) {
      end(error instanceof AssayError ? error : malformed(url, error));
    }
  });

  function receive(message: unknown): void {
    if (!isObject(message)) throw malformed(url);
    if ('method' in message) {
      const { params } = message;
      if (!isObject(params)) throw malformed(url);
      const { subscription } = params;
      if (typeof subscription !== 'string' && typeof subscription !== 'number') throw malformed(url);
      notify(String(subscription), params.result);
      return;
    }
    const { id } = message;
    if (typeof id !== 'number') throw malformed(url);
    const waiting = pending.get(id);
    if (!waiting) return; // we stopped waiting for it
    pending.delete(id);
    if (message.error !== undefined) waiting.reject(toFailure(url, message.error));
    else if ('result' in message) waiting.resolve(message.result);
    else waiting.reject(malformed(url));
  }

  function notify(id: string, value: unknown): void {
    const listener = listeners.get(id);
    if (listener) listener(value);
    else if (subscribing > 0 && early.length < EARLY_VALUES) early.push([id, value]);
  }

  /** @param onResult called before anything else is received */
  function send(
    method: string,
    params: readonly unknown[],
    onResult?: (result: unknown) => void,
  ): Promise<unknown> {
    if (ended) return Promise.reject(ended);
    const id = ++lastId;
    const answer = new Promise<unknown>((resolve, reject) => {
      const done = (result: unknown) => {
        try {
          onResult?.(result);
        } catch (error) {
          reject(error); // nothing else would: it is pending no more
          throw error;
        }
        resolve(result);
      };
      pending.set(id, { resolve: done, reject });
      socket.send(JSON.stringify({ jsonrpc: '2.0', id, method, params }), (error) => {
        if (error) end(unreachable(url, error));
      });
    });
    const afterMs = limits.requestTimeoutMs;
    return withTimeout(clock, afterMs, answer, () => {
      pending.delete(id);
      const late = new AssayError('timeout', `${method}: no answer from ${url}`, { what: method, afterMs });
      end(late);
      return late;
    });
  }

  return {
    url,
    endpoint,
    end,
    onOver(listener) {
      if (reason) listener(reason);
      else overListeners.add(listener);
      return () => void overListeners.delete(listener);
    },
    request: (method, params) => send(method, params),
    async subscribe({ subscribe, unsubscribe }, params, onValue) {
      subscribing++;
      let key = '';
      try {
        await send(subscribe, params, (id) => {
          if (typeof id !== 'string' && typeof id !== 'number') throw malformed(url);
          key = String(id);
          listeners.set(key, onValue);
          const mine = early.filter(([of]) => of === key);
          early = early.filter(([of]) => of !== key);
          for (const [, value] of mine) onValue(value);
        });
      } finally {
        if (--subscribing === 0) early = [];
      }
      return () => {
        if (!listeners.delete(key) || ended) return;
        send(unsubscribe, [key]).catch(() => {}); // gone with the connection, or refused: ended
      };
    },
  };
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isTooLarge = (error: Error): boolean =>
  'code' in error && error.code === 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH';

function toFailure(url: string, error: unknown): Error {
  if (!isObject(error) || typeof error.code !== 'number') return malformed(url);
  return new RpcFailure(error.code, String(error.message ?? 'no message').slice(0, 1000), error.data);
}

const malformed = (url: string, cause?: unknown): AssayError<'invalid-input'> =>
  new AssayError(
    'invalid-input',
    `${url} sends what is no JSON-RPC of a Substrate node`,
    { what: `message from ${url}`, expected: 'JSON-RPC 2.0 within its size limit', got: 'another' },
    { cause },
  );
