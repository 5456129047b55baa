// Owns: finding out what a host is, as far as it says so itself: nothing as root, nothing over a network, nothing that can hang.
// Does not own: the form (protocol/host-facts.ts), whether any of it is true.
import { execFile } from 'node:child_process';
import { readFile, stat, statfs } from 'node:fs/promises';
import { arch, cpus, release, totalmem, type } from 'node:os';
import { promisify } from 'node:util';
import type { Clock } from '../model/clock.js';
import type { Log } from '../model/log.js';
import type { HostFacts } from '../protocol/host-facts.js';

/** How often facts are collected anew. */
const FACTS_MS = 6 * 3_600_000;
/** Each question has so long; what does not answer is left out. */
const ASK_MS = 3000;
/** apt reads its lists from the disk, and may be slow there. */
const APT_MS = 20_000;
const MOST_OUTPUT = 4 << 20;
const MOST_PORTS = 256;

/** What is asked of the system: a twin in tests. */
export interface HostQuestions {
  /** standard output of a program, undefined where it is not there, fails, or the signal ended it */
  run(
    program: string,
    args: readonly string[],
    withinMs?: number,
    signal?: AbortSignal,
  ): Promise<string | undefined>;
  /** undefined where it cannot be read */
  read(path: string): Promise<string | undefined>;
  /** unix ms at which it was written last */
  writtenAt(path: string): Promise<number | undefined>;
  disk(folder: string): Promise<{ readonly bytes: number; readonly freeBytes: number } | undefined>;
}

/** What a program said, or why it said nothing. */
export type Said =
  | { readonly is: 'done'; readonly out: string }
  | { readonly is: 'not-there' }
  | { readonly is: 'late' }
  | { readonly is: 'failed'; readonly out: string; readonly err: string };

const execute = promisify(execFile);

/** Of programs whose failure says something. */
export interface ProgramQuestions {
  says(program: string, args: readonly string[], withinMs?: number, signal?: AbortSignal): Promise<Said>;
}

/** One that not even SIGKILL ends (a card that fell off its bus does that to whoever asks it) is left behind after so long. */
const LEFT_MS = 500;

async function says(
  program: string,
  args: readonly string[],
  withinMs = ASK_MS,
  signal?: AbortSignal,
): Promise<Said> {
  const options = { timeout: withinMs, killSignal: 'SIGKILL', maxBuffer: MOST_OUTPUT } as const;
  // no secret of ours belongs into the environment of what it runs; where the driver's libraries lie some containers say there
  const { PATH = '', LD_LIBRARY_PATH } = process.env;
  const env = { PATH, LC_ALL: 'C', ...(LD_LIBRARY_PATH === undefined ? {} : { LD_LIBRARY_PATH }) };
  const running = execute(program, [...args], { ...options, env, ...(signal ? { signal } : {}) });
  const ended = running.then(
    ({ stdout }): Said => ({ is: 'done', out: stdout }),
    (error: NodeJS.ErrnoException & { killed?: boolean; stdout?: string; stderr?: string }): Said => {
      const { code, killed, stdout = '', stderr = '' } = error;
      if (code === 'ENOENT' || code === 'EACCES') return { is: 'not-there' };
      return killed ? { is: 'late' } : { is: 'failed', out: stdout, err: stderr };
    },
  );
  let timer: NodeJS.Timeout | undefined;
  const stuck = new Promise<Said>((resolve) => {
    timer = setTimeout(() => resolve({ is: 'late' }), withinMs + LEFT_MS);
  });
  const said = await Promise.race([ended, stuck]);
  clearTimeout(timer);
  const { child } = running;
  if (said.is === 'late') {
    for (const stream of [child.stdout, child.stderr]) stream?.destroy();
    child.unref();
  }
  return said;
}

export const systemQuestions: HostQuestions & ProgramQuestions = {
  says,
  async run(program, args, withinMs, signal) {
    const said = await says(program, args, withinMs, signal);
    return said.is === 'done' ? said.out : undefined;
  },
  read: (path) => readFile(path, 'utf8').catch(() => undefined),
  writtenAt: (path) =>
    stat(path).then(
      ({ mtimeMs }) => Math.round(mtimeMs),
      () => undefined,
    ),
  disk: (folder) =>
    statfs(folder).then(
      ({ bsize, blocks, bavail }) => ({ bytes: bsize * blocks, freeBytes: bsize * bavail }),
      () => undefined,
    ),
};

