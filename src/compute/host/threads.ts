// Owns: host memory filled and read by as many threads as the host has cores, one lane each; their end. Does not own: what a
// lane does (lane.ts), how much of the host it is worth proving (verification).
import { availableParallelism, freemem } from 'node:os';
import type { Worker } from 'node:worker_threads';
import { concat } from '../../model/bytes.js';
import { AssayError } from '../../model/errors.js';
import { moduleBeside, startThread } from '../../model/thread.js';
import type { HostLanes, HostMemory, HostPlace, LanesSpec, Opened } from '../host.js';
import { type Answer, ENOUGH, type LaneWorkerData, NOW, ON, STOP, type Task } from './orders.js';
import { assertRoom } from './plain.js';

/** Of what is free: trees, buffers and everybody else need the rest. */
const SHARE = 0.8;
const WORKER = moduleBeside(import.meta.url, 'lane-worker');

export interface ThreadedHostOptions {
  /** @default as many as may run at once */
  readonly lanes?: number;
  /** bytes of labels, of all that is open at a time. @default 80 % of the memory that is free now */
  readonly bytes?: number;
  /** Lanes leave a core to whoever wants it: to the process of a card, whose next label waits for it. @default false */
  readonly givesWay?: boolean;
}

/** Every lane has a thread and memory of its own, which nobody else can see. */
export function createThreadedHost(options: ThreadedHostOptions = {}): HostMemory {
  const {
    lanes = availableParallelism(),
    bytes = Math.floor(SHARE * freeBytes()),
    givesWay = false,
  } = options;
  let reserved = 0;
  return {
    name: 'host-threads',
    lanes,
    bytes: () => bytes - reserved,
    async openLanes(spec, signal) {
      signal.throwIfAborted();
      assertRoom(spec, bytes - reserved);
      const own = spec.lanes * spec.capacity * spec.labelBytes;
      reserved += own;
      const crew = new LaneCrew(spec, { givesWay }, () => {
        reserved -= own;
      });
      try {
        await crew.open(signal);
      } catch (error) {
        crew.release();
        signal.throwIfAborted();
        const why = error instanceof Error ? error.message : String(error);
        throw new AssayError(
          'unsupported',
          `host memory: ${why}`,
          { what: 'host memory', why },
          { cause: error },
        );
      }
      return crew;
    },
  };
}

/** What is free on the host, or left to this process where it runs in a container. */
function freeBytes(): number {
  const limit = process.constrainedMemory?.() ?? 0;
  const left = limit > 0 ? limit - process.memoryUsage.rss() : Number.POSITIVE_INFINITY;
  return Math.max(0, Math.min(freemem(), left));
}

type Value = Extract<Answer, { value: unknown }>['value'];

interface Waiting {
  resolve(value: Value): void;
  reject(error: unknown): void;
}

/** One worker thread and what it owes. */
class Hand {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiting>();
  #nextId = 0;
  #lost: unknown;
  onProgress: () => void = () => {};

  constructor(workerData: LaneWorkerData) {
    this.#worker = startThread(WORKER, { workerData });
    this.#worker.on('message', (answer: Answer) => {
      if ('progress' in answer) return this.onProgress();
      const waiting = this.#waiting.get(answer.id);
      this.#waiting.delete(answer.id);
      if ('failed' in answer) waiting?.reject(new Error(answer.failed));
      else waiting?.resolve(answer.value);
    });
    this.#worker.on('error', (error) => this.#lose(error));
    this.#worker.on('exit', (code) => this.#lose(new Error(`a thread ended with code ${code}`)));
  }

  ask(task: Task): Promise<Value> {
    if (this.#lost) return Promise.reject(this.#lost);
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#worker.postMessage({ ...task, id });
    });
  }

  end(reason: unknown): void {
    this.#lose(reason);
    void this.#worker.terminate();
  }

  #lose(cause: unknown): void {
    this.#lost ??= new AssayError(
      'unreachable',
      'host memory: a thread was lost',
      { address: 'host-threads' },
      { cause },
    );
    for (const { reject } of this.#waiting.values()) reject(this.#lost);
    this.#waiting.clear();
  }
}

class LaneCrew implements HostLanes {
  readonly #hands: readonly Hand[];
  readonly #control = new Int32Array(new SharedArrayBuffer(4));
  #released = false;

