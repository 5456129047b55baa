// Owns: the error for values and files that are not what they must be, and what the system found instead in words.
import { AssayError } from './errors.js';

/** @param what the flag or file, such as `--out x.json` */
export const invalid = (what: string, expected: string, got: string, cause?: unknown): AssayError =>
  new AssayError(
    'invalid-input',
    `${what}: expected ${expected}, got ${got}`,
    { what, expected, got },
    cause === undefined ? {} : { cause },
  );

/** An errno of the system, such as `ENOENT`; undefined for every other error. */
export const errnoOf = (error: unknown): string | undefined =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;

const WORDS: Readonly<Record<string, string>> = {
  ENOENT: 'none there',
  ENAMETOOLONG: 'a name that is too long',
  EACCES: 'one without the permission',
  EPERM: 'one without the permission',
  EROFS: 'one on a disk that cannot be written',
  EEXIST: 'something there already',
  EISDIR: 'a folder',
  ENOTDIR: 'a path through a file',
  ENOSPC: 'a full disk',
};

/** What the system found instead of a file that would do, in words. */
export const foundInstead = (error: unknown): string => WORDS[errnoOf(error) ?? ''] ?? String(error);
