// Owns: the demo's processes: started, restarted when they die, ended by their own ids. Does not own: what they are.
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Clock, withTimeout } from '../../model/clock.js';
import { AssayError } from '../../model/errors.js';

export const MAIN = fileURLToPath(new URL('../main.js', import.meta.url));
/** A role that is not ready by then will not be; a busy machine of two cores takes a tenth of this. */
const READY_MS = 60_000;
/** What does not end when asked is ended. */
const STOP_MS = 5000;
/** Of roles that have some dozens of sessions at once. */
const SEMI_SPACE_MIB = 2;
/** A process that dies again and again has something else wrong with it. */
const MAX_RESTARTS = 3;

/** Roles are told everything by their arguments: a variable of whoever started the demo must not change one. */
export const ENVIRONMENT = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !name.startsWith('ASSAY_')),
);

export interface ProcessSpec {
  readonly name: string;
  /** Arguments of the command line, by how often it was restarted and what its first start said when it was ready. */
  readonly args: (attempt: number, first: Readonly<Record<string, unknown>>) => readonly string[];
  /** false: nothing can go on without what it held, so its death ends the demo. @default true */
  readonly restart?: boolean;
  /** heap of the process, MiB */
  readonly heapMiB: number;
  /** Its youngest part: small is less memory, and more work for what has many sessions at once. @default SEMI_SPACE_MIB */
  readonly semiSpaceMiB?: number;
  /** beside what it inherits. @default nothing */
  readonly env?: Readonly<Record<string, string>>;
}

export interface Managed {
  readonly name: string;
  readonly pid: number;
  readonly log: string;
  kill(signal: NodeJS.Signals): void;
  /** ends it in order, and for good */
  stop(): Promise<void>;
}

export interface Processes {
  /** Resolves with what the role said when it was ready. @throws AssayError `timeout` or `unreachable` with its log's path */
  start(spec: ProcessSpec): Promise<{ process: Managed; ready: Readonly<Record<string, unknown>> }>;
  pids(): number[];
  stopAll(): Promise<void>;
}

export interface ProcessesParts {
  readonly clock: Clock;
  readonly dir: string;
  /** The program that they run, with flags of Node before it. @default this build's */
  readonly program?: readonly string[];
  /** @default MAX_RESTARTS */
  readonly maxRestarts?: number;
}

export function createProcesses(
  parts: ProcessesParts,
  on: {
    message(name: string, message: Readonly<Record<string, unknown>>): void;
    died(name: string, how: string, restarting: boolean): void;
  },
): Processes {
  const { clock, program = [MAIN], maxRestarts = MAX_RESTARTS } = parts;
  const logs = join(parts.dir, 'logs');
  const managed = new Set<{ readonly child: ChildProcess | undefined; stop(): Promise<void> }>();
  let stopping = false;

  return {
    pids: () => [...managed].flatMap(({ child }) => (child?.pid === undefined ? [] : [child.pid])),
    async start(spec) {
      await mkdir(logs, { recursive: true });
      if (stopping)
        throw new AssayError('unreachable', `${spec.name}: the demo is ending`, { address: spec.name });
      const log = join(logs, `${spec.name}.log`);
      let child: ChildProcess | undefined;
      let attempt = 0;
      let wanted = true;
      let first: Readonly<Record<string, unknown>> = {};
      let onReady: (ready: Readonly<Record<string, unknown>>) => void = () => {};
      let onDead: (how: string) => void = () => {};

      const launch = () => {
        const file = openSync(log, 'a', 0o600);
        const launched = spawn(
          process.execPath,
          [
            `--max-old-space-size=${spec.heapMiB}`,
            `--max-semi-space-size=${spec.semiSpaceMiB ?? SEMI_SPACE_MIB}`,
            ...program,
            ...spec.args(attempt, first),
          ],
          { stdio: ['ignore', file, file, 'ipc'], env: { ...ENVIRONMENT, ...spec.env } },
        );
        closeSync(file);
        child = launched;
        launched.on('message', (message: unknown) => {
          if (typeof message !== 'object' || message === null) return;
          const said = message as Readonly<Record<string, unknown>>; // tellParent sends objects
          if (typeof said.ready === 'object' && said.ready !== null) {
            const ready = said.ready as Readonly<Record<string, unknown>>;
            if (attempt === 0) first = ready;
            onReady(ready);
          }
          on.message(spec.name, said);
        });
        launched.on('error', (error) => onDead(error.message));
        launched.on('exit', (code, signal) => {
          const how = signal ? `ended by ${signal}` : `exit code ${code}`;
          if (child === launched) child = undefined;
          onDead(how);
          if (!wanted || stopping) return;
          const again = attempt < maxRestarts && spec.restart !== false;
          on.died(spec.name, how, again);
          attempt++;
          if (again) launch();
        });
      };

      const entry = {
        get child() {
          return child;
        },
        async stop() {
          wanted = false;
          managed.delete(entry);
          await end(child);
        },
      };
      managed.add(entry);
      const ready = new Promise<Readonly<Record<string, unknown>>>((resolve, reject) => {
        onReady = resolve;
        onDead = (how) => {
          // only the first start may fail the demo; later deaths are the supervisor's business
          if (attempt >= maxRestarts || spec.restart === false || !wanted || stopping)
            reject(
              new AssayError('unreachable', `${spec.name} did not start (${how}); its log is ${log}`, {
                address: spec.name,
              }),
            );
        };
      });
      launch();
      const late = () =>
        new AssayError(
          'timeout',
          `${spec.name} was not ready after ${READY_MS / 1000} s; its log is ${log}`,
          {
            what: spec.name,
            afterMs: READY_MS,
          },
        );
      return {
        ready: await withTimeout(clock, READY_MS, ready, late),
        process: {
          name: spec.name,
          log,
          get pid() {
            return child?.pid ?? -1;
          },
          kill: (signal) => child?.kill(signal),
          stop: entry.stop,
        },
      };
    },
    async stopAll() {
      stopping = true;
      await Promise.all([...managed].map((entry) => entry.stop()));
    },
  };

  async function end(child: ChildProcess | undefined): Promise<void> {
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const exited = new Promise<void>((resolve) => {
      child.once('exit', () => resolve());
    });
    child.kill('SIGTERM');
    await withTimeout(clock, STOP_MS, exited, () => new Error('still there')).catch(async () => {
      child.kill('SIGKILL');
      await exited;
    });
  }
}
