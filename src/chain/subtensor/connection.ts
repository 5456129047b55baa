// Owns: one WebSocket to one chain: connect, notice the end, come back, make sure it is still the same chain.
// Does not own: what is asked (reader.ts), trying again (with-retry.ts).
import { ApiPromise, WsProvider } from '@polkadot/api';
import { type Clock, withTimeout } from '../../model/clock.js';
import { AssayError, isAssayError } from '../../model/errors.js';
import type { Log } from '../../model/log.js';
import type { ChainLimits } from '../limits.js';
import { toChainError, unreachable } from './errors.js';

type ProviderInterface = NonNullable<NonNullable<ConstructorParameters<typeof ApiPromise>[0]>['provider']>;

export interface ConnectionParts {
  readonly url: string;
  readonly log: Log;
  readonly clock: Clock;
  readonly limits: ChainLimits;
}

export interface Subscription {
  /** Resolves when the connection it lived on is gone (or was closed); no value comes after. */
  readonly lost: Promise<void>;
  /** Ends it. */
  stop(): void;
}

/** The RPC names of one kind of subscription. */
export interface SubscriptionKind {
  readonly event: string;
  readonly subscribe: string;
  readonly unsubscribe: string;
}

export interface Connection {
  readonly url: string;
  /** for its registry, metadata and transactions; requests go through `request` */
  readonly api: ApiPromise;
  /** Parameters and result as JSON. Rejects at once with `unreachable` during an outage. */
  request(method: string, params: readonly unknown[], call?: string): Promise<unknown>;
  /** `onValue` may be called before this resolves. */
  subscribe(
    kind: SubscriptionKind,
    params: readonly unknown[],
    onValue: (value: unknown) => void,
    call?: string,
  ): Promise<Subscription>;
  /** `promise`, or a rejection with `unreachable` when the connection ends first. */
  orLost<T>(promise: Promise<T>): Promise<T>;
  /** Resolves when connected, closed or aborted: look which. */
  whenConnected(signal?: AbortSignal): Promise<void>;
  readonly isClosed: boolean;
  /** Never rejects; pending requests reject with `unreachable`. */
  close(): Promise<void>;
}

/**
 * Tries until a node answers at `url`.
 * @throws AssayError `unreachable` after `connectTimeoutMs`, `refused` by what is no Substrate node; the signal's reason
 *   when it aborts
 */
export async function openConnection(parts: ConnectionParts, signal?: AbortSignal): Promise<Connection> {
  const { url, clock, limits, log } = parts;
  if (!/^wss?:\/\/./.test(url))
    throw new AssayError('invalid-input', `not a chain address: ${url}`, {
      what: 'chain url',
      expected: 'ws://host:port or wss://host:port',
      got: url.slice(0, 100),
    });
  const end = clock.monotonic() + limits.connectTimeoutMs;
  for (let pause = limits.reconnectMinMs; ; pause = Math.min(limits.reconnectMaxMs, 2 * pause)) {
    signal?.throwIfAborted();
    try {
      const left = Math.max(1, end - clock.monotonic());
      return superviseConnection(parts, await openOnce(parts, left, signal));
    } catch (error) {
      signal?.throwIfAborted();
      if (isAssayError(error, 'refused')) throw error; // it answers, and trying again would not change what it is
      if (clock.monotonic() + pause > end) throw unreachable(url, error);
      log.debug('chain not reachable yet', { url, pauseMs: pause });
      await clock.sleep(pause, signal);
    }
  }
}

interface Opened {
  readonly provider: WsProvider;
  readonly api: ApiPromise;
  /** hex */
  readonly genesis: string;
}

