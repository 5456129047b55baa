// Owns: the demo's queue on Redis: a server of its own on loopback, two workers of one validator, and the death of one of them with a job
// in its hand. Does not own: processes (processes.ts), the queue.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { AssayError } from '../../model/errors.js';
import type { Managed, Processes } from './processes.js';

const SERVER = 'redis-server';
const WORKERS = ['worker-a', 'worker-b'] as const;
/** the one that is ended */
export const KILLED: (typeof WORKERS)[number] = 'worker-a';
/** MiB: a worker was seen to need, twice */
const HEAP_MIB = 160;

/** @throws AssayError `invalid-input` where there is no such program: nothing of the demo has begun */
export function assertRedisServer(): void {
  if (spawnSync(SERVER, ['--version']).status === 0) return;
  const expected = `${SERVER} on the PATH (Debian, Ubuntu: apt-get install redis-server)`;
  throw new AssayError('invalid-input', `--redis: expected ${expected}, got none`, {
    what: '--redis',
    expected,
    got: 'none',
  });
}

export interface DemoWorkers {
  /** what the validator whose workers they are is started with */
  readonly flags: readonly string[];
  /** Started when the validator is there: it makes the key. */
  start(): Promise<void>;
  /** What a worker says of itself; from `arm` on the first one to have a job in hand is ended with it. */
  heard(name: string, message: Readonly<Record<string, unknown>>): void;
  arm(): void;
  wasKilled(): boolean;
  close(): void;
}

export async function openDemoWorkers(
  { processes, say }: { readonly processes: () => Processes; readonly say: (line: string) => void },
  { dir }: { readonly dir: string },
): Promise<DemoWorkers> {
  const [port, evidencePort] = [await freePort(), await freePort()];
  const redis = `redis://127.0.0.1:${port}`;
  const key = join(dir, 'queue-key');
  const common = ['--redis', redis, '--queue-key', key];
  const server = await startServer(port, dir);
  const workers = new Map<string, Managed>();
  let armed = false;
  let killed = false;
  return {
    // its epochs take seconds, where a worker that died is found out after ten
    flags: [...common, '--evidence-port', `${evidencePort}`, '--worker-patience-ms', '2000'],
    async start() {
      for (const name of WORKERS) {
        const evidence = ['--evidence', `http://127.0.0.1:${evidencePort}`];
        const own = ['--verifier-threads', '1', '--admin-port', '-1'];
        const { process } = await processes().start({
          name,
          args: () => ['validator', 'worker', ...common, ...evidence, ...own],
          heapMiB: HEAP_MIB,
        });
        workers.set(name, process);
      }
    },
    heard(name, { worker }) {
      const inHand = (worker as { readonly inHand?: number } | undefined)?.inHand ?? 0;
      if (!armed || killed || name !== KILLED || inHand === 0) return;
      killed = true;
      say(`SIGKILL to ${KILLED}, which has ${inHand} ${inHand === 1 ? 'job' : 'jobs'} in hand`);
      workers.get(name)?.kill('SIGKILL');
    },
    arm() {
      armed = true;
    },
    wasKilled: () => killed,
    close: () => server.kill('SIGKILL'),
  };
}

async function startServer(port: number, dir: string): Promise<ChildProcess> {
  const child = spawn(
    SERVER,
    ['--port', `${port}`, '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', dir],
    { stdio: ['ignore', 'pipe', 'ignore'] },
  );
  await new Promise<void>((resolve, reject) => {
    const failed = (how: string) => {
      const address = `127.0.0.1:${port}`;
      reject(new AssayError('unreachable', `${SERVER} at ${address} did not start: ${how}`, { address }));
    };
    child.once('error', ({ message }) => failed(message));
    child.once('exit', (code) => failed(`exit code ${code}`));
    let said = ''; // a piece of what it says may end within these words
    child.stdout.on('data', (text: Buffer) => {
      said = (said + text.toString()).slice(-4096);
      if (said.includes('Ready to accept connections')) resolve();
    });
  });
  return child;
}

const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { readonly port: number }; // of a TCP server
      server.close(() => resolve(port));
    });
  });
