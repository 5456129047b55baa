// Owns: the first questions to a node: is it one, of which chain, how far is it, does it still hold what was final.
// Does not own: choosing among nodes and keeping the connection (connection.ts).
import { type Clock, withTimeout } from '../../model/clock.js';
import { AssayError, isAssayError } from '../../model/errors.js';
import type { ChainLimits } from '../limits.js';
import { chainTypeOf, shownUrl } from '../networks.js';
import {
  type ChainApi,
  loadApi,
  slotMsOf,
  toVersionRef,
  translated,
  type VersionRef,
} from './connection-api.js';
import { unreachable } from './errors.js';
import { headerNumber } from './header-number.js';
import { createHealthWatch, type HealthWatch } from './health.js';
import { isRecord } from './plain.js';
import { openSocket, RpcFailure, type RpcSocket } from './socket.js';

/** A block by number and hash in hex. */
export interface NumberedHash {
  readonly number: number;
  readonly hash: string;
}

export interface HandshakeParts {
  readonly clock: Clock;
  readonly limits: ChainLimits;
  /** hex; undefined: whatever the node says */
  readonly genesis: string | undefined;
  /** the newest block that any node called final */
  readonly finalized: NumberedHash | undefined;
  readonly apis: Apis;
}

/** A node that answers and may be used. */
export interface Candidate {
  readonly socket: RpcSocket;
  readonly genesis: string;
  readonly head: NumberedHash;
  readonly finalized: NumberedHash;
  readonly api: ChainApi;
  readonly watch: HealthWatch;
  /** Whether its clock can be compared with ours: blocks of development chains say what their tester wants. */
  readonly keepsTime: boolean;
}

/** The node is of another chain, or took back what was final: nothing it says may be used, now or later. */
export class ForeignChain extends AssayError<'refused'> {
  constructor(message: string, reason: string) {
    super('refused', message, { reason });
  }
}

/** A node that is starting, or has too much to do, answers so: it may do better later. */
export class NotReady extends AssayError<'refused'> {
  constructor(url: string, cause: AssayError) {
    const reason = `${url} does not answer as a node of a chain does: ${cause.message.slice(0, 200)}`;
    super('refused', reason, { reason }, { cause });
  }
}

/**
 * @throws ForeignChain; NotReady; AssayError `refused` by what is no Substrate node that we understand, `unreachable`, `timeout`;
 *   the signal's reason when it aborts
 */
