// Owns: a queue of this process: what waits, and that what an earlier process left is taken up again. Does not own: what is on disk
// (job-book.ts), whose turn it is among miners and what a thread does (verifiers.ts).
import { setMaxListeners } from 'node:events';
import { raceAbort } from '../../model/abort.js';
import { AssayError, isAssayError } from '../../model/errors.js';
import type { Log } from '../../model/log.js';
import { SESSION_LIMITS } from '../../protocol/limits.js';
import { type Job, type JobEnd, PRIORITIES, type Priority, type SetAsideReason } from './job.js';
import { type JobBook, type Left, MOST_DEATHS } from './job-book.js';
import type { JobHandler, JobQueue, Keepsake, Work } from './job-queue.js';
import { createKnownEnds } from './known-ends.js';

/** A job that an earlier process left, and what it comes to now. */
export interface Recovered extends Left {
  readonly end: Promise<JobEnd>;
}

export interface JournalQueue extends JobQueue {
  readonly recovered: readonly Recovered[];
}

/** As many slots as a full subnet can have, several times over. */
const MOST_JOBS = 65_536;
/**
 * One of an earlier process's jobs may be what ended it: were others of them in hand beside it, the next death would be held
 * against these too. They wait for sessions of today, and cost these one thread.
 */
const RECOVERED_AT_ONCE = 1;

interface Entry {
  readonly job: Job;
  readonly priority: Priority;
  /** left by an earlier process */
  readonly isRecovered: boolean;
  /** nothing is kept of it any more, and nobody wants its end */
  isSettled: boolean;
  resolve(end: JobEnd): void;
  reject(error: unknown): void;
}

interface Worker {
  readonly handler: JobHandler;
  readonly most: number;
  readonly stop: AbortController;
  readonly hands: Set<Promise<void>>;
}

