// Owns: reads that ride out an outage. Does not own: reconnecting (subtensor/connection.ts); writes never come here.
import type { Clock } from '../model/clock.js';
import { type AssayError, isAssayError } from '../model/errors.js';
import type { Log } from '../model/log.js';
import type { ChainReader } from './chain.js';
import { CHAIN_LIMITS } from './limits.js';

export interface RetryParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly limits?:
    | Pick<typeof CHAIN_LIMITS, 'readRetryForMs' | 'readRetryMinMs' | 'readRetryMaxMs'>
    | RetryLimits;
}
export interface RetryLimits {
  readonly readRetryForMs: number;
  readonly readRetryMinMs: number;
  readonly readRetryMaxMs: number;
}

/**
 * The same reader, whose reads are tried again while the node cannot be reached; other errors pass at once.
 * Heads are watched by the inner reader, which resumes by itself.
 */
export function withReadRetry(inner: ChainReader, parts: RetryParts, signal?: AbortSignal): ChainReader {
  const again = <T>(what: string, read: () => Promise<T>) => retryRead(parts, what, read, signal);
  return {
    info: () => again('info', () => inner.info()),
    head: () => again('head', () => inner.head()),
    blockHash: (number) => again('blockHash', () => inner.blockHash(number)),
    subnet: (netuid, at) => again('subnet', () => inner.subnet(netuid, at)),
    weights: (netuid, uid, at) => again('weights', () => inner.weights(netuid, uid, at)),
    balanceRao: (address) => again('balanceRao', () => inner.balanceRao(address)),
    alphaRao: (hotkey, netuid) => again('alphaRao', () => inner.alphaRao(hotkey, netuid)),
    watchHeads: (onHead, until) => inner.watchHeads(onHead, until),
    close: () => inner.close(),
  };
}

/** @throws the last error once `readRetryForMs` have passed or `signal` aborts */
export async function retryRead<T>(
  { clock, log, limits = CHAIN_LIMITS }: RetryParts,
  what: string,
  read: () => Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  const end = clock.monotonic() + limits.readRetryForMs;
  for (let pause = limits.readRetryMinMs; ; pause = Math.min(limits.readRetryMaxMs, 2 * pause)) {
    try {
      return await read();
    } catch (error) {
      const passes = isAssayError(error, 'unreachable') || isAssayError(error, 'timeout');
      if (!passes || signal?.aborted || clock.monotonic() + pause > end) throw error;
      log.debug('chain read again', { what, pauseMs: pause, code: (error as AssayError).code });
      await clock.sleep(pause, signal);
      if (signal?.aborted) throw error;
    }
  }
}
