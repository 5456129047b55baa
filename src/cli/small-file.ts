// Owns: reading a small file of a data folder, which may not be there, and saying who must do what where it cannot be read. Does not
// own: what files say (who reads them), writing them (whole-file.ts).
import { readFile, stat } from 'node:fs/promises';
import { AssayError } from '../model/errors.js';
import { errnoOf, foundInstead, invalid } from './invalid-input.js';

/** Files of ours are smaller by far; what is larger is none of ours. */
export const SMALL_FILE_BYTES = 1 << 20;

/**
 * @returns undefined where there is no file
 * @throws AssayError `limit-exceeded` for one that is too large, `invalid-input` for one that this process may not read
 */
export async function readSmallFile(path: string, mostBytes = SMALL_FILE_BYTES): Promise<string | undefined> {
  try {
    const { size } = await stat(path);
    if (size > mostBytes)
      throw new AssayError('limit-exceeded', `${path}: ${size} bytes exceed ${mostBytes}`, {
        what: path,
        limit: mostBytes,
        got: size,
      });
    return await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof AssayError) throw error;
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw invalid(path, 'a file that this process can read', await insteadOf(path, error), error);
  }
}

async function insteadOf(path: string, error: unknown): Promise<string> {
  const found = await stat(path).catch(() => undefined);
  if (!found || !['EACCES', 'EPERM'].includes(errnoOf(error) ?? '')) return foundInstead(error);
  const mode = (found.mode & 0o777).toString(8).padStart(3, '0');
  const user = process.getuid?.();
  const fix = found.uid === user ? 'chmod it to 600' : 'chown the file to that user';
  return `one of user ${found.uid} with mode ${mode}, while this process is user ${user}: ${fix}`;
}
