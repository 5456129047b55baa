// Owns: a scheduler's queue over a Redis of its own, with workers in this process, for tests. Does not own: any part of it.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../src/model/clock.js';
import { type Log, silentLog } from '../../src/model/log.js';
import { accepted } from '../../src/model/verdict.js';
import {
  type BullQueueOptions,
  createBullQueue,
  type QueueAlert,
} from '../../src/validator/queue/bull-queue.js';
import {
  type BullWorkerOptions,
  type BullWorkerStatus,
  runBullWorker,
} from '../../src/validator/queue/bull-worker.js';
import { openEvidenceDoor } from '../../src/validator/queue/evidence-door.js';
import { evidenceFrom } from '../../src/validator/queue/evidence-fetch.js';
import { openJobBook } from '../../src/validator/queue/job-book.js';
import type { JobHandler } from '../../src/validator/queue/job-queue.js';
import { createJournalQueue, type JournalQueue } from '../../src/validator/queue/journal-queue.js';
import type { QueueKey } from '../../src/validator/queue/queue-key.js';
import { parseRedisUrl } from '../../src/validator/queue/redis-address.js';
import { QUEUE_KEY, STAMP } from './jobs.js';
import { startRedis } from './redis.js';

/** So that what takes seconds in earnest takes a fraction of one. */
const PACE = { lockMs: 400, stalledMs: 150 };

export interface TestWorker {
  status(): BullWorkerStatus | undefined;
  /** ends it in order */
  stop(): Promise<void>;
  /** how it ended */
  readonly ended: Promise<void>;
}

export async function createBullWorld({ password }: { readonly password?: string } = {}) {
  const redis = await startRedis(password === undefined ? {} : { password });
  const address = parseRedisUrl(redis.url);
  const dir = await mkdtemp(join(tmpdir(), 'assay-queue-'));
  const closers: (() => Promise<unknown>)[] = [];

  async function scheduler(options: BullQueueOptions & { readonly log?: Log; readonly key?: QueueKey } = {}) {
    const { log = silentLog, key = QUEUE_KEY, ...rest } = options;
    const alerts: QueueAlert[] = [];
    const book = await openJobBook({ key, stamp: STAMP, clock: systemClock, log }, join(dir, 'queue'));
    const door = await openEvidenceDoor(
      { store: book.evidence, key, clock: systemClock, log },
      { host: '127.0.0.1', port: 0 },
    );
    const inner = createJournalQueue({ book, log });
    const parts = { inner, redis: address, prefix: 'assay', key, stamp: STAMP, clock: systemClock, log };
    const alert = (each: QueueAlert) => alerts.push(each);
    const queue: JournalQueue = await createBullQueue(
      { ...parts, alert },
      { lookMs: 50, pace: PACE, ...rest },
    );
    let isClosed = false;
    const close = async () => {
      if (isClosed) return;
      isClosed = true;
      await queue.close();
      await door.close();
    };
    closers.push(close);
    return { queue, alerts, door, book, url: `http://127.0.0.1:${door.port}`, close };
  }

  function worker(
    url: string,
    handler: JobHandler = async () => accepted,
    options: Partial<BullWorkerOptions> & { readonly key?: QueueKey } = {},
  ): TestWorker {
    const stop = new AbortController();
    let last: BullWorkerStatus | undefined;
    const { key = QUEUE_KEY, ...rest } = options;
    const ended = runBullWorker(
      {
        redis: address,
        prefix: 'assay',
        key,
        handler,
        fetchEvidence: evidenceFrom({ url, key, clock: systemClock }),
        clock: systemClock,
        log: silentLog,
      },
      { concurrency: 2, pace: PACE, lookMs: 50, graceMs: 200, ...rest },
      stop.signal,
      (status) => {
        last = status;
      },
    );
    ended.catch(() => {}); // a test that cares looks at it
    const end = async () => {
      stop.abort();
      await ended.catch(() => {});
    };
    closers.push(end);
    return {
      status: () => last,
      async stop() {
        stop.abort();
        await ended;
      },
      ended,
    };
  }

  return {
    redis,
    address,
    scheduler,
    worker,
    async close() {
      for (const close of closers.reverse()) await close();
      await redis.close();
      await rm(dir, { recursive: true, force: true });
    },
  };
}
