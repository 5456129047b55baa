// Owns: key files on disk: read whole up to a limit, written whole or not at all, never over one that is there unless a
// copy of it is kept. Does not own: what is in them (key-json.ts, nacl-file.ts), where they belong (wallet-folder.ts).
import { randomUUID } from 'node:crypto';
import { constants, type Stats } from 'node:fs';
import { type FileHandle, link, lstat, mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { AssayError } from '../model/errors.js';
import { isExposed } from '../model/exposed.js';
import { errnoOf, foundInstead, invalid } from '../model/invalid-input.js';

/** A key file is some 500 bytes; anything far larger is another file given by mistake. */
export const MAX_KEY_FILE_BYTES = 16 * 1024;

export interface KeyFileBytes {
  readonly bytes: Uint8Array;
  /** what the operator should mend, undefined when nothing; for one log line */
  readonly warning: string | undefined;
}

/** @throws AssayError `invalid-input` when it cannot be read, `limit-exceeded` beyond 16 KiB */
export async function readKeyFile(path: string, what = 'key file'): Promise<KeyFileBytes> {
  // a pipe without a writer would be waited for
  const file = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0)).catch((cause: unknown) => {
    throw unreadable(path, what, cause);
  });
  try {
    const stat = await file.stat();
    if (!stat.isFile()) throw invalid(path, 'a regular file', 'something else');
    if (stat.size > MAX_KEY_FILE_BYTES)
      throw new AssayError('limit-exceeded', `${path}: too large for a ${what}`, {
        what: `${what} bytes`,
        limit: MAX_KEY_FILE_BYTES,
        got: stat.size,
      });
    return { bytes: await file.readFile(), warning: exposureOf(path, stat, what) };
  } catch (error) {
    throw error instanceof AssayError ? error : unreadable(path, what, error);
  } finally {
    await file.close();
  }
}

function exposureOf(path: string, stat: Stats, what: string): string | undefined {
  if (!isExposed(stat)) return undefined;
  return `others on this machine can reach the ${what} (mode ${(stat.mode & 0o777).toString(8)}): chmod 600 ${path}`;
}

function unreadable(path: string, what: string, cause: unknown): AssayError {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown error';
  return new AssayError(
    'invalid-input',
    `${path}: cannot be read (${code})`,
    { what: path, expected: `a readable ${what}`, got: code },
    { cause },
  );
}

/**
 * Asks before anything is computed or shown. A link to nothing counts as a file.
 * @throws AssayError `invalid-input` naming the first that is there
 */
export async function assertNoKeyFile(paths: readonly string[]): Promise<void> {
  for (const path of paths) if (await isThere(path)) throw alreadyThere(path);
}

async function isThere(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return false;
    throw invalid(path, 'a place for a key file', foundInstead(error), error);
  }
}

const alreadyThere = (path: string): AssayError =>
  invalid(
    path,
    'no key file there yet',
    'one that is kept (--force replaces it, and keeps a copy beside it)',
  );

export interface WriteKeyFileOptions {
  /**
   * replace a file that is there; it stays under another name
   * @default false
   */
  readonly force?: boolean;
  /** unix ms, for that name */
  readonly now: number;
}

/**
 * Mode 600, in folders of mode 700 where they are made. When this returns, the file and its name are on disk.
 * @returns where the file that was there is kept, undefined when there was none
 * @throws AssayError `invalid-input`; what was there is there still
 */
export async function writeKeyFile(
  path: string,
  bytes: Uint8Array,
  { force = false, now }: WriteKeyFileOptions,
): Promise<string | undefined> {
  const folder = dirname(path);
  const part = join(folder, `.assay-${randomUUID()}.part`);
  await makeFolder(folder);
  try {
    await writePart(part, bytes);
    const copy = force && (await isThere(path)) ? copyName(path, now) : undefined;
    if (copy === undefined) {
      await linkNew(part, path); // rename would replace one that is there by now
      await rm(part);
    } else {
      await linkNew(path, copy);
      await rename(part, path);
    }
    await syncFolder(folder);
    return copy;
  } catch (error) {
    await rm(part, { force: true });
    if (error instanceof AssayError) throw error;
    throw invalid(path, 'a key file that can be written', foundInstead(error), error);
  }
}

async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw invalid(folder, 'a folder that can be made', foundInstead(error), error);
  }
}

async function writePart(part: string, bytes: Uint8Array): Promise<void> {
  const handle = await open(part, 'wx', 0o600);
  try {
    await handle.writeFile(bytes);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function linkNew(from: string, to: string): Promise<void> {
  try {
    await link(from, to);
  } catch (error) {
    throw errnoOf(error) === 'EEXIST' ? alreadyThere(to) : error;
  }
}

/** `coldkey.20260731T120000123Z.bak` */
const copyName = (path: string, now: number): string =>
  `${path}.${new Date(now).toISOString().replace(/[-:.]/g, '')}.bak`;

/** Without it the name may be lost with the power, after the phrase was shown. */
async function syncFolder(folder: string): Promise<void> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(folder, 'r');
    await handle.sync();
  } catch {
    // Windows and some network disks cannot: the file is there all the same
  } finally {
    await handle?.close();
  }
}
