// Owns: a scheduler's jobs in its data folder: what is kept of each until it is settled, which were in hand when a process died,
// and those that were set aside. Does not own: when a job runs (journal-queue.ts, bull-queue.ts), what is made of its note
// (recover.ts).
import { rmSync, writeFileSync } from 'node:fs';
import { copyFile, mkdir, open, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { concat, toHex, u32le } from '../../model/bytes.js';
import type { Clock } from '../../model/clock.js';
import { AssayError } from '../../model/errors.js';
import { errnoOf, invalid } from '../../model/invalid-input.js';
import type { Log } from '../../model/log.js';
import { type EvidenceStore, openEvidenceStore } from './evidence-store.js';
import { assertStamp, type Job, MAX_JOB_BYTES, openJob, SET_ASIDE, type Stamp, sealJob } from './job.js';
import type { Keepsake } from './job-queue.js';
import { isQueueMark, type QueueKey, queueMark } from './queue-key.js';

/*
 * jobs/<id>        mark, u32 bytes of the job, the job as it is sealed, the note
 * hand/<id>        how many processes died with it in hand, were this one to die now
 * evidence/<hex>   openings
 * set-aside/<id>/  `why.json`, and as far as they were to be had `job` and `opening`; jobs/<id> stays for its outcome until it is settled
 *
 * A file for each job and no journal: what is added and settled within seconds needs nothing that is compacted, a file
 * appears by a rename or not at all, and whoever looks into the folder sees what there is.
 */

/** Jobs an earlier process left, in the order in which they are best taken up: those that killed fewest first. */
export interface Left {
  readonly job: Job;
  /** What is there of it, also once it was set aside. Read when it is asked for: of thousands it does not fit into memory at once. */
  kept(): Promise<{ readonly note: Uint8Array | undefined; readonly opening: Uint8Array | undefined }>;
  /** processes that died with it in hand */
  readonly deaths: number;
  /** It came to this already, and nothing says that its outcome is recorded. */
  readonly setAside?: SetAside | undefined;
}

export interface JobBook {
  /** Where openings are, by digest. */
  readonly evidence: EvidenceStore;
  readonly left: readonly Left[];
  /** @throws what kept it from being written; nothing is left of it then */
  put(job: Job, keepsake: Keepsake): Promise<void>;
  /** In hand from now on: should this process die, that counts. On disk, as far as a process can tell, when it returns. */
  begin(id: string): void;
  /** Not in hand any more, and nothing held against it. */
  handBack(id: string): void;
  /** What was kept of it goes. Unknown ids are no error. */
  settle(id: string): Promise<void>;
  /** What was kept of it goes to where somebody looks at it; what its outcome is made of stays until it is settled. */
  setAside(id: string, why: SetAside): Promise<void>;
}

type SetAside = Pick<SetAsideJob, 'reason' | 'detail'>;

/** So many processes may die with a job in hand: one is an accident, and a second one can be. */
export const MOST_DEATHS = 3;
/** What an event's sessions can have open at once, and the jobs of some more. */
export const MOST_EVIDENCE_BYTES = 2 * 2 ** 30;
/** Of jobs that were set aside; beyond either the oldest goes. */
const MOST_SET_ASIDE = 256;
const MOST_SET_ASIDE_BYTES = 2 ** 30;
/** A session's frames are at most 4,096, of which none but pieces of the opening, which are no part of a note, is above 8 KiB. */
const MAX_NOTE_BYTES = 64 * 2 ** 20;

const MARK_BYTES = 32;
const HEAD_BYTES = MARK_BYTES + 4;
const ID = /^[0-9a-f]{32}$/;

export async function openJobBook(
  {
    key,
    stamp,
    clock,
    log,
  }: { readonly key: QueueKey; readonly stamp: Stamp; readonly clock: Clock; readonly log: Log },
  folder: string,
  { mostBytes = MOST_EVIDENCE_BYTES }: { readonly mostBytes?: number } = {},
): Promise<JobBook> {
  const [jobs, hand] = [join(folder, 'jobs'), join(folder, 'hand')];
  for (const each of [jobs, hand]) await mkdir(each, { recursive: true, mode: 0o700 });
  /** Puts what there is of a job aside. */
  async function lay(id: string, job: Job | undefined, { reason, detail }: SetAside): Promise<void> {
    const into = join(folder, SET_ASIDE_FOLDER, id);
    await mkdir(into, { recursive: true, mode: 0o700 });
    await (job ? copyFile : rename)(join(jobs, id), join(into, 'job')).catch(ignoreAbsent);
    if (job) await evidence.moveTo(job.opening, join(into, 'opening')).catch(ignoreAbsent);
    const why = { id, reason, detail, at: clock.now(), miner: job?.from, kind: job?.kind, event: job?.event };
    await writeFile(join(into, 'why.json'), `${JSON.stringify(why)}\n`, { mode: 0o600 });
    await trim(folder);
  }

  async function keptOf({ id, opening }: Job): ReturnType<Left['kept']> {
    const file = await readWhole(join(jobs, id));
    const bytes =
      (await evidence.read(toHex(opening.digest))) ??
      (await readFile(join(folder, SET_ASIDE_FOLDER, id, 'opening')).catch(ignoreAbsent));
    return { note: readJobFile(key, file).note, opening: bytes ?? undefined };
  }

  const kept = new Map<string, Job>();
  /** set aside, and not settled */
  const aside = new Set<string>();
  const deaths = new Map<string, number>();
  const left: Left[] = [];
  for (const name of await readdir(jobs)) {
    const path = join(jobs, name);
    try {
      if (!ID.test(name)) throw invalid('job', 'a file named as its outcome', 'another name');
      const found = readJobFile(key, await readWhole(path));
      // of an earlier build too: its form is the same, and who judges is this one
      assertStamp('job', { ...found.stamp, build: stamp.build }, stamp);
      if (found.job.id !== name) throw invalid('job', `the one of outcome ${name}`, 'another one');
      const known = await readCount(join(hand, name));
      const setAside = await readWhy(join(folder, SET_ASIDE_FOLDER, name)).catch(() => undefined);
      if (setAside) aside.add(name);
      else {
        kept.set(name, found.job);
        deaths.set(name, known);
      }
      left.push({ job: found.job, kept: () => keptOf(found.job), deaths: known, setAside });
    } catch (error) {
      if (!(error instanceof AssayError)) throw error;
      log.warn('what was kept of a job cannot be read', { path, error });
      if (ID.test(name)) await lay(name, undefined, { reason: 'unreadable', detail: error.message });
      else await rm(path, { force: true, recursive: true });
    }
  }
  for (const name of await readdir(hand))
    if (!kept.has(name)) await rm(join(hand, name), { force: true, recursive: true });
  const held = [...kept.values()].map(({ opening }) => opening);
  const evidence = await openEvidenceStore(join(folder, 'evidence'), { mostBytes, held });
  left.sort((a, b) => a.deaths - b.deaths);

  function forget(id: string): Job | undefined {
    const job = kept.get(id);
    if (!job) return undefined;
    kept.delete(id);
    if (deaths.delete(id)) rmSync(join(hand, id), { force: true });
    return job;
  }

  return {
    evidence,
    left,
    async put(job, { opening, note = new Uint8Array() }) {
      const sealed = sealJob(key, stamp, job);
      if (note.length > MAX_NOTE_BYTES) throw tooLarge(note.length);
      await evidence.put(job.opening, opening);
      const path = join(jobs, job.id);
      try {
        await writeFile(`${path}.tmp`, toJobFile(key, sealed, note), { mode: 0o600 });
        await rename(`${path}.tmp`, path);
      } catch (error) {
        await rm(`${path}.tmp`, { force: true }).catch(() => {});
        await evidence.release(job.opening);
        throw error;
      }
      kept.set(job.id, job);
    },
    begin(id) {
      // a few bytes, and the job cannot wait for them: written when this returns, so that what kills us is on file
      if (!kept.has(id)) return;
      const before = deaths.get(id) ?? 0;
      deaths.set(id, before);
      try {
        writeFileSync(join(hand, id), `${before + 1}`, { mode: 0o600 });
      } catch (error) {
        log.warn('a job in hand is not on file', { outcome: id, error });
      }
    },
    handBack(id) {
      const before = deaths.get(id);
      if (before === undefined) return;
      try {
        if (before > 0) writeFileSync(join(hand, id), `${before}`, { mode: 0o600 });
        else rmSync(join(hand, id), { force: true });
      } catch (error) {
        log.warn('a job that is not in hand any more is on file as one that is', { outcome: id, error });
      }
    },
    async settle(id) {
      const job = forget(id);
      if (!job && !aside.delete(id)) return;
      await rm(join(jobs, id), { force: true });
      if (job) await evidence.release(job.opening);
    },
    setAside(id, why) {
      const job = forget(id);
      if (job) aside.add(id);
      return lay(id, job, why);
    },
  };
}

const SET_ASIDE_FOLDER = 'set-aside';

const WHY = z.object({
  id: z.string().regex(ID),
  reason: z.enum(SET_ASIDE),
  detail: z.string(),
  at: z.number(),
  miner: z.string().optional(),
  kind: z.string().optional(),
  event: z.string().optional(),
});
export interface SetAsideJob extends z.infer<typeof WHY> {
  /** of its opening; undefined where that was not to be had */
  readonly bytes: number | undefined;
}

const readWhy = async (own: string): Promise<z.infer<typeof WHY>> =>
  WHY.parse(JSON.parse(await readFile(join(own, 'why.json'), 'utf8')));

/** Also of a folder that a validator has open. */
export async function countJobs(folder: string): Promise<{ readonly kept: number; readonly inHand: number }> {
  const idsIn = async (name: string) =>
    (await readdir(join(folder, name)).catch(() => [])).filter((each) => ID.test(each));
  return { kept: (await idsIn('jobs')).length, inHand: (await idsIn('hand')).length };
}

/** Jobs that were set aside, oldest first; also of a folder that a validator has open. */
export async function listSetAside(folder: string): Promise<readonly SetAsideJob[]> {
  const found: SetAsideJob[] = [];
  for (const name of await readdir(join(folder, SET_ASIDE_FOLDER)).catch(() => []))
    try {
      const own = join(folder, SET_ASIDE_FOLDER, name);
      const why = await readWhy(own);
      const size = await stat(join(own, 'opening')).then(
        ({ size }) => size,
        () => undefined,
      );
      found.push({ ...why, bytes: size });
    } catch {
      // being written, or being removed
    }
  return found.sort((a, b) => a.at - b.at);
}

/** @throws AssayError `invalid-input` where the job's bytes are gone, or were not made by this deployment */
export async function readSetAside(
  { key }: { readonly key: QueueKey },
  folder: string,
  id: string,
): Promise<{ readonly job: Job; readonly opening: Uint8Array }> {
  const own = join(folder, SET_ASIDE_FOLDER, id);
  const gone = (what: string) => (error: unknown) => {
    throw invalid(`job ${id}`, `its ${what} in ${own}`, 'none there', error);
  };
  const bytes = await readWhole(join(own, 'job')).catch(gone('job'));
  const opening = await readFile(join(own, 'opening')).catch(gone('opening'));
  return { job: readJobFile(key, bytes).job, opening: Uint8Array.from(opening) };
}

/** Nobody wants it any more. @returns false where there is none of that id */
export async function forgetSetAside(folder: string, id: string): Promise<boolean> {
  if (!ID.test(id)) return false;
  const own = join(folder, SET_ASIDE_FOLDER, id);
  const there = await stat(own).then(
    () => true,
    () => false,
  );
  await rm(own, { force: true, recursive: true });
  return there;
}

async function trim(folder: string): Promise<void> {
  const all = await listSetAside(folder);
  let bytes = all.reduce((sum, each) => sum + (each.bytes ?? 0), 0);
  let count = all.length;
  for (const each of all) {
    if (count <= MOST_SET_ASIDE && bytes <= MOST_SET_ASIDE_BYTES) return;
    await forgetSetAside(folder, each.id);
    bytes -= each.bytes ?? 0;
    count--;
  }
}

function toJobFile(key: QueueKey, sealed: Uint8Array, note: Uint8Array): Uint8Array {
  return concat(queueMark(key, 'assay/queue/file', sealed, note), u32le(sealed.length), sealed, note);
}

function readJobFile(
  key: QueueKey,
  bytes: Buffer,
): { readonly stamp: Stamp; readonly job: Job; readonly note: Uint8Array | undefined } {
  const length = bytes.length < HEAD_BYTES ? Number.NaN : bytes.readUInt32LE(MARK_BYTES);
  if (!(length <= bytes.length - HEAD_BYTES)) throw invalid('job', 'a whole file', 'one cut short');
  const sealed = bytes.subarray(HEAD_BYTES, HEAD_BYTES + length);
  const note = bytes.subarray(HEAD_BYTES + length);
  if (!isQueueMark(queueMark(key, 'assay/queue/file', sealed, note), bytes.subarray(0, MARK_BYTES))) {
    const reason = "the queue's key did not mark this file";
    throw new AssayError('unauthenticated', reason, { reason });
  }
  return { ...openJob(key, sealed), note: note.length === 0 ? undefined : Uint8Array.from(note) };
}

async function readWhole(path: string): Promise<Buffer> {
  const most = HEAD_BYTES + MAX_JOB_BYTES + MAX_NOTE_BYTES;
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    if (size > most) throw tooLarge(size);
    return await file.readFile();
  } finally {
    await file.close();
  }
}

const tooLarge = (got: number): AssayError =>
  new AssayError('limit-exceeded', `a job's file: ${got} bytes`, {
    what: "a job's file",
    limit: MAX_NOTE_BYTES,
    got,
  });

/** A count that cannot be read is of a crash in the middle of writing it: once more than nothing. */
async function readCount(path: string): Promise<number> {
  try {
    const count = Number.parseInt(await readFile(path, 'utf8'), 10);
    return Number.isSafeInteger(count) && count > 0 ? count : 1;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return 0;
    throw error;
  }
}

const ignoreAbsent = (error: unknown): undefined => {
  if (errnoOf(error) !== 'ENOENT') throw error;
  return undefined;
};
