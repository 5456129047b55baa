// Owns: the lanes of one operand, on threads or on the caller's own; whose turn it is, their end. Does not own: what a lane
// does (lane.ts), what is asked of labels (fast-labels.ts).
import { Worker } from 'node:worker_threads';
import { AssayError } from '../../model/errors.js';
import type { LabelsSpec } from '../labels.js';
import { Control, type Engine, type LaneParts } from './lane.js';
import { createLaneHost, type LaneAnswer, type LaneJob, type LaneOrder } from './lane-host.js';
import type { Onnx } from './onnx.js';
import { type BankPool, LabelStore } from './store.js';

export interface CrewParts {
  readonly basis: Uint8Array;
  readonly n: number;
  /** threads; 0 is the caller's own, for labels so small that messages would cost more than the work */
  readonly threads: number;
  readonly engine: Engine;
  /** the runtime for the caller's own thread; others load their own */
  readonly onnx: Onnx | undefined;
  readonly pool: BankPool;
  /** what each thread runs; a test hands in one that dies. @default lane-worker.ts */
  readonly worker?: URL | undefined;
  /** of the lane on the caller's own thread */
  readonly meter?: LaneParts['meter'];
}

/** One chain as the crew keeps it. */
export interface CrewLabels {
  readonly id: number;
  readonly store: LabelStore;
  readonly control: Control;
}

export interface CrewJob {
  /** what a lane does, if anything */
  jobOf(lane: number): LaneJob | undefined;
  /** called when it is our turn: sets the control block */
  begin(): void;
  /** called with each label that all lanes have finished, and maybe again */
  onLabel?(label: number): void;
}

/** How long the end of the process waits for a product that is being computed: a strip takes milliseconds. */
const EXIT_WAIT_MS = 5000;
const WORKER = new URL(
  import.meta.url.endsWith('.ts') ? './lane-worker.ts' : './lane-worker.js',
  import.meta.url,
);

/** Whose lanes may be inside the runtime. */
const crews = new Set<Crew>();
function awaitNativeOfAll(): void {
  for (const crew of crews) crew.awaitNative();
}

/** Lanes of one operand, and the chains they work on. Jobs take turns; a chain's control block stops one. */
export class Crew {
  readonly #seats: readonly Seat[];
  readonly #labels = new Map<number, CrewLabels>();
  /** one word a lane: inside native code, where the thread must not be ended */
  readonly #busy: Int32Array;
  #tail: Promise<unknown> = Promise.resolve();
  #waiting = 0;
  #running: CrewLabels | undefined;
  #nextId = 0;
  #lost: AssayError | undefined;
  #ended: Promise<void> = Promise.resolve();
  /** settles when all lanes have packed the operand */
  readonly ready: Promise<void>;

