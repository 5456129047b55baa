// The queue of one process and the one on Redis, through the same suite.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'vitest';
import { systemClock } from '../../../src/model/clock.js';
import { silentLog } from '../../../src/model/log.js';
import { jobQueueConformance, type QueueSubject } from '../../../src/testing/conformance/job-queue.js';
import { openJobBook } from '../../../src/validator/queue/job-book.js';
import { createJournalQueue } from '../../../src/validator/queue/journal-queue.js';
import { createBullWorld } from '../../support/bull-world.js';
import { QUEUE_KEY, STAMP, testJob } from '../../support/jobs.js';
import { NO_REDIS } from '../../support/redis.js';

async function openJournal(): Promise<QueueSubject> {
  const dir = await mkdtemp(join(tmpdir(), 'assay-journal-'));
  const book = await openJobBook({ key: QUEUE_KEY, stamp: STAMP, clock: systemClock, log: silentLog }, dir);
  const queue = createJournalQueue({ book, log: silentLog });
  return {
    queue,
    work: (handler, concurrency) => void queue.work(handler, { concurrency }),
    async close() {
      await queue.close();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

async function openBull(): Promise<QueueSubject> {
  const world = await createBullWorld();
  const { queue, url } = await world.scheduler();
  return {
    queue,
    work: (handler, concurrency) => void world.worker(url, handler, { concurrency }),
    close: world.close,
  };
}

const jobOf = (n: number) => testJob(n);

describe('the queue of one process', () => {
  for (const { name, run } of jobQueueConformance({ open: openJournal, jobOf })) test(name, run);
});

// side by side: each has a Redis of its own, and ends it in some seconds
describe.skipIf(NO_REDIS).concurrent('the queue on Redis', () => {
  for (const { name, run } of jobQueueConformance({ open: openBull, jobOf })) test(name, run);
});
