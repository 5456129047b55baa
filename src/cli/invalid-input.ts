// Owns: the error for flags and files that are not what they must be. Does not own: what they must be.
import { AssayError } from '../model/errors.js';

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
