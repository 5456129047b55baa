// Owns: a dashboard beside a running validator, on a thread of its own: what pages cost is taken from no measurement. Does not own:
// what the thread does (beside-thread.ts), the validator.
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Worker } from 'node:worker_threads';
import { isLoopback } from '../../dashboard/server.js';
import { AssayError } from '../../model/errors.js';
import type { Log } from '../../model/log.js';
import type { Random } from '../../model/prng.js';
import { moduleBeside, startThread } from '../../model/thread.js';
import type { Span, Tracer } from '../../model/trace.js';
import type { ValidatorStatus } from '../../validator/status.js';
import { type ListenAt, parseAddress, tokenFor } from './address.js';

export interface BesideOptions {
  readonly data: string;
  readonly netuid: number;
  readonly mechanism: number;
  /** as `--dashboard` has it */
  readonly dashboard: string;
  readonly dashboardTokenFile?: string | undefined;
  readonly dashboardNames: readonly string[];
  readonly dashboardOwner: boolean;
  /** of the chain; the thread has a connection of its own */
  readonly urls: readonly string[];
  readonly genesis: string | undefined;
  /** the subnet's own, which the thread loads itself */
  readonly module: string | undefined;
}

/** What the thread is started with. */
export interface BesideWork
  extends Pick<BesideOptions, 'data' | 'netuid' | 'mechanism' | 'urls' | 'genesis'>,
    ListenAt {
  readonly token: string | undefined;
  readonly hosts: readonly string[];
  readonly isOwner: boolean;
  readonly module: string | undefined;
}

export interface SpanNote {
  readonly id: number;
  /** of a beginning; an end has none */
  readonly name?: string;
  readonly about?: Readonly<Record<string, string | number | boolean>>;
  readonly hasFailed?: boolean;
}

export type ToThread =
  | { readonly is: 'spans'; readonly spans: readonly SpanNote[] }
  | { readonly is: 'status'; readonly status: ValidatorStatus }
  | { readonly is: 'close' };

export type FromThread =
  | { readonly is: 'listening'; readonly url: string }
  | { readonly is: 'failed'; readonly why: string; readonly address: string }
  | {
      readonly is: 'log';
      readonly level: 'debug' | 'info' | 'warn' | 'error';
      readonly message: string;
      readonly data: Readonly<Record<string, unknown>>;
    };

export interface Beside {
  /** The same tracer; its spans are seen. */
  traced(tracer: Tracer): Tracer;
  status(status: ValidatorStatus): void;
  close(): Promise<void>;
}

/** Spans are handed over together: thousands begin within a second. */
const HAND_OVER_MS = 200;
const MOST_SPANS = 50_000;
/** What the pages show. */
const SEEN: ReadonlySet<string> = new Set(['event', 'check', 'session', 'verification']);
const CLOSE_MS = 3000;

/**
 * Serves until closed. What fails in it later is logged: a validator never ends for its pages.
 * @param signal ends the beginning: until it listens its chain may keep it waiting
 * @throws AssayError `unreachable` when the address cannot be bound; `invalid-input` for an address or a token file that is none
 */
export async function startBeside(
  { log, random }: { readonly log: Log; readonly random: Pick<Random, 'bytes'> },
  { data, dashboard: address, dashboardTokenFile, ...options }: BesideOptions,
  signal: AbortSignal,
): Promise<Beside> {
  const at = parseAddress(address);
  const tokenFile = dashboardTokenFile ?? (isLoopback(at.host) ? undefined : join(data, 'dashboard-token'));
  const token = await tokenFor(at, tokenFile, random);
  const { netuid, mechanism, urls, genesis, module } = options;
  const work: BesideWork = {
    ...{ data, netuid, mechanism, urls, genesis, module, token, ...at },
    hosts: options.dashboardNames,
    isOwner: options.dashboardOwner,
  };
  const thread = startThread(moduleBeside(import.meta.url, 'beside-thread'), { workerData: work });
  const ended = new Promise<void>((resolve) => thread.once('exit', () => resolve()));
  let isOpen = true;
  void ended.then(() => {
    isOpen = false;
  });
  const { url } = await listening(thread, log, signal).catch(async (error: unknown) => {
    await thread.terminate();
    throw error;
  });
  thread.on('error', (error) => log.error('dashboard: its thread ended', { error }));
  // the token is a secret, and logs are not
  log.info('dashboard', { url: url.replace(/\?.*$/, ''), ...(token === undefined ? {} : { tokenFile }) });

  const post = (message: ToThread): void => {
    if (isOpen) thread.postMessage(message);
  };
  let spans: SpanNote[] = [];
  let timer: NodeJS.Timeout | undefined;
  const note = (span: SpanNote): void => {
    if (!isOpen || spans.length >= MOST_SPANS) return;
    spans.push(span);
    timer ??= setTimeout(() => {
      timer = undefined;
      post({ is: 'spans', spans });
      spans = [];
    }, HAND_OVER_MS);
  };
  return {
    traced: (tracer) => seen(tracer, note),
    status: (status) => post({ is: 'status', status }),
    async close() {
      clearTimeout(timer);
      post({ is: 'close' });
      const stop = new AbortController();
      await Promise.race([ended, delay(CLOSE_MS, undefined, { signal: stop.signal }).catch(() => {})]);
      stop.abort();
      await thread.terminate();
    },
  };
}

/** @throws AssayError `unreachable` when it cannot, or ends before; the signal's reason */
function listening(thread: Worker, log: Log, signal: AbortSignal): Promise<{ readonly url: string }> {
  return new Promise((resolve, reject) => {
    const stop = (): void => reject(signal.reason);
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
    const ended = (cause?: unknown): void =>
      reject(
        new AssayError(
          'unreachable',
          'the dashboard ended before it listened',
          { address: 'dashboard' },
          { cause },
        ),
      );
    thread.once('error', ended);
    thread.once('exit', () => ended());
    thread.on('message', (message: FromThread) => {
      if (message.is === 'listening') {
        thread.off('error', ended);
        signal.removeEventListener('abort', stop);
        resolve(message);
      } else if (message.is === 'failed') {
        const { why, address } = message;
        reject(new AssayError('unreachable', why, { address }));
      } else log[message.level](message.message, { ...message.data });
    });
  });
}

/** The same tracer; spans that pages show are noted as they begin and end. */
function seen(inner: Tracer, note: (span: SpanNote) => void): Tracer {
  let last = 0;
  return {
    start(name, about, parent) {
      const span = inner.start(name, about, parent);
      if (!SEEN.has(name)) return span;
      const id = ++last;
      note({ id, name, ...(about === undefined ? {} : { about }) });
      let isOver = false;
      const watched: Span = {
        get traceparent() {
          return span.traceparent;
        },
        set: (key, value) => span.set(key, value),
        end(error) {
          if (!isOver) note({ id, hasFailed: error !== undefined });
          isOver = true;
          span.end(error);
        },
      };
      return watched;
    },
  };
}
