// Owns: telling an operator that the chain is away, back, or badly served, when that changes. Does not own: finding it out
// (chain/subtensor), how it is told (webhook.ts).
import type { ChainObserver, ChainStatus } from '../chain/chain.js';
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