/** Jobs wait here and are worked on here; `book` keeps what must outlive the process. */
export function createJournalQueue(
  { book, log }: { readonly book: JobBook; readonly log: Log },
  {
    mostJobs = MOST_JOBS,
    mostBytes = SESSION_LIMITS.openingBytesInFlight,
  }: { readonly mostJobs?: number; readonly mostBytes?: number } = {},
): JournalQueue {
  const waiting: Record<Priority, Set<Entry>> = { session: new Set(), replay: new Set() };
  const active = new Set<Entry>();
  /** those that wait or are in hand, by id */
  const under = new Map<string, Entry>();
  const workers = new Set<Worker>();
  const ends = createKnownEnds();
  /** those that wait for room, in turn */
  const line = new Set<{ readonly job: Job; readonly admit: () => void; readonly turnAway: () => void }>();
  const counts = { ended: 0, setAside: 0, recovered: 0, doubled: 0, refused: 0 };
  let jobs = 0;
  let bytes = 0;
  let recovering = 0;
  let closed: AssayError<'internal'> | undefined;

  const count = (job: Job): void => {
    jobs++;
    bytes += job.opening.bytes;
  };

  /** Whoever came first is let in first, also before one that would fit; one that fits nowhere comes alone. */
  function admitWaiting(): void {
    for (const each of line) {
      const fits = jobs < mostJobs && bytes + each.job.opening.bytes <= mostBytes;
      if (jobs > 0 && !fits) return;
      line.delete(each);
      count(each.job);
      each.admit();
    }
  }

  function leave(job: Job): void {
    jobs--;
    bytes -= job.opening.bytes;
    admitWaiting();
  }

  async function enter(job: Job, signal: AbortSignal): Promise<void> {
    let admit: () => void = () => {};
    let turnAway: () => void = () => {};
    const turn = new Promise<void>((resolve, reject) => {
      admit = resolve;
      turnAway = () => reject(closed);
    });
    const place = { job, admit, turnAway };
    line.add(place);
    admitWaiting();
    try {
      await raceAbort(signal, turn);
    } catch (error) {
      if (!line.delete(place)) leave(job);
      throw error;
    }
  }

  async function put(job: Job, keepsake: Keepsake, signal: AbortSignal): Promise<JobEnd> {
    await enter(job, signal);
    await book.put(job, keepsake).catch((error: unknown) => {
      // a verdict is worth more than what a crash would be survived by
      log.error('a job is not kept: it would not outlive this process', { outcome: job.id, error });
    });
    if (signal.aborted || closed) {
      leave(job);
      throw closed ?? signal.reason;
    }
    const { entry, end } = lineUp(job, job.priority, false);
    try {
      return await raceAbort(signal, end);
    } catch (error) {
      abandon(entry);
      throw error;
    }
  }

  /** Nobody begins with it. @returns false where somebody has */
  function abandon(entry: Entry): boolean {
    if (!waiting[entry.priority].delete(entry)) return false;
    under.delete(entry.job.id);
    leave(entry.job);
    return true;
  }

  function lineUp(
    job: Job,
    priority: Priority,
    isRecovered: boolean,
  ): { readonly entry: Entry; readonly end: Promise<JobEnd> } {
    let entry: Entry | undefined;
    const end = new Promise<JobEnd>((resolve, reject) => {
      entry = { job, priority, isRecovered, isSettled: false, resolve, reject };
    });
    waiting[priority].add(entry!); // the executor has run
    under.set(job.id, entry!);
    next();
    return { entry: entry!, end };
  }

  function next(): void {
    for (const priority of PRIORITIES)
      for (const entry of waiting[priority]) {
        if (entry.isRecovered && recovering >= RECOVERED_AT_ONCE) continue;
        const worker = [...workers].find(({ hands, most }) => hands.size < most);
        if (!worker) return;
        waiting[priority].delete(entry);
        const hand = give(worker, entry);
        worker.hands.add(hand);
        void hand.finally(() => {
          worker.hands.delete(hand);
          next();
        });
      }
  }

  async function give({ handler, stop }: Worker, entry: Entry): Promise<void> {
    const { job, priority, isRecovered } = entry;
    active.add(entry);
    if (isRecovered) recovering++;
    let end: JobEnd | undefined;
    try {
      const got = await handler(workOf(job), stop.signal);
      end =
        got.kind === 'set-aside'
          ? await setAside(job.id, got.reason, got.detail)
          : { kind: 'done', verdict: got };
    } catch (error) {
      // of one that was settled meanwhile the opening is gone, and nothing is wrong
      if (entry.isSettled) end = { kind: 'set-aside', reason: 'not-judged', detail: 'it was settled' };
      else if (!stop.signal.aborted) end = await setAside(job.id, ...whyOf(error));
    }
    active.delete(entry);
    if (isRecovered) recovering--;
    book.handBack(job.id);
    if (end) {
      finish(job, end);
      entry.resolve(end);
    } else if (closed) entry.reject(closed);
    else waiting[priority].add(entry);
  }

  function workOf(job: Job): Work {
    return {
      job,
      async opening() {
        const bytes = await book.evidence.read(Buffer.from(job.opening.digest).toString('hex'));
        if (bytes) return bytes;
        throw new AssayError('evidence-expired', `the opening of ${job.id} is not where it was kept`, {
          outcome: job.id,
        });
      },
      begin: () => book.begin(job.id),
    };
  }

  async function setAside(id: string, reason: SetAsideReason, detail: string): Promise<JobEnd> {
    log.error('a job is set aside', { outcome: id, reason, detail });
    await book.setAside(id, { reason, detail }).catch((error: unknown) => {
      log.error('what was kept of a job could not be set aside', { outcome: id, error });
    });
    return { kind: 'set-aside', reason, detail };
  }

  function finish(job: Job, end: JobEnd): void {
    counts.ended++;
    if (end.kind === 'set-aside') counts.setAside++;
    under.delete(job.id);
    leave(job);
  }

  function takeUp(left: Left): Recovered {
    counts.recovered++;
    const end = endOf(left);
    end.catch(() => {}); // whoever asks has it
    ends.know(left.job.id, end);
    return { ...left, end };
  }

  async function endOf({ job, deaths, setAside: before }: Left): Promise<JobEnd> {
    if (before) return { kind: 'set-aside', reason: before.reason, detail: before.detail };
    count(job);
    if (deaths < MOST_DEATHS) return lineUp(job, 'replay', true).end;
    const end = await setAside(job.id, 'poison', `${deaths} processes ended with it in hand`);
    finish(job, end);
    return end;
  }

  return {
    recovered: book.left.map(takeUp),
    add(job, keepsake, signal) {
      if (closed) return Promise.reject(closed);
      const known = ends.of(job.id);
      if (!known) return ends.know(job.id, put(job, keepsake, signal));
      counts.doubled++;
      return raceAbort(signal, known);
    },
    settle(id) {
      const entry = under.get(id);
      if (entry && !abandon(entry)) entry.isSettled = true;
      return book.settle(id);
    },
    work(handler, { concurrency }) {
      const stop = new AbortController();
      setMaxListeners(0, stop.signal); // everything in hand waits for it
      const worker: Worker = { handler, most: concurrency, stop, hands: new Set() };
      workers.add(worker);
      next();
      return () => stopWorker(worker);
    },
    status: () => ({
      waiting: { session: waiting.session.size, replay: waiting.replay.size },
      active: active.size,
      bytes,
      ...counts,
      ...(workers.size === 0 ? { stopped: 'nobody works' } : {}),
    }),
    async close() {
      closed ??= new AssayError('internal', 'the queue is closed', { what: 'queue' });
      await Promise.all([...workers].map(stopWorker));
      for (const priority of PRIORITIES) for (const entry of waiting[priority]) entry.reject(closed);
      for (const { turnAway } of line) turnAway();
    },
  };

  async function stopWorker(worker: Worker): Promise<void> {
    workers.delete(worker);
    worker.stop.abort(new AssayError('internal', 'the worker stops', { what: 'worker' }));
    await Promise.all(worker.hands);
  }
}

/** Our own errors in their own words; of others, which may quote what they were given, the name. */
function whyOf(error: unknown): [reason: SetAsideReason, detail: string] {
  if (isAssayError(error, 'evidence-expired')) return ['evidence-gone', error.message];
  if (error instanceof AssayError) return ['not-judged', error.message];
  return ['not-judged', error instanceof Error ? error.name : 'something else than an error was thrown'];
}
