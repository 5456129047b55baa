// Owns: a worker's end of the queue on Redis: jobs taken, their evidence fetched, their ends marked; handed back when it ends. Does not
// own: judging (the handler), who adds (bull-queue.ts).
import { setMaxListeners } from 'node:events';
import type { Job as BullsJob } from 'bull';
import { raceAbort } from '../../model/abort.js';
import { toHex } from '../../model/bytes.js';
import type { Clock } from '../../model/clock.js';
import { type AssayError, isAssayError, unsupported } from '../../model/errors.js';
import type { Log } from '../../model/log.js';
import {
  BULL_PACE,
  type BullJob,
  type BullPace,
  type BullQueue,
  closeBull,
  fromBase64,
  openBull,
  toBase64,
} from './bull.js';
import type { FetchEvidence } from './evidence-fetch.js';
import { assertStamp, BUILD, type JobEnd, jobDigest, openJob, type Stamp, sealEnd } from './job.js';
import type { JobHandler } from './job-queue.js';
import type { QueueKey } from './queue-key.js';
import { openRedisLine } from './redis.js';
import type { RedisAddress } from './redis-address.js';
import { readClaim } from './redis-claim.js';

export interface BullWorkerStatus {
  /** `waiting`: no scheduler has come to this Redis yet; `away`: Redis is */
  readonly state: 'waiting' | 'working' | 'away' | 'ending';
  readonly inHand: number;
  /** since it began: verdicts; jobs whose evidence was gone; given back; those it could not judge; bytes that were no job of ours */
  readonly done: number;
  readonly setAside: number;
  readonly handedBack: number;
  readonly failed: number;
  readonly refused: number;
}

export interface BullWorkerOptions {
  /** jobs in hand at once */
  readonly concurrency: number;
  /** of its end: what is in hand may come to its own by then, the rest is handed back. @default 5000 */
  readonly graceMs?: number;
  /** @default that of openBull */
  readonly pace?: BullPace;
  /** the Redis must be there by then, once. @default 15000 */
  readonly firstMs?: number;
  /** between two looks whose queue it is. @default 2000 */
  readonly lookMs?: number;
  /** @default this build */
  readonly build?: string;
}

/** After what is in hand: for Bull's goodbye to a Redis that may not answer. Grace and this are below the 10 s that a service has. */
const GOODBYE_MS = 3_000;

/**
 * Takes jobs until aborted: then takes no more, and resolves when what was in hand has ended or is handed back.
 * @param onStatus when something changed
 * @throws AssayError `unreachable` where Redis was never there, `permission-denied` where it refuses us, `unauthenticated`,
 * `unsupported` and `invalid-input` where its queue is another key's, version's or deployment's: at the start, and later
 */
