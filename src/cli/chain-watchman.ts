// Owns: telling an operator that the chain is away, back, or badly served, when that changes. Does not own: finding it out
// (chain/subtensor), how it is told (webhook.ts).
import type { ChainObserver, ChainStatus } from '../chain/chain.js';
import type { ChainLimits } from '../chain/limits.js';
import { shownUrl } from '../chain/networks.js';
import type { Clock } from '../model/clock.js';
import { isAssayError } from '../model/errors.js';
import type { Log } from '../model/log.js';

export type ChainAlert =
  | { readonly kind: 'chain-away'; readonly url: string; readonly sinceMs: number; readonly error?: string }
  | {
      readonly kind: 'chain-back';
      readonly url: string;
      readonly awayMs: number;
      readonly block?: number;
    }
  | {
      readonly kind: 'chain-sick';
      readonly url: string;
      readonly sickness: NonNullable<ChainStatus['sickness']>;
    };

/** After which a chain that was not reached yet is said to be away. */
const FIRST_TRY_MS = 5_000;

/**
 * The first connection of a role. A chain that cannot be reached is waited for, as it is later; the operator is told once.
 * @param connect rejects with `unreachable` where trying again may help; every other error passes
 */
export async function connectRole<T>(
  connect: (limits: Partial<ChainLimits>) => Promise<T>,
  {
    urls,
    log,
    clock,
    tell = () => {},
    ...about
  }: {
    readonly urls: readonly string[];
    readonly log: Log;
    readonly clock: Pick<Clock, 'now'>;
    readonly tell?: ((message: Readonly<Record<string, unknown>>) => void) | undefined;
    readonly role: string;
    readonly netuid: number;
    readonly hotkey: string;
  },
): Promise<T> {
  const url = urls.map(shownUrl).join(', ');
  const sinceMs = clock.now();
  const alert = (told: ChainAlert) => tell({ ...told, ...about });
  for (let tries = 0; ; tries++) {
    try {
      const chain = await connect(tries === 0 ? { connectTimeoutMs: FIRST_TRY_MS } : {});
      if (tries > 0) alert({ kind: 'chain-back', url, awayMs: Math.max(0, clock.now() - sinceMs) });
      return chain;
    } catch (error) {
      if (!isAssayError(error, 'unreachable')) throw error;
      if (tries > 0) continue;
      log.error('chain away', { url, cause: error.message });
      alert({ kind: 'chain-away', url, sinceMs, error: error.message });
    }
  }
}

/**
 * Each change once: away and back are said in turns, a sickness when it begins. The connection itself logs which node is
 * used and why; here is what an operator must know.
 * @returns what ends it
 */
export function watchChain(
  observer: ChainObserver,
  {
    log,
    tell = () => {},
    ...about
  }: {
    readonly log: Log;
    readonly tell?: ((message: Readonly<Record<string, unknown>>) => void) | undefined;
    readonly role: string;
    readonly netuid: number;
    readonly hotkey: string;
  },
): () => void {
  let awaySinceMs: number | undefined;
  let sickness: ChainStatus['sickness'];
  const alert = (told: ChainAlert) => tell({ ...told, ...about });
  const stop = observer.onStatus((status) => {
    const { state, url, sinceMs, head, lastError } = status;
    if (state === 'away' && awaySinceMs === undefined) {
      awaySinceMs = sinceMs;
      sickness = undefined;
      log.error('chain away', { url, cause: lastError?.message });
      alert({ kind: 'chain-away', url, sinceMs, ...(lastError ? { error: lastError.message } : {}) });
    } else if (state === 'connected' && awaySinceMs !== undefined) {
      const awayMs = Math.max(0, sinceMs - awaySinceMs);
      awaySinceMs = undefined;
      log.info('chain back', { url, awayMs, block: head?.number });
      alert({ kind: 'chain-back', url, awayMs, ...(head ? { block: head.number } : {}) });
    }
    if (state === 'connected' && status.sickness !== sickness) {
      sickness = status.sickness;
      if (sickness !== undefined) alert({ kind: 'chain-sick', url, sickness });
    }
  });
  return stop;
}
