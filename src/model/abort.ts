// Owns: an end that comes with another's, or before it.
import { setMaxListeners } from 'node:events';

/**
 * Aborts with `parent`, and lets go of it where it is aborted itself, as whoever makes one must. `AbortSignal.any` of Node 20 does not: of
 * each signal some 70 bytes stay for as long as the parent lives, and at a public port strangers decide how many there are.
 */
export function childOf(parent: AbortSignal): AbortController {
  const child = new AbortController();
  const end = (): void => child.abort(parent.reason);
  if (parent.aborted) {
    end();
    return child;
  }
  setMaxListeners(0, parent); // every connection waits for it
  parent.addEventListener('abort', end, { once: true });
  child.signal.addEventListener('abort', () => parent.removeEventListener('abort', end), { once: true });
  return child;
}

/** What `work` comes to, unless `signal` aborts first: then its reason, and nobody waits for the work. */
export function raceAbort<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  if (signal.aborted) {
    work.catch(() => {}); // or its failure, which nobody hears, would end the process
    return Promise.reject(signal.reason);
  }
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}
