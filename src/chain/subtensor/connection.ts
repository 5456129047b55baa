// Owns: one chain through one node of several: connect, notice that the node died or is sick, go on with the next, make
// sure that it is still the same chain, know the runtime in force.
// Does not own: what is asked (reader.ts), trying again (with-retry.ts), what sick means (health.ts).
import { fromHex } from '../../model/bytes.js';
import { type Clock, withTimeout } from '../../model/clock.js';
import { AssayError, isAssayError } from '../../model/errors.js';
import type { Log } from '../../model/log.js';
import type { ChainStatus, Head } from '../chain.js';
import type { ChainLimits } from '../limits.js';
import { assertChainUrl, shownUrl } from '../networks.js';
import { type ChainApi, sameVersion, slotMsOf, toVersionRef, type VersionRef } from './connection-api.js';
import {
  assertStillFinal,
  type Candidate,
  createApis,
  ForeignChain,
  type HandshakeParts,
  handshake,
  hashAt,
  NotReady,
  type NumberedHash,
  timestampAt,
} from './connection-handshake.js';
import { createEndpoints } from './endpoints.js';
import { toChainError, unreachable } from './errors.js';
import { headerNumber } from './header-number.js';
import type { Sickness } from './health.js';
import type { SubscriptionKind } from './socket.js';

export type { SubscriptionKind } from './socket.js';

