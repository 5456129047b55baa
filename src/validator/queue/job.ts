// Owns: what a job is, and its bytes and those of its end under the queue's mark. Does not own: the key (queue-key.ts), openings
// (evidence-store.ts: a job names one by digest), where bytes go.
import { Packr } from 'msgpackr';
import { z } from 'zod';
import { concat, toHex, utf8 } from '../../model/bytes.js';
import { canonicalJson } from '../../model/canonical-json.js';
import { AssayError, unsupported } from '../../model/errors.js';
import { sha256 } from '../../model/hash.js';
import { type Hotkey, toHotkey } from '../../model/ids.js';
import { invalid } from '../../model/invalid-input.js';
import { CAUSES, REJECTIONS, type Verdict } from '../../model/verdict.js';
import { VERSION } from '../../model/version.js';
import { SESSION_LIMITS } from '../../protocol/limits.js';
import { isQueueMark, type QueueKey, queueMark } from './queue-key.js';

/** Sessions whose event waits for them come before what can wait: replays, and jobs of an earlier process. */
export const PRIORITIES = ['session', 'replay'] as const;
export type Priority = (typeof PRIORITIES)[number];

/** Why a job came to no verdict. It is kept with its evidence for somebody to look at (`assay validator queue`). */
export const SET_ASIDE = [
  /** processes ended with it in hand, so often that it is what ends them */
  'poison',
  /** its opening is not where it was kept, or not what its digest names */
  'evidence-gone',
  /** nobody could judge it, by our own fault: the detail says which */
  'not-judged',
  /** what was kept of it cannot be read: cut short by a crash, or changed */
  'unreadable',
] as const;
export type SetAsideReason = (typeof SET_ASIDE)[number];

export type JobEnd =
  | { readonly kind: 'done'; readonly verdict: Verdict }
  | {
      readonly kind: 'set-aside';
      readonly reason: SetAsideReason;
      /** of our own making, never a peer's text */
      readonly detail: string;
    };

/** Verifying one session's content. Private projections are no part of it: whoever judges draws its own, and a verdict hangs on none. */
export interface Job {
  /** the session's outcome: 32 hex digits */
  readonly id: string;
  readonly priority: Priority;
  /** hex event id: jobs of one event are judged under the same projections, and their miners served in turn */
  readonly event: string;
  /** whose evidence it is */
  readonly from: Hotkey;
  readonly kind: string;
  /** hex; of `params` */
  readonly paramsId: string;
  readonly params: object;
  /** 32 bytes each, as in `Challenge` */
  readonly basis: Uint8Array;
  readonly seed: Uint8Array;
  readonly place?: Uint8Array | undefined;
  readonly brief?: Uint8Array | undefined;
  /** as in `Evidence` */
  readonly commits: readonly Uint8Array[];
  readonly pass?: Uint8Array | undefined;
  readonly request: Uint8Array;
  readonly opening: OpeningName;
}

/** An opening by its content. */
export interface OpeningName {
  /** SHA-256 */
  readonly digest: Uint8Array;
  readonly bytes: number;
}

/** On whose behalf. */
export interface Deployment {
  /** hex of the chain's first block */
  readonly genesis: string;
  readonly netuid: number;
  readonly hotkey: Hotkey;
}

export interface Stamp {
  readonly deployment: Deployment;
  /** the build that made the bytes */
  readonly build: string;
}

/** The form of the bytes below: another number, another form. */
export const JOB_FORMAT = 1;
/** Of this build: workers of another one judge by other code. */
export const BUILD = VERSION;

/** Eight Commits, an Open and a brief are frames of at most 8 KiB each; the rest is the parameter set's. */
export const MAX_JOB_BYTES = 128 * 1024;
export const MAX_END_BYTES = 4096;
/** A reason in our own words. */
const MAX_DETAIL = 1024;

const packr = new Packr({ useRecords: false, mapsAsObjects: true });

const MARK_BYTES = 32;
/** format, then the mark */
const HEAD_BYTES = 1 + MARK_BYTES;
type What = 'job' | 'end';

/** @throws AssayError `limit-exceeded` */
export function sealJob(key: QueueKey, stamp: Stamp, job: Job): Uint8Array {
  const { params, ...rest } = job;
  // in the spelling that `paramsId` is the digest of
  const bytes = seal(key, 'job', { ...stamp, job: { ...rest, params: canonicalJson(params) } });
  if (bytes.length > MAX_JOB_BYTES) throw tooLarge('a job', MAX_JOB_BYTES, bytes.length);
  return bytes;
}

/**
 * @throws AssayError `limit-exceeded`, `unsupported` for another format, `unauthenticated` where the key did not mark these bytes,
 * `invalid-input` for a job that is none
 */
export function openJob(key: QueueKey, bytes: Uint8Array): { readonly stamp: Stamp; readonly job: Job } {
  const { job, ...stamp } = opened(key, 'job', bytes, MAX_JOB_BYTES, JOB);
  return { stamp, job };
}

/** What an end is bound to: the job as it was given, so that a verdict about one is none about another. */
export const jobDigest = (sealed: Uint8Array): Uint8Array => sha256(sealed);