async function openOnce(
  { url, clock, limits }: ConnectionParts,
  ms: number,
  signal?: AbortSignal,
): Promise<Opened> {
  // without its own reconnecting, which writes every lost connection to the console
  const provider = new WsProvider(url, false, {}, limits.requestTimeoutMs);
  const abort = () => void provider.disconnect();
  signal?.addEventListener('abort', abort, { once: true });
  let api: ApiPromise | undefined;
  const open = async (): Promise<Opened> => {
    await openSocket(provider);
    const broken = new Promise<never>((_, reject) => {
      provider.on('disconnected', () => reject(new Error('socket closed')));
    });
    broken.catch(() => {}); // after the handshake nobody waits for it
    api = new ApiPromise({ provider: patient(provider), noInitWarn: true });
    const ready = api.isReadyOrError.catch((error: unknown) => {
      throw toHandshakeError(url, error);
    });
    await Promise.race([ready, broken]);
    return { provider, api, genesis: api.genesisHash.toHex() };
  };
  const opening = open();
  try {
    return await withTimeout(clock, ms, opening, () => unreachable(url));
  } catch (error) {
    opening.catch(() => {}); // decided above; its own end is of no interest
    await (api ?? provider).disconnect();
    throw error;
  } finally {
    signal?.removeEventListener('abort', abort);
  }
}

/**
 * The provider as ApiPromise sees it. What ApiPromise asks for itself (metadata, runtime versions; never a submission)
 * waits out an outage: a rejection would be written to the console, once for each request.
 */
function patient(provider: WsProvider): ProviderInterface {
  const isOutage = (error: unknown) => /disconnected from|not connected/.test(String(error));
  return {
    hasSubscriptions: true,
    isClonable: false,
    get isConnected() {
      return provider.isConnected;
    },
    clone: () => patient(provider.clone()),
    connect: () => provider.connect(),
    disconnect: () => provider.disconnect(),
    on: (type, sub) => provider.on(type, sub),
    async send<T>(method: string, params: unknown[], isCacheable?: boolean): Promise<T> {
      for (;;) {
        try {
          return await provider.send<T>(method, params, isCacheable);
        } catch (error) {
          if (!isOutage(error)) throw error;
          await new Promise<void>((resolve) => {
            const off = provider.on('connected', () => {
              off();
              resolve();
            });
          });
        }
      }
    },
    subscribe: (type, method, params, callback) =>
      provider.subscribe(type, method, params, callback).catch((error: unknown) => {
        if (!isOutage(error)) throw error;
        return new Promise<never>(() => {}); // ApiPromise subscribes anew whenever it is connected
      }),
    unsubscribe: (type, method, id) => provider.unsubscribe(type, method, id),
  };
}

/** `refused` when something answers that is no node we can talk to; anything else may pass. */
function toHandshakeError(url: string, error: unknown): unknown {
  const reason = /Unable to initialize the API: (.*)/s.exec(String(error))?.[1];
  if (reason === undefined || /No response/.test(reason)) return error;
  return new AssayError(
    'refused',
    `${url} is no node that this client understands: ${reason.slice(0, 200)}`,
    { reason: reason.slice(0, 300) },
    { cause: error },
  );
}

/** Resolves when the socket is open; a refused connection ends as `disconnected`, never as a rejection of connect(). */
function openSocket(provider: WsProvider): Promise<void> {
  return new Promise((resolve, reject) => {
    const off = [
      provider.on('connected', () => settle(resolve)),
      provider.on('disconnected', () => settle(() => reject(new Error('socket closed')))),
    ];
    const settle = (end: () => void) => {
      for (const stop of off) stop();
      end();
    };
    provider.connect().catch((error: unknown) => settle(() => reject(error)));
  });
}

