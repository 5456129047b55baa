// Owns: a language model on onnxruntime-node, in a thread of its own: the runtime takes the thread that calls it. Does not own: what the
// thread does (orders.ts, engine.ts).
import type { Worker } from 'node:worker_threads';
import { AssayError } from '../../model/errors.js';
import { withoutReports } from '../../model/onnxruntime.js';
import { moduleBeside, startThread } from '../../model/thread.js';
import {
  assertJoining,
  assertPlaces,
  assertSequences,
  assertTokens,
  countOfCandidates,
  idsPerPosition,
} from '../asked.js';
import type { Candidates, Decoding, Hidden, LanguageModel } from '../language-model.js';
import type { Master } from '../master.js';
import type { Profile } from '../spec/profile.js';
import { decoderGraphs, type Graphs, graphDigest } from './graphs.js';
import { type Answer, type EngineOrder, fromFailure, type Order, type Task, type Value } from './orders.js';
import type { Provider } from './runtime.js';

const WORKER = moduleBeside(import.meta.url, 'worker');

export interface OnnxModelOptions {
  /** @default cpu */
  readonly provider?: Provider;
  /** of one operator; 0: as many as the runtime likes. @default 0 */
  readonly threads?: number;
  /** of keys, values and hidden states. @default 2 GiB */
  readonly memoryBytes?: number;
  /** of the runtime while it computes, about: batches are cut to it. @default 256 MiB */
  readonly workspaceBytes?: number;
}

/**
 * @throws AssayError `unsupported` without onnxruntime-node, or for a provider that it or this machine does not have
 * @example
 *     const model = await createOnnxModel(openMaster(TINY, seededMaster(TINY, '1')));
 */
export const createOnnxModel = (master: Master, options: OnnxModelOptions = {}): Promise<LanguageModel> =>
  createGraphModel(
    { ...master, graphs: decoderGraphs(master.config), dtype: 'fp32', kvDtype: 'fp32' },
    options,
  );

/** Graphs with the inputs and outputs of graphs.ts, be they ours or cut from an export. */
export interface GraphModelParts {
  readonly config: EngineOrder['config'];
  readonly graphs: Graphs;
  readonly weights: EngineOrder['weights'];
  /** of the weights */
  readonly digest: Uint8Array;
  readonly dtype: Profile['dtype'];
  readonly kvDtype: Profile['kvDtype'];
}

/** @throws AssayError as `createOnnxModel` */
export async function createGraphModel(
  parts: GraphModelParts,
  options: OnnxModelOptions = {},
): Promise<LanguageModel> {
  const { provider = 'cpu', threads = 0, memoryBytes = 2 ** 31, workspaceBytes = 2 ** 28 } = options;
  const { config, graphs, weights, digest, dtype, kvDtype } = parts;
  const { vocabulary, maxPositions } = config;
  const sizes = { vocabulary, maxPositions };
  const thread = new ModelThread({
    config,
    graphs,
    weights,
    provider,
    threads,
    memoryBytes,
    workspaceBytes,
  });
  const { version } = await thread.ready;
  let handles = 0;

  return {
    ...sizes,
    profile: {
      engine: 'onnxruntime-node',
      engineVersion: version,
      provider,
      dtype,
      kvDtype,
      isa: process.arch,
      graphDigest: graphDigest(graphs),
      weightsDigest: digest,
    },

    async open(prompts, candidates, signal) {
      assertSequences('prompt', prompts, sizes);
      const perRow = countOfCandidates(candidates, sizes);
      const handle = ++handles;
      const task = { do: 'open', handle, prompts: owned(prompts), candidates: perRow } as const;
      const first = await thread.ask(task, signal, handle);
      const lengths = prompts.map(({ length }) => length);
      return createDecoding(handle, lengths, first as Candidates); // what this order is answered with
    },

    async prefill(sequences, signal) {
      assertSequences('sequence', sequences, sizes);
      const handle = ++handles;
      await thread.ask({ do: 'prefill', handle, sequences: owned(sequences) }, signal, handle);
      return createHidden(
        handle,
        sequences.map(({ length }) => length),
      );
    },

    close: () => thread.close(),
  };

  function createDecoding(handle: number, lengths: readonly number[], first: Candidates): Decoding {
    let candidates: Candidates | undefined = first;
    let rows = lengths;
    const live = (): Candidates => {
      thread.assertOpen();
      if (!candidates) throw new Error('decoding: released');
      return candidates;
    };
    return {
      candidates: live,
      async advance(tokens, signal, joining = []) {
        live();
        assertTokens(tokens, rows, sizes);
        assertJoining(joining, tokens, lengths.length, sizes);
        const task = { do: 'advance', handle, tokens: [...tokens], joining: owned(joining) } as const;
        const next = await thread.ask(task, signal);
        if (!candidates) return; // released meanwhile
        candidates = next as Candidates; // what this order is answered with
        rows = [
          ...rows.filter((_, row) => tokens[row] !== undefined).map((length) => length + 1),
          ...joining.map(({ length }) => length),
        ];
      },
      release() {
        if (candidates) thread.release(handle);
        candidates = undefined;
      },
    };
  }

  function createHidden(handle: number, lengths: readonly number[]): Hidden {
    let released = false;
    const assertLive = (): void => {
      if (released) throw new Error('hidden: released');
    };
    return {
      async head(at, candidates, signal) {
        assertLive();
        assertPlaces(at, lengths);
        const task = {
          do: 'head',
          handle,
          at: [...at],
          candidates: countOfCandidates(candidates, sizes),
        } as const;
        return (await thread.ask(task, signal)) as Candidates; // what this order is answered with
      },
      async logitsOf(at, ids, signal) {
        assertLive();
        assertPlaces(at, lengths);
        idsPerPosition(at, ids, sizes);
        const task = { do: 'logits-of', handle, at: [...at], ids: ids.slice() } as const;
        return (await thread.ask(task, signal)) as Float32Array; // what this order is answered with
      },
      release() {
        if (!released) thread.release(handle);
        released = true;
      },
    };
  }
}

