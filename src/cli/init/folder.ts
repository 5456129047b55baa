// Owns: the folder of a new project: empty or refused, whole or not at all. Does not own: what is in it (project.ts).
import { mkdir, readdir, rm, rmdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { errnoOf, foundInstead, invalid } from '../invalid-input.js';
import type { ProjectFile } from './project.js';

/** So many of what is in the way are named. */
const NAMED = 5;

/** What a folder may have without being in use. */
const HARMLESS: ReadonlySet<string> = new Set(['.git']);

/** @throws AssayError `invalid-input` naming what is in the way */
export async function assertEmpty(folder: string): Promise<void> {
  let found: readonly string[];
  try {
    found = (await readdir(folder)).filter((name) => !HARMLESS.has(name)).sort();
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return;
    const got = errnoOf(error) === 'ENOTDIR' ? 'a file' : foundInstead(error);
    throw invalid(folder, 'a folder that is empty or not there yet', got, error);
  }
  if (found.length === 0) return;
  const more = found.length > NAMED ? ` and ${found.length - NAMED} more` : '';
  const names = found
    .slice(0, NAMED)
    .map((name) => JSON.stringify(name))
    .join(', ');
  throw invalid(folder, 'an empty folder: nothing is ever replaced', `${names}${more}`);
}

/**
 * Writes all of them, or leaves nothing that was not there: neither a full disk nor Ctrl-C makes half a project.
 * @throws AssayError `invalid-input`; the signal's reason
 */
export async function writeProject(
  folder: string,
  files: readonly ProjectFile[],
  signal: AbortSignal,
): Promise<void> {
  const made: (() => Promise<void>)[] = [];
  try {
    for (const { path, text, mode } of files) {
      signal.throwIfAborted();
      const target = join(folder, path);
      const first = await mkdir(dirname(target), { recursive: true });
      if (first !== undefined) made.push(() => removeFolders(dirname(target), first));
      // somebody may have put one there meanwhile
      await writeFile(target, text, { flag: 'wx', mode });
      made.push(() => rm(target, { force: true }));
    }
    signal.throwIfAborted();
  } catch (error) {
    for (const undo of made.reverse()) await undo().catch(() => {});
    if (error === signal.reason) throw error;
    const got = errnoOf(error) === 'EEXIST' ? 'one that came meanwhile' : foundInstead(error);
    throw invalid(folder, 'a folder that can be written to', got, error);
  }
}

/** From the innermost out to the first that was made; one that somebody else uses stays. */
async function removeFolders(innermost: string, first: string): Promise<void> {
  for (let folder = innermost; folder.length >= first.length; folder = dirname(folder)) await rmdir(folder);
}
