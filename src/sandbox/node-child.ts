// Owns: shutting a program in: one `node` process in namespaces and a root of its own, with the kernel's limits, tried out before it
// is trusted. Does not own: what the program is for.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { CANARY, HARNESS } from './harness.js';
import type { Sandbox, SandboxLimits, SandboxResult } from './sandbox.js';

export interface NodeSandboxOptions {
  /**
   * programs at once; the others wait
   * @default 2
   */
  readonly processes?: number;
  /**
   * the tool of util-linux that makes namespaces
   * @default 'unshare'
   */
  readonly unshare?: string;
}

/**
 * In a mount namespace of its own: an empty root with the one program, its libraries, and what takes rights away; read-only.
 * `chroot` holds because no capability is left by which one leaves it, and none comes back (no-new-privs; a process in a chroot
 * makes no user namespace). $1 is node, $2 and $3 seconds and bytes, the rest node's arguments.
 */
const SHUT_IN = `set -e
node=$1; cpu=$2; data=$3; shift 3
mount -t tmpfs -o size=64k,mode=755,nosuid,nodev none /mnt
cd /mnt
mkdir -p usr/lib lib lib64 bin
for folder in /usr/lib /lib /lib64; do
  if [ -d $folder ]; then mount --bind $folder .$folder; mount -o remount,bind,ro,nosuid,nodev .$folder; fi
done
touch bin/node bin/setpriv bin/prlimit
mount --bind "$node" bin/node
mount --bind "$(command -v setpriv)" bin/setpriv
mount --bind "$(command -v prlimit)" bin/prlimit
mount -o remount,ro,nosuid,nodev /mnt
exec chroot /mnt /bin/setpriv --no-new-privs --bounding-set=-all --inh-caps=-all \\
  /bin/prlimit --cpu=$cpu:$cpu --data=$data --nofile=64 --nproc=64 --core=0 --fsize=0 /bin/node "$@"
`;
const NAMESPACES = ['--user', '--map-root-user', '--net', '--mount', '--pid', '--ipc', '--uts'];
const PATH = '/usr/sbin:/usr/bin:/sbin:/bin';
const MIB = 2 ** 20;
/** node's own, beside a program's heap and its buffers; measured: 70 MiB are too few for it to start */
const OWN_DATA_MIB = 160;
/** A process sleeps, or its machine is that busy. Far above any program that ends by itself: those take some 0.1 s (measured). */
const WALL_SECONDS_PER_CPU_SECOND = 10;
const MAX_ERROR_CHARS = 200;
const [MAJOR] = process.versions.node.split('.');
/** Since Node 23.5 permissions are no experiment. */
const PERMISSION = Number(MAJOR) >= 24 ? '--permission' : '--experimental-permission';
const PERMITTED = ['--jitless', PERMISSION, '--no-warnings', '--disable-proto=delete', '--stack-size=500'];

/** How a shut-in process ended. */
interface Ended {
  readonly out: string;
  readonly error: string;
  readonly why: 'exit' | 'wall' | 'output' | 'aborted' | 'unstarted';
  readonly code: number | undefined;
}

/**
 * A sandbox of Linux's namespaces. Whether they can be had here is tried with the first program: where they cannot, every run is
 * a `fault` with the reason, and no program starts.
 */
export function createNodeSandbox({ processes = 2, unshare = 'unshare' }: NodeSandboxOptions = {}): Sandbox {
  const waiting: (() => void)[] = [];
  let free = processes;
  let tried: Promise<string | undefined> | undefined;

  const start = (args: readonly string[], input: string, limits: SandboxLimits, signal: AbortSignal) =>
    shutIn(unshare, args, input, limits, signal);

  const turn = async <T>(work: () => Promise<T>): Promise<T> => {
    if (free > 0) free--;
    else await new Promise<void>((go) => waiting.push(go));
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next) next();
      else free++;
    }
  };

  const runOnce = async (program: string, limits: SandboxLimits, signal: AbortSignal) => {
    const heap = `--max-old-space-size=${limits.memoryMiB}`;
    const input = JSON.stringify({ program, outputChars: limits.outputChars });
    return start([...PERMITTED, heap, '-e', HARNESS], input, limits, signal);
  };

  return {
    runtime: `node-${MAJOR}`,
    run: (program, limits, signal) =>
      turn(async (): Promise<SandboxResult> => {
        signal.throwIfAborted();
        tried ??= tryOut(start);
        const missing = await tried;
        signal.throwIfAborted();
        if (missing !== undefined) return { kind: 'fault', why: missing };
        const ended = await runOnce(program, limits, signal);
        signal.throwIfAborted();
        const result = resultOf(ended);
        if (result.kind !== 'limit' || result.which !== 'time' || ended.why !== 'wall') return result;
        // whose was it, the program's or a machine's on which nothing runs? Asked by one that does nothing
        const nothing = await runOnce(`''`, limits, signal);
        signal.throwIfAborted();
        return resultOf(nothing).kind === 'value'
          ? result
          : { kind: 'fault', why: 'this machine is too busy to run even an empty program in its time' };
      }),
  };
}

