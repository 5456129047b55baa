import { mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { toHex } from '../../../src/model/bytes.js';
import { systemClock } from '../../../src/model/clock.js';
import { silentLog } from '../../../src/model/log.js';
import { accepted, rejected } from '../../../src/model/verdict.js';
import {
  forgetSetAside,
  listSetAside,
  openJobBook,
  readSetAside,
} from '../../../src/validator/queue/job-book.js';
import type { JobHandler } from '../../../src/validator/queue/job-queue.js';
import { createJournalQueue } from '../../../src/validator/queue/journal-queue.js';
import { openQueueKey, toQueueKey } from '../../../src/validator/queue/queue-key.js';
import { QUEUE_KEY, STAMP, testJob } from '../../support/jobs.js';

const never = new AbortController().signal;
let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'assay-book-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

/** What a process has open; its death is that nobody closes it. */
async function openProcess(options?: Parameters<typeof createJournalQueue>[1], key = QUEUE_KEY) {
  const book = await openJobBook({ key, stamp: STAMP, clock: systemClock, log: silentLog }, dir);
  return { book, queue: createJournalQueue({ book, log: silentLog }, options) };
}

/** Has a job in hand, and never ends it. */
function stuck(): { readonly handler: JobHandler; readonly begun: Promise<void> } {
  let open: () => void = () => {};
  const begun = new Promise<void>((resolve) => {
    open = resolve;
  });
  const handler: JobHandler = (work, signal) => {
    work.begin();
    open();
    return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
  };
  return { handler, begun };
}

/** Without those that are being written. */
const filesIn = async (folder: string) =>
  (await readdir(join(dir, folder)).catch(() => [])).filter((name) => !name.includes('.')).sort();

describe('jobs in the data folder', () => {
  it('stay until they are settled, and nothing of them after', async () => {
    const { queue } = await openProcess();
    queue.work(async () => accepted, { concurrency: 1 });
    const { job, opening } = testJob(1);
    await queue.add(job, { opening, note: Uint8Array.of(5) }, never);
    expect(await filesIn('jobs')).toEqual([job.id]);
    expect(await filesIn('evidence')).toEqual([toHex(job.opening.digest)]);
    expect(await filesIn('hand')).toEqual([]);
    await queue.settle(job.id);
    for (const folder of ['jobs', 'evidence', 'hand']) expect(await filesIn(folder)).toEqual([]);
  });

  it('of one opening share it until the last is settled', async () => {
    const { queue } = await openProcess();
    queue.work(async () => accepted, { concurrency: 2 });
    const { job, opening } = testJob(1);
    const twin = { ...job, id: testJob(2).job.id };
    await Promise.all([queue.add(job, { opening }, never), queue.add(twin, { opening }, never)]);
    await queue.settle(job.id);
    expect(await filesIn('evidence')).toHaveLength(1);
    await queue.settle(twin.id);
    expect(await filesIn('evidence')).toEqual([]);
  });

  it('are there also where another one of the same opening is settled at that moment', async () => {
    const { book } = await openProcess();
    const { job, opening } = testJob(1);
    const digest = toHex(job.opening.digest);
    for (let times = 0; times < 50; times++) {
      await book.evidence.put(job.opening, opening);
      const [, read] = await Promise.all([
        book.evidence.release(job.opening),
        book.evidence.put(job.opening, opening).then(() => book.evidence.read(digest)),
      ]);
      expect(read).toEqual(opening);
      await book.evidence.release(job.opening);
    }
    expect(book.evidence.bytes()).toBe(0);
  });

  it('that waited or were in hand when the process died are taken up by the next, with all that was kept', async () => {
    const first = await openProcess();
    const { handler, begun } = stuck();
    first.queue.work(handler, { concurrency: 1 });
    for (const n of [1, 2]) {
      const { job, opening } = testJob(n);
      first.queue.add(job, { opening, note: Uint8Array.of(n) }, never).catch(() => {});
    }
    await begun;
    await until(async () => (await filesIn('jobs')).length === 2);

    const { queue } = await openProcess();
    expect(queue.status()).toMatchObject({ recovered: 2, waiting: { session: 0, replay: 2 } });
    queue.work(async ({ opening }) => ((await opening()).length === 256 ? rejected('seed') : accepted), {
      concurrency: 4,
    });
    const ends = await Promise.all(queue.recovered.map(({ end }) => end));
    expect(ends).toEqual(Array(2).fill({ kind: 'done', verdict: rejected('seed') }));
    const kept = await Promise.all(queue.recovered.map((each) => each.kept()));
    expect(kept.map(({ note }) => note![0]).sort()).toEqual([1, 2]);
    // an id that is known comes to the end it came to
    const { job, opening } = testJob(1);
    expect(await queue.add(job, { opening }, never)).toEqual({ kind: 'done', verdict: rejected('seed') });
    expect(queue.status()).toMatchObject({ doubled: 1, ended: 2 });
  });

  it('are set aside with their evidence when three processes died with them in hand, and no other with them', async () => {
    const poison = testJob(1);
    const bystander = testJob(2);
    const first = await openProcess();
    const both = stuck();
    first.queue.work(both.handler, { concurrency: 2 });
    for (const { job, opening } of [poison, bystander])
      first.queue.add(job, { opening }, never).catch(() => {});
    await until(async () => (await filesIn('hand')).length === 2);

    for (let death = 2; death <= 3; death++) {
      const { queue } = await openProcess();
      const { handler, begun } = stuck();
      queue.work(
        (work, signal) => {
          if (work.job.id !== bystander.job.id) return handler(work, signal);
          work.begin();
          return Promise.resolve(accepted);
        },
        { concurrency: 4 },
      );
      await begun;
      await queue.settle(bystander.job.id);
    }
    const { queue } = await openProcess();
    const [left] = queue.recovered;
    expect(await left!.end).toEqual({
      kind: 'set-aside',
      reason: 'poison',
      detail: '3 processes ended with it in hand',
    });
    expect(queue.recovered).toHaveLength(1);
    await queue.settle(poison.job.id);
    expect(await filesIn('jobs')).toEqual([]);
    const [aside] = await listSetAside(dir);
    expect(aside).toMatchObject({ id: poison.job.id, reason: 'poison', bytes: 256, kind: 'compute' });
    expect(Uint8Array.from((await readSetAside({ key: QUEUE_KEY }, dir, poison.job.id)).opening)).toEqual(
      poison.opening,
    );
    expect(await forgetSetAside(dir, poison.job.id)).toBe(true);
    expect(await forgetSetAside(dir, poison.job.id)).toBe(false);
    expect(await listSetAside(dir)).toEqual([]);
  });

  it('are taken up one at a time, those that processes died with last', async () => {
    const first = await openProcess();
    const odd = new Set([1, 3, 5].map((n) => testJob(n).job.id));
    first.queue.work(
      ({ job, begin }) => {
        if (odd.has(job.id)) begin();
        return new Promise(() => {});
      },
      { concurrency: 9 },
    );
    for (const n of [1, 2, 3, 4, 5, 6]) {
      const { job, opening } = testJob(n);
      first.queue.add(job, { opening }, never).catch(() => {});
    }
    await until(async () => (await filesIn('jobs')).length === 6 && first.queue.status().active === 6);
    const { queue } = await openProcess();
    expect(queue.recovered.map(({ deaths }) => deaths)).toEqual([0, 0, 0, 1, 1, 1]);
    const order: boolean[] = [];
    let together = 0;
    queue.work(
      async ({ job }) => {
        together = Math.max(together, queue.status().active);
        order.push(odd.has(job.id));
        return accepted;
      },
      { concurrency: 4 },
    );
    await Promise.all(queue.recovered.map(({ end }) => end));
    expect(order).toEqual([false, false, false, true, true, true]);
    expect(together).toBe(1);
  });

  it('that are handed back in order have nothing held against them, however often', async () => {
    for (let times = 0; times < 5; times++) {
      const { queue } = await openProcess();
      const { handler, begun } = stuck();
      queue.work(handler, { concurrency: 1 });
      const { job, opening } = testJob(1);
      queue.add(job, { opening }, never).catch(() => {});
      await begun;
      await queue.close();
    }
    const { queue } = await openProcess();
    expect(queue.recovered.map(({ deaths }) => deaths)).toEqual([0]);
  });

  it('whose file was cut short or bent, or is of another key, are set aside as unreadable, and no other with them', async () => {
    const first = await openProcess();
    for (const n of [1, 2, 3]) {
      const { job, opening } = testJob(n);
      first.queue.add(job, { opening }, never).catch(() => {});
    }
    await until(async () => (await filesIn('jobs')).length === 3);
    const [one, two, three] = [1, 2, 3].map((n) => testJob(n).job.id) as [string, string, string];
    await truncate(join(dir, 'jobs', one), 100);
    const bytes = await readFile(join(dir, 'jobs', two));
    bytes[200]! ^= 1;
    await writeFile(join(dir, 'jobs', two), bytes);
    const { queue } = await openProcess();
    expect(queue.recovered.map(({ job }) => job.id)).toEqual([three]);
    const aside = await listSetAside(dir);
    expect(new Set(aside.map(({ id, reason }) => `${id} ${reason}`))).toEqual(
      new Set([`${one} unreadable`, `${two} unreadable`]),
    );
    const other = await openProcess({}, toQueueKey(new Uint8Array(32).fill(1)));
    expect(other.queue.recovered).toEqual([]);
  });

  it('whose evidence is gone or torn are set aside with the reason, and no other with them', async () => {
    const first = await openProcess();
    for (const n of [1, 2, 3]) {
      const { job, opening } = testJob(n);
      first.queue.add(job, { opening }, never).catch(() => {});
    }
    await until(async () => (await filesIn('jobs')).length === 3);
    const path = (n: number) => join(dir, 'evidence', toHex(testJob(n).job.opening.digest));
    await rm(path(1));
    await truncate(path(2), 100);
    const { queue } = await openProcess();
    queue.work(
      async ({ opening }) => {
        await opening();
        return accepted;
      },
      { concurrency: 1 },
    );
    const byId = new Map(
      await Promise.all(queue.recovered.map(async ({ job, end }) => [job.id, await end] as const)),
    );
    const ends = [1, 2, 3].map((n) => byId.get(testJob(n).job.id)!);
    expect(ends.map((end) => (end.kind === 'set-aside' ? end.reason : end.verdict.kind))).toEqual([
      'evidence-gone',
      'evidence-gone',
      'accepted',
    ]);
  });

  it('that cannot be kept are judged all the same', async () => {
    const { queue } = await openProcess();
    await rm(join(dir, 'evidence'), { recursive: true });
    await writeFile(join(dir, 'evidence'), 'in the way');
    queue.work(async () => accepted, { concurrency: 1 });
    const { job, opening } = testJob(1);
    expect(await queue.add(job, { opening }, never)).toEqual({ kind: 'done', verdict: accepted });
    expect(await filesIn('jobs')).toEqual([]);
  });
});

describe('room', () => {
  it('is waited for in turn, by count and by bytes, and given back', async () => {
    const { queue } = await openProcess({ mostJobs: 2, mostBytes: 600 });
    const { handler, begun } = stuck();
    const stop = queue.work(handler, { concurrency: 1 });
    const jobs = [1, 2, 3].map((n) => testJob(n));
    const adds = jobs.map(({ job, opening }) => queue.add(job, { opening }, never));
    await begun;
    await until(async () => queue.status().waiting.session + queue.status().active === 2);
    expect(queue.status().bytes).toBe(512);
    expect(await filesIn('jobs')).toHaveLength(2);
    await stop();
    queue.work(async () => accepted, { concurrency: 1 });
    await Promise.all(adds);
    expect(queue.status()).toMatchObject({ bytes: 0, active: 0, ended: 3 });
  });

  it('is there for one job that is larger than all of it', async () => {
    const { queue } = await openProcess({ mostBytes: 10 });
    queue.work(async () => accepted, { concurrency: 1 });
    const { job, opening } = testJob(1);
    expect((await queue.add(job, { opening }, never)).kind).toBe('done');
  });

  it('is waited for in vain where the queue closes', async () => {
    const { queue } = await openProcess({ mostJobs: 1 });
    const jobs = [1, 2].map((n) => testJob(n));
    const { handler, begun } = stuck();
    queue.work(handler, { concurrency: 1 });
    const ends = jobs.map(({ job, opening }) => queue.add(job, { opening }, never));
    await begun;
    const over = Promise.allSettled(ends);
    await queue.close();
    for (const end of await over)
      expect(end).toMatchObject({ status: 'rejected', reason: { code: 'internal' } });
  });

  it("is left by whoever waited for it and left, and is the next one's", async () => {
    const { queue } = await openProcess({ mostJobs: 1 });
    const { handler, begun } = stuck();
    const stop = queue.work(handler, { concurrency: 1 });
    const [one, two, three] = [1, 2, 3].map((n) => testJob(n)) as [
      ReturnType<typeof testJob>,
      ReturnType<typeof testJob>,
      ReturnType<typeof testJob>,
    ];
    const first = queue.add(one.job, { opening: one.opening }, never);
    await begun;
    const leaves = new AbortController();
    const second = queue.add(two.job, { opening: two.opening }, leaves.signal);
    const third = queue.add(three.job, { opening: three.opening }, never);
    leaves.abort(new Error('left'));
    await expect(second).rejects.toThrow('left');
    await stop();
    queue.work(async () => accepted, { concurrency: 1 });
    await Promise.all([first, third]);
    expect(queue.status()).toMatchObject({ ended: 2, bytes: 0 });
  });
});

describe("the queue's key", () => {
  it("is made once, and is its owner's alone", async () => {
    const path = join(dir, 'deep', 'key');
    const [a, b] = await Promise.all([
      openQueueKey(path, { make: true }),
      openQueueKey(path, { make: true }),
    ]);
    expect(a).toEqual(b);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(await readdir(join(dir, 'deep'))).toEqual(['key']);
  });

  it('is refused where others may read it, where it is none, and where there is none', async () => {
    const path = join(dir, 'key');
    await expect(openQueueKey(path, { make: false })).rejects.toThrow('none there');
    await writeFile(path, new Uint8Array(32), { mode: 0o644 });
    await expect(openQueueKey(path, { make: true })).rejects.toThrow('mode 0644');
    await writeFile(path, new Uint8Array(31));
    await expect(openQueueKey(path, { make: false })).rejects.toThrow('31 bytes');
  });
});

/** Turns of the event loop, in which others write. */
async function until(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo())) await new Promise((resolve) => setImmediate(resolve));
}
