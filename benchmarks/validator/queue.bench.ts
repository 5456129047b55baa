// What the queue costs beside the verifying: jobs of 1 kB through Redis and back, a bare Bull with the same bytes in the same run; and
// through the queue of one process, a promise beside it. Needs a redis-server for the first.
import { setMaxListeners } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Bull from 'bull';
import { systemClock } from '../../src/model/clock.js';
import { silentLog } from '../../src/model/log.js';
import { accepted } from '../../src/model/verdict.js';
import { createBullQueue } from '../../src/validator/queue/bull-queue.js';
import { runBullWorker } from '../../src/validator/queue/bull-worker.js';
import { openEvidenceDoor } from '../../src/validator/queue/evidence-door.js';
import { evidenceFrom } from '../../src/validator/queue/evidence-fetch.js';
import { sealJob } from '../../src/validator/queue/job.js';
import { openJobBook } from '../../src/validator/queue/job-book.js';
import type { JobQueue } from '../../src/validator/queue/job-queue.js';
import { createJournalQueue } from '../../src/validator/queue/journal-queue.js';
import { parseRedisUrl } from '../../src/validator/queue/redis-address.js';
import { QUEUE_KEY, STAMP, testJob } from '../../tests/support/jobs.js';
import { NO_REDIS, startRedis } from '../../tests/support/redis.js';

type Emit = (row: { bench: string; metric: string; value: number; unit: string; baseline?: number }) => void;

const JOBS = 2000;
const IN_TURN = 300;
const CONCURRENCY = 8;
const OPENING_BYTES = 1024;
const never = new AbortController().signal;
setMaxListeners(0, never);

interface Timed {
  readonly perS: number;
  /** of one job that nothing waits before */
  readonly medianMs: number;
}

export default async function bench(emit: Emit): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), 'assay-bench-queue-'));
  const row = (metric: string, value: number, unit: string, baseline?: number): void =>
    emit({ bench: 'validator/queue', metric, value, unit, ...(baseline === undefined ? {} : { baseline }) });
  try {
    const journal = await throughJournal(join(dir, 'journal'));
    row(`journal: jobs whose opening is ${OPENING_BYTES} bytes, ${JOBS} at once`, journal.perS, 'jobs/s');
    row('journal: overhead of a job, median (goal 5)', journal.medianMs, 'ms');
    if (NO_REDIS !== undefined) return;
    const { size, ours, bare } = await throughRedis(join(dir, 'redis'));
    row(
      `Bull: jobs of ${size} bytes, ${JOBS} at once, evidence fetched by each (goal 300)`,
      ours.perS,
      'jobs/s',
      bare.perS,
    );
    row('Bull: overhead of a job, median (goal 5)', ours.medianMs, 'ms', bare.medianMs);
    row('Bull: jobs of a bare one for each of ours', bare.perS / ours.perS, 'ratio');
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

async function throughJournal(folder: string): Promise<Timed> {
  const book = await openJobBook(
    { key: QUEUE_KEY, stamp: STAMP, clock: systemClock, log: silentLog },
    folder,
  );
  const queue = createJournalQueue({ book, log: silentLog });
  queue.work(async ({ begin }) => (begin(), accepted), { concurrency: CONCURRENCY });
  try {
    return await timed(adding(queue));
  } finally {
    await queue.close();
  }
}

async function throughRedis(folder: string) {
  const redis = await startRedis();
  const address = parseRedisUrl(redis.url);
  const clock = systemClock;
  const log = silentLog;
  const key = QUEUE_KEY;
  const book = await openJobBook({ key, stamp: STAMP, clock, log }, folder);
  const door = await openEvidenceDoor(
    { store: book.evidence, key, clock, log },
    { host: '127.0.0.1', port: 0 },
  );
  const inner = createJournalQueue({ book, log });
  const queue = await createBullQueue({
    inner,
    redis: address,
    prefix: 'bench',
    key,
    stamp: STAMP,
    clock,
    log,
  });
  const stop = new AbortController();
  const fetchEvidence = evidenceFrom({ url: `http://127.0.0.1:${door.port}`, key, clock });
  const handler = async (work: { opening(): Promise<Uint8Array> }) => (await work.opening(), accepted);
  const worker = runBullWorker(
    { redis: address, prefix: 'bench', key, handler, fetchEvidence, clock, log },
    { concurrency: CONCURRENCY },
    stop.signal,
  );
  const sealed = Buffer.from(sealJob(key, STAMP, testJob(0, OPENING_BYTES).job)).toString('base64');
  try {
    const ours = await timed(adding(queue));
    stop.abort();
    await worker;
    return { size: sealed.length, ours, bare: await bareBull(redis.port, sealed) };
  } finally {
    stop.abort();
    await queue.close();
    await door.close();
    await redis.close();
  }
}

/** The same bytes by Bull's own means: processed, awaited by its events, removed. */
async function bareBull(port: number, data: string): Promise<Timed> {
  const scheduler = new Bull('bare', { redis: { port, host: '127.0.0.1' } });
  const worker = new Bull('bare', { redis: { port, host: '127.0.0.1' } });
  worker.process(CONCURRENCY, async () => data.slice(0, 300)).catch(() => {});
  const waiting = new Map<string, () => void>();
  scheduler.on('global:completed', (id: string) => waiting.get(id)?.());
  await Promise.all([scheduler.isReady(), worker.isReady()]);
  let next = 0;
  const one = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const jobId = `bare-${next++}`;
      waiting.set(jobId, resolve);
      scheduler.add({ data }, { jobId, removeOnComplete: true }).catch(reject);
    });
  try {
    return await timed(one);
  } finally {
    await worker.close();
    await scheduler.close();
  }
}

/** Adds one job more each time, and waits for its end. */
function adding(queue: JobQueue): () => Promise<void> {
  let n = 0;
  return async () => {
    const { job, opening } = testJob(n++, OPENING_BYTES);
    const end = await queue.add(job, { opening }, never);
    if (end.kind !== 'done') throw new Error(`${end.reason}: ${end.detail}`);
    await queue.settle(job.id);
  };
}

async function timed(one: () => Promise<void>): Promise<Timed> {
  for (let warm = 0; warm < 50; warm++) await one();
  const each: number[] = [];
  for (let i = 0; i < IN_TURN; i++) {
    const at = performance.now();
    await one();
    each.push(performance.now() - at);
  }
  const at = performance.now();
  await Promise.all(Array.from({ length: JOBS }, one));
  const perS = (JOBS * 1000) / (performance.now() - at);
  return { perS, medianMs: each.sort((a, b) => a - b)[each.length >> 1]! };
}
