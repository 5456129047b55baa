import { setMaxListeners } from 'node:events';
import { afterEach, describe, expect, it } from 'vitest';
import { accepted, rejected } from '../../../src/model/verdict.js';
import { closeBull, fromBase64, openBull, toBase64 } from '../../../src/validator/queue/bull.js';
import { jobDigest, sealEnd } from '../../../src/validator/queue/job.js';
import type { JobHandler } from '../../../src/validator/queue/job-queue.js';
import { toQueueKey } from '../../../src/validator/queue/queue-key.js';
import { createBullWorld } from '../../support/bull-world.js';
import { STAMP, testJob } from '../../support/jobs.js';
import { NO_REDIS } from '../../support/redis.js';
import { soon } from '../../support/soon.js';

const OTHER_KEY = toQueueKey(new Uint8Array(32).fill(9));
const never = new AbortController().signal;
setMaxListeners(0, never);

let world: Awaited<ReturnType<typeof createBullWorld>> | undefined;
afterEach(async () => {
  await world?.close();
  world = undefined;
});
async function open(options?: Parameters<typeof createBullWorld>[0]) {
  world = await createBullWorld(options);
  return world;
}

/** Never ends by itself. */
const stuck: JobHandler = (_work, signal) =>
  new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)));

describe.skipIf(NO_REDIS)('verification over Redis', () => {
  it("gives a worker the job and its evidence, and the scheduler the worker's verdict", async () => {
    const { scheduler, worker } = await open();
    const { queue, url, door } = await scheduler();
    const { job, opening } = testJob(1);
    const seen: unknown[] = [];
    const own = worker(url, async (work) => {
      seen.push(work.job, await work.opening());
      return rejected('projection');
    });
    expect(await queue.add(job, { opening }, never)).toEqual({
      kind: 'done',
      verdict: rejected('projection'),
    });
    expect(seen).toEqual([job, opening]);
    expect(door.tally().given).toBe(1);
    expect(queue.status()).toMatchObject({ ended: 1, doubled: 0, refused: 0, recovered: 0 });
    await soon(() => expect(own.status()).toMatchObject({ done: 1, inHand: 0, state: 'working' }));
    // nothing of it stays in Redis
    const client = world!.redis.client();
    await soon(async () =>
      expect((await client.keys('*')).filter((key) => key.includes(job.id))).toEqual([]),
    );
  });

  it('comes to one end for each of many jobs whoever has them, and each worker has some', async () => {
    const { scheduler, worker } = await open();
    const { queue, url } = await scheduler();
    const ran: string[] = [];
    const handlerOf =
      (name: string): JobHandler =>
      async (work) => {
        ran.push(name);
        await work.opening();
        return accepted;
      };
    worker(url, handlerOf('a'));
    worker(url, handlerOf('b'));
    const jobs = Array.from({ length: 60 }, (_, n) => testJob(n));
    const ends = await Promise.all(jobs.map(({ job, opening }) => queue.add(job, { opening }, never)));
    expect(ends.filter(({ kind }) => kind === 'done')).toHaveLength(60);
    expect(ran).toHaveLength(60);
    expect(new Set(ran).size).toBe(2);
    expect(queue.status()).toMatchObject({ ended: 60, setAside: 0, doubled: 0 });
  });

  it('hands back what it has in hand when it ends, and another worker ends it', async () => {
    const { scheduler, worker } = await open();
    const { queue, url } = await scheduler();
    const slow = worker(url, stuck);
    const { job, opening } = testJob(1);
    const end = queue.add(job, { opening }, never);
    await soon(() => expect(slow.status()?.inHand).toBe(1));
    await slow.stop();
    expect(slow.status()).toMatchObject({ handedBack: 1, inHand: 0 });
    worker(url);
    expect(await end).toEqual({ kind: 'done', verdict: accepted });
    expect(queue.status()).toMatchObject({ recovered: 0, setAside: 0 });
  });

  it('waits where Redis is away, loses nothing when it comes back empty, and says both once', async () => {
    const { scheduler, worker, redis } = await open();
    const { queue, url, alerts } = await scheduler({ awayMs: 100 });
    const slow = worker(url, stuck, { concurrency: 1 });
    const first = testJob(1);
    const before = queue.add(first.job, { opening: first.opening }, never);
    await soon(() => expect(slow.status()?.inHand).toBe(1));
    await redis.kill();
    const second = testJob(2);
    const during = queue.add(second.job, { opening: second.opening }, never);
    await soon(() => expect(alerts.map(({ kind }) => kind)).toEqual(['queue-away']));
    expect(queue.status().stopped).toMatch(/^Redis at 127\.0\.0\.1:\d+ is away: /);
    await redis.start();
    worker(url);
    expect(await Promise.all([before, during])).toEqual([
      { kind: 'done', verdict: accepted },
      { kind: 'done', verdict: accepted },
    ]);
    expect(alerts.map(({ kind }) => kind)).toEqual(['queue-away', 'queue-back']);
    expect(queue.status()).toMatchObject({ ended: 2, setAside: 0 });
    expect(queue.status().stopped).toBeUndefined();
  });

  it('is judged in this process where Redis is away, or nobody ended it in time', async () => {
    const { scheduler, redis, worker } = await open();
    const { queue, url } = await scheduler({ awayMs: 50, lateMs: 300 });
    queue.work(async () => rejected('seed'), { concurrency: 1 });
    const late = testJob(1);
    const inTime = worker(url, stuck);
    expect(await queue.add(late.job, { opening: late.opening }, never)).toEqual({
      kind: 'done',
      verdict: rejected('seed'),
    });
    await inTime.stop();
    await redis.kill();
    const ends = [2, 3, 4].map((n) => queue.add(testJob(n).job, { opening: testJob(n).opening }, never));
    for (const end of await Promise.all(ends))
      expect(end).toEqual({ kind: 'done', verdict: rejected('seed') });
  });

  it('that no worker can judge is judged in this process at once', async () => {
    const { scheduler, worker } = await open();
    const { queue, url } = await scheduler();
    queue.work(async () => accepted, { concurrency: 1 });
    const broken = worker(url, async () => Promise.reject(new Error('no memory')));
    const { job, opening } = testJob(1);
    expect(await queue.add(job, { opening }, never)).toEqual({ kind: 'done', verdict: accepted });
    await soon(() => expect(broken.status()).toMatchObject({ failed: 1 }));
  });

  it('that Redis has no memory to give out is asked for in a while, not without a pause', async () => {
    const { scheduler, worker, redis } = await open();
    const { queue, url } = await scheduler();
    const { job, opening } = testJob(1);
    const end = queue.add(job, { opening }, never);
    const client = redis.client();
    await soon(async () => expect(await client.keys(`*${job.id}`)).toHaveLength(1));
    await client.config('SET', 'maxmemory', '1');
    const own = worker(url);
    await soon(() => expect(own.status()?.state).toBe('working'));
    const asked = async () =>
      Number(/errorstat_OOM:count=(\d+)/.exec(await client.info('errorstats'))?.[1] ?? 0);
    await soon(async () => expect(await asked()).toBeGreaterThan(0));
    const [before, from] = [await asked(), performance.now()];
    await new Promise((resolve) => setTimeout(resolve, 300));
    // a pause is 15 ms here; the scheduler asks too: 60 in 300 ms, and as many in each that a busy machine takes longer
    const counted = (await asked()) - before;
    expect(counted).toBeLessThan((performance.now() - from) / 5);
    await client.config('SET', 'maxmemory', '0');
    expect(await end).toEqual({ kind: 'done', verdict: accepted });
  });

  it('is set aside where its evidence is gone, and nothing else is lost by it', async () => {
    const { scheduler, worker } = await open();
    const { queue, url, book } = await scheduler();
    const gone = testJob(1);
    const end = queue.add(gone.job, { opening: gone.opening }, never);
    await soon(() => expect(queue.status().active).toBe(1));
    await book.evidence.release(gone.job.opening);
    const own = worker(url, async (work) => {
      await work.opening();
      return accepted;
    });
    expect(await end).toMatchObject({ kind: 'set-aside', reason: 'evidence-gone' });
    const { job, opening } = testJob(2);
    expect(await queue.add(job, { opening }, never)).toEqual({ kind: 'done', verdict: accepted });
    expect(own.status()).toMatchObject({ setAside: 1 });
    expect(queue.status()).toMatchObject({ ended: 2, setAside: 1 });
  });

  it('is judged here where a worker found its evidence gone and this process has it still', async () => {
    const { scheduler, worker } = await open();
    const { queue, url, book } = await scheduler();
    queue.work(async () => rejected('seed'), { concurrency: 1 });
    const { job, opening } = testJob(1);
    const end = queue.add(job, { opening }, never);
    await soon(() => expect(queue.status().active).toBe(1));
    await book.evidence.release(job.opening);
    worker(url, async (work) => {
      await work.opening();
      return accepted;
    });
    expect(await end).toEqual({ kind: 'done', verdict: rejected('seed') });
    expect(queue.status()).toMatchObject({ setAside: 0 });
  });

  it('that ends one worker after the other is set aside, and does not come to end this process instead', async () => {
    const { scheduler, address } = await open();
    // it is given up after 4.5 s at the earliest and 5.4 in time: later than nobody is waited for who has not taken it, and sooner
    // than the 9.4 for one who has
    const pace = { lockMs: 1200, stalledMs: 300 };
    const { queue } = await scheduler({ lateMs: 4000, pace });
    let begunHere = 0;
    queue.work(
      async () => {
        begunHere++;
        return accepted;
      },
      { concurrency: 1 },
    );
    const { job, opening } = testJob(1);
    const end = queue.add(job, { opening }, never);
    let isOver = false;
    void end.then(() => {
      isOver = true;
    });
    // takes it, and is never heard of again
    const dying = openBull(address, { prefix: 'assay', stamp: STAMP }, { waits: true, pace });
    while (!isOver) {
      await dying.moveUnlockedJobsToWait();
      if ((await dying.getWaitingCount()) > 0) await dying.getNextJob();
      else await new Promise((resolve) => setTimeout(resolve, 20));
    }
    closeBull(dying);
    expect(await end).toMatchObject({ kind: 'set-aside', reason: 'poison' });
    expect(begunHere).toBe(0);
  });

  it('takes no end that nobody with the key made, nor that of another job, and asks again', async () => {
    const { scheduler, worker, address } = await open();
    const { queue, url } = await scheduler();
    const { job, opening } = testJob(1);
    const other = testJob(2);
    const end = queue.add(job, { opening }, never);
    // whoever can write to Redis can be a worker of Bull's
    const forger = openBull(address, { prefix: 'assay', stamp: STAMP }, { waits: true });
    const forgeries: ((data: string) => string)[] = [
      () => 'AAAA',
      (data) => {
        const digest = jobDigest(fromBase64(data));
        const end = { kind: 'done', verdict: accepted } as const;
        return toBase64(sealEnd(OTHER_KEY, STAMP, { id: job.id, digest, end }));
      },
    ];
    for (const forge of forgeries) {
      let taken: Awaited<ReturnType<typeof forger.getNextJob>>;
      while (!taken) taken = await forger.getNextJob();
      await taken.moveToCompleted(forge(taken.data.sealed), false, true);
    }
    await soon(() => expect(queue.status().refused).toBe(2));
    closeBull(forger);
    worker(url, async () => rejected('digest'));
    expect(await end).toEqual({ kind: 'done', verdict: rejected('digest') });
    expect(queue.status()).toMatchObject({ ended: 1, refused: 2 });
    // bytes that are no job of ours, put there by a stranger
    const stranger = openBull(address, { prefix: 'assay', stamp: STAMP }, { waits: false });
    await stranger.add({ sealed: 'not a job' }, { jobId: 'f'.repeat(32) });
    await stranger.add({ sealed: toBase64(new Uint8Array(100)) }, { jobId: 'e'.repeat(32) });
    const after = queue.add(other.job, { opening: other.opening }, never);
    expect(await after).toMatchObject({ kind: 'done' });
    closeBull(stranger);
  });

  it('is given to the next scheduler by the one that died, and a verdict that came meanwhile is taken', async () => {
    const { scheduler, worker } = await open();
    const first = await scheduler();
    const { job, opening } = testJob(1);
    const lost = first.queue.add(job, { opening }, never);
    lost.catch(() => {});
    await soon(() => expect(first.queue.status().active).toBe(1));
    await first.close();
    await expect(lost).rejects.toMatchObject({ code: 'internal' });
    const second = await scheduler();
    worker(second.url, async () => rejected('range'));
    const recovered = second.queue.recovered;
    expect(recovered.map((each) => each.job.id)).toEqual([job.id]);
    expect(await recovered[0]!.end).toEqual({ kind: 'done', verdict: rejected('range') });
  });
});