  constructor(
    readonly spec: LanesSpec,
    data: LaneWorkerData,
    private readonly onRelease: () => void,
  ) {
    this.#hands = Array.from({ length: spec.lanes }, () => new Hand(data));
  }

  async open(signal: AbortSignal): Promise<void> {
    const control = this.#control.buffer as SharedArrayBuffer; // made just above
    await this.#all((lane) => ({ do: 'open', spec: this.spec, lane, control }));
    signal.throwIfAborted();
  }

  fill(least: number, more: () => boolean, signal: AbortSignal): Promise<number> {
    return this.#work(() => ({ do: 'fill', least }), more, signal);
  }

  walk(labels: number, key: Uint8Array, more: () => boolean, signal: AbortSignal): Promise<number> {
    return this.#work(() => ({ do: 'walk', labels, key }), more, signal);
  }

  roots(labels: number): Promise<Uint8Array> {
    return this.#bytes(() => ({ do: 'root', labels }));
  }

  pass(labels: number, key: Uint8Array): Promise<Uint8Array> {
    return this.#bytes(() => ({ do: 'pass', labels, key }));
  }

  walkRoots(leaves: number): Promise<Uint8Array> {
    return this.#bytes(() => ({ do: 'walk-root', leaves }));
  }

  openLabels(labels: number, places: readonly HostPlace[]): Promise<readonly Opened[]> {
    return this.#opened(places, (indices) => ({ do: 'open-labels', labels, indices }));
  }

  openDigests(labels: number, round: number, places: readonly HostPlace[]): Promise<readonly Opened[]> {
    return this.#opened(places, (indices) => ({ do: 'open-digests', labels, round, indices }));
  }

  openWalk(leaves: number, places: readonly HostPlace[]): Promise<readonly Opened[]> {
    return this.#opened(places, (indices) => ({ do: 'open-walk', leaves, indices }));
  }

  release(): void {
    if (this.#released) return;
    this.#released = true;
    Atomics.store(this.#control, STOP, NOW);
    for (const hand of this.#hands) hand.end(new Error('released'));
    this.onRelease();
  }

  #all(task: (lane: number) => Task): Promise<readonly Value[]> {
    return Promise.all(this.#hands.map((hand, lane) => hand.ask(task(lane))));
  }

  async #bytes(task: () => Task): Promise<Uint8Array> {
    return concat(...((await this.#all(task)) as Uint8Array[])); // what these orders are answered with
  }

  /** All lanes at once, until each has done all it may, or `more` says no: asked whenever one shows a sign of life. */
  async #work(task: () => Task, more: () => boolean, signal: AbortSignal): Promise<number> {
    signal.throwIfAborted();
    Atomics.store(this.#control, STOP, ON);
    const onProgress = (): void => {
      if (Atomics.load(this.#control, STOP) === ON && !more()) Atomics.store(this.#control, STOP, ENOUGH);
    };
    const onAbort = (): void => {
      Atomics.store(this.#control, STOP, NOW);
    };
    for (const hand of this.#hands) hand.onProgress = onProgress;
    signal.addEventListener('abort', onAbort, { once: true });
    onProgress();
    try {
      const done = (await this.#all(task)) as number[]; // what these orders are answered with
      signal.throwIfAborted();
      return Math.min(...done);
    } finally {
      signal.removeEventListener('abort', onAbort);
      for (const hand of this.#hands) hand.onProgress = () => {};
    }
  }

  /** One order for each lane that has places, and what comes back in the order of `places`. */
  async #opened(
    places: readonly HostPlace[],
    task: (indices: readonly number[]) => Task,
  ): Promise<readonly Opened[]> {
    const out: Opened[] = new Array(places.length);
    await Promise.all(
      this.#hands.map(async (hand, lane) => {
        const wanted = places.flatMap((place, at) =>
          place.lane === lane ? [{ index: place.index, at }] : [],
        );
        if (wanted.length === 0) return;
        const answer = await hand.ask(task(wanted.map(({ index }) => index)));
        // what these orders are answered with
        for (const [i, opened] of (answer as readonly Opened[]).entries()) out[wanted[i].at] = opened;
      }),
    );
    return out;
  }
}
