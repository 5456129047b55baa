// Owns: a folder as such: one writer, and renames that are on disk. Does not own: what is written.
import { link, open, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AssayError } from '../../model/errors.js';
import { isRunning, startOf } from '../../model/process-start.js';

/**
 * Takes the folder, or finds who has it. A lock whose process is gone is taken over.
 * @returns gives the folder back
 * @throws AssayError `invalid-input` naming the process that has it
 */
export async function lockFolder(folder: string): Promise<() => Promise<void>> {
  const path = join(folder, 'lock');
  const mine = `${path}.${process.pid}`;
  await writeFile(mine, tagOf(process.pid), { mode: 0o600 });
  try {
    for (let attempt = 0; attempt < 2; attempt++) {
      if (await linked(mine, path)) return () => rm(path, { force: true });
      const holder = await readFile(path, 'utf8').catch(() => undefined);
      if (holder === undefined) continue; // given back meanwhile
      if (isAlive(holder)) break;
      await removeStale(path, holder);
    }
  } finally {
    await rm(mine, { force: true });
  }
  const holder = (await readFile(path, 'utf8').catch(() => 'unknown')).split(' ')[0]!;
  throw new AssayError('invalid-input', `${folder} is in use by process ${holder}`, {
    what: 'ledger folder',
    expected: 'one that no other process has open',
    got: `${folder}, open in process ${holder}`,
  });
}

/** Renames in `folder` are on disk when it resolves. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** A link appears with its content, or not at all: nobody ever reads half a lock. */
async function linked(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  }
}

/** Another process may find the same stale lock and already hold the folder: what was moved aside then goes back. */
async function removeStale(path: string, content: string): Promise<void> {
  const aside = `${path}.stale-${process.pid}`;
  try {
    await rename(path, aside);
  } catch {
    return; // somebody else removed it
  }
  if ((await readFile(aside, 'utf8')) !== content) await linked(aside, path);
  await rm(aside, { force: true });
}

const tagOf = (pid: number): string => [pid, startOf(pid)].filter((part) => part !== undefined).join(' ');

function isAlive(tag: string): boolean {
  const [, pid, start] = /^(\d{1,10})(?: (\d{1,20}))?$/.exec(tag) ?? []; // another form was not written by us
  return pid !== undefined && isRunning(Number(pid), start);
}