/** A message takes the whole buffer under a view along. */
const owned = (sequences: readonly Uint32Array[]): Uint32Array[] => sequences.map((ids) => ids.slice());

interface Waiting {
  resolve(value: Value): void;
  reject(error: unknown): void;
}

class ModelThread {
  /** resolves when sessions are open */
  readonly ready: Promise<{ readonly version: string }>;
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiting>();
  readonly #gone: Promise<void>;
  #nextId = 1;
  #lost: unknown;
  #closing: Promise<void> | undefined;

  constructor(parts: EngineOrder) {
    withoutReports();
    this.#worker = startThread(WORKER, { workerData: parts });
    let isReady: (ready: { readonly version: string }) => void = () => {};
    this.ready = new Promise((resolve, reject) => {
      isReady = resolve;
      this.#waiting.set(0, { resolve: () => {}, reject });
    });
    this.#worker.on('message', (answer: Answer) => {
      const waiting = this.#waiting.get(answer.id);
      this.#waiting.delete(answer.id);
      if ('ready' in answer) isReady(answer.ready);
      else if ('failed' in answer) waiting?.reject(fromFailure(answer.failed));
      else waiting?.resolve(answer.value);
      this.#hold();
    });
    this.#worker.on('error', (error) => this.#lose(error));
    this.#gone = new Promise((resolve) => {
      this.#worker.on('exit', (code) => {
        this.#lose(new Error(`the model's thread ended with code ${code}`));
        resolve();
      });
    });
  }

  assertOpen(): void {
    if (this.#closing) throw new Error('language model: closed');
    if (this.#lost) throw this.#lost;
  }

  /**
   * Rejects with the signal's reason where it aborts before the thread begins, or between two batches of it.
   * @param made a handle that must not stay behind then
   */
  async ask(task: Task, signal: AbortSignal, made?: number): Promise<Value> {
    this.assertOpen();
    signal.throwIfAborted();
    const stop = new SharedArrayBuffer(4);
    const onAbort = (): void => {
      Atomics.store(new Int32Array(stop), 0, 1);
    };
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      const value = await this.#send(task, stop);
      // a step that was taken counts: an answer means that the decoding is one token further
      if (task.do === 'advance' && value !== undefined) return value;
      if (signal.aborted && made !== undefined) this.release(made);
      signal.throwIfAborted();
      return value;
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }

  release(handle: number): void {
    if (this.#lost || this.#closing) return;
    // a thread that is lost by then has nothing left to release
    this.#send({ do: 'release', handle }, new SharedArrayBuffer(4)).catch(() => {});
  }

  close(): Promise<void> {
    this.#closing ??= this.#end();
    return this.#closing;
  }

  async #end(): Promise<void> {
    // ended from outside, a thread inside the runtime would take the process with it
    await this.#send({ do: 'close' }, new SharedArrayBuffer(4)).catch(() => {});
    this.#worker.ref();
    await this.#gone;
  }

  #send(task: Task, stop: SharedArrayBuffer): Promise<Value> {
    if (this.#lost) return Promise.reject(this.#lost);
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#hold();
      const order: Order = { ...task, id, stop };
      this.#worker.postMessage(order);
    });
  }

  /** An idle thread does not keep the process alive. */
  #hold(): void {
    if (this.#waiting.size > 0) this.#worker.ref();
    else this.#worker.unref();
  }

  #lose(cause: unknown): void {
    this.#lost ??= new AssayError(
      'unreachable',
      "the model's thread was lost",
      { address: 'model thread' },
      { cause },
    );
    for (const { reject } of this.#waiting.values()) reject(this.#lost);
    this.#waiting.clear();
  }
}
