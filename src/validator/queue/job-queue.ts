// Owns: the seam of the work queue: a job comes to one end, whatever dies on the way. Does not own: a job's bytes (job.ts), who
// judges (queue-verifiers.ts), where jobs wait (journal-queue.ts in this process, bull-queue.ts on Redis).
import type { Verdict } from '../../model/verdict.js';
import type { Job, JobEnd, Priority } from './job.js';

/** What is kept of a job until it is settled, beside the job itself. */
export interface Keepsake {
  /** what `job.opening` names; read before `add` hands the job on, and never afterwards */
  readonly opening: Uint8Array;
  /** what the scheduler makes its outcome of, should it be another process by then. @default nothing */
  readonly note?: Uint8Array | undefined;
}

/** A job in somebody's hand. */
export interface Work {
  readonly job: Job;
  /**
   * In a buffer of its own, each time anew.
   * @throws AssayError `evidence-expired` when it is gone, or is not what its digest names: the job is set aside
   */
  opening(): Promise<Uint8Array>;
  /**
   * Called before anything that may end the process: should it, that is held against the job. What waits in a handler's own line is
   * not begun.
   */
  begin(): void;
}

/** One that hands jobs on gives back what somebody else set aside. */
export type Judged = Verdict | Extract<JobEnd, { kind: 'set-aside' }>;

/**
 * Throwing is for what is our own fault: the job is set aside as `not-judged`. When `signal` aborts the work is handed back, and
 * nothing is held against the job.
 */
export type JobHandler = (work: Work, signal: AbortSignal) => Promise<Judged>;

export interface QueueStatus {
  /** jobs that wait, by priority */
  readonly waiting: Readonly<Record<Priority, number>>;
  /** in somebody's hand */
  readonly active: number;
  /** bytes of openings of all that wait or are in hand */
  readonly bytes: number;
  /** the rest counts since this process began */
  readonly ended: number;
  /** of `ended`, those without a verdict */
  readonly setAside: number;
  /** taken up again: left behind by an earlier process, or by a worker that died */
  readonly recovered: number;
  /** added again, or ended again, and not counted twice */
  readonly doubled: number;
  /** bytes that were no job or no result of ours, and were not looked into */
  readonly refused: number;
  /** why nothing moves, where nothing does; in our own words */
  readonly stopped?: string | undefined;
}

/**
 * Where verification waits, and for whom. One process adds, the scheduler; who works may be threads here or processes anywhere.
 * Whatever of them dies, each id comes to one end.
 */
export interface JobQueue {
  /**
   * Waits for room, then for the job's end. The same id again, while it is known, gives the same end and counts as doubled.
   * @throws the signal's reason when it aborts: nobody begins with the job any more, and what is kept of it stays kept; AssayError
   * `internal` when the queue is closed
   */
  add(job: Job, keepsake: Keepsake, signal: AbortSignal): Promise<JobEnd>;
  /** The job's outcome is recorded, or nobody wants one: all that was kept of it goes. Unknown ids are no error. */
  settle(id: string): Promise<void>;
  /** Gives jobs to `handler`, at most `concurrency` at once. @returns hands back what is in hand, and resolves when nothing is */
  work(handler: JobHandler, options: { readonly concurrency: number }): () => Promise<void>;
  status(): QueueStatus;
  /** Nothing ends any more. What did not is kept for the next process. */
  close(): Promise<void>;
}
