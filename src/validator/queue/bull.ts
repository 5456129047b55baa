// Owns: the settings of Bull that both of its ends go by, and a job's bytes in it. Does not own: what either end does.
import Bull from 'bull';
import { AssayError } from '../../model/errors.js';
import { MAX_JOB_BYTES, type Stamp } from './job.js';
import type { RedisAddress } from './redis.js';
import { queueKeys } from './redis-claim.js';

/** What a job is in Redis: its sealed bytes, and a result its end's, in base64. */
export type BullJob = string;
export type BullQueue = Bull.Queue<BullJob>;

export interface BullPace {
  /** A worker says so often that it lives; one that was silent for `lockMs` loses its job. */
  readonly lockMs: number;
  /** between two looks for jobs whose worker is silent; the second one takes them */
  readonly stalledMs: number;
}
/** A worker's verifying is on threads: the loop that says it lives stalls for no longer than a copy of an opening takes. */
export const BULL_PACE: BullPace = { lockMs: 10_000, stalledMs: 5_000 };

/** A job may end so many workers less one: the last one's end makes it poison, as a process's would here. */
const MOST_STALLS = 2;
/** Of handing back, which is nobody's fault. */
const ATTEMPTS = 1000;
/** Ends stay until the scheduler has taken them; what it does not want any more goes when as many are newer. */
const KEPT_ENDS = 1024;
/** Sessions stand before all that has no number. */
const SESSION_FIRST = 1;

/** @param waits whether commands are kept until Redis is back: a worker's results are, a scheduler asks again by itself */
export function openBull(
  { options }: RedisAddress,
  { prefix, stamp }: { readonly prefix: string; readonly stamp: Stamp },
  { waits, pace = BULL_PACE }: { readonly waits: boolean; readonly pace?: BullPace | undefined },
): BullQueue {
  const { name, prefix: own } = queueKeys(prefix, stamp);
  return new Bull<BullJob>(name, {
    prefix: own,
    redis: { ...options, maxRetriesPerRequest: waits ? null : 1 },
    settings: {
      lockDuration: pace.lockMs,
      lockRenewTime: pace.lockMs / 3,
      stalledInterval: pace.stalledMs,
      maxStalledCount: MOST_STALLS,
      // after an end that came too late, the next job need not wait
      retryProcessDelay: 100,
    },
  });
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

/** Bull's own connections, too, when Redis does not answer: nothing of them is left after this. */
export async function closeBull(queue: BullQueue, within: Promise<unknown>): Promise<void> {
  const closed = queue.close(true).catch(() => {});
  await Promise.race([closed, within]);
  for (const client of queue.clients) client.disconnect();
}
