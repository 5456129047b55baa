// Owns: which of several nodes is tried next, and when. Does not own: trying.
import type { Clock } from '../../model/clock.js';
import { AssayError } from '../../model/errors.js';
import type { ChainLimits } from '../limits.js';

export interface Endpoints {
  /** Those that may be tried now: in the order given, but after the others those that failed, the latest last. */
  ready(): readonly string[];
  /** Until one more may be tried; undefined when none will ever be. */
  waitMs(): number | undefined;
  /** Not before a pause, which doubles with each failure in a row. */
  failed(url: string, error: AssayError): void;
  /** Never again: it serves another chain, or took back what it had called final. */
  ban(url: string, error: AssayError): void;
  /** It served well for a while: the next pause is the least again. */
  answered(url: string): void;
  /** That none may ever be tried again, and why. undefined while one may. */
  hopeless(): AssayError | undefined;
  /** What the last failure of each was; those without one are left out. */
  failures(): readonly AssayError[];
}

interface Entry {
  readonly url: string;
  pauseMs: number;
  /** monotonic */
  notBefore: number;
  /** monotonic; before all others when it never did */
  failedAt: number;
  banned: boolean;
  error: AssayError | undefined;
}

export function createEndpoints(
  urls: readonly string[],
  clock: Pick<Clock, 'monotonic'>,
  limits: Pick<ChainLimits, 'reconnectMinMs' | 'reconnectMaxMs'>,
): Endpoints {
  const fresh = {
    pauseMs: limits.reconnectMinMs,
    notBefore: 0,
    failedAt: -1,
    banned: false,
    error: undefined,
  };
  const entries = new Map<string, Entry>(urls.map((url) => [url, { url, ...fresh }]));
  if (entries.size === 0) throw new RangeError('endpoints: expected at least one url, got none');
  const of = (url: string): Entry => {
    const entry = entries.get(url);
    if (!entry) throw new RangeError(`endpoints: expected one of those given, got ${url}`);
    return entry;
  };
  const usable = () => [...entries.values()].filter(({ banned }) => !banned);

  return {
    ready: () =>
      usable()
        .filter(({ notBefore }) => notBefore <= clock.monotonic())
        .sort((a, b) => a.failedAt - b.failedAt)
        .map(({ url }) => url),
    waitMs() {
      const open = usable();
      if (open.length === 0) return undefined;
      return Math.max(0, Math.min(...open.map(({ notBefore }) => notBefore)) - clock.monotonic());
    },
    failed(url, error) {
      const entry = of(url);
      entry.error = error;
      entry.failedAt = clock.monotonic();
      entry.notBefore = clock.monotonic() + entry.pauseMs;
      entry.pauseMs = Math.min(limits.reconnectMaxMs, 2 * entry.pauseMs);
    },
    ban(url, error) {
      Object.assign(of(url), { banned: true, error });
    },
    answered(url) {
      of(url).pauseMs = limits.reconnectMinMs;
    },
    hopeless() {
      if (usable().length > 0) return undefined;
      const errors = [...entries.values()].map(({ error }) => error);
      const [only] = errors;
      if (errors.length === 1 && only) return only;
      const reason = errors.map((error) => error?.message ?? '').join('; ');
      return new AssayError('refused', `no endpoint is left: ${reason}`, { reason: reason.slice(0, 600) });
    },
    failures: () => [...entries.values()].flatMap(({ error }) => (error ? [error] : [])),
  };
}