describe.skipIf(NO_REDIS)('a Redis that is not ours', () => {
  it("is refused at the start where it is another deployment's, another key's, or of a newer form", async () => {
    const { scheduler, redis } = await open();
    await (await scheduler()).close();
    const client = redis.client();
    const claim = JSON.parse((await client.get('assay:claim'))!);
    await expect(scheduler({ key: OTHER_KEY })).rejects.toMatchObject({
      code: 'unauthenticated',
      message:
        'the queue under the prefix assay is marked by another queue key, for netuid 3: use that key, or another prefix (--redis-prefix)',
    });
    await client.set('assay:claim', 'x');
    await expect(scheduler()).rejects.toMatchObject({
      message: 'what Redis has under assay:claim is no claim of a queue of ours',
    });
    await client.set('assay:claim', JSON.stringify({ ...claim, netuid: 4 }));
    await expect(scheduler()).rejects.toMatchObject({ code: 'unauthenticated' });
  });

  it('is refused where its password is another, without a word of ours', async () => {
    const { address, scheduler, worker } = await open({ password: 'hunter2-hunter2' });
    await (await scheduler()).close();
    address.options.password = 'planted-secret';
    const refused = await scheduler().catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: 'permission-denied' });
    const own = worker('http://127.0.0.1:1');
    const ended = await own.ended.catch((error: unknown) => error);
    expect(ended).toMatchObject({ code: 'permission-denied' });
    for (const error of [refused, ended]) {
      const { inspect } = await import('node:util');
      expect(inspect(error, { depth: 9 })).not.toMatch(/planted|hunter/);
    }
  });

  it('is refused by a worker of another build or another key, and one that finds none says so', async () => {
    const { scheduler, worker, redis } = await open();
    const waits = worker('http://127.0.0.1:1');
    await soon(() => expect(waits.status()?.state).toBe('waiting'));
    await scheduler();
    await soon(() => expect(waits.status()?.state).toBe('working'));
    await expect(worker('http://127.0.0.1:1', undefined, { build: '9.9.9' }).ended).rejects.toMatchObject({
      code: 'unsupported',
      message: `the scheduler: of build ${STAMP.build}, and this is 9.9.9: both must be the same`,
    });
    await expect(worker('http://127.0.0.1:1', undefined, { key: OTHER_KEY }).ended).rejects.toMatchObject({
      code: 'unauthenticated',
    });
    await redis.kill();
    await expect(worker('http://127.0.0.1:1', undefined, { firstMs: 100 }).ended).rejects.toMatchObject({
      code: 'unreachable',
    });
  });
});
