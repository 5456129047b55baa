// Owns: what every work queue must do, wherever its jobs wait and whoever does them. Does not own: what is judged.
import assert from 'node:assert/strict';
import { setMaxListeners } from 'node:events';
import { toHex } from '../../model/bytes.js';
import { systemClock } from '../../model/clock.js';
import { AssayError } from '../../model/errors.js';
import { accepted, rejected } from '../../model/verdict.js';
import type { Job, Priority } from '../../validator/queue/job.js';
import type { JobHandler, JobQueue } from '../../validator/queue/job-queue.js';
import type { ConformanceCase } from './proof.js';

export interface QueueSubject {
  /** over nothing that was there before */
  readonly queue: JobQueue;
  /** Somebody who works, at most `concurrency` jobs at once; from now on. */
  work(handler: JobHandler, concurrency: number): void;
  close(): Promise<void>;
}

export interface QueueFixture {
  open(): Promise<QueueSubject>;
  /** Another job for each number. */
  jobOf(n: number): { readonly job: Job; readonly opening: Uint8Array };
}

/**
 * The cases, for any test runner:
 *
 *     for (const { name, run } of jobQueueConformance(fixture)) test(name, run);
 */
export function jobQueueConformance({ open, jobOf }: QueueFixture): readonly ConformanceCase[] {
  const never = new AbortController().signal;
  setMaxListeners(0, never); // every job waits for it
  const add = ({ queue }: QueueSubject, n: number, priority: Priority = 'session', signal = never) => {
    const { job, opening } = jobOf(n);
    return queue.add({ ...job, priority }, { opening }, signal);
  };
  const withQueue = (run: (subject: QueueSubject) => Promise<void>) => async () => {
    const subject = await open();
    try {
      await run(subject);
    } finally {
      await subject.close();
    }
  };
  /** One that has a job in hand until it is told to go on. */
  function holding(): { readonly handler: JobHandler; readonly held: Promise<void>; release(): void } {
    const [began, goOn] = [gate(), gate()];
    const handler: JobHandler = async () => {
      began.open();
      await goOn.opened;
      return accepted;
    };
    return { handler, held: began.opened, release: goOn.open };
  }

  return [
    {
      name: 'gives whoever works the job and its opening, and whoever added it the verdict',
      run: withQueue(async (subject) => {
        const { job, opening } = jobOf(1);
        let seen: { job: unknown; opening: string; isOwn: boolean } | undefined;
        subject.work(async (work) => {
          const [bytes, again] = [await work.opening(), await work.opening()];
          seen = { job: inHex(work.job), opening: toHex(bytes), isOwn: bytes.buffer !== again.buffer };
          assert.equal(bytes.length, bytes.buffer.byteLength);
          work.begin();
          return rejected('projection');
        }, 1);
        assert.deepEqual(await add(subject, 1), { kind: 'done', verdict: rejected('projection') });
        assert.deepEqual(seen, { job: inHex(job), opening: toHex(opening), isOwn: true });
      }),
    },
    {
      name: 'comes to one end for each of many jobs, with whoever works',
      run: withQueue(async (subject) => {
        const ran: string[] = [];
        for (let i = 0; i < 2; i++)
          subject.work(async ({ job }) => {
            ran.push(job.id);
            return accepted;
          }, 3);
        const ends = await Promise.all(Array.from({ length: 100 }, (_, n) => add(subject, n)));
        assert.equal(ends.filter(({ kind }) => kind === 'done').length, 100);
        assert.equal(ran.length, 100);
        assert.equal(new Set(ran).size, 100);
        const { waiting, active, bytes, ended, setAside, doubled } = subject.queue.status();
        assert.deepEqual(
          { waiting, active, bytes, ended, setAside, doubled },
          { waiting: { session: 0, replay: 0 }, active: 0, bytes: 0, ended: 100, setAside: 0, doubled: 0 },
        );
      }),
    },
    {
      name: 'gives an id that is added again the end of the first, and counts it',
      run: withQueue(async (subject) => {
        let ran = 0;
        const { handler, held, release } = holding();
        subject.work((work, signal) => {
          ran++;
          return handler(work, signal);
        }, 2);
        const first = add(subject, 1);
        await held;
        const second = add(subject, 1);
        release();
        assert.deepEqual(await Promise.all([first, second]), [
          { kind: 'done', verdict: accepted },
          { kind: 'done', verdict: accepted },
        ]);
        assert.deepEqual(await add(subject, 1), { kind: 'done', verdict: accepted });
        assert.equal(ran, 1);
        assert.equal(subject.queue.status().doubled, 2);
        assert.equal(subject.queue.status().ended, 1);
      }),
    },
    {
      name: 'takes sessions before replays',
      run: withQueue(async (subject) => {
        const order: number[] = [];
        const numbers = new Map([0, 1, 2, 3, 4].map((n) => [jobOf(n).job.id, n]));
        const { handler, held, release } = holding();
        subject.work((work, signal) => {
          order.push(numbers.get(work.job.id)!);
          return handler(work, signal);
        }, 1);
        const first = add(subject, 0);
        await held;
        const rest = [add(subject, 1, 'replay'), add(subject, 2, 'replay'), add(subject, 3), add(subject, 4)];
        await waitUntil(() => {
          const { waiting, active } = subject.queue.status();
          return waiting.session + waiting.replay + active === 5;
        });
        release();
        await Promise.all([first, ...rest]);
        assert.deepEqual(new Set(order.slice(1, 3)), new Set([3, 4]));
        assert.deepEqual(new Set(order.slice(3)), new Set([1, 2]));
      }),
    },
    {
      name: 'sets a job aside whose opening is gone, or that is set aside by whoever works, and goes on with others',
      run: withQueue(async (subject) => {
        const ids = new Map([1, 2, 3].map((n) => [jobOf(n).job.id, n]));
        subject.work(async ({ job }) => {
          const n = ids.get(job.id);
          if (n === 1)
            throw new AssayError('evidence-expired', `the opening of ${job.id} is gone`, { outcome: job.id });
          if (n === 2) return { kind: 'set-aside', reason: 'poison', detail: 'nobody survives it' };
          return accepted;
        }, 1);
        const ends = await Promise.all([add(subject, 1), add(subject, 2), add(subject, 3)]);
        assert.deepEqual(
          ends.map((end) => (end.kind === 'set-aside' ? end.reason : end.verdict.kind)),
          ['evidence-gone', 'poison', 'accepted'],
        );
        assert.equal(subject.queue.status().setAside, 2);
        assert.equal(subject.queue.status().ended, 3);
      }),
    },
    {
      name: 'lets go of a job whose adder left: nobody begins with it, and nobody is told',
      run: withQueue(async (subject) => {
        const ran: string[] = [];
        const { handler, held, release } = holding();
        subject.work((work, signal) => {
          ran.push(work.job.id);
          return handler(work, signal);
        }, 1);
        const first = add(subject, 1);
        await held;
        const stop = new AbortController();
        const left = add(subject, 2, 'session', stop.signal);
        const reason = new Error('left');
        stop.abort(reason);
        await assert.rejects(left, (error) => error === reason);
        await assert.rejects(add(subject, 3, 'session', AbortSignal.abort(reason)), (e) => e === reason);
        release();
        await first;
        await add(subject, 4);
        assert.deepEqual(ran, [jobOf(1).job.id, jobOf(4).job.id]);
        assert.equal(subject.queue.status().bytes, 0);
      }),
    },
    {
      name: 'settles what ended, twice too, and what it never knew',
      run: withQueue(async (subject) => {
        subject.work(async () => accepted, 1);
        await add(subject, 1);
        for (const n of [1, 1, 2]) await subject.queue.settle(jobOf(n).job.id);
        // known for what it came to all the same
        assert.deepEqual(await add(subject, 1), { kind: 'done', verdict: accepted });
      }),
    },
    {
      name: 'ends nothing any more once it is closed',
      run: withQueue(async (subject) => {
        const waits = add(subject, 1);
        const over = assert.rejects(waits, (error) => error instanceof AssayError);
        await subject.queue.close();
        await over;
        await assert.rejects(add(subject, 2), (error) => error instanceof AssayError);
      }),
    },
  ];
}

/** Bytes are bytes, whatever class of them came back. */
function inHex(value: unknown): unknown {
  if (value instanceof Uint8Array) return toHex(value);
  if (Array.isArray(value)) return value.map(inHex);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(([, each]) => each !== undefined);
  return Object.fromEntries(entries.map(([name, each]) => [name, inHex(each)]));
}

function gate(): { readonly opened: Promise<void>; open(): void } {
  let open: () => void = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}

/** A queue elsewhere takes as long as its machine does: the runner's own limit bounds it. */
async function waitUntil(isSo: () => boolean): Promise<void> {
  while (!isSo()) await systemClock.sleep(1);
}
