// Owns: the files of a folder that somebody else made: only regular ones, only inside it, no larger than their readers allow.
// Does not own: what they say.
import { type FileHandle, open, realpath, stat } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { fromUtf8 } from '../model/bytes.js';
import { AssayError } from '../model/errors.js';
import { errnoOf, foundInstead, invalid } from '../model/invalid-input.js';

/** A config has a few hundred lines; a tokenizer of 256 thousand words is some 30 MB. */
export const MAX_CONFIG_BYTES = 4 << 20;

export interface Folder {
  /** links resolved */
  readonly path: string;
  has(name: string): Promise<boolean>;
  /**
   * For reading, to be closed by whoever asked.
   * @param name a path from the folder as somebody else wrote it, with `/`
   * @throws AssayError `invalid-input` for what is missing, no regular file, or outside the folder, be it by a link
   */
  open(name: string): Promise<FileHandle>;
  /** @throws AssayError as `open`, `limit-exceeded` */
  read(name: string, maxBytes: number): Promise<Uint8Array>;
  /** @throws AssayError as `read` */
  readJson(name: string, maxBytes: number): Promise<unknown>;
}

export async function openFolder(folder: string): Promise<Folder> {
  let root: string;
  try {
    root = await realpath(folder);
    if (!(await stat(root)).isDirectory()) throw invalid(folder, 'a folder', 'a file');
  } catch (error) {
    if (error instanceof AssayError) throw error;
    throw invalid(folder, 'a folder', foundInstead(error), error);
  }

  const placeOf = async (name: string): Promise<string> => {
    const steps = name.split('/');
    // a backslash is a separator where somebody else may have written the name, or will read it
    if (steps.some((step) => step === '' || step === '.' || step === '..') || /[\\\0:]/.test(name))
      throw invalid(
        'name of a file in the export',
        'a path from its folder',
        JSON.stringify(name.slice(0, 200)),
      );
    const real = await realpath(join(root, ...steps));
    if (!real.startsWith(root.endsWith(sep) ? root : root + sep))
      throw invalid(
        `${name} in ${folder}`,
        'a file in that folder',
        'a link out of it; a copy with links followed will do (cp -rL)',
      );
    return real;
  };

  const openFile = async (name: string): Promise<FileHandle> => {
    try {
      const place = await placeOf(name);
      // before it is opened: opening a pipe waits for a writer
      if (!(await stat(place)).isFile())
        throw invalid(`${name} in ${folder}`, 'a regular file', 'something else');
      return await open(place, 'r');
    } catch (error) {
      if (error instanceof AssayError) throw error;
      throw invalid(`${name} in ${folder}`, 'a file that can be read', foundInstead(error), error);
    }
  };

  const read = async (name: string, maxBytes: number): Promise<Uint8Array> => {
    const handle = await openFile(name);
    try {
      const { size } = await handle.stat();
      if (size > maxBytes) {
        const what = `${name} in ${folder}`;
        throw new AssayError('limit-exceeded', `${what}: ${size} bytes, limit ${maxBytes}`, {
          what,
          limit: maxBytes,
          got: size,
        });
      }
      const bytes = new Uint8Array(size);
      for (let done = 0; done < size; ) {
        const { bytesRead } = await handle.read(bytes, done, size - done, done);
        if (bytesRead === 0)
          throw invalid(`${name} in ${folder}`, `${size} bytes`, `${done}: it became shorter`);
        done += bytesRead;
      }
      return bytes;
    } finally {
      await handle.close();
    }
  };

  return {
    path: root,
    async has(name) {
      try {
        await stat(join(root, name));
        return true;
      } catch (error) {
        if (errnoOf(error) === 'ENOENT') return false;
        throw invalid(`${name} in ${folder}`, 'a file that can be read', foundInstead(error), error);
      }
    },
    open: openFile,
    read,
    async readJson(name, maxBytes) {
      const bytes = await read(name, maxBytes);
      try {
        return JSON.parse(fromUtf8(bytes)) as unknown;
      } catch (error) {
        throw invalid(`${name} in ${folder}`, 'JSON in UTF-8', 'something else', error);
      }
    },
  };
}
