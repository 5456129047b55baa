// Owns: the scheduler's end of the queue on Redis: jobs put there, ends taken from there, and judged here where that takes too long.
// Does not own: what is kept of jobs, and that each has one end (the queue that it wraps), workers (bull-worker.ts).
import { setMaxListeners } from 'node:events';
import { equals } from '../../model/bytes.js';
import type { Clock } from '../../model/clock.js';
import { type AssayError, isAssayError } from '../../model/errors.js';
import type { Log } from '../../model/log.js';
import {
  BULL_PACE,
  type BullPace,
  closeBull,
  fromBase64,
  isStalledOut,
  jobOptions,
  openBull,
  poisonMs,
  toBase64,
} from './bull.js';
import { assertStamp, jobDigest, openEnd, type Stamp, sealJob } from './job.js';
import type { JobHandler, JobQueue, Judged, Work } from './job-queue.js';
import type { QueueKey } from './queue-key.js';
import { openRedisLine } from './redis.js';
import type { RedisAddress } from './redis-address.js';
import { claimQueue } from './redis-claim.js';

/** What an operator must know of it, once each time. */
export type QueueAlert =
  | { readonly kind: 'queue-away'; readonly redis: string; readonly error: string }
  | { readonly kind: 'queue-back'; readonly redis: string; readonly awayMs: number };

export interface BullQueueOptions {
  /** jobs in Redis at once; the others wait here, sessions first. @default 1024 */
  readonly ahead?: number;
  /**
   * A job that no worker took within so long is judged here as well: the first end counts. One that was taken has as long again as it
   * takes to find that it ends workers: it must not end this process instead. @default 20000
   */
  readonly lateMs?: number;
  /** the same while Redis is away. @default 3000 */
  readonly awayMs?: number;
  /** between two looks at what is in Redis, beside the news that come by themselves. @default 1000 */
  readonly lookMs?: number;
  readonly pace?: BullPace;
}

/** More than workers have in hand, and few enough to be looked after one by one. */
const AHEAD = 1024;
/** A worker's own line to Redis and its evidence are looked at in seconds; an event waits for its verdicts for 150 s. */
const LATE_MS = 20_000;
const AWAY_MS = 3_000;
const LOOK_MS = 1_000;
/** News of an end come within milliseconds: only of those that had none for so long somebody looks. */
const QUIET_MS = 2_000;
/** An end that nobody with the key made is thrown away, and the job put there anew, so often. */
const MOST_FORGED = 3;
/** Ids of jobs that ended: a second end of one is known for what it is. */
const MOST_KNOWN = 8192;

interface Sent {
  readonly work: Work;
  /** in base64 */
  readonly sealed: string;
  readonly digest: Uint8Array;
  readonly sinceMs: number;
  /** when it was last seen in Redis, or put there; undefined while it is not there */
  seenMs: number | undefined;
  /** a worker has it, or had */
  isTaken: boolean;
  forged: number;
  /** a worker could not judge it */
  isFailed: boolean;
  isJudgedHere: boolean;
  readonly signal: AbortSignal;
  resolve(end: Judged): void;
  reject(error: unknown): void;
}

/**
 * Wraps a queue that keeps jobs: its jobs are put into Redis, and an end comes back under the queue's key, whatever else is written
 * there. `work` gives the handler of this process, which is asked for what nobody ended in time: so no session waits for a Redis that is away.
 * @throws AssayError `permission-denied`, `unauthenticated`, `unsupported`, `invalid-input` for a Redis that refuses us or is another's; one that
 * is away is waited for
 */
