// Owns: plots in folders as a Disk: opening, reading and digesting them on threads. Does not own: making them (create-plot.ts).
import { open } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { unsupported } from '../../model/errors.js';
import { HASH_BYTES } from '../../model/merkle.js';
import type { Disk, Plot } from '../disk.js';
import { type PlotName, plotTree, sectorBytes } from '../spec/plot.js';
import { isSamePlot } from './create-plot.js';
import { corrupt, dataFile, readHeader, readRecords } from './plot-files.js';
import { RANGE_NEXT, RANGE_STOP, startPlotThreads, ThreadFault } from './plot-threads.js';

export interface FileDisk extends Disk {
  close(): Promise<void>;
}

export interface FileDiskOptions {
  /** one plot in each */
  readonly folders: readonly string[];
  /** threads that read and hash: as many reads are under way at once. @default twice the cores, at least 8 */
  readonly threads?: number;
}

/** How often the time that is left is looked at while a range is read. */
const LOOK_MS = 10;
/** A node of the tree over a range's sectors, ms: what has been read must still be hashed together (measured 1 to 2 us). */
const NODE_MS = 0.002;

export function createFileDisk({
  folders,
  threads: count = Math.max(8, 2 * availableParallelism()),
}: FileDiskOptions): FileDisk {
  const threads = startPlotThreads(count);
  const plots: { readonly name: PlotName; readonly plot: Promise<Plot> }[] = [];
  /** threads work on one answer at a time */
  let tail: Promise<unknown> = Promise.resolve();
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const result = tail.then(work);
    tail = result.catch(() => undefined); // the caller sees the failure; the next in line does not care
    return result;
  };

  return {
    name: 'disk-file',
    async open(name, signal) {
      signal.throwIfAborted();
      const known = plots.find((opened) => isSamePlot(opened.name, name));
      if (known) return known.plot;
      const opening = { name, plot: findPlot(folders, name).then(load) };
      plots.push(opening);
      try {
        return await opening.plot;
      } catch (error) {
        // a plot that is not there, or not whole, is looked for anew the next time
        plots.splice(plots.indexOf(opening), 1);
        throw error;
      }
    },
    close: () => threads.end(new Error('disk: closed')),
  };

  async function load({ folder, name, sectors }: Found): Promise<Plot> {
    const { roots, missing } = await readRecords(folder, sectors);
    if (missing.length > 0)
      throw unsupported(
        `the plot in ${folder}`,
        `${missing.length} of its ${sectors} sectors are not made yet`,
      );
    const path = dataFile(folder);
    const about = { path, name };
    /** All threads at once; ends when the last has, so that the next answer finds them idle. */
    const all = async <T>(
      ask: (thread: number) => Promise<T>,
      onFault: () => void = () => {},
    ): Promise<T[]> => {
      const answers = await Promise.allSettled(
        Array.from({ length: count }, (_, thread) =>
          ask(thread).catch((error: unknown) => {
            onFault();
            throw error instanceof ThreadFault ? corrupt(path, error.message) : error;
          }),
        ),
      );
      return answers.map((answer) => {
        if (answer.status === 'rejected') throw answer.reason;
        return answer.value;
      });
    };
    // threads begin, and open the file, with the first question: not while an answer is owed
    const one = { key: new Uint8Array(HASH_BYTES), sectors: new Uint32Array(1), leaves: new Uint32Array(1) };
    await inTurn(() => all((thread) => threads.ask(thread, { ...about, want: 'leaves', ...one })));

    return {
      sectors,
      tree: plotTree(roots),
      digestLeaves: (key, asked, signal) =>
        inTurn(async () => {
          signal.throwIfAborted();
          const k = asked.leaves.length;
          const bound = (thread: number): number => Math.floor((thread * k) / count);
          const parts = await all((thread) => {
            const [from, until] = [bound(thread), bound(thread + 1)];
            const sectors = asked.sectors.slice(from, until);
            const leaves = asked.leaves.slice(from, until);
            return threads.ask(thread, { ...about, want: 'leaves', key, sectors, leaves });
          });
          const out = new Uint8Array(k * HASH_BYTES);
          parts.forEach((part, thread) => {
            out.set(part, bound(thread) * HASH_BYTES);
          });
          return out;
        }),
      digestRange: (range, signal) =>
        inTurn(async () => {
          signal.throwIfAborted();
          const state = new Int32Array(new SharedArrayBuffer(8));
          const most = range.order.length;
          const roots = new Uint8Array(new SharedArrayBuffer(most * HASH_BYTES));
          const order = new Uint32Array(new SharedArrayBuffer(most * range.order.BYTES_PER_ELEMENT));
          order.set(range.order);
          const stop = (): void => void Atomics.store(state, RANGE_STOP, 1);
          const watch = setInterval(() => {
            if (signal.aborted || range.leftMs() < reserveMs()) stop();
          }, LOOK_MS);
          const begun = range.leftMs();
          const reserveMs = (): number => {
            const taken = Atomics.load(state, RANGE_NEXT);
            const passed = begun - range.leftMs();
            // each thread finishes the sector that it has, which takes as long as the last ones did
            return (
              (Number.isFinite(passed) ? (2 * count * passed) / Math.max(1, taken) : 0) + taken * NODE_MS
            );
          };
          try {
            const { key, pieceBytes } = range;
            const asked = { ...about, want: 'range', key, pieceBytes, order, state, roots } as const;
            await all((thread) => threads.ask(thread, asked), stop);
          } finally {
            clearInterval(watch);
          }
          signal.throwIfAborted();
          const read = Math.min(most, Atomics.load(state, RANGE_NEXT));
          return roots.slice(0, read * HASH_BYTES);
        }),
      async readSector(index) {
        const size = sectorBytes(name);
        const file = await open(path, 'r');
        try {
          const { bytesRead, buffer } = await file.read(new Uint8Array(size), 0, size, index * size);
          if (bytesRead !== size) throw corrupt(path, `ends within sector ${index}`);
          return buffer;
        } finally {
          await file.close();
        }
      },
    };
  }
}

interface Found {
  readonly folder: string;
  readonly name: PlotName;
  readonly sectors: number;
}

async function findPlot(folders: readonly string[], name: PlotName): Promise<Found> {
  for (const folder of folders) {
    const header = await readHeader(folder);
    if (header && isSamePlot(header.name, name)) return { folder, ...header };
  }
  throw unsupported('the plot of this slot', `it is in none of ${folders.join(', ') || 'no folders'}`);
}
