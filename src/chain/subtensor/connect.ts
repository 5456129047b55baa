// Owns: joining connection, reader and writer into one chain. Does not own: any of them.

import { readyKeys } from '../../keys/keypair.js';
import type { Clock } from '../../model/clock.js';
import { AssayError } from '../../model/errors.js';
import type { Log } from '../../model/log.js';
import type { ChainObserver, ChainReader, ChainWriter } from '../chain.js';
import { CHAIN_LIMITS, type ChainLimits } from '../limits.js';
import type { SubtensorReader } from '../operator-reads.js';
import { withReadRetry } from '../with-retry.js';
import { openConnection } from './connection.js';
import { createNonces } from './nonces.js';
import { type ChainOperator, createOperator } from './operate.js';
import { createOperatorReader } from './operator-reader.js';
import { asNumber } from './plain.js';
import { createReader } from './reader.js';
import { createWriter } from './writer.js';

export interface SubtensorOptions {
  /** ws://host:port or wss://host:port; one of `url` and `urls` */
  readonly url?: string;
  /** nodes of one chain, tried in this order: the first healthy one is used until it dies or falls behind another */
  readonly urls?: readonly string[];
  /** hex hash of the block 0 that the chain must have (networks.ts) @default that of the first node that answers */
  readonly genesis?: string | undefined;
  readonly log: Log;
  readonly clock: Clock;
  /** aborts connecting, and closes the connection afterwards */
  readonly signal?: AbortSignal;
  /** @default CHAIN_LIMITS */
  readonly limits?: Partial<ChainLimits>;
}

/**
 * One chain through one Subtensor node or our localnet at a time, kept up until closed.
 * @throws AssayError `unreachable` when no node answers in time, `refused` when none that answers is a node of that chain,
 *   `invalid-input` for no WebSocket url
 */
export async function connectSubtensor({
  url,
  urls = url === undefined ? [] : [url],
  genesis,
  log,
  clock,
  signal,
  limits: overrides = {},
}: SubtensorOptions): Promise<ChainReader & SubtensorReader & ChainWriter & ChainObserver & ChainOperator> {
  if (urls.length === 0) throw new TypeError('connectSubtensor: expected url or urls, got neither');
  if (genesis !== undefined && !/^0x[0-9a-f]{64}$/i.test(genesis))
    throw new AssayError('invalid-input', 'genesis: expected a block hash', {
      what: 'genesis hash',
      expected: '0x and 64 hex digits',
      got: genesis.slice(0, 100),
    });
  const limits = { ...CHAIN_LIMITS, ...overrides };
  const connectionParts = { urls: [...new Set(urls)], genesis, log, clock, limits };
  await readyKeys();
  const connection = await openConnection(connectionParts, signal);
  const closed = new AbortController();
  const close = async () => {
    closed.abort();
    signal?.removeEventListener('abort', onAbort);
    await connection.close();
  };
  const onAbort = () => void close();
  signal?.addEventListener('abort', onAbort, { once: true });
  if (signal?.aborted) await close(); // it aborted between connecting and listening
  const nonces = createNonces(async (address) =>
    asNumber(await connection.request('system_accountNextIndex', [address])),
  );
  const parts = { log, clock, limits, nodes: connection, closed: closed.signal };
  return {
    ...withReadRetry(createReader(connection), parts, closed.signal),
    ...createOperatorReader(connection, parts, closed.signal),
    ...createWriter({ connection, nonces, parts }),
    ...createOperator({ connection, nonces, parts }),
    status: connection.status,
    onStatus: connection.onStatus,
    close,
  };
}