export async function createBullQueue<Q extends JobQueue>(
  parts: {
    readonly inner: Q;
    readonly redis: RedisAddress;
    readonly prefix: string;
    readonly key: QueueKey;
    readonly stamp: Stamp;
    readonly clock: Clock;
    readonly log: Log;
    readonly alert?: ((alert: QueueAlert) => void) | undefined;
  },
  options: BullQueueOptions = {},
): Promise<Q> {
  const { inner, redis, prefix, key, stamp, clock, log, alert = () => {} } = parts;
  const { ahead = AHEAD, lateMs = LATE_MS, awayMs = AWAY_MS, lookMs = LOOK_MS } = options;
  const { pace = BULL_PACE } = options;
  // before it is late somebody has looked whether a worker has it
  const quietMs = Math.min(QUIET_MS, lateMs / 2);
  const sent = new Map<string, Sent>();
  const known = new Set<string>();
  const counts = { recovered: 0, doubled: 0, refused: 0 };
  const over = new AbortController();
  const line = openRedisLine(redis);
  const news = openRedisLine(redis);
  let hand:
    | { readonly handler: JobHandler; readonly most: number; readonly stop: AbortController }
    | undefined;
  const judging = new Set<Promise<void>>();
  let older: string | undefined;
  let away: { readonly sinceMs: number; readonly fault: AssayError; isTold: boolean } | undefined;

  try {
    await line.first();
    older = await claim();
  } catch (error) {
    const fault = line.fault(error);
    if (!isAssayError(fault, 'unreachable')) {
      line.close();
      news.close();
      throw fault;
    }
    isAway(fault);
  }
  const bull = openBull(redis, { prefix, stamp }, { waits: false, pace });
  bull.on('error', (error) => log.debug('the queue', { error: line.fault(error) }));
  const heard = new Map<string, (text: string) => void>([
    [bull.toKey('completed'), (text) => heardOf(text, (id, value) => onEnd(id, jsonOf(`${value}`)))],
    [bull.toKey('failed'), (text) => heardOf(text, onFailed)],
    [`${bull.toKey('stalled')}@`, () => counts.recovered++],
  ]);
  news.client.on('message', (channel: string, text: string) => heard.get(channel)?.(text));
  const listen = () => void news.client.subscribe(...heard.keys()).catch(() => {}); // who hears nothing looks
  news.client.on('ready', listen);
  if (news.client.status === 'ready') listen();
  const stopInner = inner.work(send, { concurrency: ahead });
  const watching = watch();

  /** A job of the inner queue, until somebody ended it. */
  function send(work: Work, signal: AbortSignal): Promise<Judged> {
    const { id } = work.job;
    const sealed = sealJob(key, stamp, work.job);
    setMaxListeners(0, signal); // every job waits for it
    return new Promise<Judged>((resolve, reject) => {
      const leave = (): void => {
        sent.delete(id);
        signal.removeEventListener('abort', onAbort);
        known.add(id);
        if (known.size > MOST_KNOWN) known.delete(known.values().next().value!);
      };
      const onAbort = (): void => {
        leave();
        withdraw(id);
        reject(signal.reason);
      };
      const entry: Sent = {
        work,
        sealed: toBase64(sealed),
        digest: jobDigest(sealed),
        sinceMs: clock.monotonic(),
        seenMs: undefined,
        isTaken: false,
        forged: 0,
        isFailed: false,
        isJudgedHere: false,
        signal,
        resolve(end) {
          leave();
          resolve(end);
        },
        reject(error) {
          leave();
          reject(error);
        },
      };
      signal.addEventListener('abort', onAbort, { once: true });
      known.delete(id);
      sent.set(id, entry);
      if (!away) void put(entry);
    });
  }

  async function put(entry: Sent): Promise<void> {
    const { id, priority } = entry.work.job;
    entry.seenMs = clock.monotonic();
    try {
      await bull.add({ sealed: entry.sealed }, jobOptions(id, priority === 'session'));
    } catch (error) {
      entry.seenMs = undefined;
      isAway(line.fault(error));
    }
  }

  /** What Bull keeps of an end that was taken must not be what a later job of the id finds. */
  function forgetEnd(id: string): void {
    if (away) return; // it goes when a thousand newer ones ended
    bull.client
      .multi()
      .zrem(bull.toKey('completed'), id)
      .zrem(bull.toKey('failed'), id)
      .del(bull.toKey(id))
      .exec()
      .catch((error: unknown) => isAway(line.fault(error)));
  }

  /** Nobody waits for it any more. What a worker has in hand stays, and its end is forgotten when it comes. */
  function withdraw(id: string): void {
    if (away) return;
    bull
      .getJob(id)
      .then((job) => job?.remove())
      .catch((error: unknown) =>
        log.debug('a job could not be withdrawn', { outcome: id, error: line.fault(error) }),
      );
  }

  function onEnd(id: string, value: unknown): void {
    const entry = sent.get(id);
    if (!entry) {
      // judged here meanwhile, or nobody waits for it any more
      if (known.has(id)) counts.doubled++;
      forgetEnd(id);
      return;
    }
    const end = readEnd(entry, value);
    forgetEnd(id);
    if (end?.kind === 'set-aside' && hand) {
      // here it may be in memory still: of a full disk, or one that was read back wrong, a worker had nothing
      entry.isFailed = true;
      judgeHere(entry);
      return;
    }
    if (end) {
      entry.resolve(end);
      return;
    }
    counts.refused++;
    entry.forged++;
    entry.seenMs = undefined;
    if (isOurs(entry)) judgeHere(entry);
  }

  function readEnd({ work, digest }: Sent, value: unknown): Judged | undefined {
    try {
      const got = openEnd(key, fromBase64(value));
      assertStamp('an end', got.stamp, stamp);
      if (got.id !== work.job.id || !equals(got.digest, digest)) throw new Error('the end of another job');
      return got.end.kind === 'done' ? got.end.verdict : got.end;
    } catch (error) {
      log.warn('an end that no worker of ours made', { outcome: work.job.id, error });
      return undefined;
    }
  }

  function onFailed(id: string, reason: unknown): void {
    const entry = sent.get(id);
    forgetEnd(id);
    if (!entry) return;
    if (isStalledOut(String(reason)))
      entry.resolve({
        kind: 'set-aside',
        reason: 'poison',
        detail: 'workers ended with it in hand, one after the other',
      });
    else {
      entry.isFailed = true;
      judgeHere(entry);
    }
  }

  /** As soon as there is a thread; whoever ends it first has. */
  function judgeHere(entry: Sent): void {
    if (entry.isJudgedHere || !hand || judging.size >= hand.most) return;
    entry.isJudgedHere = true;
    const { handler, stop } = hand;
    const stopped = AbortSignal.any([stop.signal, entry.signal]);
    const judged = handler(entry.work, stopped)
      .then(entry.resolve, (error: unknown) => {
        if (stopped.aborted) entry.isJudgedHere = false;
        else entry.reject(error);
      })
      .finally(() => {
        judging.delete(judged);
        if (known.has(entry.work.job.id)) withdraw(entry.work.job.id);
        judgeLate();
      });
    judging.add(judged);
  }

  /** What there is to find out by looking: whether Redis is there and ours, what of our jobs it lost, and what is late. */
  async function watch(): Promise<void> {
    for (;;) {
      await clock.sleep(lookMs, over.signal);
      if (over.signal.aborted) return;
      try {
        older ??= await claim();
        isBack();
        if (older !== undefined) await forgetOlder(older);
        older = undefined;
        await lookAtSent();
      } catch (error) {
        isAway(line.fault(error));
      }
      if (away && !away.isTold && clock.monotonic() - away.sinceMs >= awayMs) {
        away.isTold = true;
        log.error('the queue is away: jobs are judged here', { error: away.fault });
        alert({ kind: 'queue-away', redis: redis.shown, error: away.fault.message });
      }
      judgeLate();
    }
  }

  function judgeLate(): void {
    const takenMs = lateMs + poisonMs(pace);
    for (const entry of sent.values()) {
      const patienceMs = away ? awayMs : entry.isTaken ? takenMs : lateMs;
      if (isOurs(entry) || clock.monotonic() - entry.sinceMs >= patienceMs) judgeHere(entry);
    }
  }

  async function claim(): Promise<string | undefined> {
    line.assertThere();
    return (await claimQueue(line.client, { prefix, key }, stamp)).older;
  }

  /** Those of an earlier build of this scheduler: they are kept here, and in the queue of this one. */
  async function forgetOlder(name: string): Promise<void> {
    const keys = bull.toKey('').replace(`:${bull.name}:`, `:${name}:`);
    for await (const found of line.client.scanStream({ match: `${keys}*`, count: 512 }))
      if ((found as string[]).length > 0) await line.client.unlink(...(found as string[]));
  }

  async function lookAtSent(): Promise<void> {
    const nowMs = clock.monotonic();
    const due = [...sent.values()].filter(
      (entry) => !isOurs(entry) && (entry.seenMs === undefined || nowMs - entry.seenMs >= quietMs),
    );
    const asked = line.client.pipeline();
    for (const { work } of due)
      asked.hmget(
        bull.toKey(work.job.id),
        'timestamp',
        'returnvalue',
        'failedReason',
        'finishedOn',
        'processedOn',
      );
    const answers = due.length === 0 ? [] : ((await asked.exec()) ?? []);
    for (const [i, entry] of due.entries()) {
      const { id } = entry.work.job;
      const [error, found] = answers[i] as [Error | null, (string | null)[]];
      if (error) throw error;
      if (sent.get(id) !== entry) continue;
      const [timestamp, returned, failed, finished, taken] = found;
      if (timestamp === null) {
        // it was put there, and is not any more
        if (entry.seenMs !== undefined) counts.recovered++;
        await put(entry);
      } else if (finished === null) {
        entry.seenMs = nowMs;
        entry.isTaken = taken !== null;
      } else if (returned !== null) onEnd(id, jsonOf(returned!));
      else onFailed(id, failed);
    }
  }

  function isAway(fault: AssayError): void {
    away ??= { sinceMs: clock.monotonic(), fault, isTold: false };
  }

  function isBack(): void {
    if (!away) return;
    const awayForMs = Math.round(clock.monotonic() - away.sinceMs);
    if (away.isTold) {
      log.info('the queue is back', { redis: redis.shown, awayMs: awayForMs });
      alert({ kind: 'queue-back', redis: redis.shown, awayMs: awayForMs });
    }
    away = undefined;
  }

  return {
    ...inner,
    work(handler, { concurrency }) {
      const own = { handler, most: concurrency, stop: new AbortController() };
      hand = own;
      return async () => {
        if (hand === own) hand = undefined;
        own.stop.abort(new Error('the worker stops'));
        await Promise.all(judging);
      };
    },
    status() {
      const { recovered, doubled, refused, stopped: _ours, ...rest } = inner.status();
      return {
        ...rest,
        recovered: recovered + counts.recovered,
        doubled: doubled + counts.doubled,
        refused: refused + counts.refused,
        ...(away ? { stopped: away.fault.message } : {}),
      };
    },
    async close() {
      over.abort();
      await stopInner();
      await inner.close();
      await watching;
      closeBull(bull);
      line.close();
      news.close();
    },
  };
}

/** Nobody else is asked again. */
const isOurs = ({ isFailed, forged }: Sent): boolean => isFailed || forged >= MOST_FORGED;

/** What Bull tells of an end: whose it is, and what it came to. */
function heardOf(text: string, tell: (id: string, value: unknown) => void): void {
  const { jobId, val } = (jsonOf(text) ?? {}) as { readonly jobId?: unknown; readonly val?: unknown };
  if (typeof jobId === 'string') tell(jobId, val);
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
