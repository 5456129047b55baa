// Owns: files that appear whole or not at all, and only where a regular file is or nothing. Does not own: what they say.
import { randomUUID } from 'node:crypto';
import { constants, type Stats } from 'node:fs';
import { access, open, readlink, realpath, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { errnoOf, foundInstead, invalid } from './invalid-input.js';

/** As many as Linux follows. */
const MAX_LINKS = 40;

export interface WholeFile {
  /** where it will be, links resolved */
  readonly target: string;
  /** what is there now will be replaced */
  readonly exists: boolean;
  /** @throws AssayError `invalid-input`; what was there is there still, and nothing else is */
  write(text: string): Promise<void>;
}

/**
 * Looks where a file is to be, so that a long run does not end with one that cannot be written. A link stays and its
 * target is written; a pipe, a device or a folder is refused.
 *
 * @param what how the flag names it in errors, such as `--out x.json`
 * @param mode of a file that is not there yet
 * @throws AssayError `invalid-input`
 */
export async function openWholeFile(path: string, what: string, mode = 0o666): Promise<WholeFile> {
  const found = await statOf(path, what);
  if (found !== undefined && !found.isFile()) throw invalid(what, 'a regular file', kindOf(found));
  let target: string;
  try {
    target = found === undefined ? await missingTarget(path) : await realpath(path);
    await access(dirname(target), constants.W_OK | constants.X_OK);
  } catch (error) {
    throw invalid(what, 'a file in a folder that can be written to', foundInstead(error), error);
  }
  // it would be replaced all the same; whoever took the right to write away did not want that
  if (found !== undefined) await assertWritable(target, what);
  return {
    target,
    exists: found !== undefined,
    write: (text) =>
      replace(target, text, { mode: found === undefined ? mode : found.mode & 0o777, found }, what),
  };
}

async function statOf(path: string, what: string): Promise<Stats | undefined> {
  try {
    return await stat(path);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw invalid(what, 'a file that can be written', foundInstead(error), error);
  }
}

function kindOf(found: Stats): string {
  if (found.isDirectory()) return 'a folder';
  if (found.isFIFO()) return 'a pipe';
  return found.isSocket() ? 'a socket' : 'a device';
}

/** Where a file would be created: a link to nothing names its place. */
async function missingTarget(path: string, links = 0): Promise<string> {
  const place = join(await realpath(dirname(path)), basename(path));
  const next = await readlink(place).catch(() => undefined);
  if (next === undefined || links === MAX_LINKS) return place;
  return missingTarget(resolve(dirname(place), next), links + 1);
}

async function assertWritable(target: string, what: string): Promise<void> {
  try {
    await access(target, constants.W_OK);
  } catch (error) {
    throw invalid(what, 'a file that can be written', 'one that is read-only', error);
  }
}

async function replace(
  target: string,
  text: string,
  { mode, found }: { mode: number; found: Stats | undefined },
  what: string,
): Promise<void> {
  // a name of its own: two commands may write the same file, and the last one wins whole
  const part = join(dirname(target), `.assay-${randomUUID()}.part`);
  try {
    const handle = await open(part, 'wx', mode);
    try {
      await handle.writeFile(text);
      if (process.getuid?.() === 0) {
        // a role has a user of its own: what root writes into its folder (a lease, a decision) must be that user's to read
        const { uid, gid } = found ?? (await stat(dirname(target)));
        await handle.chown(uid, gid);
      }
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(part, target);
  } catch (error) {
    await rm(part, { force: true });
    throw invalid(what, 'a file that can be written', foundInstead(error), error);
  }
}