function superviseConnection(parts: ConnectionParts, { provider, api, genesis }: Opened): Connection {
  const { url, log, clock, limits } = parts;
  const closing = new AbortController();
  let connected = true;
  let fatal: AssayError | undefined;
  /** one per present connection; resolved when it ends */
  let lost = deferred();
  let back = deferred();
  back.resolve();

  const onDisconnected = () => {
    if (!connected) return; // a failed attempt of reconnect() ends here too
    connected = false;
    back = deferred();
    lost.resolve();
    if (closing.signal.aborted) return;
    log.warn('chain connection lost', { url });
    void reconnect();
  };
  provider.on('disconnected', onDisconnected);

  async function reconnect(): Promise<void> {
    const since = clock.monotonic();
    for (let pause = limits.reconnectMinMs; ; pause = Math.min(limits.reconnectMaxMs, 2 * pause)) {
      await clock.sleep(pause, closing.signal);
      if (closing.signal.aborted) return;
      try {
        await openSocket(provider);
        const found = await provider.send<string>('chain_getBlockHash', [0]);
        if (found !== genesis) return await refuseOtherChain(found);
      } catch (error) {
        log.debug('chain still not reachable', { url, cause: error });
        continue;
      }
      if (!provider.isConnected) continue;
      lost = deferred();
      connected = true;
      log.info('chain connection restored', { url, afterMs: Math.round(clock.monotonic() - since) });
      back.resolve();
      return;
    }
  }

  /** Everything known of the old chain (uids, epochs, what was set) is void on another: going on would be wrong. */
  async function refuseOtherChain(found: string): Promise<void> {
    fatal = new AssayError('refused', `another chain answers at ${url}`, {
      reason: `the chain at ${url} had genesis ${genesis} and now has ${found}`,
    });
    log.error('another chain answers', { url, expected: genesis, found });
    await close();
  }

  async function close(): Promise<void> {
    if (closing.signal.aborted) return;
    closing.abort();
    connected = false;
    lost.resolve();
    back.resolve();
    await api
      .disconnect()
      .catch((error: unknown) => log.debug('closing the chain connection', { cause: error }));
  }

  /** A socket that does not answer is half open: drop it, so that reconnecting can begin. */
  const dropIfSilent = (error: AssayError): AssayError => {
    if (error.code === 'timeout' && connected) {
      log.warn('chain does not answer, dropping the connection', { url });
      void provider.disconnect();
    }
    return error;
  };

  const assertConnected = () => {
    if (fatal) throw fatal;
    if (!connected) throw unreachable(url);
  };

  return {
    url,
    api,
    get isClosed() {
      return closing.signal.aborted;
    },
    async request(method, params, call) {
      assertConnected();
      try {
        return (await provider.send(method, [...params])) as unknown;
      } catch (error) {
        throw dropIfSilent(
          toChainError(error, { url, what: method, ...(call === undefined ? {} : { call }) }),
        );
      }
    },
    async subscribe({ event, subscribe, unsubscribe }, params, onValue, call) {
      assertConnected();
      const here = lost.promise;
      let id: string | number;
      try {
        id = await provider.subscribe(event, subscribe, [...params], (error, value: unknown) => {
          if (!error) onValue(value);
        });
      } catch (error) {
        throw dropIfSilent(
          toChainError(error, { url, what: subscribe, ...(call === undefined ? {} : { call }) }),
        );
      }
      // Also when the connection went: WsProvider would subscribe again by itself on the next one, and forget the
      // subscription for good if that one failed too. We do it anew, knowing each time whether it worked.
      const stop = () => {
        provider.unsubscribe(event, unsubscribe, id).catch(() => {}); // gone with the connection, or refused: ended
      };
      void here.then(stop);
      return { lost: here, stop };
    },
    orLost(promise) {
      const ended = lost.promise.then(() => {
        throw unreachable(url);
      });
      return Promise.race([promise, ended]);
    },
    async whenConnected(signal) {
      if (connected || signal?.aborted) return;
      const aborted = deferred();
      const onAbort = () => aborted.resolve();
      signal?.addEventListener('abort', onAbort, { once: true });
      await Promise.race([back.promise, aborted.promise]);
      signal?.removeEventListener('abort', onAbort);
    },
    close,
  };
}

interface Deferred {
  readonly promise: Promise<void>;
  resolve(): void;
}

function deferred(): Deferred {
  let resolve = () => {};
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}
