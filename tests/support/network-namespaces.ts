// Owns: network namespaces behind one switch, each with a link of a given rate, and their end whatever happens. Does not own:
// what runs in them.
import { execFileSync } from 'node:child_process';

export interface ShapedNamespace {
  readonly name: string;
  /** all with /8 */
  readonly addresses: readonly string[];
  readonly upBytesPerS: number;
  readonly downBytesPerS: number;
}

export interface Namespaces {
  /** arguments before the command, for `spawn` */
  within(name: string): readonly string[];
  remove(): void;
}

/** Names carry the process, so that what a killed one left behind can be told from what another uses. */
const PREFIX = 'assay-bw-';

const run = (command: string, ...args: string[]): string =>
  execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], timeout: 20_000 });

/** Why they cannot be had here, or undefined. Tries, rather than guess from who we are. */
export function namespacesProblem(): string | undefined {
  if (process.platform !== 'linux') return 'network namespaces are Linux only';
  if (process.getuid?.() !== 0) return 'making network namespaces needs root';
  try {
    createNamespaces([
      { name: 'try', addresses: ['10.0.0.1'], upBytesPerS: 1e6, downBytesPerS: 1e6 },
    ]).remove();
    return undefined;
  } catch (error) {
    const said = (error as { stderr?: string }).stderr?.trim() || String(error);
    return `ip and tc (package iproute2) cannot make one here: ${said.split('\n')[0]}`;
  }
}

/**
 * @throws what `ip` and `tc` say; nothing is left then
 */
export function createNamespaces(hosts: readonly ShapedNamespace[]): Namespaces {
  sweep();
  const made: string[] = [];
  const full = (name: string): string => `${PREFIX}${process.pid}-${name}`;
  const make = (name: string): string => {
    run('ip', 'netns', 'add', full(name));
    made.push(full(name));
    return full(name);
  };
  // both ends of every pair lie in a namespace, so that they go with it
  const remove = () => {
    for (const name of made.splice(0).reverse()) {
      try {
        run('ip', 'netns', 'del', name);
      } catch {
        // gone already; the next sweep tries again
      }
    }
  };
  process.once('exit', remove);
  try {
    const hub = make('switch');
    run('ip', '-n', hub, 'link', 'add', 'hub', 'type', 'bridge');
    run('ip', '-n', hub, 'link', 'set', 'hub', 'up');
    for (const [i, { name, addresses, upBytesPerS, downBytesPerS }] of hosts.entries()) {
      const own = make(name);
      const port = `port${i}`;
      run('ip', '-n', own, 'link', 'add', 'line', 'type', 'veth', 'peer', 'name', port, 'netns', hub);
      run('ip', '-n', hub, 'link', 'set', port, 'master', 'hub', 'up');
      for (const address of addresses) run('ip', '-n', own, 'addr', 'add', `${address}/8`, 'dev', 'line');
      run('ip', '-n', own, 'link', 'set', 'lo', 'up');
      run('ip', '-n', own, 'link', 'set', 'line', 'up');
      shape(own, 'line', upBytesPerS);
      shape(hub, port, downBytesPerS);
    }
  } catch (error) {
    remove();
    throw error;
  }
  return {
    within: (name) => ['ip', 'netns', 'exec', full(name)],
    remove() {
      process.off('exit', remove);
      remove();
    },
  };
}

/** What leaves `device` has this rate: a bucket of 5 ms, and at most 50 ms in the queue. */
function shape(namespace: string, device: string, bytesPerS: number): void {
  const burst = Math.max(8192, Math.round(bytesPerS * 0.005));
  const rate = `${Math.round(bytesPerS * 8)}bit`;
  run(
    'tc',
    '-n',
    namespace,
    'qdisc',
    'add',
    'dev',
    device,
    'root',
    'tbf',
    'rate',
    rate,
    'burst',
    `${burst}`,
    'latency',
    '50ms',
  );
}

/** Namespaces of processes that are no more. */
function sweep(): void {
  for (const line of run('ip', 'netns', 'list').split('\n')) {
    const name = line.split(' ')[0];
    const pid = name.startsWith(PREFIX) ? Number.parseInt(name.slice(PREFIX.length), 10) : Number.NaN;
    if (Number.isNaN(pid) || isAlive(pid)) continue;
    run('ip', 'netns', 'del', name);
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
