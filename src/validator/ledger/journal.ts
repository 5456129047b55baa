// Owns: an append-only file of lines that survives SIGKILL. Does not own: what the lines say (entries.ts).
import { createReadStream } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { AssayError } from '../../model/errors.js';

/** Where a line is, in bytes, without its line feed. */
export interface LinePlace {
  readonly offset: number;
  readonly length: number;
}

export interface Journal {
  /**
   * Resolves when the line is on disk. Lines stand in the order of the calls; those that come while a write is under
   * way share the next one and its fsync.
   * @param after must be done before the line is written; its failure is this append's failure
   */
  append(line: string, after?: Promise<unknown>): Promise<LinePlace>;
  /** Resolves when everything appended is on disk. */
  close(): Promise<void>;
}

/**
 * Calls `onLine` for each complete line, and waits for it.
 * @returns bytes in complete lines, and in a last line without line feed: one that a crash cut short
 */
export async function readLines(
  path: string,
  onLine: (line: string, place: LinePlace, number: number) => void | Promise<void>,
): Promise<{ complete: number; torn: number }> {
  let pending: Buffer[] = [];
  let offset = 0;
  let number = 0;
  for await (const chunk of createReadStream(path, { highWaterMark: 2 ** 20 }) as AsyncIterable<Buffer>) {
    let from = 0;
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, from)) {
      pending.push(chunk.subarray(from, end));
      const bytes = pending.length === 1 ? pending[0]! : Buffer.concat(pending);
      await onLine(bytes.toString('utf8'), { offset, length: bytes.length }, ++number);
      offset += bytes.length + 1;
      pending = [];
      from = end + 1;
    }
    if (from < chunk.length) pending.push(chunk.subarray(from));
  }
  return { complete: offset, torn: pending.reduce((sum, part) => sum + part.length, 0) };
}

/** @param size bytes of complete lines; anything behind them is cut off */
export async function openJournal(path: string, size: number): Promise<Journal> {
  const file = await open(path, 'a+', 0o600);
  await file.truncate(size);
  return createJournal(path, file, size);
}

/** What `createCommitter` is given for one batch: nothing of it counts before `written` is called. */
export interface Sealed<P> {
  readonly bytes: Buffer;
  /** of each item, where it will be */
  readonly places: readonly P[];
  /** the bytes are on disk */
  written?(): void;
}

export interface Committer<T, P> {
  /**
   * Resolves when the item is on disk. Items stand in the order of the calls; those that come while a write is under
   * way share the next one and its fsync.
   * @param after must be done before the item is sealed; its failure is this append's failure
   */
  append(item: T, after?: Promise<unknown>): Promise<P>;
  /** Resolves when everything appended is on disk. */
  close(): Promise<void>;
}

interface Waiting<T, P> {
  readonly item: T;
  readonly after: Promise<unknown> | undefined;
  resolve(place: P): void;
  reject(error: unknown): void;
}

/**
 * Group commit at the end of `file`. A write that failed leaves nothing behind: the disk was full, and what was acknowledged
 * before is whole.
 * @param size bytes of the file that count
 */
export function createCommitter<T, P>(
  path: string,
  file: FileHandle,
  initialSize: number,
  seal: (items: readonly T[], offset: number) => Sealed<P>,
): Committer<T, P> {
  let size = initialSize;
  let waiting: Waiting<T, P>[] = [];
  let writing: Promise<void> | undefined;
  /** why nothing can be appended any more */
  let broken: AssayError | undefined;
  let closed: AssayError | undefined;

  async function writeAll(): Promise<void> {
    while (waiting.length > 0) {
      const batch = waiting;
      waiting = [];
      await writeBatch(await readyOf(batch));
    }
    writing = undefined;
  }

  async function writeBatch(batch: readonly Waiting<T, P>[]): Promise<void> {
    if (batch.length === 0) return;
    if (broken) for (const { reject } of batch) reject(broken);
    if (broken) return;
    let sealed: Sealed<P>;
    try {
      sealed = seal(
        batch.map(({ item }) => item),
        size,
      );
      await file.appendFile(sealed.bytes);
      await file.datasync();
    } catch (error) {
      // half an entry must not stay before the next one
      await file.truncate(size).catch((cause: unknown) => {
        const why = 'a failed write could not be undone';
        broken = new AssayError('corrupt', `${path}: ${why}`, { path, why }, { cause });
      });
      for (const { reject } of batch) reject(error);
      return;
    }
    size += sealed.bytes.length;
    sealed.written?.();
    for (const [i, { resolve }] of batch.entries()) resolve(sealed.places[i]!);
  }

  return {
    append(item, after) {
      after?.catch(() => {}); // awaited when its turn comes
      if (broken) return Promise.reject(broken);
      if (closed) return Promise.reject(closed);
      return new Promise((resolve, reject) => {
        waiting.push({ item, after, resolve, reject });
        writing ??= Promise.resolve().then(writeAll);
      });
    },
    async close() {
      closed ??= new AssayError('internal', 'journal is closed', { what: path });
      await writing;
      await file.close();
    },
  };
}

function createJournal(path: string, file: FileHandle, initialSize: number): Journal {
  const committer = createCommitter<Buffer, LinePlace>(path, file, initialSize, (lines, offset) => {
    let at = offset;
    const places = lines.map(({ length }) => {
      at += length;
      return { offset: at - length, length: length - 1 };
    });
    return { bytes: Buffer.concat(lines), places };
  });
  return {
    append(line, after) {
      if (line.includes('\n')) return Promise.reject(new TypeError('line: expected no line feed'));
      return committer.append(Buffer.from(`${line}\n`), after);
    },
    close: committer.close,
  };
}

/** Those whose `after` is done; the others are rejected with its error. */
async function readyOf<T, P>(batch: readonly Waiting<T, P>[]): Promise<Waiting<T, P>[]> {
  const ready: Waiting<T, P>[] = [];
  for (const item of batch)
    try {
      await item.after;
      ready.push(item);
    } catch (error) {
      item.reject(error);
    }
  return ready;
}
