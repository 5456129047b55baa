// Owns: threads that work on plots: what they can be asked, who has which, their end. Does not own: what they do (plot-thread.ts).
import type { Worker } from 'node:worker_threads';
import { AssayError } from '../../model/errors.js';
import { moduleBeside, startThread } from '../../model/thread.js';
import type { PlotName } from '../spec/plot.js';

interface About {
  /** the file of sectors */
  readonly path: string;
  readonly name: PlotName;
}

/** Places in `state` of a range: the next of its order that nobody has, and whether to take no more. */
export const RANGE_NEXT = 0;
export const RANGE_STOP = 1;

export type ThreadOrder = About &
  (
    | { readonly want: 'encode' | 'root'; readonly index: number }
    | {
        readonly want: 'leaves';
        readonly key: Uint8Array;
        readonly sectors: Uint32Array;
        readonly leaves: Uint32Array;
      }
    | {
        readonly want: 'range';
        readonly key: Uint8Array;
        readonly pieceBytes: number;
        /** which sectors, one behind the other; shared by all threads of the range, as are `state` and `roots` */
        readonly order: Uint32Array;
        readonly state: Int32Array;
        readonly roots: Uint8Array;
      }
  );

export type ThreadReply =
  | { readonly answer: Uint8Array }
  | { readonly errno: string | undefined; readonly message: string };

/** The system's error within a thread, with its errno. */
export class ThreadFault extends Error {
  constructor(
    message: string,
    readonly errno: string | undefined,
  ) {
    super(message);
    this.name = 'ThreadFault';
  }
}

export interface PlotThreads {
  readonly count: number;
  /**
   * One order at a time to each thread.
   * @throws ThreadFault for the system's errors; AssayError `internal` when the thread died
   */
  ask(thread: number, order: ThreadOrder): Promise<Uint8Array>;
  /** Ends them at once; what they had not answered is rejected with `reason`. */
  end(reason: unknown): Promise<void>;
}

interface Seat {
  worker: Worker | undefined;
  pending: { resolve(answer: Uint8Array): void; reject(error: unknown): void } | undefined;
}

const MODULE = moduleBeside(import.meta.url, 'plot-thread');

/** Threads start when they are first asked. */
export function startPlotThreads(count: number): PlotThreads {
  const seats: Seat[] = Array.from({ length: count }, () => ({ worker: undefined, pending: undefined }));
  let over: { readonly reason: unknown } | undefined;

  function settle(seat: Seat, how: (pending: NonNullable<Seat['pending']>) => void): void {
    const { pending } = seat;
    seat.pending = undefined;
    if (pending) how(pending);
  }

  function workerOf(seat: Seat): Worker {
    if (seat.worker) return seat.worker;
    const worker = startThread(MODULE);
    seat.worker = worker;
    worker.on('message', (reply: ThreadReply) => {
      settle(seat, ({ resolve, reject }) =>
        'answer' in reply ? resolve(reply.answer) : reject(new ThreadFault(reply.message, reply.errno)),
      );
    });
    const died = (cause?: unknown): void => {
      if (seat.worker === worker) seat.worker = undefined;
      const what = 'a thread that works on a plot died';
      const data = cause === undefined ? {} : { cause };
      settle(seat, ({ reject }) =>
        reject(over ? over.reason : new AssayError('internal', what, { what }, data)),
      );
    };
    worker.on('error', died);
    worker.on('exit', () => died());
    worker.unref(); // a pending order keeps its caller's promise, and what awaits that keeps the process
    return worker;
  }

  return {
    count,
    ask(thread, order) {
      const seat = seats[thread];
      if (!seat || seat.pending)
        throw new RangeError(`thread: expected an idle one of ${count}, got ${thread}`);
      if (over) return Promise.reject(over.reason);
      return new Promise((resolve, reject) => {
        const worker = workerOf(seat);
        worker.ref();
        const idle = <T>(settled: (value: T) => void) => {
          return (value: T): void => {
            worker.unref();
            settled(value);
          };
        };
        seat.pending = { resolve: idle(resolve), reject: idle(reject) };
        worker.postMessage(order);
      });
    },
    async end(reason) {
      over ??= { reason };
      await Promise.all(seats.map(({ worker }) => worker?.terminate()));
    },
  };
}