/** @param digest `jobDigest` of the job's bytes */
export function sealEnd(
  key: QueueKey,
  stamp: Stamp,
  { id, digest, end }: { readonly id: string; readonly digest: Uint8Array; readonly end: JobEnd },
): Uint8Array {
  const brief = end.kind === 'done' ? end : { ...end, detail: end.detail.slice(0, MAX_DETAIL) };
  return seal(key, 'end', { ...stamp, id, digest, end: brief });
}

/** @throws AssayError as `openJob`; whether it is of the job that was asked about is the caller's to look at */
export function openEnd(
  key: QueueKey,
  bytes: Uint8Array,
): { readonly stamp: Stamp; readonly id: string; readonly digest: Uint8Array; readonly end: JobEnd } {
  const { id, digest, end, ...stamp } = opened(key, 'end', bytes, MAX_END_BYTES, END);
  return { stamp, id, digest, end };
}

/** @throws AssayError `invalid-input` for bytes of another deployment; `unsupported` for those of another build */
export function assertStamp(what: string, got: Stamp, own: Stamp): void {
  for (const name of ['genesis', 'netuid', 'hotkey'] as const)
    if (got.deployment[name] !== own.deployment[name])
      throw invalid(
        what,
        `one of ${name} ${own.deployment[name]}`,
        `one of ${name} ${got.deployment[name]}: another deployment's`,
      );
  if (got.build !== own.build)
    throw unsupported(what, `of build ${got.build}, and this is ${own.build}: both must be the same`);
}

function seal(key: QueueKey, what: What, value: object): Uint8Array {
  const head = Uint8Array.of(JOB_FORMAT);
  const body = packr.pack(value);
  return concat(head, queueMark(key, `assay/queue/${what}`, head, body), body);
}

function opened<T>(
  key: QueueKey,
  what: What,
  bytes: Uint8Array,
  most: number,
  schema: z.ZodType<T, unknown>,
): T {
  if (bytes.length > most) throw tooLarge(what, most, bytes.length);
  if (bytes.length <= HEAD_BYTES) throw invalid(what, `more than ${HEAD_BYTES} bytes`, `${bytes.length}`);
  if (bytes[0] !== JOB_FORMAT)
    throw unsupported(what, `of format ${bytes[0]}, and this build reads format ${JOB_FORMAT}`);
  const body = bytes.subarray(HEAD_BYTES);
  const mark = queueMark(key, `assay/queue/${what}`, bytes.subarray(0, 1), body);
  if (!isQueueMark(mark, bytes.subarray(1, HEAD_BYTES))) {
    const reason = `the queue's key did not mark this ${what}`;
    throw new AssayError('unauthenticated', reason, { reason });
  }
  try {
    return schema.parse(packr.unpack(body));
  } catch (error) {
    // marked, and still none: another build's idea of it under the same number
    throw invalid(what, `one of format ${JOB_FORMAT}`, 'something else', error);
  }
}

const tooLarge = (what: string, limit: number, got: number): AssayError =>
  new AssayError('limit-exceeded', `${what}: ${got} bytes, at most ${limit}`, { what, limit, got });

const raw = (length?: number) =>
  z
    .instanceof(Uint8Array)
    .refine((bytes) => length === undefined || bytes.length === length, `expected ${length} bytes`)
    // the reader's bytes are a view of everything that was read with them
    .transform((bytes) => Uint8Array.from(bytes));
const frame = raw().refine((bytes) => bytes.length <= SESSION_LIMITS.frameBytes, 'larger than any frame');
const hex = (length: number) => z.string().regex(new RegExp(`^[0-9a-f]{${2 * length}}$`));
const hotkey = z.string().max(64).transform(toHotkey);

const STAMP = {
  deployment: z.strictObject({ genesis: hex(32), netuid: z.int().min(0).max(0xffff), hotkey }),
  build: z.string().min(1).max(64),
};

const JOB = z.strictObject({
  ...STAMP,
  job: z
    .strictObject({
      id: hex(16),
      priority: z.enum(PRIORITIES),
      event: hex(32),
      from: hotkey,
      kind: z.string().min(1).max(SESSION_LIMITS.kindChars),
      paramsId: hex(32),
      params: z.string(),
      basis: raw(32),
      seed: raw(32),
      place: raw(32).optional(),
      brief: frame.optional(),
      commits: z.array(frame).min(1).max(SESSION_LIMITS.phases),
      pass: raw(32).optional(),
      request: frame,
      opening: z.strictObject({
        digest: raw(32),
        bytes: z.int().min(0).max(SESSION_LIMITS.openingBytesInFlight),
      }),
    })
    .transform(({ params, ...job }, context): Job => {
      if (toHex(sha256(utf8(params))) !== job.paramsId)
        context.addIssue('params: not the set that paramsId addresses');
      return { ...job, params: JSON.parse(params) as object };
    }),
});

const VERDICT = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('accepted') }),
  z.strictObject({ kind: z.literal('rejected'), reason: z.enum(REJECTIONS) }),
  z.strictObject({ kind: z.literal('inconclusive'), cause: z.enum(CAUSES) }),
]) satisfies z.ZodType<Verdict>;

const END = z.strictObject({
  ...STAMP,
  id: hex(16),
  digest: raw(32),
  end: z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('done'), verdict: VERDICT }),
    z.strictObject({
      kind: z.literal('set-aside'),
      reason: z.enum(SET_ASIDE),
      detail: z.string().max(MAX_DETAIL),
    }),
  ]),
});