/** @param of.folder the data folder, whose volume is told of */
export async function collectHostFacts(
  questions: HostQuestions,
  of: { readonly folder: string; readonly at: number },
  signal?: AbortSignal,
): Promise<HostFacts> {
  const ask: HostQuestions = {
    ...questions,
    run: (program, args, withinMs) => questions.run(program, args, withinMs, signal),
  };
  const [system, virtualisation, runtimes, drivers, ports, updates, updatesCheckedAt, disk] =
    await Promise.all([
      ask.read('/etc/os-release').then((text) => plain(/^PRETTY_NAME="?([^"\n]*)/m.exec(text ?? '')?.[1])),
      virtualisationOf(ask),
      Promise.all(RUNTIMES.map((runtime) => ask.run(runtime, ['--version']).then(firstLine))),
      ask
        .run('nvidia-smi', ['--query-gpu=name,driver_version', '--format=csv,noheader'])
        .then((text) => lines(text).map(plain).filter(isThere).slice(0, 32)),
      portsOf(ask),
      securityUpdates(ask),
      ask.writtenAt('/var/lib/apt/lists'),
      ask.disk(of.folder),
    ]);
  const [first] = cpus();
  const cpu = plain(first?.model);
  const kernel = plain(`${type()} ${release()} ${arch()}`);
  return {
    at: of.at,
    ...(system ? { system } : {}),
    ...(kernel ? { kernel } : {}),
    ...(cpu ? { cpu } : {}),
    cpus: cpus().length,
    memoryBytes: totalmem(),
    ...(disk ? { diskBytes: disk.bytes, diskFreeBytes: disk.freeBytes } : {}),
    ...(virtualisation ? { virtualisation } : {}),
    containerRuntimes: runtimes.filter(isThere),
    drivers,
    ...(ports ? { openPorts: ports } : {}),
    ...(updates === undefined ? {} : { pendingSecurityUpdates: updates }),
    ...(updates === undefined || updatesCheckedAt === undefined ? {} : { updatesCheckedAt }),
  };
}

/**
 * Collects now and every few hours, until aborted.
 * @param on told each time
 */
export async function keepHostFacts(
  parts: { readonly clock: Clock; readonly log: Log; readonly questions: HostQuestions },
  folder: string,
  signal: AbortSignal,
  on: (facts: HostFacts) => void,
): Promise<void> {
  const { clock, log, questions } = parts;
  for (; !signal.aborted; await clock.sleep(FACTS_MS, signal))
    try {
      const facts = await collectHostFacts(questions, { folder, at: clock.now() }, signal);
      if (!signal.aborted) on(facts);
    } catch (error) {
      if (!signal.aborted) log.warn('facts about this host are not told', { error });
    }
}

/** They say their version without a daemon. */
const RUNTIMES = ['docker', 'podman', 'containerd', 'runc'];

async function virtualisationOf(ask: HostQuestions): Promise<string | undefined> {
  const said = await ask.run('systemd-detect-virt', []);
  if (said !== undefined) return plain(said.trim());
  // it exits 1 where there is none, and is not there at all in a small container
  const [docker, podman, product] = await Promise.all([
    ask.read('/.dockerenv'),
    ask.read('/run/.containerenv'),
    ask.read('/sys/class/dmi/id/product_name'),
  ]);
  if (docker !== undefined) return 'docker';
  if (podman !== undefined) return 'podman';
  return plain(product?.trim());
}

/** TCP sockets that listen on another address than loopback, of this network namespace. */
async function portsOf(ask: HostQuestions): Promise<number[] | undefined> {
  const tables = await Promise.all(['/proc/net/tcp', '/proc/net/tcp6'].map(ask.read));
  if (tables.every((table) => table === undefined)) return undefined;
  const ports = new Set<number>();
  for (const line of tables.flatMap((table) => lines(table).slice(1))) {
    const [, local = '', , state] = line.trim().split(/\s+/);
    const [address = '', port = ''] = local.split(':');
    if (state === '0A' && !LOOPBACK.test(address)) ports.add(Number.parseInt(port, 16));
  }
  return [...ports]
    .filter((port) => port > 0)
    .sort((a, b) => a - b)
    .slice(0, MOST_PORTS);
}
/** 127.0.0.0/8 in the kernel's order of bytes, ::1, and the former in the form of the latter */
const LOOPBACK = /^(.{6}7F|0{24}01000000|0{16}FFFF0000.{6}7F)$/;

/** What apt would install from a security archive, by the lists that are here: it asks nobody. */
async function securityUpdates(ask: HostQuestions): Promise<number | undefined> {
  const text = await ask.run('apt-get', ['--simulate', '--no-download', '-qq', 'upgrade'], APT_MS);
  return text === undefined
    ? undefined
    : lines(text).filter((line) => /^Inst .*[Ss]ecurity/.test(line)).length;
}

const lines = (text: string | undefined): string[] => (text ?? '').split('\n').filter((line) => line !== '');
const firstLine = (text: string | undefined): string | undefined => plain(lines(text)[0]);
const isThere = <T>(value: T | undefined): value is T => value !== undefined;

/** Printable ASCII, as the form takes it; nothing where nothing is left. */
function plain(text: string | undefined): string | undefined {
  const kept = text
    ?.replace(/[^\x20-\x7e]/g, '')
    .trim()
    .slice(0, 200);
  return kept === '' ? undefined : kept;
}
