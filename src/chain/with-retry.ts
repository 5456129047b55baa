// Owns: reads that ride out an outage and a change of node. Does not own: reconnecting (subtensor/connection.ts); writes
// never come here.
import type { Clock } from '../model/clock.js';
import { type AssayError, isAssayError } from '../model/errors.js';
import type { Log } from '../model/log.js';
import type { ChainReader } from './chain.js';
import { CHAIN_LIMITS } from './limits.js';

export interface RetryParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly limits?: RetryLimits;
  /** @default a single node, which has what it will ever have */
  readonly nodes?: Nodes;
  /** aborts when the chain is closed: nothing is tried again then */
  readonly closed?: AbortSignal;
}
export interface RetryLimits {
  readonly readRetryForMs: number;
  readonly readRetryMinMs: number;
  readonly readRetryMaxMs: number;
}

/** What a read wants to know of the nodes that can answer it. */
export interface Nodes {
  /** Whether the one asked is new to us, so that it may not have yet what the last one had. */
  isCatchingUp(): boolean;
  /** It answered what no node should. @returns whether another will be asked now */
  leave(why: AssayError): boolean;
}

/**
 * The same reader, whose reads are tried again while the node cannot be reached, while a node that we just changed to does
 * not have the block yet, and where another can be asked instead of one that answers nonsense; other errors pass at once.
 * Blocks are watched by the inner reader, which resumes by itself.
 */
export function withReadRetry(inner: ChainReader, parts: RetryParts, signal?: AbortSignal): ChainReader {
  const again = <T>(what: string, read: () => Promise<T>) => retryRead(parts, what, read, signal);
  return {
    info: () => again('info', () => inner.info()),
    head: () => again('head', () => inner.head()),
    blockHash: (number) => again('blockHash', () => inner.blockHash(number)),
    finalizedHead: () => again('finalizedHead', () => inner.finalizedHead()),
    subnet: (...args) => again('subnet', () => inner.subnet(...args)),
    weights: (...args) => again('weights', () => inner.weights(...args)),
    pendingCommits: (...args) => again('pendingCommits', () => inner.pendingCommits(...args)),
    beacon: (at) => again('beacon', () => inner.beacon(at)),
    balanceRao: (address) => again('balanceRao', () => inner.balanceRao(address)),
    alphaRao: (hotkey, netuid) => again('alphaRao', () => inner.alphaRao(hotkey, netuid)),
    watchHeads: (onHead, until) => inner.watchHeads(onHead, until),
    watchBlocks: (from, onBlock, until) => inner.watchBlocks(from, onBlock, until),
    close: () => inner.close(),
  };
}

/** @throws the last error once `readRetryForMs` have passed or `signal` aborts */
export async function retryRead<T>(
  { clock, log, limits = CHAIN_LIMITS, nodes, closed }: RetryParts,
  what: string,
  read: () => Promise<T>,
  signal: AbortSignal | undefined = closed,
): Promise<T> {
  const end = clock.monotonic() + limits.readRetryForMs;
  for (let pause = limits.readRetryMinMs; ; pause = Math.min(limits.readRetryMaxMs, 2 * pause)) {
    try {
      return await read();
    } catch (error) {
      if (signal?.aborted || clock.monotonic() + pause > end || !mayPass(error, nodes)) throw error;
      log.debug('chain read again', { what, pauseMs: pause, code: error.code });
      await clock.sleep(pause, signal);
      if (signal?.aborted) throw error;
    }
  }
}

function mayPass(error: unknown, nodes: Nodes | undefined): error is AssayError {
  if (isAssayError(error, 'unreachable') || isAssayError(error, 'timeout')) return true;
  if (isAssayError(error, 'chain-unknown'))
    // a block, as it is named by subtensor/blocks.ts and errors.ts: a subnet that is not there will not come
    return /^block /.test(error.data.what) && (nodes?.isCatchingUp() ?? false);
  return isNonsense(error) && (nodes?.leave(error) ?? false);
}

/** What no node should say, by its type (subtensor/storage.ts) or as JSON-RPC (subtensor/socket.ts): perhaps only this one is broken. */
export const isNonsense = (error: unknown): error is AssayError<'invalid-input'> =>
  isAssayError(error, 'invalid-input') && /^(answer to|message from) /.test(error.data.what);
