// Owns: joining connection, reader and writer into one chain. Does not own: any of them.

import { readyKeys } from '../../keys/keypair.js';
import type { Clock } from '../../model/clock.js';
import type { Log } from '../../model/log.js';
import type { ChainReader, ChainWriter } from '../chain.js';
import { CHAIN_LIMITS, type ChainLimits } from '../limits.js';
import { withReadRetry } from '../with-retry.js';
import { openConnection } from './connection.js';
import { createNonces } from './nonces.js';
import { createReader } from './reader.js';
import { asNumber } from './storage.js';
import { createWriter } from './writer.js';

export interface SubtensorOptions {
  /** ws://host:port or wss://host:port */
  readonly url: string;
  readonly log: Log;
  readonly clock: Clock;
  /** aborts connecting, and closes the connection afterwards */
  readonly signal?: AbortSignal;
  /** @default CHAIN_LIMITS */
  readonly limits?: Partial<ChainLimits>;
}

/**
 * One connection to a Subtensor node or our localnet, kept up until closed.
 * @throws AssayError `unreachable` when no node answers in time, `invalid-input` for no WebSocket url
 */
export async function connectSubtensor({
  url,
  log,
  clock,
  signal,
  limits: overrides = {},
}: SubtensorOptions): Promise<ChainReader & ChainWriter> {
  const limits = { ...CHAIN_LIMITS, ...overrides };
  const parts = { url, log: log.child({ chain: url }), clock, limits };
  await readyKeys();
  const connection = await openConnection(parts, signal);
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
  return {
    ...withReadRetry(createReader(connection), parts, closed.signal),
    ...createWriter({ connection, nonces, parts }),
    close,
  };
}