  constructor(readonly parts: CrewParts) {
    const { threads, basis, n, engine, onnx, worker = WORKER } = parts;
    const lanes = Math.max(1, threads);
    this.#busy = new Int32Array(new SharedArrayBuffer(4 * lanes));
    const busy = this.#busy.buffer as SharedArrayBuffer; // made just above
    const laneParts = (lane: number): ThreadParts => ({ lane, lanes, n, basis, engine, busy });
    const lost = (cause: unknown): void => this.#lose(cause);
    this.#seats =
      threads === 0
        ? [localSeat({ ...laneParts(0), onnx, meter: parts.meter }, lost)]
        : Array.from({ length: threads }, (_, lane) => threadSeat(laneParts(lane), worker, lost));
    this.ready = Promise.all(this.#seats.map((seat) => seat.ready)).then(() => undefined);
    this.ready.catch(() => undefined); // whoever runs a job sees it
    crews.add(this);
    if (crews.size === 1) process.on('exit', awaitNativeOfAll);
  }

  get lanes(): number {
    return this.#seats.length;
  }
  get lost(): AssayError | undefined {
    return this.#lost;
  }

  open(spec: LabelsSpec): CrewLabels {
    if (this.#lost) throw this.#lost;
    const { lanes } = this;
    const control = Control.create(lanes);
    const store = new LabelStore({ n: spec.n, capacity: spec.capacity, lanes });
    const labels = { id: this.#nextId++, store, control };
    this.#labels.set(labels.id, labels);
    this.#tell({ open: labels.id, spec, control: control.buffer });
    return labels;
  }

  /** Room for labels 0..`label`. */
  grow({ id, store }: CrewLabels, label: number): void {
    const banks = store.grow(label, this.parts.pool);
    if (banks.length > 0) this.#tell({ labels: id, banks });
  }

  /** Its memory is another chain's when no lane can be at work in it any more. */
  forget({ id, store }: CrewLabels): void {
    if (!this.#labels.delete(id)) return;
    this.#tell({ forget: id });
    void this.#tail.then(() => this.parts.pool.give(store.banks));
  }

  /** Whether somebody else's job waits for its turn. */
  get wanted(): boolean {
    return this.#waiting > 0;
  }

  /**
   * When those before have ended.
   * @returns what each lane gave
   * @throws AssayError when a lane failed or the crew is closed; RangeError when the labels were released
   */
  run(labels: CrewLabels, { jobOf, begin, onLabel }: CrewJob): Promise<readonly unknown[]> {
    this.#waiting++;
    // the one that runs ends with the label it is at, so that labels of several slots take turns
    this.#running?.control.endSoon();
    const result = this.#tail.then(async () => {
      this.#waiting--;
      await this.ready;
      if (this.#lost) throw this.#lost;
      if (!this.#labels.has(labels.id)) throw new RangeError('labels: released');
      begin();
      this.#running = labels;
      try {
        const given = await this.#all(labels, jobOf, onLabel);
        if (this.#lost) throw this.#lost;
        if (!this.#labels.has(labels.id)) throw new RangeError('labels: released');
        return given;
      } finally {
        this.#running = undefined;
      }
    });
    this.#tail = result.catch(() => undefined); // its caller sees the failure
    return result;
  }

  async #all(
    labels: CrewLabels,
    jobOf: (lane: number) => LaneJob | undefined,
    onLabel: (label: number) => void = () => undefined,
  ): Promise<readonly unknown[]> {
    const jobs = this.#seats.flatMap((seat, lane) => {
      const job = jobOf(lane);
      return job ? [seat.run({ labels: labels.id, job }, onLabel)] : [];
    });
    try {
      return await Promise.all(jobs);
    } catch (error) {
      this.#lose(error);
      await Promise.allSettled(jobs);
      throw this.#lost;
    }
  }

  /** Ends every lane, when what it is computing is done. What still runs or waits is rejected. */
  async close(reason: unknown = new Error('closed')): Promise<void> {
    this.#lose(reason);
    await this.#ended;
  }

  #tell(order: LaneOrder): void {
    for (const seat of this.#seats) seat.send(order);
  }

  /** A crew with one lane lost is of no use: the others would wait for it. */
  #lose(cause: unknown): void {
    if (this.#lost) return;
    this.#lost = lostCrew(cause);
    for (const { control } of this.#labels.values()) control.stop();
    this.#labels.clear();
    // a thread is ended only outside of native code: inside, the runtime takes the process with it
    this.#ended = this.#endIdle();
  }

  async #endIdle(): Promise<void> {
    await this.#tail;
    await this.ready.catch(() => undefined);
    await Promise.all(this.#seats.map((seat) => seat.end()));
    crews.delete(this);
    if (crews.size === 0) process.off('exit', awaitNativeOfAll);
  }

  /** Before the process ends: lanes stop, and none is inside the runtime any more. */
  awaitNative(): void {
    for (const { control } of this.#labels.values()) control.stop();
    for (let lane = 0; lane < this.#busy.length; lane++) Atomics.wait(this.#busy, lane, 1, EXIT_WAIT_MS);
  }
}

/** What travels to another thread. */
type ThreadParts = Omit<LaneParts, 'onnx' | 'meter'>;

/** One lane, wherever it runs. */
interface Seat {
  readonly ready: Promise<void>;
  send(order: LaneOrder): void;
  run(order: LaneOrder, onLabel: (label: number) => void): Promise<unknown>;
  end(): Promise<void>;
}

/** Answers come in the order of jobs, one at a time. */
class Answers {
  #waiting: { resolve(value: unknown): void; reject(error: unknown): void } | undefined;
  #onLabel: (label: number) => void = () => undefined;
  #ready!: { resolve(): void; reject(error: unknown): void };
  readonly ready = new Promise<void>((resolve, reject) => {
    this.#ready = { resolve, reject };
  });

  expect(onLabel: (label: number) => void): Promise<unknown> {
    this.#onLabel = onLabel;
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
    });
  }
  readonly take = (answer: LaneAnswer): void => {
    if ('ready' in answer) this.#ready.resolve();
    else if ('label' in answer) this.#onLabel(answer.label);
    else if ('done' in answer) this.#settle()?.resolve(answer.done);
    else this.fail(answer.error);
  };
  fail(error: unknown): void {
    this.#ready.reject(error);
    this.#settle()?.reject(error);
  }
  #settle(): { resolve(value: unknown): void; reject(error: unknown): void } | undefined {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    return waiting;
  }
}

function localSeat(parts: LaneParts, lost: (cause: unknown) => void): Seat {
  const answers = new Answers();
  answers.ready.catch(lost);
  const take = createLaneHost(parts, answers.take);
  return {
    ready: answers.ready,
    send: take,
    run(order, onLabel) {
      const answer = answers.expect(onLabel);
      take(order);
      return answer;
    },
    async end() {},
  };
}

function threadSeat(parts: ThreadParts, module: URL, lost: (cause: unknown) => void): Seat {
  const answers = new Answers();
  const worker = startThread(parts, module);
  let ended = false;
  let cause: unknown;
  worker.on('message', answers.take);
  worker.on('error', (error) => {
    cause = error;
  });
  worker.on('exit', (code) => {
    if (ended) return;
    ended = true;
    const what = `a lane's thread ended with exit code ${code}`;
    const error = new AssayError('internal', what, { what }, cause === undefined ? {} : { cause });
    answers.fail(error);
    lost(error);
  });
  answers.ready.catch(lost).finally(() => worker.unref());
  return {
    ready: answers.ready,
    send: (order) => worker.postMessage(order),
    run(order, onLabel) {
      const answer = answers.expect(onLabel);
      worker.ref(); // an idle crew keeps no process alive, a working one does
      worker.postMessage(order);
      return answer.finally(() => worker.unref());
    },
    async end() {
      if (ended) return;
      ended = true;
      await worker.terminate();
    },
  };
}

/** From sources (tests, benchmarks) on Node 20, `--import tsx` does not reach threads: there it has to be asked for. */
function startThread(workerData: ThreadParts, module: URL): Worker {
  if (!module.pathname.endsWith('.ts')) return new Worker(module, { workerData });
  const code = `import('tsx/esm/api').then(({ register }) => { register(); return import('${module.href}'); })`;
  return new Worker(code, { eval: true, workerData });
}

function lostCrew(cause: unknown): AssayError {
  if (cause instanceof AssayError) return cause;
  const what = `the device's lanes ended: ${cause instanceof Error ? cause.message : String(cause)}`;
  return new AssayError('internal', what, { what }, { cause });
}
