// Owns: simulations on worker threads: how many at once, their progress, their end. Does not own: what they compute
// (simulation-worker.ts), points of a sweep or search.
import { availableParallelism } from 'node:os';
import type { Worker } from 'node:worker_threads';
import { type Deviation, deviatingCoalitions } from '../emissions/simulator/deviations.js';
import type { Scenario } from '../emissions/simulator/scenario.js';
import type { SimulateOptions, SimulationResult } from '../emissions/simulator/simulate.js';
import { AssayError, type ErrorCode, type ErrorCodes } from '../model/errors.js';
import { moduleBeside, startThread } from '../model/thread.js';

export const MAX_THREADS = 16;
export const DEFAULT_THREADS = Math.min(availableParallelism(), MAX_THREADS);

/** What a job may ask for, and what it gets. */
export interface SimulationAnswers {
  readonly metrics: Readonly<Record<string, number>>;
  readonly result: SimulationResult;
  /** the run, and what each coalition of it gains by not being honest */
  readonly deviations: { readonly result: SimulationResult; readonly deviations: readonly Deviation[] };
}

export interface SimulationOrder {
  readonly scenario: Scenario;
  readonly want: keyof SimulationAnswers;
  readonly points: number | undefined;
}

export type SimulationReply =
  | { readonly epochs: number }
  | { readonly answer: unknown }
  | { readonly error: unknown; readonly assay: { code: ErrorCode; data: ErrorCodes[ErrorCode] } | undefined };

export interface RunOptions {
  /** points kept of the result's series */
  readonly points?: SimulateOptions['points'] | undefined;
  /** of `epochsOf`; now and then, and after the last */
  readonly onEpoch?: (done: number) => void;
}

/** Epochs that an answer takes: deviations take a run for each coalition that deviates, and one more. */
export const epochsOf = (scenario: Scenario, want: keyof SimulationAnswers): number =>
  scenario.epochs * (want === 'deviations' ? 1 + deviatingCoalitions(scenario).length : 1);

export interface Simulations {
  /**
   * @throws what the simulation threw; AssayError `internal` when its thread died; the signal's reason when aborted
   */
  run<W extends keyof SimulationAnswers>(
    scenario: Scenario,
    want: W,
    options?: RunOptions,
  ): Promise<SimulationAnswers[W]>;
  /** Ends every thread; what still runs is rejected. */
  close(): Promise<void>;
}

interface Job {
  readonly order: SimulationOrder;
  readonly onEpoch: RunOptions['onEpoch'] | undefined;
  resolve(answer: unknown): void;
  reject(error: unknown): void;
}

const WORKER = moduleBeside(import.meta.url, 'simulation-worker');

/**
 * At most `threads` simulations at once, others wait in turn. Threads start when they are needed and stay until `close`
 * or the signal, which ends them in the middle of an epoch.
 *
 * @param parts.worker a module in place of the simulator's own
 */
export function createSimulations(
  parts: { readonly threads: number; readonly worker?: URL },
  signal: AbortSignal,
): Simulations {
  const { threads, worker: module = WORKER } = parts;
  const waiting: Job[] = [];
  const workers = new Map<Worker, Job | undefined>();
  let over: { readonly reason: unknown } | undefined;

  const start = (): Worker => {
    const worker = startThread(module);
    workers.set(worker, undefined);
    let cause: unknown;
    worker.on('message', (reply: SimulationReply) => settle(worker, reply));
    worker.on('error', (error) => {
      cause = error;
    });
    worker.on('exit', (code) => {
      const job = workers.get(worker);
      workers.delete(worker);
      job?.reject(threadDied(code, cause));
      next();
    });
    return worker;
  };

  const settle = (worker: Worker, reply: SimulationReply): void => {
    const job = workers.get(worker);
    if (job === undefined) return;
    if ('epochs' in reply) {
      job.onEpoch?.(reply.epochs);
      return;
    }
    workers.set(worker, undefined);
    if ('answer' in reply) job.resolve(reply.answer);
    else job.reject(thrownBy(reply));
    next();
  };

  const next = (): void => {
    while (over === undefined && waiting.length > 0) {
      const idle = [...workers].find(([, job]) => job === undefined)?.[0];
      if (idle === undefined && workers.size >= threads) return;
      const worker = idle ?? start();
      const job = waiting.shift()!;
      workers.set(worker, job);
      worker.postMessage(job.order);
    }
  };

  const end = async (reason: unknown): Promise<void> => {
    over ??= { reason };
    const jobs = [...waiting.splice(0), ...workers.values()];
    const ended = [...workers.keys()].map((worker) => worker.terminate());
    for (const job of jobs) job?.reject(over.reason);
    await Promise.all(ended);
  };
  const onAbort = (): void => void end(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });

  return {
    async run(scenario, want, { onEpoch, points } = {}) {
      signal.throwIfAborted();
      if (over !== undefined) throw over.reason;
      const answer = await new Promise<unknown>((resolve, reject) => {
        waiting.push({ order: { scenario, want, points }, onEpoch, resolve, reject });
        next();
      });
      return answer as SimulationAnswers[typeof want]; // the worker answers what was asked
    },
    async close() {
      signal.removeEventListener('abort', onAbort);
      await end(new Error('simulations: closed'));
    },
  };
}

function threadDied(code: number, cause: unknown): AssayError {
  const what = `a simulation's thread ended with exit code ${code}`;
  return new AssayError('internal', what, { what }, cause === undefined ? {} : { cause });
}

/** Between threads an error keeps its message and stack, not its class. */
function thrownBy({ error, assay }: Extract<SimulationReply, { error: unknown }>): unknown {
  if (assay === undefined || !(error instanceof Error)) return error;
  return new AssayError(assay.code, error.message, assay.data, { cause: error.cause });
}
