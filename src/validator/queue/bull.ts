// Owns: the settings of Bull that both of its ends go by, and a job's bytes in it. Does not own: what either end does.
import Bull from 'bull';
import type { Redis } from 'ioredis';
import { AssayError } from '../../model/errors.js';
import { MAX_JOB_BYTES, type Stamp } from './job.js';
import type { RedisAddress } from './redis-address.js';
import { queueKeys } from './redis-claim.js';

/** What a job is in Redis: its sealed bytes in base64; what it comes to is its end's, likewise. */
export interface BullJob {
  readonly sealed: string;
}
/** With what Bull has and its types leave out. */
export type BullQueue = Bull.Queue<BullJob> & {
  /** on which it waits for the next job */
  readonly bclient: Redis;
  /** of workers that are not heard of */
  moveUnlockedJobsToWait(): Promise<void>;
};

export interface BullPace {
  /** A worker says so often that it lives; one that was silent for `lockMs` loses its job. */
  readonly lockMs: number;
  /** between two looks for jobs whose worker is silent; the second one takes them */
  readonly stalledMs: number;
}
/** A worker's verifying is on threads: the loop that says it lives stalls for no longer than a copy of an opening takes. */
export const BULL_PACE: BullPace = { lockMs: 6_000, stalledMs: 3_000 };

/** A job may end so many workers less one: the last one's end makes it poison, as a process's would here. */
const MOST_STALLS = 2;

/** Of a job that ends whoever has it, the most that passes until Bull gives it up: each time its worker is missed at the second look. */
export const poisonMs = ({ lockMs, stalledMs }: BullPace): number =>
  (MOST_STALLS + 1) * (lockMs + 2 * stalledMs);

/** Of handing back, which is nobody's fault. */
const ATTEMPTS = 1000;
/** Ends stay until the scheduler has taken them; what it does not want any more goes when as many are newer. */
const KEPT_ENDS = 1024;
/** Sessions stand before all that has no number. */
const SESSION_FIRST = 1;

/** @param waits whether commands are kept until Redis is back: a worker's results are, a scheduler asks again by itself */
export function openBull(
  { options: redis }: RedisAddress,
  { prefix, stamp }: { readonly prefix: string; readonly stamp: Stamp },
  { waits, pace = BULL_PACE }: { readonly waits: boolean; readonly pace?: BullPace | undefined },
): BullQueue {
  const { name, prefix: own } = queueKeys(prefix, stamp);
  const options: Bull.QueueOptions & { readonly skipVersionCheck: true } = {
    prefix: own,
    redis: { ...redis, maxRetriesPerRequest: waits ? null : 1 },
    skipVersionCheck: true,
    settings: {
      lockDuration: pace.lockMs,
      stalledInterval: pace.stalledMs,
      maxStalledCount: MOST_STALLS,
    },
  };
  return new Bull<BullJob>(name, options) as BullQueue;
}

export const jobOptions = (id: string, isSession: boolean): Bull.JobOptions => ({
  jobId: id,
  attempts: ATTEMPTS,
  removeOnComplete: KEPT_ENDS,
  removeOnFail: KEPT_ENDS,
  ...(isSession ? { priority: SESSION_FIRST } : {}),
});

/** Whether Bull gave a job up because of workers that ended. */
export const isStalledOut = (failedReason: string): boolean =>
  failedReason.startsWith('job stalled more than');

export const toBase64 = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');

/** @throws AssayError `limit-exceeded` before anything is decoded; `invalid-input` */
export function fromBase64(text: unknown): Uint8Array {
  const what = 'what a queue holds';
  if (typeof text !== 'string')
    throw new AssayError('invalid-input', `${what}: expected text, got ${typeof text}`, {
      what,
      expected: 'text',
      got: typeof text,
    });
  const limit = Math.ceil(MAX_JOB_BYTES / 3) * 4;
  if (text.length > limit)
    throw new AssayError('limit-exceeded', `${what}: ${text.length} characters, at most ${limit}`, {
      what,
      limit,
      got: text.length,
    });
  return new Uint8Array(Buffer.from(text, 'base64'));
}

/**
 * Bull's own way of closing, as its own way of processing and its own events, leaves rejections behind that nobody can catch where a
 * connection ends before it was ready. So none of the three is used: what a worker does it asks for step by step, and connections end here.
 */
export function closeBull(queue: BullQueue): void {
  for (const client of queue.clients) client.disconnect();
}
