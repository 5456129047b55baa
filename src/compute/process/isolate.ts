// Owns: a device whose crash is its own: a process for it, started again with growing pauses, and what is told to whoever
// was using it. Does not own: what the process does (device-process.ts).
import { type ChildProcess, fork } from 'node:child_process';
import type { Clock } from '../../model/clock.js';
import { AssayError } from '../../model/errors.js';
import type { Log } from '../../model/log.js';
import type { Compute, Multiplier } from '../compute.js';
import { operandRows } from '../compute.js';
import type { Labels, LabelsSpec } from '../labels.js';
import type { DeviceChoice } from './device-process.js';
import type { DeviceAnswer, DeviceError, DeviceRequest, LabelsRead, ReadyDevice } from './messages.js';

export interface IsolateOptions {
  readonly choice: DeviceChoice;
  readonly log: Log;
  readonly clock: Clock;
  /** Told of each process that is started, and when it has ended. @default nobody */
  readonly onProcess?: ((pid: number, ended: Promise<unknown>) => void) | undefined;
  /** what is forked; a test hands in one that misbehaves. @default device-process.ts */
  readonly module?: URL;
}

/** Pauses before a start that follows a death; twice as long each time, until a process has lived. */
const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 30_000;
/** A process that lived this long was well: the next pause is the first one again. */
const LIVED_MS = 60_000;
/** Starting loads a runtime and compares every operation with the plain one. */
const START_MS = 60_000;
/** After its device is closed, or labels are told to stop, a process answers within milliseconds; one that does not hangs. */
const END_MS = 5000;
const HANGS = `it did not stop in ${END_MS / 1000} s`;

const MODULE = new URL(
  import.meta.url.endsWith('.ts') ? './device-process.ts' : './device-process.js',
  import.meta.url,
);

/**
 * A device in a process of its own. A process that dies takes what it was doing with it: those calls, and all of labels and
 * operands that it held, are AssayError `unreachable` with the reason as cause. The next call that can stand alone starts
 * another, after a pause.
 * @throws AssayError `unreachable` when the first process does not come up, `unsupported` when there is no such device
 */
export async function isolateDevice(options: IsolateOptions): Promise<Compute> {
  const { log, clock } = options;
  let { choice } = options;
  let running: Promise<DeviceProcess> | undefined;
  let pauseMs = 0;
  let notBefore = Number.NEGATIVE_INFINITY;
  const closed = new AbortController();

  const start = async (): Promise<DeviceProcess> => {
    await clock.sleep(notBefore - clock.monotonic(), closed.signal);
    if (closed.signal.aborted) throw lost(choice, 'it was closed');
    const startedAt = clock.monotonic();
    const process = new DeviceProcess({ ...options, choice });
    if (process.pid !== undefined) options.onProcess?.(process.pid, process.ended);
    void process.ended.then((why) => {
      if (closed.signal.aborted || process.instead) return;
      const livedMs = clock.monotonic() - startedAt;
      pauseMs =
        livedMs >= LIVED_MS || pauseMs === 0 ? FIRST_PAUSE_MS : Math.min(2 * pauseMs, LONGEST_PAUSE_MS);
      notBefore = clock.monotonic() + pauseMs;
      running = undefined;
      log.error('device process ended', {
        device: choice.device,
        why: why.message,
        livedMs: Math.round(livedMs),
        pauseMs,
      });
    });
    try {
      await process.ready;
      return process;
    } catch (error) {
      if (!process.instead) throw error;
      choice = process.instead; // from now on: a product that faults once is not tried again
      return start();
    }
  };
  const device = (): Promise<DeviceProcess> => {
    if (closed.signal.aborted) return Promise.reject(lost(choice, 'it was closed'));
    if (!running) {
      const starting = start();
      running = starting;
      // one that does not come up is tried again by the next call; its death has set the pause
      starting.catch(() => {
        if (running === starting) running = undefined;
      });
    }
    return running;
  };

  const { name, labels, supports } = await (await device()).ready;
  const compute: Compute = {
    name: `${name} in a process`,
    ...(supports ? { supports } : {}),
    async loadOperand(b, n) {
      const process = await device();
      const held = await process.ask<number>({ do: 'load-operand', b, n });
      return multiplierOf(process, held, n);
    },
    async close() {
      closed.abort();
      const process = await running?.catch(() => undefined);
      await process?.end();
    },
  };
  if (!labels) return compute;
  return {
    ...compute,
    async prepareLabels(basis, n) {
      await (await device()).ask({ do: 'prepare-labels', basis, n });
    },
    async openLabels(spec) {
      const process = await device();
      return labelsOf(process, await process.ask<number>({ do: 'open-labels', spec }), spec);
    },
  };
}

