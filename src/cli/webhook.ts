// Owns: telling an operator's own endpoint, one POST after another. Does not own: what is worth telling.
import type { Log } from '../model/log.js';

/** A message that cannot be delivered is dropped after this long: the log has it. */
const TIMEOUT_MS = 10_000;
/** At the end, what has not left by then is dropped. */
const CLOSE_MS = 5_000;
/** Beyond so many waiting ones the newest are dropped: whatever it is, the operator knows. */
const MAX_WAITING = 64;

export interface Webhook {
  /** Never throws, never blocks. */
  tell(message: Readonly<Record<string, unknown>>): void;
  /** From now on there; nobody is told where it is undefined. */
  move(url: string | undefined): void;
  /** Resolves when what waits has been delivered or dropped. */
  close(): Promise<void>;
}

/** @param url without credentials: fetch refuses such, and would say them in its error */
export function createWebhook(to: string | undefined, { log }: { readonly log: Log }): Webhook {
  let place = to;
  const closing = new AbortController();
  let last: Promise<void> = Promise.resolve();
  let waiting = 0;

  async function post(url: string, body: string): Promise<void> {
    const { origin } = new URL(url); // the rest may be a secret
    try {
      const answer = await fetch(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body,
        redirect: 'error',
        signal: AbortSignal.any([AbortSignal.timeout(TIMEOUT_MS), closing.signal]),
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
      const url = place;
      if (url === undefined) return;
      if (waiting >= MAX_WAITING)
        return log.warn('webhook too slow: a message is dropped', { origin: new URL(url).origin });
      waiting++;
      const body = JSON.stringify(message);
      last = last.then(() => post(url, body));
    },
    move(url) {
      place = url;
    },
    async close() {
      const patience = setTimeout(() => closing.abort(), CLOSE_MS);
      await last;
      clearTimeout(patience);
    },
  };
}