export async function runBullWorker(
  parts: {
    readonly redis: RedisAddress;
    readonly prefix: string;
    readonly key: QueueKey;
    readonly handler: JobHandler;
    readonly fetchEvidence: FetchEvidence;
    readonly clock: Clock;
    readonly log: Log;
  },
  options: BullWorkerOptions,
  signal: AbortSignal,
  onStatus: (status: BullWorkerStatus) => void = () => {},
): Promise<void> {
  const { redis, prefix, key, handler, fetchEvidence, clock, log } = parts;
  const {
    concurrency,
    graceMs = 5_000,
    firstMs = 15_000,
    lookMs = 2_000,
    build = BUILD,
    pace = BULL_PACE,
  } = options;
  const line = openRedisLine(redis);
  const counts = { done: 0, setAside: 0, handedBack: 0, failed: 0, refused: 0 };
  const inHand = new Set<Promise<unknown>>();
  const held = new Set<BullsJob<BullJob>>();
  let state: BullWorkerStatus['state'] = 'waiting';
  const tell = () => onStatus({ state, inHand: inHand.size, ...counts });
  const handBack = new AbortController();
  setMaxListeners(0, handBack.signal); // every job in hand waits for it

  async function look(): Promise<Stamp | undefined> {
    const deployment = await readClaim(line.client, { prefix, key }, build);
    return deployment && { deployment, build };
  }

  /** Resolves with what the first scheduler claims, as soon as one does; undefined when aborted. */
  async function firstClaim(): Promise<Stamp | undefined> {
    const beganAt = clock.monotonic();
    let wasThere = false;
    let toldAt = Number.NEGATIVE_INFINITY;
    while (!signal.aborted) {
      try {
        if (!wasThere) await line.first();
        const stamp = await look();
        if (stamp) return stamp;
        wasThere = true;
        state = 'waiting';
      } catch (error) {
        const fault = line.fault(error);
        const isAway = isAssayError(fault, 'unreachable');
        if (!isAway || (!wasThere && clock.monotonic() - beganAt > firstMs)) throw fault;
        state = 'away';
      }
      if (clock.monotonic() - toldAt > 30_000) {
        toldAt = clock.monotonic();
        log.warn('no jobs yet', {
          redis: redis.shown,
          why: state === 'away' ? 'Redis is away' : 'no scheduler has come to it',
        });
      }
      tell();
      await clock.sleep(Math.min(lookMs, 500), signal);
    }
    return undefined;
  }

  /** @returns its end, in base64 */
  async function judge(job: BullsJob<BullJob>, own: Stamp): Promise<string> {
    const isOurs = readable(job, own);
    if (!isOurs) {
      counts.refused++;
      throw new Error('no job of ours');
    }
    const { sealed, opened } = isOurs;
    const { id, opening } = opened;
    const until = handBack.signal;
    const wanted = { digest: toHex(opening.digest), bytes: opening.bytes };
    // Bull counts the workers that end with it in hand, from when it is taken
    const work = { job: opened, opening: () => fetchEvidence(wanted, until), begin() {} };
    let end: JobEnd;
    try {
      // a thread that is asked has no ear for the signal: who waits for it has
      const got = await raceAbort(until, handler(work, until));
      end = got.kind === 'set-aside' ? got : { kind: 'done', verdict: got };
    } catch (error) {
      if (until.aborted) throw error;
      if (!isAssayError(error, 'evidence-expired')) {
        counts.failed++;
        log.error('a job could not be judged here', { outcome: id, error });
        throw error;
      }
      log.warn('the evidence of a job is gone', { outcome: id, error });
      end = { kind: 'set-aside', reason: 'evidence-gone', detail: error.message };
    }
    counts[end.kind === 'done' ? 'done' : 'setAside']++;
    return toBase64(sealEnd(key, own, { id, digest: jobDigest(sealed), end }));
  }

  async function take(job: BullsJob<BullJob>, own: Stamp): Promise<void> {
    held.add(job);
    try {
      const end = await judge(job, own).catch((error: unknown) => error as Error);
      if (typeof end === 'string') await job.moveToCompleted(end, false, true);
      else {
        if (handBack.signal.aborted) counts.handedBack++;
        // the scheduler judges it itself: another worker is as likely to be wrong about it
        else job.discard();
        await job.moveToFailed({ message: handBack.signal.aborted ? 'handed back' : 'not judged' });
      }
    } catch (error) {
      // given to another worker, or dropped, while we were not heard of: the scheduler has its end from there
      log.info('an end that nobody waits for', { outcome: String(job.id), error: line.fault(error) });
    } finally {
      held.delete(job);
    }
  }

  /** Whoever is silent for `lockMs` is taken for dead, and its jobs are others'. */
  async function sayAlive(over: AbortSignal): Promise<void> {
    for (;;) {
      await clock.sleep(pace.lockMs / 3, over);
      if (over.aborted) return;
      if (line.client.status !== 'ready') continue;
      // one that is not ours any more is found out at its end
      await raceAbort(over, Promise.allSettled([...held].map((job) => job.extendLock(pace.lockMs)))).catch(
        () => {},
      );
    }
  }

  function readable(job: BullsJob<BullJob>, own: Stamp) {
    try {
      const sealed = fromBase64(job.data?.sealed);
      const { stamp, job: opened } = openJob(key, sealed);
      assertStamp('a job', stamp, own);
      if (opened.id !== job.id) throw unsupported('a job', `of outcome ${opened.id}, under another's id`);
      return { sealed, opened };
    } catch (error) {
      log.warn('bytes in the queue that are no job of ours', { error });
      return undefined;
    }
  }

  /** Jobs as they come, while a hand is free. */
  async function fetchJobs(bull: BullQueue, own: Stamp, over: AbortSignal): Promise<void> {
    while (!over.aborted) {
      if (inHand.size >= concurrency) {
        await raceAbort(over, Promise.race(inHand)).catch(() => {});
        continue;
      }
      // where the connection breaks or Redis refuses (no memory) there is none, at once: it is asked again in a moment. One that comes
      // after the end is another worker's soon
      const job = await raceAbort(over, bull.getNextJob()).catch((error: unknown) => {
        log.debug('no job is to be had', { error: line.fault(error) });
        return 'refused' as const;
      });
      if (over.aborted) return;
      if (job === 'refused') await clock.sleep(pace.stalledMs / 10, over);
      if (!job || job === 'refused') continue;
      const taken: Promise<void> = take(job, own).finally(() => {
        inHand.delete(taken);
        tell();
      });
      inHand.add(taken);
      tell();
    }
  }

  /** Jobs of workers that are not heard of go to whoever takes them next. */
  async function lookForStalled(bull: BullQueue, over: AbortSignal): Promise<void> {
    for (;;) {
      await clock.sleep(pace.stalledMs, over);
      if (over.aborted) return;
      if (line.client.status === 'ready')
        await raceAbort(over, bull.moveUnlockedJobsToWait()).catch(() => {});
    }
  }

  /** Until aborted, or the queue is not ours any more. @returns why it is not */
  async function watchClaim(own: Stamp): Promise<AssayError | undefined> {
    for (let isAway = false; !signal.aborted; ) {
      try {
        line.assertThere();
        const now = await look();
        // none: Redis lost everything, and the scheduler has not noticed yet
        if (now) assertStamp('the scheduler', now, own);
        if (isAway) log.info('Redis is back', { redis: redis.shown });
        isAway = false;
      } catch (error) {
        const fault = line.fault(error);
        if (!isAssayError(fault, 'unreachable')) return fault;
        if (!isAway) log.warn('Redis is away: what is in hand is kept', { error: fault });
        isAway = true;
      }
      state = isAway ? 'away' : 'working';
      tell();
      await clock.sleep(lookMs, signal);
    }
    return undefined;
  }

  async function within(ms: number, done: Promise<unknown>): Promise<void> {
    const isDone = new AbortController();
    await Promise.race([done, clock.sleep(ms, isDone.signal)]);
    isDone.abort();
  }

  try {
    const own = await firstClaim();
    if (!own) return;
    const bull = openBull(redis, { prefix, stamp: own }, { waits: true, pace });
    bull.on('error', (error) => log.debug('the queue', { error: line.fault(error) }));
    const over = new AbortController();
    setMaxListeners(0, over.signal);
    log.info('takes jobs', { redis: redis.shown, ...own.deployment, build, concurrency });
    const loops = [fetchJobs(bull, own, over.signal), lookForStalled(bull, over.signal)];
    // until what is in hand has ended, too
    const ended = new AbortController();
    const alive = sayAlive(ended.signal);
    try {
      const fault = await watchClaim(own);
      state = 'ending';
      tell();
      over.abort();
      bull.bclient.disconnect(); // it waits there for the next one
      await within(graceMs, Promise.allSettled(inHand));
      handBack.abort();
      await within(GOODBYE_MS, Promise.allSettled([...inHand, ...loops]));
      if (fault) throw fault;
    } finally {
      over.abort();
      handBack.abort();
      ended.abort();
      closeBull(bull);
      await Promise.allSettled([...loops, alive]);
    }
  } finally {
    line.close();
    tell();
  }
}