export async function handshake(parts: HandshakeParts, url: string, signal: AbortSignal): Promise<Candidate> {
  const { clock, limits } = parts;
  const attempt = new AbortController();
  const shown = shownUrl(url);
  const aborted = new Promise<never>((_, reject) => {
    attempt.signal.addEventListener('abort', () => reject(attempt.signal.reason), { once: true });
  });
  const onAbort = () => attempt.abort(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  let socket: RpcSocket | undefined;
  const run = async (): Promise<Candidate> => {
    signal.throwIfAborted();
    socket = await openSocket(parts, url, attempt.signal);
    return await ask(parts, socket);
  };
  const running = run();
  // the race below may be decided by the clock
  for (const end of [running, aborted]) end.catch(() => {});
  try {
    return await withTimeout(clock, limits.handshakeTimeoutMs, Promise.race([running, aborted]), () =>
      unreachable(shown, new Error(`no handshake within ${limits.handshakeTimeoutMs} ms`)),
    );
  } catch (error) {
    attempt.abort(error);
    socket?.end(unreachable(shown, error));
    throw toHandshakeError(shown, error);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

async function ask(parts: HandshakeParts, socket: RpcSocket): Promise<Candidate> {
  const { url } = socket;
  const request = translated(url, socket.request);
  const genesis = toHash(await request('chain_getBlockHash', [0]), 'chain_getBlockHash');
  if (parts.genesis !== undefined && genesis !== parts.genesis)
    throw new ForeignChain(
      `another chain answers at ${url}`,
      `the chain at ${url} has genesis ${genesis}, expected ${parts.genesis}`,
    );
  const [[finalized, head], type] = await Promise.all([
    // one after the other, or the block made meanwhile would be final before it is there
    numbered(request, 'chain_getFinalizedHead').then(
      async (final) => [final, await numbered(request, 'chain_getBlockHash')] as const,
    ),
    request('system_chainType', []).catch(unlessUnsupported),
  ]);
  if (finalized.number > head.number) throw malformedAnswer('chain_getFinalizedHead');
  await assertStillFinal(parts, socket, finalized);
  const api = await parts.apis.at(socket, genesis, head.hash);
  for (const { header, hash } of [finalized, head]) {
    // the number is the header's only if the header is the block's
    if (api.registry.createType('Header', header).hash.toHex() !== hash)
      throw malformedAnswer('chain_getHeader');
  }
  const watch = createHealthWatch({ ...parts, slotMs: slotMsOf(api) });
  const nodeName = () => request('system_name', []).catch(unlessUnsupported);
  const testimony = { genesis, url: socket.endpoint, type, nodeName };
  const keepsTime = (await chainTypeOf(testimony)) !== 'development';
  watch.onHead(head.number, keepsTime ? await timestampAt(socket, head.hash) : undefined);
  watch.onFinalized(finalized.number);
  return {
    socket,
    genesis,
    head: toNumberedHash(head),
    finalized: toNumberedHash(finalized),
    api,
    watch,
    keepsTime,
  };
}

/** A node that does not say counts as one of a live chain. */
export function unlessUnsupported(error: unknown): undefined {
  if (!isAssayError(error, 'unsupported')) throw error;
}

const toNumberedHash = ({ number, hash }: NumberedHash): NumberedHash => ({ number, hash });

type Request = (method: string, params: readonly unknown[]) => Promise<unknown>;

async function numbered(
  request: Request,
  method: string,
): Promise<NumberedHash & { readonly header: Readonly<Record<string, unknown>> }> {
  const hash = toHash(await request(method, []), method);
  const header = await request('chain_getHeader', [hash]);
  const number = headerNumber(header);
  if (number === undefined || !isRecord(header)) throw malformedAnswer('chain_getHeader');
  return { number, hash, header };
}

/**
 * What any node called final must be on this node's chain as well.
 * @throws ForeignChain
 */
export async function assertStillFinal(
  { finalized: known }: Pick<HandshakeParts, 'finalized'>,
  socket: RpcSocket,
  finalized: NumberedHash,
): Promise<void> {
  if (!known || finalized.number < known.number) return; // it is not that far
  const here = await hashAt(socket, known.number);
  if (here === null || here === known.hash) return; // null: it does not keep blocks that old
  throw new ForeignChain(
    `${socket.url} is on another fork than what was final`,
    `block ${known.number} was final as ${known.hash}, and is ${String(here).slice(0, 66)} at ${socket.url}`,
  );
}

/** As the node answers: hex, null for a block that it does not have. */
export const hashAt = (socket: RpcSocket, number: number): Promise<unknown> =>
  translated(socket.url, socket.request)('chain_getBlockHash', [number]);

/** Timestamp.Now: twox128 of pallet and item. */
const TIMESTAMP_KEY = '0xf0c365c3cf59d671eb72da0e7a4113c49f1f0515f462cdcf84e0f1d6045dfcbb';

/** Unix ms that a block was made at; undefined where the chain has no pallet Timestamp. @param hash hex */
export async function timestampAt(socket: RpcSocket, hash: string): Promise<number | undefined> {
  const request = translated(socket.url, socket.request);
  const value = await request('state_getStorage', [TIMESTAMP_KEY, hash]);
  if (typeof value !== 'string' || !/^0x[0-9a-f]{16}$/i.test(value)) return undefined;
  return Number(Buffer.from(value.slice(2), 'hex').readBigUInt64LE());
}

/** The runtimes met so far, newest use last; bounded. */
export interface Apis {
  /** The code in the state of block `at`. */
  at(socket: Pick<RpcSocket, 'request' | 'url'>, genesis: string, at: string): Promise<ChainApi>;
}

export function createApis({ runtimesKept }: Pick<ChainLimits, 'runtimesKept'>): Apis {
  const kept = new Map<string, ChainApi>();
  /** by socket: one that dies, or is silent, must not take another's load with it */
  const loading = new WeakMap<object, Map<string, Promise<ChainApi>>>();

  function load(socket: Pick<RpcSocket, 'request' | 'url'>, key: string, genesis: string, at: string) {
    const mine = loading.get(socket) ?? new Map<string, Promise<ChainApi>>();
    loading.set(socket, mine);
    const begun = mine.get(key);
    if (begun) return begun;
    const { url, request } = socket;
    const loaded = loadApi(translated(url, request), url, genesis, at).finally(() => mine.delete(key));
    mine.set(key, loaded);
    return loaded;
  }

  return {
    async at(socket, genesis, at) {
      const ask = translated(socket.url, socket.request);
      const key = keyOf(toVersionRef(await ask('state_getRuntimeVersion', [at])));
      const loaded = kept.get(key) ?? (await load(socket, key, genesis, at));
      const api = kept.get(key) ?? loaded; // the same for all, whoever was first
      kept.delete(key);
      kept.set(key, api); // the one used last is the last to go
      for (const oldest of kept.keys()) {
        if (kept.size <= runtimesKept) break;
        kept.delete(oldest);
      }
      return api;
    },
  };
}

const keyOf = ({ specName, specVersion, transactionVersion }: VersionRef): string =>
  `${specName}/${specVersion}/${transactionVersion}`;

function toHash(value: unknown, method: string): string {
  if (typeof value === 'string' && /^0x[0-9a-f]{64}$/i.test(value)) return value.toLowerCase();
  throw malformedAnswer(method);
}

const malformedAnswer = (method: string): AssayError =>
  new AssayError('invalid-input', `${method}: malformed answer`, {
    what: `answer to ${method}`,
    expected: 'the form Substrate nodes give it',
    got: 'another',
  });

/** Nonsense: something answers that is no node we can talk to. Errors of the node's own may pass; the rest is as it is. */
function toHandshakeError(url: string, error: unknown): unknown {
  if (error instanceof AssayError && error.cause instanceof RpcFailure) return new NotReady(url, error);
  const wrong = isAssayError(error, 'invalid-input') || isAssayError(error, 'internal');
  if (!wrong) return error;
  const reason = `${url} is no node that this client understands: ${error.message.slice(0, 200)}`;
  return new AssayError('refused', reason, { reason }, { cause: error });
}
