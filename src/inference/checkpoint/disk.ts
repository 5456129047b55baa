// Owns: what a store of checkpoints asks of a disk, and the disk of this machine. Does not own: what is written where (store.ts).
import { constants } from 'node:fs';
import { mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { errnoOf, foundInstead, invalid } from '../../model/invalid-input.js';
import { type ByteSource, fileSource } from '../safetensors.js';

/** Each step on its own, so that a test can stop at any of them and look at what is left. */
export interface Disk {
  /** undefined where no regular file is */
  open(path: string): Promise<ReadFile | undefined>;
  /** @throws AssayError `invalid-input` where something is already */
  create(path: string): Promise<WriteFile>;
  /** replaces what is at `to`, whole */
  rename(from: string, to: string): Promise<void>;
  /** nothing where nothing is */
  remove(path: string): Promise<void>;
  /** names in a folder; none where no folder is */
  list(folder: string): Promise<readonly string[]>;
  makeFolder(folder: string): Promise<void>;
  /** renames in it are on disk when it resolves */
  syncFolder(folder: string): Promise<void>;
}

export interface ReadFile extends ByteSource {
  close(): Promise<void>;
}

export interface WriteFile {
  append(bytes: Uint8Array): Promise<void>;
  /** what was appended is on disk when it resolves */
  sync(): Promise<void>;
  close(): Promise<void>;
}

export const nodeDisk: Disk = {
  async open(path) {
    // a pipe without a writer would be waited for
    const handle = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0)).catch(
      (error: unknown) => {
        if (errnoOf(error) === 'ENOENT') return undefined;
        throw invalid(path, 'a file that can be read', foundInstead(error), error);
      },
    );
    if (handle === undefined) return undefined;
    try {
      if (!(await handle.stat()).isFile()) throw invalid(path, 'a regular file', 'something else');
      return { ...(await fileSource(handle, path)), close: () => handle.close() };
    } catch (error) {
      await handle.close();
      throw error;
    }
  },
  async create(path) {
    const handle = await written(path, open(path, 'wx', 0o644));
    return {
      async append(bytes) {
        for (let done = 0; done < bytes.length; ) {
          const { bytesWritten } = await written(path, handle.write(bytes, done));
          done += bytesWritten;
        }
      },
      sync: () => written(path, handle.sync()),
      close: () => handle.close(),
    };
  },
  rename: (from, to) => written(to, rename(from, to)),
  remove: (path) => written(path, rm(path, { force: true })),
  async list(folder) {
    try {
      return await readdir(folder);
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return [];
      throw invalid(folder, 'a folder that can be read', foundInstead(error), error);
    }
  },
  async makeFolder(folder) {
    await written(folder, mkdir(folder, { recursive: true }));
  },
  async syncFolder(folder) {
    const handle = await written(folder, open(folder, 'r'));
    try {
      await written(folder, handle.sync());
    } finally {
      await handle.close();
    }
  },
};

async function written<T>(path: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw invalid(path, 'a place that can be written', foundInstead(error), error);
  }
}
