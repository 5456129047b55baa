// Owns: telling an operator's own endpoint, one POST after another. Does not own: what is worth telling.
import type { Log } from '../model/log.js';

/** A message that cannot be delivered is dropped after this long: the log has it. */
const TIMEOUT_MS = 10_000;
/** Beyond so many waiting ones the newest are dropped: whatever it is, the operator knows. */
const MAX_WAITING = 64;

export interface Webhook {
  /** Never throws, never blocks. */
  tell(message: Readonly<Record<string, unknown>>): void;
  /** Resolves when what waits has been delivered or dropped. */
  close(): Promise<void>;
}

/** @param url its credentials, if any, are not logged */
export function createWebhook(url: string, { log }: { readonly log: Log }): Webhook {
  const { origin } = new URL(url);
  let last: Promise<void> = Promise.resolve();
  let waiting = 0;

  async function post(body: string): Promise<void> {
    try {
      const answer = await fetch(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body,
        redirect: 'error',
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      await answer.body?.cancel();
      if (!answer.ok) log.warn('webhook answered no', { origin, status: answer.status });
    } catch (error) {
      log.warn('webhook not reached', { origin, error });
    } finally {
      waiting--;
    }
  }

  return {
    tell(message) {
      if (waiting >= MAX_WAITING) return log.warn('webhook too slow: a message is dropped', { origin });
      waiting++;
      const body = JSON.stringify(message);
      last = last.then(() => post(body));
    },
    close: () => last,
  };
}