function resultOf({ out, error, why, code }: Ended): SandboxResult {
  if (why === 'unstarted' || (out === '' && why !== 'wall'))
    return { kind: 'fault', why: `the process did not start: ${printable(error) || `exit ${code}`}` };
  if (why === 'wall') return { kind: 'limit', which: 'time' };
  if (why === 'output' || out === 'RL') return { kind: 'limit', which: 'output' };
  if (out === 'RT') return { kind: 'threw' };
  if (code === 0 && out.startsWith('RV')) return { kind: 'value', value: out.slice(2) };
  // killed by the kernel for its time, ended for its memory, or by itself: the program's doing in each case
  return { kind: 'limit', which: 'ended' };
}

/** @returns why no program may run here; undefined where one may */
async function tryOut(
  start: (
    args: readonly string[],
    input: string,
    limits: SandboxLimits,
    signal: AbortSignal,
  ) => Promise<Ended>,
): Promise<string | undefined> {
  if (process.platform !== 'linux')
    return `no namespaces on ${process.platform}: programs run on Linux alone`;
  let met = 0;
  const server = createServer((socket) => {
    met++;
    socket.destroy();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    const { port } = server.address() as { port: number }; // a TCP server that listens
    const limits = { cpuSeconds: 5, memoryMiB: 64, outputChars: 4096 };
    const { signal } = new AbortController();
    const { out, error, why } = await start(
      ['--jitless', '--no-warnings', '-e', CANARY, String(port)],
      '',
      limits,
      signal,
    );
    if (out === '' || why !== 'exit')
      return `this machine cannot shut a program in (user, network, mount and process namespaces): ${printable(error) || why}`;
    return met > 0 ? 'a shut-in process reached the network' : escapes(out);
  } finally {
    server.close();
  }
}

/** @returns what the canary could do that it must not */
function escapes(out: string): string | undefined {
  let found: Record<string, unknown>;
  try {
    found = JSON.parse(out) as Record<string, unknown>; // of our own script
  } catch {
    return 'the trial in the sandbox gave no answer';
  }
  const expected: Record<string, unknown> = {
    root: ['bin', 'lib', 'lib64', 'usr'],
    bin: ['node', 'prlimit', 'setpriv'],
    write: ['denied', 'denied', 'denied', 'denied'],
    rights: 'denied',
    network: 'denied',
    addresses: 0,
    pid: 1,
  };
  const wrong = Object.keys(expected).filter(
    (key) => JSON.stringify(found[key]) !== JSON.stringify(expected[key]),
  );
  return wrong.length === 0 ? undefined : `a shut-in process has more than it should: ${wrong.join(', ')}`;
}

function shutIn(
  unshare: string,
  args: readonly string[],
  input: string,
  { cpuSeconds, memoryMiB, outputChars }: SandboxLimits,
  signal: AbortSignal,
): Promise<Ended> {
  const data = String((2 * memoryMiB + OWN_DATA_MIB) * MIB);
  // a group of its own, so that one signal reaches all of it; --kill-child for the case that we are the ones who die
  const child = spawn(
    unshare,
    [
      ...NAMESPACES,
      '--fork',
      '--kill-child',
      'sh',
      '-c',
      SHUT_IN,
      'sh',
      process.execPath,
      String(cpuSeconds),
      data,
      ...args,
    ],
    { env: { PATH }, cwd: '/', detached: true, stdio: ['pipe', 'pipe', 'pipe'] },
  );
  return new Promise((resolve) => {
    let why: Ended['why'] = 'exit';
    let error = '';
    const chunks: Buffer[] = [];
    let bytes = 0;
    const kill = (reason: Ended['why']): void => {
      if (why === 'exit') why = reason;
      try {
        if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
      } catch {
        // ended by itself meanwhile
      }
    };
    const wall = setTimeout(() => kill('wall'), cpuSeconds * WALL_SECONDS_PER_CPU_SECOND * 1000);
    const aborted = (): void => kill('aborted');
    signal.addEventListener('abort', aborted, { once: true });
    child.stdout.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      // 3: a UTF-16 unit in UTF-8 at most
      if (bytes > 3 * outputChars + 16) kill('output');
      else chunks.push(chunk);
    });
    child.stderr.on('data', (chunk: Buffer) => {
      if (error.length < MAX_ERROR_CHARS) error += chunk.toString('latin1');
    });
    // a process that ends before it has read everything
    child.stdin.on('error', () => undefined);
    child.stdin.end(input);
    child.once('error', (cause) => {
      error = `${unshare}: ${cause.message}`;
      why = 'unstarted';
    });
    child.once('close', (code) => {
      clearTimeout(wall);
      signal.removeEventListener('abort', aborted);
      resolve({ out: Buffer.concat(chunks).toString('utf8'), error, why, code: code ?? undefined });
    });
    if (signal.aborted) aborted();
  });
}

/** What a process prints is a stranger's. */
const printable = (text: string): string =>
  text
    .replaceAll(/[^\x20-\x7e]+/g, ' ')
    .trim()
    .slice(0, MAX_ERROR_CHARS);