/** A request before it has a number. */
type Unnumbered<T> = T extends { call: number } ? Omit<T, 'call'> : never;
type Asked = Unnumbered<DeviceRequest>;

/** Of a call during which the process asks back. */
interface Listener {
  /** the call's number, before it is sent */
  onCall(call: number): void;
  /** whether there is time for another label, beside the `count` that there are */
  onMore(count: number): void;
}

/** What drivers go by is the system's. Our own variables may hold secrets, and whoever may look at a process sees its environment. */
const deviceEnvironment = (): NodeJS.ProcessEnv =>
  Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('ASSAY_')));

/** One process, from its start to its death. */
class DeviceProcess {
  readonly #child: ChildProcess;
  readonly #clock: Clock;
  readonly #waiting = new Map<number, { resolve(value: never): void; reject(error: unknown): void }>();
  readonly #listening = new Map<number, Listener>();
  #calls = 0;
  #dead: AssayError<'unreachable'> | undefined;
  /** what it said of its end, or what we ended it for */
  #lastWord: string | undefined;
  #instead: DeviceChoice | undefined;
  /** undefined where it could not even be started */
  readonly pid: number | undefined;
  readonly ready: Promise<ReadyDevice>;
  /** why it ended */
  readonly ended: Promise<AssayError<'unreachable'>>;

