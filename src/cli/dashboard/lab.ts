// Owns: the lab's orders: one at a time on a thread, how long each may take, which wait, which results are kept. Does not own: what
// may be ordered (dashboard/lab/order.ts), the run (lab-worker.ts).
import type { Worker } from 'node:worker_threads';
import { commandOf, LAB_LIMITS, type LabOrder } from '../../dashboard/lab/order.js';
import type { LabResult, LabSource, LabState } from '../../dashboard/lab/page.js';
import type { ChartLibrary } from '../../emissions/report/page.js';
import type { Scenario } from '../../emissions/simulator/scenario.js';
import type { SweepAxis, SweepRow } from '../../emissions/simulator/sweep.js';
import type { Clock } from '../../model/clock.js';
import { moduleBeside, startThread } from '../../model/thread.js';
import { chartLibrary } from '../chart-library.js';

export interface LabWork {
  readonly scenario: Scenario;
  readonly deviations: boolean;
  readonly axes: readonly SweepAxis[];
  readonly command: string;
  readonly library: ChartLibrary;
}

export type LabReply =
  | { readonly epochs: number }
  | {
      readonly result: {
        readonly document: string;
        readonly scripts: readonly string[];
        readonly metrics: Readonly<Record<string, number>>;
        readonly sweep: readonly SweepRow[];
      };
    }
  | { readonly failed: string; readonly isInternal: boolean };

export interface Lab extends LabSource {
  /** Ends what runs; what waits is never begun. */
  close(): Promise<void>;
}

export interface LabOptions {
  /** Told of the order that runs: how far it is, that it is over. */
  readonly onState?: (
    state: Extract<LabState, { is: 'running' }> | { readonly is: 'over' },
    epochs: number,
  ) => void;
  /** @default LAB_LIMITS.ms */
  readonly limitMs?: number;
  /** a run that ends within it is answered with at once. @default 1500 */
  readonly patienceMs?: number;
  /** in place of the lab's own */
  readonly worker?: URL;
}

/** A thread that needs more is not the lab's. */
const MEMORY_MB = 512;
const WORKER = moduleBeside(import.meta.url, 'lab-worker');

interface Job {
  readonly order: LabOrder;
  epochs: number;
  beganAt: number | undefined;
  readonly ended: Promise<void>;
  readonly end: () => void;
}

interface Running {
  readonly job: Job;
  worker: Worker | undefined;
}

export function createLab(
  { clock }: { readonly clock: Pick<Clock, 'monotonic'> },
  {
    onState = () => {},
    limitMs = LAB_LIMITS.ms,
    patienceMs = 1500,
    worker: module = WORKER,
  }: LabOptions = {},
): Lab {
  const results = new Map<string, LabResult>();
  const failures = new Map<string, string>();
  const waiting: Job[] = [];
  let running: Running | undefined;
  let library: Promise<ChartLibrary> | undefined;
  let isClosed = false;

  const keep = <T>(all: Map<string, T>, id: string, value: T): void => {
    all.delete(id);
    all.set(id, value);
    if (all.size > LAB_LIMITS.kept) all.delete(all.keys().next().value!);
  };

  async function next(): Promise<void> {
    if (running || isClosed) return;
    const job = waiting.shift();
    if (!job) return;
    const own: Running = { job, worker: undefined };
    running = own;
    job.beganAt = clock.monotonic();
    try {
      const { document, scripts, metrics, sweep } = await work(own);
      const tookMs = clock.monotonic() - job.beganAt;
      keep(results, job.order.id, { report: { document, scripts }, metrics, sweep, tookMs });
    } catch (error) {
      keep(failures, job.order.id, error instanceof Error ? error.message : 'unknown');
    }
    running = undefined;
    job.end();
    onState({ is: 'over' }, job.order.epochs);
    void next();
  }

  async function work(own: Running): Promise<Extract<LabReply, { result: unknown }>['result']> {
    library ??= chartLibrary();
    const { scenario, deviations, axes } = own.job.order;
    const workerData: LabWork = {
      scenario,
      deviations,
      axes,
      command: commandOf(own.job.order),
      library: await library,
    };
    if (isClosed) throw new Error('the dashboard ends');
    const worker = startThread(module, { workerData, resourceLimits: { maxOldGenerationSizeMb: MEMORY_MB } });
    own.worker = worker;
    let timer: NodeJS.Timeout | undefined;
    try {
      return await new Promise((resolve, reject) => {
        timer = setTimeout(
          () =>
            reject(new Error(`it took more than ${limitMs / 1000} s, and was ended: ask for fewer epochs`)),
          limitMs,
        );
        timer.unref();
        worker.on('message', (reply: LabReply) => {
          if ('epochs' in reply) {
            own.job.epochs = reply.epochs;
            onState(stateOfRunning(own.job), own.job.order.epochs);
          } else if ('result' in reply) resolve(reply.result);
          else reject(new Error(reply.failed));
        });
        worker.on('error', reject);
        worker.on('exit', (code) => reject(new Error(`its thread ended with exit code ${code}`)));
      });
    } finally {
      clearTimeout(timer);
      await worker.terminate();
    }
  }

  const stateOfRunning = ({ epochs, beganAt }: Job): Extract<LabState, { is: 'running' }> => ({
    is: 'running',
    done: epochs,
    sinceMs: beganAt === undefined ? 0 : clock.monotonic() - beganAt,
  });

  function stateOf(id: string): LabState | undefined {
    const result = results.get(id);
    if (result) return { is: 'done', result };
    if (running?.job.order.id === id) return stateOfRunning(running.job);
    const place = waiting.findIndex(({ order }) => order.id === id);
    if (place >= 0) return { is: 'waiting', before: place + (running ? 1 : 0) };
    const why = failures.get(id);
    return why === undefined ? undefined : { is: 'failed', why };
  }

  return {
    kept: (id) => results.get(id),
    async ask(order, signal) {
      const known = stateOf(order.id);
      if (known && known.is !== 'running' && known.is !== 'waiting') {
        // said once; who asks again has it run again
        if (known.is === 'failed') failures.delete(order.id);
        return known;
      }
      const isNew = known === undefined;
      if (isNew && (isClosed || waiting.length >= LAB_LIMITS.waiting)) return { is: 'refused' };
      let job = [running?.job, ...waiting].find((each) => each?.order.id === order.id);
      if (!job) {
        let end!: () => void;
        const ended = new Promise<void>((resolve) => {
          end = resolve;
        });
        job = { order, epochs: 0, beganAt: undefined, ended, end };
        waiting.push(job);
        void next();
      }
      await within(patienceMs, job.ended, signal);
      return stateOf(order.id) ?? { is: 'failed', why: 'the dashboard ends' };
    },
    async close() {
      isClosed = true;
      const jobs = waiting.splice(0);
      for (const { end } of jobs) end();
      await running?.worker?.terminate();
      await running?.job.ended;
    },
  };
}

/** Resolves when `done` does, after `ms` or when nobody waits any more. */
async function within(ms: number, done: Promise<void>, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  let timer: NodeJS.Timeout | undefined;
  let give!: () => void;
  const over = new Promise<void>((resolve) => {
    give = resolve;
    timer = setTimeout(resolve, ms);
  });
  signal.addEventListener('abort', give, { once: true });
  await Promise.race([done, over]);
  clearTimeout(timer);
  signal.removeEventListener('abort', give);
}
