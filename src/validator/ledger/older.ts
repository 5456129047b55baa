// Owns: taking over the journal of version 2, one file of lines with everything in it. Does not own: how it is kept from then on.
import { access, mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { AssayError } from '../../model/errors.js';
import type { Log } from '../../model/log.js';
import { EVENT, OUTCOME, SESSION, WEIGHTS } from './entries.js';
import { EVIDENCE } from './evidence.js';
import { syncFolder } from './folder.js';
import { readLines } from './journal.js';
import { load, SEGMENTS, segmentsOf } from './load.js';
import { type LedgerWriter, ownerOf } from './signed.js';
import { openWriting } from './writing.js';

const JOURNAL = 'journal.jsonl';
/** Where it stands afterwards: nothing reads it any more. */
const KEPT = 'journal.v2.jsonl';
const HEADER = JSON.stringify({ type: 'journal', version: 2 });
const BUILDING = 'taking-over';
/** Written when all of it is on disk: what follows are renames, which a crash can leave half done and the next start does. */
const COMPLETE = 'complete';
/** Entries on their way to the disk at once. */
const IN_FLIGHT = 1024;

const LINE = z.union([
  EVENT,
  WEIGHTS,
  z.object({ type: z.literal('outcome'), outcome: OUTCOME, session: z.unknown() }),
]);

/**
 * Does nothing where there is no such journal.
 * @throws AssayError `corrupt` naming the line that does not parse; `invalid-input` for the journal of another validator or
 * subnet, and beside a ledger of this version
 */
export async function takeOver(
  { log, writer }: { readonly log: Log; readonly writer: LedgerWriter },
  dir: string,
): Promise<void> {
  const building = join(dir, BUILDING);
  if (await exists(join(building, COMPLETE))) return finish(dir);
  await rm(building, { recursive: true, force: true });
  const path = join(dir, JOURNAL);
  if (!(await exists(path))) return;
  if ((await segmentsOf(dir)).length > 0)
    throw new AssayError('invalid-input', `${dir}: a ledger, and beside it ${JOURNAL} of version 2`, {
      what: 'ledger folder',
      expected: `a ledger or ${JOURNAL}`,
      got: 'both',
    });
  await mkdir(building);
  const { entries, outcomes } = await rewrite(path, building, writer);
  await writeFile(join(building, COMPLETE), '', { flush: true });
  await syncFolder(building);
  await finish(dir);
  log.info('ledger: a journal of version 2 was taken over', {
    path,
    entries,
    outcomes,
    kept: join(dir, KEPT),
  });
}

async function finish(dir: string): Promise<void> {
  const building = join(dir, BUILDING);
  for (const [from, to] of [
    [join(building, EVIDENCE), join(dir, EVIDENCE)],
    [join(building, SEGMENTS), join(dir, SEGMENTS)],
    [join(dir, JOURNAL), join(dir, KEPT)],
  ] as const)
    if (await exists(from)) await rename(from, to);
  await syncFolder(dir);
  await rm(building, { recursive: true });
}

async function rewrite(
  path: string,
  into: string,
  writer: LedgerWriter,
): Promise<{ entries: number; outcomes: number }> {
  const owner = ownerOf(writer);
  const index = await load(into, {});
  const writing = await openWriting(into, writer, index);
  const seen = new Set<string>();
  let pending: Promise<void>[] = [];
  let entries = 0;
  /** Waited for with its batch: until then a full disk is nobody's unhandled rejection, which would end the process. */
  const take = (written: Promise<void>): void => {
    written.catch(() => {});
    pending.push(written);
  };
  try {
    await readLines(path, async (line, _place, number) => {
      if (number === 1 && line === HEADER) return;
      const corrupt = (why: string, cause?: unknown) =>
        new AssayError('corrupt', `${path}:${number}: ${why}`, { path, line: number, why }, { cause });
      if (number === 1) throw corrupt('not a journal of this version');
      const entry = parsed(line, corrupt);
      entries++;
      if (entry.type !== 'outcome') take(writing.entry(entry));
      else {
        const { outcome } = entry;
        if (outcome.validator !== owner.hotkey || outcome.netuid !== owner.netuid)
          throw new AssayError(
            'invalid-input',
            `${path}:${number}: an outcome of another validator or subnet`,
            {
              what: 'journal',
              expected: `outcomes of ${owner.hotkey} on subnet ${owner.netuid}`,
              got: `one of ${outcome.validator} on subnet ${outcome.netuid}`,
            },
          );
        if (seen.has(outcome.id)) return; // the first verdict of a session stands
        seen.add(outcome.id);
        take(writing.outcome(outcome, JSON.stringify({ id: outcome.id, session: entry.session })));
      }
      if (pending.length < IN_FLIGHT) return;
      const batch = pending;
      pending = [];
      await Promise.all(batch);
    });
    await Promise.all(pending);
  } finally {
    await Promise.allSettled(pending);
    await writing.close();
  }
  return { entries, outcomes: seen.size };
}

function parsed(line: string, corrupt: (why: string, cause: unknown) => Error): z.output<typeof LINE> {
  try {
    const entry = LINE.parse(JSON.parse(line));
    if (entry.type === 'outcome') SESSION.parse(entry.session);
    return entry;
  } catch (cause) {
    throw corrupt('not an entry of a ledger', cause);
  }
}

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );
