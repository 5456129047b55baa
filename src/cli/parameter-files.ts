// Owns: parameter files on this host's disk: a role's shelf, files that an operator names.
// Does not own: what a file may say (verification), which of them count (validator).
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { toHex } from '../model/bytes.js';
import { errnoOf } from '../model/invalid-input.js';
import type { ParameterShelf } from '../parameters/parameters.js';
import {
  encodeParameterFile,
  type KindsByName,
  PARAMETER_FILE_BYTES,
  type ParameterFile,
  parameterDigest,
  parseParameterFile,
} from '../verification/parameter-file.js';
import { readInputJson } from './input-text.js';
import { openWholeFile } from './whole-file.js';

/** Written by hand, with spaces and line ends: more than its one spelling may have. */
const MAX_WRITTEN_BYTES = 4 * PARAMETER_FILE_BYTES;

/** A parameter file as somebody wrote it. */
export interface NamedFile {
  readonly file: ParameterFile;
  /** the one spelling */
  readonly bytes: Uint8Array;
  /** lower-case hex */
  readonly digest: string;
}

/** @throws AssayError `invalid-input` naming file and key */
export async function readNamedFile(path: string, kinds: KindsByName): Promise<NamedFile> {
  const file = parseParameterFile(await readInputJson(path, { maxBytes: MAX_WRITTEN_BYTES }), kinds);
  return { file, bytes: encodeParameterFile(file), digest: toHex(parameterDigest(file)) };
}

/**
 * Puts the files that an operator named on the shelf.
 * @returns them by digest
 * @throws AssayError as `readNamedFile`
 */
export async function shelve(
  shelf: ParameterShelf,
  paths: readonly string[],
  kinds: KindsByName,
): Promise<ReadonlyMap<string, Uint8Array>> {
  const files = await Promise.all(paths.map((path) => readNamedFile(path, kinds)));
  for (const { digest, bytes } of files) await shelf.write(digest, bytes);
  return new Map(files.map(({ digest, bytes }) => [digest, bytes]));
}

/** Files named by their digests; the folder is made with the first. */
export function openShelf(folder: string): ParameterShelf {
  const pathOf = (digest: string) => join(folder, `${digest}.json`);
  return {
    async read(digest) {
      try {
        return await readFile(pathOf(digest));
      } catch (error) {
        if (errnoOf(error) === 'ENOENT') return undefined;
        throw error;
      }
    },
    async write(digest, bytes) {
      await mkdir(folder, { recursive: true });
      const path = pathOf(digest);
      await (await openWholeFile(path, path)).write(new TextDecoder().decode(bytes));
    },
  };
}