export interface ConnectionParts {
  /** tried in this order */
  readonly urls: readonly string[];
  /** hex hash of the block 0 that the chain must have; undefined: that of the first node */
  readonly genesis?: string | undefined;
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

export interface Connection {
  /** the node in use, or during an outage the last one */
  readonly url: string;
  /** The runtime in force, as a value: take it once for what belongs together. */
  readonly api: ChainApi;
  /** Parameters and result as JSON. Rejects at once with `unreachable` during an outage. */
  request(method: string, params: readonly unknown[], call?: string): Promise<unknown>;
  /** `onValue` may be called before this resolves. */
  subscribe(
    kind: SubscriptionKind,
    params: readonly unknown[],
    onValue: (value: unknown) => void,
    call?: string,
  ): Promise<Subscription>;
  /** The runtime whose code is in the state of block `at`: the one that made its children. @param at hex hash */
  apiAt(at: string): Promise<ChainApi>;
  /** Asks the node for its runtime: `api` is the one in force then. */
  refreshApi(): Promise<void>;
  /** The node answers what no node should. @returns whether there is another to go to; then this one is left at once */
  leave(why: AssayError): boolean;
  /** Whether the node in use is new to us, so that it may not have yet what the last one had. */
  isCatchingUp(): boolean;
  readonly isConnected: boolean;
  /** Resolves when connected, closed or aborted: look which. */
  whenConnected(signal?: AbortSignal): Promise<void>;
  readonly isClosed: boolean;
  status(): ChainStatus;
  /** Called after each change of state, node, sickness or runtime. @returns what ends it */
  onStatus(listener: (status: ChainStatus) => void): () => void;
  /** Never rejects; pending requests reject with `unreachable`. */
  close(): Promise<void>;
}

interface Live extends Omit<Candidate, 'head' | 'finalized'> {
  head: NumberedHash;
  finalized: NumberedHash;
  /** monotonic */
  readonly since: number;
  /** aborted when it is no longer the one in use */
  readonly over: AbortController;
}

/**
 * Tries the nodes at `urls` in turn until one answers that is of the right chain and healthy; a sick one is taken when
 * there is no other.
 * @throws AssayError `unreachable` after `connectTimeoutMs` (`refused` when a node that answered last had but errors to
 *   answer), `refused` at once when none of them is a node of that chain,
 *   `invalid-input` for what is no address; the signal's reason when it aborts
 */
export async function openConnection(parts: ConnectionParts, signal?: AbortSignal): Promise<Connection> {
  for (const url of parts.urls) assertChainUrl(url);
  const { clock, limits, log } = parts;
  const endpoints = createEndpoints(parts.urls, clock, limits);
  const apis = createApis(limits);
  const closing = new AbortController();
  const listeners = new Set<(status: ChainStatus) => void>();
  let genesis = parts.genesis?.toLowerCase();
  let finalized: NumberedHash | undefined;
  let live: Live | undefined;
  let last: { readonly url: string; readonly api: ChainApi } | undefined;
  let sickness: Sickness | undefined;
  let lastError: AssayError | undefined;
  let fatal: AssayError | undefined;
  let sinceMs = clock.now();
  let changes = 0;
  let back = deferred();

  await connectFirst();
  return face();

  async function connectFirst(): Promise<void> {
    const end = clock.monotonic() + limits.connectTimeoutMs;
    const late = () =>
      lastError instanceof NotReady ? lastError : unreachable(parts.urls.map(shownUrl).join(', '), lastError);
    for (;;) {
      const left = Math.max(1, end - clock.monotonic());
      const attempt = new AbortController();
      const until = signal ? AbortSignal.any([signal, attempt.signal]) : attempt.signal;
      const picking = pick(endpoints.ready(), until);
      const found = await withTimeout(clock, left, picking, late).catch(async (error: unknown) => {
        attempt.abort(error);
        const fallback = await picking; // a sick one, or what it was aborted with
        if (fallback) return fallback;
        throw error;
      });
      if (signal?.aborted) {
        found?.socket.end(unreachable(found.socket.url));
        signal.throwIfAborted();
      }
      if (found) {
        adopt(found);
        return;
      }
      const failures = endpoints.failures();
      const refusals = failures.filter(
        (error) => isAssayError(error, 'refused') && !(error instanceof NotReady),
      );
      // they answer, and trying again would not change what they are
      if (refusals.length === parts.urls.length)
        throw refusals.length === 1 ? refusals[0]! : allRefused(refusals);
      const wait = endpoints.waitMs() ?? Number.POSITIVE_INFINITY;
      if (clock.monotonic() + wait > end) throw late();
      log.debug('chain not reachable yet', { urls: parts.urls.map(shownUrl), pauseMs: wait });
      await clock.sleep(wait, signal);
      signal?.throwIfAborted();
    }
  }

  /** The first healthy one of `urls`; else the sick one that is furthest, also when aborted. @throws the signal's reason without one */
  async function pick(urls: readonly string[], until: AbortSignal): Promise<Candidate | undefined> {
    let fallback: Candidate | undefined;
    for (const url of urls) {
      let found: Candidate | undefined;
      try {
        found = await attempt(url, until);
      } catch (error) {
        if (fallback) return fallback;
        throw error;
      }
      if (!found) continue;
      const isSick = found.watch.sickness() !== undefined || isBehind(found);
      const [better, worse] =
        !fallback || !isSick || found.head.number > fallback.head.number
          ? [found, fallback]
          : [fallback, found];
      worse?.socket.end(unreachable(worse.socket.url));
      if (!isSick) return better;
      fallback = better;
    }
    return fallback;
  }

  function isBehind({ head }: Candidate): boolean {
    return live === undefined && finalized !== undefined && head.number < finalized.number;
  }

  async function attempt(url: string, until: AbortSignal): Promise<Candidate | undefined> {
    until.throwIfAborted();
    const shake: HandshakeParts = { clock, limits, genesis, finalized, apis };
    try {
      const found = await handshake(shake, url, until);
      genesis ??= found.genesis;
      return found;
    } catch (error) {
      until.throwIfAborted();
      const why = toChainError(error, { url: shownUrl(url), what: 'handshake' });
      failed(url, why);
      return undefined;
    }
  }

  function failed(url: string, why: AssayError): void {
    lastError = why;
    if (why instanceof ForeignChain) {
      log.error('another chain answers', { url: shownUrl(url), reason: why.data.reason });
      endpoints.ban(url, why);
    } else {
      log.debug('chain endpoint failed', { url: shownUrl(url), cause: why });
      endpoints.failed(url, why);
    }
  }

  function adopt(found: Candidate): void {
    const next: Live = { ...found, since: clock.monotonic(), over: new AbortController() };
    const before = live;
    live = next;
    last = { url: next.socket.url, api: next.api };
    keepFinalized(found.finalized);
    changes++;
    sickness = undefined;
    sinceMs = clock.now();
    before?.over.abort();
    before?.socket.end(unreachable(before.socket.url));
    back.resolve();
    tell();
    next.socket.onOver((why) => onOver(next, why)); // last: it may be over already
    void follow(next);
    void keepHealthy(next);
  }

  function onOver(ended: Live, why: AssayError): void {
    ended.over.abort();
    if (live !== ended) return; // left for a better one, or closed
    live = undefined;
    back = deferred();
    sinceMs = clock.now();
    const { url, endpoint } = ended.socket;
    // one that lived shortly is not asked again at once, however readily it answers
    if (clock.monotonic() - ended.since > limits.reconnectMaxMs) endpoints.answered(endpoint);
    if (!(why instanceof ForeignChain)) endpoints.failed(endpoint, why);
    lastError = why;
    log.warn('chain connection lost', { url, cause: why.message });
    tell();
    void reconnect(url);
  }

  async function reconnect(from: string): Promise<void> {
    const begin = clock.monotonic();
    while (!closing.signal.aborted) {
      const wait = endpoints.waitMs();
      if (wait === undefined) return fail(endpoints.hopeless());
      await clock.sleep(wait, closing.signal);
      const found = await pick(endpoints.ready(), closing.signal).catch(() => undefined); // only aborted
      if (!found) continue;
      if (closing.signal.aborted) return found.socket.end(unreachable(found.socket.url));
      adopt(found);
      const { url } = found.socket;
      const afterMs = Math.round(clock.monotonic() - begin);
      log.info('chain connection restored', { url, afterMs, ...(url === from ? {} : { from }) });
      return;
    }
  }

  /** Everything known of the old chain (uids, epochs, what was set) is void on another: going on would be wrong. */
  function fail(why: AssayError | undefined): void {
    fatal = why;
    void close();
  }

  // ---- what the node in use tells by itself

  async function follow(node: Live): Promise<void> {
    const { socket } = node;
    const on = (kind: SubscriptionKind, onValue: (value: unknown) => void) =>
      socket.subscribe(kind, [], (value) => {
        if (live === node) onValue(value);
      });
    try {
      await Promise.all([
        on(NEW_HEADS, (header) => void onHead(node, header)),
        on(FINALIZED_HEADS, (header) => void onFinalized(node, header)),
        on(RUNTIME_VERSION, (version) => onVersion(node, version)),
      ]);
    } catch (error) {
      // unreachable: over; unsupported: then its health shows only in what it answers
      log.debug('chain node is not followed', { url: socket.url, cause: error });
    }
  }

  async function onHead(node: Live, header: unknown): Promise<void> {
    const head = toNumbered(node, header);
    if (!head) return;
    node.head = head;
    node.watch.onHead(head.number);
    if (sickness) judge(node); // good news need not wait
    if (!node.keepsTime) return;
    const timestampMs = await timestampAt(node.socket, head.hash).catch(() => undefined); // pruned, or an outage
    if (timestampMs !== undefined && node.head === head) node.watch.onHead(head.number, timestampMs);
  }

  async function onFinalized(node: Live, header: unknown): Promise<void> {
    const next = toNumbered(node, header);
    if (!next) return;
    const { socket, finalized: before } = node;
    try {
      if (next.number > node.head.number && (await bestNumber(node)) < next.number) {
        socket.end(nonsense(socket.url, 'a final block'));
        return;
      }
      if (await isTakenBack(node, next))
        throw new ForeignChain(
          `${socket.url} took back what it had called final`,
          `${socket.url} had block ${before.number} (${before.hash}) final, and now has ${next.number} (${next.hash})`,
        );
      node.finalized = next;
      node.watch.onFinalized(next.number);
      await assertStillFinal({ finalized }, socket, next);
      if (live === node) keepFinalized(next);
    } catch (error) {
      if (!(error instanceof ForeignChain)) return; // an outage: it shows elsewhere
      failed(socket.endpoint, error);
      socket.end(error);
    }
  }

  async function isTakenBack({ socket, finalized: before }: Live, next: NumberedHash): Promise<boolean> {
    if (next.number > before.number) return false;
    if (next.number === before.number) return next.hash !== before.hash;
    // lower, and of the same chain: it lags, or there are several nodes behind one address
    const here = await hashAt(socket, before.number);
    return here !== null && here !== before.hash;
  }

  async function bestNumber({ socket }: Live): Promise<number> {
    return headerNumber(await socket.request('chain_getHeader', [])) ?? Number.NEGATIVE_INFINITY;
  }

  function keepFinalized(block: NumberedHash): void {
    if (!finalized || block.number > finalized.number) finalized = block;
  }

  /** undefined for nonsense, after which the node is left */
  function toNumbered({ socket, api }: Live, header: unknown): NumberedHash | undefined {
    try {
      const number = headerNumber(header);
      if (number !== undefined)
        return { number, hash: api.registry.createType('Header', header as object).hash.toHex() };
    } catch (error) {
      log.debug('header does not decode', { url: socket.url, cause: error });
    }
    socket.end(nonsense(socket.url, 'a header'));
    return undefined;
  }

  function onVersion(node: Live, json: unknown): void {
    try {
      if (sameVersion(toVersionRef(json), versionOf(apiNow()))) return;
    } catch {
      node.socket.end(nonsense(node.socket.url, 'a runtime version'));
      return;
    }
    // failing, it is done again by whoever writes next, or with the next connection
    void refreshApi().catch((error: unknown) => log.debug('runtime not read', { cause: error }));
  }

  async function refreshApi(): Promise<void> {
    const node = live;
    if (!node) throw fatal ?? unreachable(last?.url ?? '', lastError);
    const hash = await request('chain_getBlockHash', []);
    const api = await apis.at(node.socket, node.genesis, String(hash));
    const before = apiNow();
    if (api === before || sameVersion(versionOf(api), versionOf(before)) || live !== node) return;
    last = { url: node.socket.url, api };
    node.watch.setSlotMs(slotMsOf(api));
    log.info('chain runtime upgraded', {
      from: versionOf(before).specVersion,
      to: versionOf(api).specVersion,
    });
    tell();
  }

  // ---- leaving a sick one

  async function keepHealthy(node: Live): Promise<void> {
    const { signal: over } = node.over;
    let soughtAt = clock.monotonic();
    while (!over.aborted) {
      await clock.sleep(limits.healthEveryMs, over);
      if (over.aborted) return;
      judge(node);
      const pause = sickness ? limits.seekEveryMs : limits.compareEveryMs;
      if (clock.monotonic() - soughtAt < pause) continue;
      soughtAt = clock.monotonic();
      if (sickness?.kind === 'stalled' && (await isDeaf(node))) return;
      await seekBetter(node);
    }
  }

  function judge(node: Live): void {
    const now = node.watch.sickness();
    const changed = now?.kind !== sickness?.kind;
    const was = sickness;
    sickness = now;
    if (!changed) return;
    const { url } = node.socket;
    if (now) log.warn('chain node is sick', { url, ...now, head: node.head.number });
    else if (was) log.info('chain node is well again', { url, was: was.kind, head: node.head.number });
    tell();
  }

  /** It makes progress and we do not hear of it: the subscription is dead, and with it the connection. */
  async function isDeaf(node: Live): Promise<boolean> {
    const header = await node.socket.request('chain_getHeader', []).catch(() => undefined);
    const head = headerNumber(header);
    if (head === undefined || head <= node.head.number) return false;
    log.warn('chain node tells of no heads', { url: node.socket.url, head });
    node.socket.end(unreachable(node.socket.url, new Error('no heads over the subscription')));
    return true;
  }

  /** Another of the endpoints that is further on takes its place; where all stand still, this one stays. */
  async function seekBetter(node: Live): Promise<void> {
    const others = endpoints.ready().filter((url) => url !== node.socket.endpoint);
    const found = await pick(others, node.over.signal).catch(() => undefined); // only aborted
    if (!found) return;
    const ahead = found.head.number - node.head.number;
    const finalAhead = found.finalized.number - node.finalized.number;
    const isBetter =
      ahead >= limits.aheadBlocks || (ahead > -limits.aheadBlocks && finalAhead > limits.finalityLagBlocks);
    const isSame = isBetter && (await knows(found, finalized));
    if (live !== node || !isSame) {
      found.socket.end(unreachable(found.socket.url));
      return;
    }
    const from = node.socket.url;
    const why = sickness?.kind ?? 'lagging';
    const reason = `left for one that is ${ahead} blocks further: ${why}`;
    failed(node.socket.endpoint, new AssayError('unreachable', `${from} ${reason}`, { address: from }));
    adopt(found);
    log.warn('chain node left for a better one', { from, to: found.socket.url, why, ahead });
  }

  /** Its chain is ours as far as that is final; numbers alone anybody can say. */
  async function knows({ socket }: Candidate, block: NumberedHash | undefined): Promise<boolean> {
    return !block || (await hashAt(socket, block.number).catch(() => undefined)) === block.hash;
  }

  // ---- the face

  function tell(): void {
    for (const listener of [...listeners]) {
      try {
        listener(status());
      } catch (error) {
        log.error('chain status listener failed', { cause: error }); // the connection goes on without it
      }
    }
  }

  function status(): ChainStatus {
    const api = last?.api;
    const { number, hash } = finalized ?? {};
    const ageMs = live?.watch.headAgeMs();
    return {
      state: closing.signal.aborted ? 'closed' : live ? 'connected' : 'away',
      sinceMs,
      url: last?.url ?? parts.urls[0] ?? '',
      specVersion: api ? versionOf(api).specVersion : undefined,
      head: live && toHead(live.head),
      headAgeMs: ageMs,
      finalized: number === undefined || hash === undefined ? undefined : { number, hash: fromHex(hash) },
      sickness: sickness?.kind,
      lastError,
    };
  }

  function apiNow(): ChainApi {
    if (last) return last.api;
    throw new RangeError('connection: expected to be connected once, got none yet');
  }

  async function request(method: string, params: readonly unknown[], call?: string): Promise<unknown> {
    const { socket } = present();
    try {
      return await socket.request(method, params);
    } catch (error) {
      throw toChainError(error, {
        url: socket.url,
        what: method,
        ...(call === undefined ? {} : { call }),
      });
    }
  }

  function present(): Live {
    if (live && !closing.signal.aborted) return live;
    throw fatal ?? unreachable(last?.url ?? '', lastError);
  }

  async function close(): Promise<void> {
    if (closing.signal.aborted) return;
    closing.abort();
    sinceMs = clock.now();
    const node = live;
    live = undefined;
    node?.over.abort();
    node?.socket.end(unreachable(node.socket.url));
    back.resolve();
    tell();
  }

  function face(): Connection {
    return {
      get url() {
        return last?.url ?? '';
      },
      get api() {
        return apiNow();
      },
      get isConnected() {
        return live !== undefined;
      },
      get isClosed() {
        return closing.signal.aborted;
      },
      request,
      async subscribe(kind, params, onValue, call) {
        const { socket } = present();
        try {
          const stop = await socket.subscribe(kind, params, onValue);
          const lost = deferred();
          const forget = socket.onOver(lost.resolve);
          return {
            lost: lost.promise,
            stop() {
              forget();
              stop();
            },
          };
        } catch (error) {
          throw toChainError(error, {
            url: socket.url,
            what: kind.subscribe,
            ...(call === undefined ? {} : { call }),
          });
        }
      },
      async apiAt(at) {
        const { socket, genesis: of } = present();
        return await apis.at(socket, of, at);
      },
      refreshApi,
      leave(why) {
        const node = live;
        if (!node) return true; // it is left already
        if (!endpoints.ready().some((url) => url !== node.socket.endpoint)) return false;
        node.socket.end(why);
        return true;
      },
      isCatchingUp: () =>
        live !== undefined && changes > 1 && clock.monotonic() - live.since < limits.catchUpForMs,
      async whenConnected(until) {
        if (live || closing.signal.aborted || until?.aborted) return;
        const aborted = deferred();
        const onAbort = () => aborted.resolve();
        until?.addEventListener('abort', onAbort, { once: true });
        await Promise.race([back.promise, aborted.promise]);
        until?.removeEventListener('abort', onAbort);
      },
      status,
      onStatus(listener) {
        listeners.add(listener);
        return () => void listeners.delete(listener);
      },
      close,
    };
  }
}

export const NEW_HEADS: SubscriptionKind = {
  event: 'chain_newHead',
  subscribe: 'chain_subscribeNewHeads',
  unsubscribe: 'chain_unsubscribeNewHeads',
};
export const FINALIZED_HEADS: SubscriptionKind = {
  event: 'chain_finalizedHead',
  subscribe: 'chain_subscribeFinalizedHeads',
  unsubscribe: 'chain_unsubscribeFinalizedHeads',
};
const RUNTIME_VERSION: SubscriptionKind = {
  event: 'state_runtimeVersion',
  subscribe: 'state_subscribeRuntimeVersion',
  unsubscribe: 'state_unsubscribeRuntimeVersion',
};

const toHead = ({ number, hash }: NumberedHash): Head => ({ number, hash: fromHex(hash) });

const versionOf = ({ runtimeVersion }: ChainApi): VersionRef => ({
  specName: runtimeVersion.specName.toString(),
  specVersion: runtimeVersion.specVersion.toNumber(),
  transactionVersion: runtimeVersion.transactionVersion.toNumber(),
});

const nonsense = (url: string, what: string): AssayError<'invalid-input'> =>
  new AssayError('invalid-input', `${url} sends what is not ${what}`, {
    what: `${what} from ${url}`,
    expected: what,
    got: 'another',
  });

function allRefused(errors: readonly AssayError[]): AssayError<'refused'> {
  const reason = errors.map(({ message }) => message).join('; ');
  return new AssayError('refused', `no endpoint can be used: ${reason}`, { reason: reason.slice(0, 600) });
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
