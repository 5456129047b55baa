// Owns: making a plot: which sectors are missing, threads that encode them, what is safe when it stops. Does not own: the files (plot-files.ts).
import { mkdir, realpath, statfs } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { equals } from '../../model/bytes.js';
import { AssayError } from '../../model/errors.js';
import { lockFile } from '../../model/file-lock.js';
import { foundInstead, invalid } from '../../model/invalid-input.js';
import { HASH_BYTES } from '../../model/merkle.js';
import { type PlotName, plotRoot, plotTree, sectorBytes } from '../spec/plot.js';
import { dataFile, openWriter, type PlotWriter, readHeader, readRecords, writeHeader } from './plot-files.js';
import { type PlotThreads, startPlotThreads, ThreadFault } from './plot-threads.js';

export interface CreatePlotOptions {
  /** made when it is not there; holds one plot and nothing else */
  readonly folder: string;
  readonly name: PlotName;
  /** how many the plot is to have; more than before makes it larger, and its root another */
  readonly sectors: number;
  /** cores that encode, each with 1 MiB of its own. @default all */
  readonly threads?: number;
  /** called whenever sectors have become safe, and once before the first */
  readonly onProgress?: (progress: PlotProgress) => void;
}

export interface PlotProgress {
  /** safe on the disk: what a kill leaves is never less */
  readonly done: number;
  readonly sectors: number;
}

export interface CreatedPlot {
  readonly sectors: number;
  /** what the plot commits to (spec/plot.ts, plotRoot) */
  readonly root: Uint8Array;
}

/** Sectors between two syncs: one costs about as much as a small part of a sector's encoding. */
const BATCH = 32;

/**
 * Encodes the sectors that are missing. May be stopped or killed at any time and called again: it goes on where it was.
 *
 * @throws AssayError `limit-exceeded` when the disk has no room, before it begins or when it is full: nothing finished is lost;
 *   `invalid-input` when the folder has another plot, or more of this one; the signal's reason when it aborts
 */
export async function createPlot(options: CreatePlotOptions, signal: AbortSignal): Promise<CreatedPlot> {
  const { name, sectors, threads = availableParallelism(), onProgress } = options;
  signal.throwIfAborted();
  await mkdir(options.folder, { recursive: true });
  const folder = await realpath(options.folder);
  const unlock = lockFile(join(folder, 'plot'), `plot ${options.folder}`);
  let writer: PlotWriter | undefined;
  try {
    await claimFolder(folder, name, sectors);
    const { roots, missing } = await readRecords(folder, sectors);
    const needed = missing.length * sectorBytes(name);
    await assertRoom(folder, needed);
    writer = await openWriter(folder, sectors).catch((error: unknown) => {
      throw asFull(folder, needed, error);
    });
    const report = (done: number): void => onProgress?.({ done, sectors });
    report(sectors - missing.length);
    await encodeMissing({ folder, name, writer, threads, report }, { roots, missing }, signal);
    return { sectors, root: plotRoot(name, sectors, plotTree(roots).root) };
  } finally {
    await writer?.close();
    unlock();
  }
}

async function claimFolder(folder: string, name: PlotName, sectors: number): Promise<void> {
  const before = await readHeader(folder);
  if (before && !isSamePlot(before.name, name))
    throw invalid(
      `plot ${folder}`,
      'a folder without a plot, or with this one',
      'the plot of another slot or shape',
    );
  if (before && before.sectors > sectors)
    throw invalid(`plot ${folder}`, `at least the ${before.sectors} sectors that it has`, String(sectors));
  if (before?.sectors !== sectors) await writeHeader(folder, { name, sectors });
}

export const isSamePlot = (a: PlotName, b: PlotName): boolean =>
  equals(a.place, b.place) &&
  a.sectorBlocks === b.sectorBlocks &&
  a.leafBlocks === b.leafBlocks &&
  a.passes === b.passes;

async function assertRoom(folder: string, needed: number): Promise<void> {
  const { bavail, bsize } = await statfs(folder);
  const free = bavail * bsize;
  if (needed > free)
    throw noRoom(folder, `has ${free} bytes free, the plot takes another ${needed}`, free, needed);
}

const noRoom = (folder: string, why: string, limit: number, got: number, cause?: unknown): AssayError =>
  new AssayError(
    'limit-exceeded',
    `plot ${folder}: ${why}`,
    { what: `free space of ${folder}`, limit, got },
    cause === undefined ? {} : { cause },
  );

