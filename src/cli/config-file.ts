// Owns: a file of configuration as bytes: JSON with comments, what it says of itself. Does not own: its keys (config.ts).
import { readFileSync, statSync } from 'node:fs';
import stripJsonComments from 'strip-json-comments';
import { AssayError } from '../model/errors.js';
import { foundInstead } from './invalid-input.js';

/** A configuration file larger than this is not ours. */
const MAX_CONFIG_BYTES = 1 << 20;

/** Rises when a key changes its meaning or goes: a file that names a later one is not guessed at. */
export const CONFIG_FORMAT = 1;

export interface ConfigFile {
  /** whose configuration it is, where it says so */
  readonly role: unknown;
  readonly values: Readonly<Record<string, unknown>>;
}

/**
 * Comments and a comma too many are let through; `$schema`, which editors read, is left out.
 * @throws AssayError `invalid-config`, never quoting the file: it may hold secrets
 */
export function readConfigFile(path: string): ConfigFile {
  const fail = (problem: string, cause?: unknown) =>
    new AssayError(
      'invalid-config',
      `${path}: ${problem}`,
      { source: path, problems: [problem] },
      cause === undefined ? {} : { cause },
    );
  let text: string;
  try {
    const { size } = statSync(path);
    if (size > MAX_CONFIG_BYTES) throw fail(`${size} bytes, at most ${MAX_CONFIG_BYTES} are read`);
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (error instanceof AssayError) throw error;
    throw fail(`cannot be read: ${foundInstead(error)}`, error);
  }
  const { $schema: _, formatVersion = CONFIG_FORMAT, role, ...values } = parsed(text, fail);
  if (!Number.isInteger(formatVersion) || (formatVersion as number) < 1)
    throw fail(`formatVersion: expected ${CONFIG_FORMAT}, a number`);
  if ((formatVersion as number) > CONFIG_FORMAT)
    throw fail(
      `formatVersion: ${formatVersion} is newer than this build reads (${CONFIG_FORMAT}): install the assay that it was written for`,
    );
  return { role, values };
}

function parsed(text: string, fail: (problem: string) => Error): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(stripJsonComments(text, { trailingCommas: true }));
  } catch (error) {
    // without the cause, which would quote the file
    throw fail(`not JSON${placeOf(text, error)}`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw fail('expected a JSON object');
  return value as Readonly<Record<string, unknown>>;
}

/** Comments are blanked out, not cut out: places are those of the file. Not every error of the runtime has one. */
function placeOf(text: string, error: unknown): string {
  const position = /\bposition (\d+)/.exec(String(error))?.[1];
  if (position === undefined) return '';
  const before = text.slice(0, Number(position)).split('\n');
  return ` at line ${before.length}, column ${before.at(-1)!.length + 1}`;
}