  constructor({ choice, log, clock, module = MODULE }: IsolateOptions) {
    this.#clock = clock;
    this.#child = fork(module, [JSON.stringify(choice)], {
      serialization: 'advanced',
      // only a source needs its loader; a debugger's port or a heap's flags are not the device's
      execArgv: module.pathname.endsWith('.ts') ? ['--import', import.meta.resolve('tsx')] : [],
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      env: deviceEnvironment(),
    });
    this.pid = this.#child.pid;
    const up = new AbortController();
    const over = new AbortController();
    let refused: Error | undefined;
    this.ended = new Promise((resolve) => {
      const end = (why: string, cause?: unknown): void => {
        this.#dead ??= lost(choice, why, cause);
        up.abort();
        over.abort();
        for (const { reject } of this.#waiting.values()) reject(this.#dead);
        this.#waiting.clear();
        this.#listening.clear();
        resolve(this.#dead);
      };
      this.#child.on('error', (error) => {
        end(error.message, error);
        this.#child.kill('SIGKILL');
      });
      this.#child.on('exit', (code, signal) => {
        const over = (): void =>
          end(this.#lastWord ?? (signal ? `it was ended by ${signal}` : `it ended with exit code ${code}`));
        // its last word may be read after that, up to the end of the channel; one that we closed says no more
        if (this.#child.connected) this.#child.once('disconnect', over);
        else over();
      });
    });
    this.ready = new Promise((resolve, reject) => {
      void this.ended.then((error) => reject(refused ?? error));
      this.#child.on('message', (answer: DeviceAnswer) => {
        if ('ready' in answer) {
          up.abort();
          this.#rest();
          resolve(answer.ready);
        } else if ('refused' in answer) {
          refused = thrown(answer.refused);
          this.#lastWord = refused.message;
          if (answer.fault && choice.device === 'cuda')
            this.#instead = { ...choice, without: [...(choice.without ?? []), answer.fault] };
          this.expectWithin(END_MS, over.signal, HANGS);
        } else if ('lost' in answer) {
          this.#lastWord = answer.lost;
          this.expectWithin(END_MS, over.signal, HANGS); // a kernel that hangs may hold its driver, and that the exit
        } else if ('log' in answer) log[answer.log](answer.message, answer.data);
        else if ('more' in answer) this.#listening.get(answer.more)?.onMore(answer.count);
        else this.#settle(answer);
      });
    });
    this.ready.catch(() => undefined); // whoever waits for it hears
    this.expectWithin(START_MS, up.signal, `it was not ready after ${START_MS / 1000} s`);
  }

  /** what is to be opened in its place: it was the end of this process alone */
  get instead(): DeviceChoice | undefined {
    return this.#instead;
  }

  get dead(): AssayError | undefined {
    return this.#dead;
  }

  ask<T>(request: Asked, listener?: Listener): Promise<T> {
    if (this.#dead) return Promise.reject(this.#dead);
    const call = this.#calls++;
    return new Promise<T>((resolve, reject) => {
      this.#waiting.set(call, { resolve, reject });
      if (listener) this.#listening.set(call, listener);
      listener?.onCall(call);
      this.#child.ref(); // a device that works keeps the process alive, an idle one does not
      this.#child.channel?.ref();
      this.tell({ ...request, call } as DeviceRequest); // `Asked` is each request without its number
    });
  }

  /** Nothing comes of it where the process is dead. */
  tell(request: DeviceRequest): void {
    if (!this.#dead) this.#child.send(request, () => undefined); // a failure to send is followed by `exit`
  }

  /** Ends a process that does not settle in time. */
  expectWithin(ms: number, settled: AbortSignal, why: string): void {
    void this.#clock.sleep(ms, settled).then(() => {
      if (settled.aborted || this.#dead) return;
      this.#lastWord ??= `${why}, and was ended by SIGKILL`;
      this.#child.kill('SIGKILL');
    });
  }

  async end(): Promise<void> {
    if (this.#dead) return;
    this.#child.ref();
    if (this.#child.connected) this.#child.disconnect();
    const gone = new AbortController();
    this.expectWithin(END_MS, gone.signal, HANGS);
    await this.ended;
    gone.abort();
  }

  #settle(answer: Extract<DeviceAnswer, { call: number }>): void {
    const waiter = this.#waiting.get(answer.call);
    this.#waiting.delete(answer.call);
    this.#listening.delete(answer.call);
    this.#rest();
    if ('error' in answer) waiter?.reject(thrown(answer.error));
    else waiter?.resolve(answer.value as never); // the type that the asking side gave
  }

  #rest(): void {
    if (this.#waiting.size > 0) return;
    this.#child.unref();
    this.#child.channel?.unref();
  }
}

function multiplierOf(process: DeviceProcess, held: number, n: number): Multiplier {
  return {
    n,
    async multiply(a) {
      operandRows(a, n);
      return process.ask<Int32Array>({ do: 'multiply', held, a });
    },
    release: () => process.tell({ release: held }),
  };
}

function labelsOf(process: DeviceProcess, held: number, spec: LabelsSpec): Labels {
  let count = 0;
  const read = <W extends LabelsRead>(what: W): Labels[W] =>
    // each read is its arguments there and its value back
    ((...args: readonly unknown[]) => process.ask({ do: 'read', held, what, with: args })) as Labels[W];
  return {
    spec,
    get count() {
      return count;
    },
    async extend(upTo, more, signal) {
      signal.throwIfAborted();
      if (count >= upTo || !more()) return count;
      let failure: { readonly error: unknown } | undefined;
      let call = -1;
      let over = false;
      const settled = new AbortController();
      const stop = (): void => {
        if (over) return;
        over = true;
        process.tell({ stop: call });
        process.expectWithin(END_MS, settled.signal, HANGS);
      };
      const onMore = (finished: number): void => {
        count = Math.max(count, finished);
        if (over) return;
        try {
          if (!more()) stop();
        } catch (error) {
          failure = { error }; // this runs on a message: thrown on, it would be nobody's
          stop();
        }
      };
      const onCall = (number: number): void => {
        call = number;
      };
      signal.addEventListener('abort', stop, { once: true });
      try {
        count = await process.ask<number>({ do: 'extend', held, upTo }, { onCall, onMore });
      } finally {
        settled.abort();
        signal.removeEventListener('abort', stop);
      }
      signal.throwIfAborted();
      if (failure) throw (failure as { readonly error: unknown }).error; // set in a callback, which narrowing does not see
      return count;
    },
    roots: read('roots'),
    rows: read('rows'),
    columns: read('columns'),
    accumulators: read('accumulators'),
    rowPaths: read('rowPaths'),
    columnPaths: read('columnPaths'),
    pass: read('pass'),
    passLeaf: read('passLeaf'),
    release: () => process.tell({ release: held }),
  };
}

function lost({ device }: DeviceChoice, why: string, cause?: unknown): AssayError<'unreachable'> {
  const reason = cause ?? new Error(why);
  return new AssayError(
    'unreachable',
    `the ${device} device's process is gone: ${why}`,
    { address: `${device} process` },
    { cause: reason },
  );
}

function thrown({ name, message, assay }: DeviceError): Error {
  if (assay) return new AssayError(assay.code, message, assay.data);
  if (name === 'RangeError') return new RangeError(message);
  return new AssayError('internal', message, { what: message });
}
