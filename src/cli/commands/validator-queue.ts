// Owns: `assay validator queue [retry | forget]`: what is in the folder of a validator's queue, whether it runs or not. Does not own:
// the folder (validator/queue/job-book.ts).
import { stat } from 'node:fs/promises';
import { verdictToString } from '../../model/verdict.js';
import {
  countJobs,
  forgetSetAside,
  listSetAside,
  readSetAside,
  type SetAsideJob,
} from '../../validator/queue/job-book.js';
import { createJobHandler } from '../../validator/queue/job-handler.js';
import { openQueueKey } from '../../validator/queue/queue-key.js';
import { dataPaths, systemParts } from '../assemble.js';
import { invalid } from '../invalid-input.js';
import { EXIT, print, printJson, stderrLog } from '../output.js';
import { openKnown, threadsFor } from '../subnet-module.js';
import { Table } from '../table.js';

interface Flags {
  readonly data?: string;
  readonly json?: boolean;
  readonly queueKey?: string;
  readonly module?: string;
}

export async function listQueue(flags: Flags): Promise<number> {
  const folder = await folderOf(flags);
  const [counts, setAside] = [await countJobs(folder), await listSetAside(folder)];
  if (flags.json) printJson({ ...counts, setAside });
  else
    print(
      `${counts.kept} jobs kept for their outcome, ${counts.inHand} of them in hand\n${toTable(setAside)}`,
    );
  return EXIT.ok;
}

function toTable(jobs: readonly SetAsideJob[]): string {
  if (jobs.length === 0) return 'none was set aside';
  const table = new Table({
    head: ['set aside', 'outcome', 'miner', 'kind', 'opening bytes', 'reason', 'because'],
  });
  for (const { at, id, miner, kind, bytes, reason, detail } of jobs)
    table.push([new Date(at).toISOString(), id, miner ?? '-', kind ?? '-', bytes ?? '-', reason, detail]);
  return table.toString();
}

/** The process of this command is the one to lose: a validator is running, or has just been ended by it. */
export async function retryJob(id: string, flags: Flags, signal: AbortSignal): Promise<number> {
  const known = await openKnown(flags.module);
  const folder = await folderOf(flags);
  const key = await openQueueKey(flags.queueKey ?? dataPaths.queueKey(flags.data!), { make: false });
  const { job, opening } = await readSetAside({ key }, folder, await idOf(folder, id));
  const { createVerifierPool } = await import('../../validator/verifiers.js');
  const { clock, random } = systemParts;
  const log = stderrLog('warn');
  const verifiers = createVerifierPool({ clock, log, threads: 1, ...threadsFor(known) }, signal);
  const handler = createJobHandler({ verifiers, kinds: known.kinds, random });
  try {
    const verdict = await handler.handle({ job, opening: async () => opening, begin: () => {} }, signal);
    const text = verdict.kind === 'set-aside' ? verdict.reason : verdictToString(verdict);
    if (flags.json) printJson({ id: job.id, miner: job.from, kind: job.kind, verdict });
    else print(`${job.id}: ${text}; the outcome on record stays what it is`);
    return EXIT.ok;
  } finally {
    handler.close();
    await verifiers.close();
  }
}

export async function forgetJob(id: string, flags: Flags): Promise<number> {
  const folder = await folderOf(flags);
  const whole = await idOf(folder, id);
  await forgetSetAside(folder, whole);
  if (flags.json) printJson({ id: whole, forgotten: true });
  else print(`${whole}: nothing is kept of it any more`);
  return EXIT.ok;
}

async function folderOf({ data }: Flags): Promise<string> {
  if (data === undefined) throw invalid('--data', "the validator's data folder", 'none');
  const folder = dataPaths.queue(data);
  const isThere = await stat(folder).then(
    (found) => found.isDirectory(),
    () => false,
  );
  if (!isThere) throw invalid(`--data ${data}`, 'the data folder of a validator', 'one without a queue');
  return folder;
}

/** The beginning of one that was set aside, and of no other. */
async function idOf(folder: string, prefix: string): Promise<string> {
  const found = (await listSetAside(folder)).filter(({ id }) => prefix !== '' && id.startsWith(prefix));
  if (found.length === 1) return found[0]!.id;
  throw invalid(
    'outcome',
    'one that was set aside, or the beginning of no other',
    `${prefix.slice(0, 32)}, which ${found.length === 0 ? 'none is' : 'several begin with'}`,
  );
}