/** A full disk in words; every other error as it is. */
function asFull(folder: string, needed: number, error: unknown): unknown {
  const { errno, code } = error as { errno?: unknown; code?: unknown };
  if (errno !== 'ENOSPC' && code !== 'ENOSPC') return error;
  const why = `the disk is full, the plot takes another ${needed} bytes; sectors that were finished are kept`;
  return noRoom(folder, why, 0, needed, error);
}

interface Work {
  readonly folder: string;
  readonly name: PlotName;
  readonly writer: PlotWriter;
  readonly threads: number;
  report(done: number): void;
}

async function encodeMissing(
  { folder, name, writer, threads: count, report }: Work,
  { roots, missing }: { roots: Uint8Array; missing: readonly number[] },
  signal: AbortSignal,
): Promise<void> {
  const threads = startPlotThreads(Math.min(count, missing.length));
  const onAbort = (): void => void threads.end(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  const path = dataFile(folder);
  const waiting = [...missing];
  let finished: { index: number; root: Uint8Array }[] = [];
  let done = roots.length / HASH_BYTES - missing.length;
  let failed: { readonly error: unknown } | undefined;
  let tail = Promise.resolve();

  const flush = (): Promise<void> => {
    tail = tail.then(async () => {
      const batch = finished;
      finished = [];
      await writer.record(batch);
      done += batch.length;
      if (batch.length > 0) report(done);
    });
    return tail;
  };
  const lane = async (thread: number): Promise<void> => {
    try {
      for (let index = waiting.shift(); index !== undefined && !failed; index = waiting.shift()) {
        const root = await threads.ask(thread, { want: 'encode', path, name, index });
        roots.set(root, index * HASH_BYTES);
        finished.push({ index, root });
        if (finished.length >= BATCH) await flush();
      }
    } catch (error) {
      failed ??= { error };
    }
  };
  try {
    await Promise.all(Array.from({ length: threads.count }, (_, i) => lane(i)));
    await flush();
    signal.throwIfAborted();
    if (failed) throw asFull(folder, (roots.length / HASH_BYTES - done) * sectorBytes(name), failed.error);
  } finally {
    signal.removeEventListener('abort', onAbort);
    await threads.end(new Error('plot: closed'));
  }
}

/**
 * Reads every sector again and compares it with its record; sectors that differ are forgotten, so that `createPlot` makes
 * them anew. Gives their numbers.
 */
export async function checkPlot(
  options: {
    readonly folder: string;
    readonly threads?: number;
    readonly onProgress?: (progress: PlotProgress) => void;
  },
  signal: AbortSignal,
): Promise<readonly number[]> {
  signal.throwIfAborted();
  const folder = await realpath(options.folder);
  const header = await readHeader(folder);
  if (!header)
    throw invalid(`plot ${options.folder}`, 'a folder with a plot', foundInstead({ code: 'ENOENT' }));
  const { name, sectors } = header;
  const unlock = lockFile(join(folder, 'plot'), `plot ${options.folder}`);
  const threads = startPlotThreads(Math.min(options.threads ?? availableParallelism(), sectors));
  const onAbort = (): void => void threads.end(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    const { roots, missing } = await readRecords(folder, sectors);
    const gone = new Set(missing);
    const waiting = Array.from({ length: sectors }, (_, i) => i).filter((i) => !gone.has(i));
    const bad: number[] = [];
    let done = 0;
    const lane = async (thread: number): Promise<void> => {
      for (let index = waiting.shift(); index !== undefined; index = waiting.shift()) {
        const good = await isGood(threads, thread, { folder, name, index, roots });
        if (!good) bad.push(index);
        done++;
        if (done % BATCH === 0) options.onProgress?.({ done, sectors });
      }
    };
    await Promise.all(Array.from({ length: threads.count }, (_, i) => lane(i)));
    bad.sort((a, b) => a - b);
    const writer = await openWriter(folder, sectors);
    try {
      await writer.forget(bad);
    } finally {
      await writer.close();
    }
    return bad;
  } finally {
    signal.removeEventListener('abort', onAbort);
    await threads.end(new Error('plot: closed'));
    unlock();
  }
}

async function isGood(
  threads: PlotThreads,
  thread: number,
  { folder, name, index, roots }: { folder: string; name: PlotName; index: number; roots: Uint8Array },
): Promise<boolean> {
  try {
    const root = await threads.ask(thread, { want: 'root', path: dataFile(folder), name, index });
    return equals(root, roots.subarray(index * HASH_BYTES, (index + 1) * HASH_BYTES));
  } catch (error) {
    // what cannot be read is as good as gone: EIO, or a file that ends before it
    if (error instanceof ThreadFault) return false;
    throw error;
  }
}
