// Owns: `assay localnet start --runtime`: a real Subtensor runtime, run by Chopsticks in a process of its own.
// Does not own: the embedded chain (localnet.ts), Chopsticks: whoever wants it installs it.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { type Clock, withTimeout } from '../../model/clock.js';
import { AssayError } from '../../model/errors.js';

import type { Log } from '../../model/log.js';
import { readInputJson } from '../input-text.js';
import { invalid } from '../invalid-input.js';

const PACKAGE = '@acala-network/chopsticks';
/** 1.2 and later want Node 22. */
const INSTALL = `npm install --ignore-scripts ${PACKAGE}@1.1.0`;
/** A runtime is a megabyte or two, in hex; the state of a young chain is less. */
const MAX_SPEC_BYTES = 256 << 20;
/** Compiling the runtime takes most of it. */
const START_TIMEOUT_MS = 120_000;
const STOP_TIMEOUT_MS = 5_000;

export interface RuntimeLocalnet {
  /** path of a raw chain spec */
  readonly spec: string;
  readonly host: string;
  /** 0 picks one */
  readonly port: number;
  readonly blockTimeMs: number;
  /** blocks are made when somebody calls dev_newBlock */
  readonly manual: boolean;
  /** address of the root key */
  readonly sudo: string;
  /** free TAO by address, rao, instead of what the spec gives them */
  readonly balances: ReadonlyMap<string, bigint>;
  readonly onListening: (served: { readonly url: string; readonly port: number }) => void;
}

interface RuntimeParts {
  readonly clock: Clock;
  readonly log: Log;
  /**
   * files from whose folders Chopsticks is looked for as Node looks for packages
   * @default the folder the command runs in, then this package
   */
  readonly installedIn?: readonly string[];
}

/**
 * Runs until `signal` aborts.
 * @throws AssayError `invalid-input` for no raw chain spec, `unsupported` when Chopsticks is not installed, `refused`
 *   when it ends by itself
 */
export async function runRuntimeLocalnet(
  {
    clock,
    log,
    installedIn = [join(process.cwd(), 'package.json'), fileURLToPath(import.meta.url)],
  }: RuntimeParts,
  options: RuntimeLocalnet,
  signal: AbortSignal,
): Promise<void> {
  await assertRawSpec(options.spec);
  const child = startChopsticks(findChopsticks(installedIn), options);
  const ended = endOf(child);
  ended.catch(() => {}); // raced below, and awaited at the end
  const stop = () => child.kill('SIGTERM');
  signal.addEventListener('abort', stop, { once: true });
  try {
    const port = await withTimeout(clock, START_TIMEOUT_MS, Promise.race([listening(child), ended]), late);
    if (port === undefined) return; // aborted while starting
    const url = `http://${bracketed(options.host)}:${port}`;
    await request(url, 'dev_setStorage', [storageOf(options)]);
    await request(url, 'dev_newBlock', [{ count: 1 }]);
    child.stdout!.on('data', (text: Buffer) => log.debug('chopsticks', { text: String(text).trim() })); // piped
    options.onListening({ url: url.replace('http', 'ws'), port });
    const making = options.manual ? ended : makeBlocks(clock, url, options.blockTimeMs, signal);
    await Promise.race([making, ended]);
  } finally {
    signal.removeEventListener('abort', stop);
    await end(clock, child);
  }
}

/** 0x3a636f6465 is ":code", where every Substrate chain keeps its runtime. */
const rawSpec = z.object({
  genesis: z.object({ raw: z.object({ top: z.object({ '0x3a636f6465': z.string() }) }) }),
});

async function assertRawSpec(path: string): Promise<void> {
  const spec = await readInputJson(path, { maxBytes: MAX_SPEC_BYTES });
  if (!rawSpec.safeParse(spec).success)
    throw invalid(
      path,
      'a raw chain spec: genesis.raw.top with the runtime under 0x3a636f6465',
      'another file',
    );
}

function findChopsticks(installedIn: readonly string[]): string {
  for (const from of installedIn)
    try {
      return createRequire(from).resolve(`${PACKAGE}/cli`);
    } catch {
      // not there: look at the next place, and say so when there is none left
    }
  throw new AssayError('unsupported', `--runtime needs Chopsticks, which is not installed: ${INSTALL}`, {
    what: 'a real runtime as a localnet',
    why: `${PACKAGE} is an optional peer; install it with: ${INSTALL}`,
  });
}

function startChopsticks(cli: string, { spec, host, port }: RuntimeLocalnet): ChildProcess {
  const flags = { 'chain-spec': spec, host, port, 'build-block-mode': 'Manual' };
  const args = Object.entries(flags).map(([name, value]) => `--${name}=${value}`);
  return spawn(process.execPath, [cli, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    // it brings two versions of some packages, which say so at length
    env: { ...process.env, POLKADOTJS_DISABLE_ESM_CJS_WARNING: '1' },
  });
}

/** The port, once it says that it listens. */
function listening(child: ChildProcess): Promise<number> {
  return new Promise((resolve) => {
    let said = '';
    const read = (text: Buffer) => {
      said = (said + String(text)).slice(-4096);
      const port = /RPC listening on \S+:(\d+)/.exec(said)?.[1];
      if (port === undefined) return;
      child.stdout!.off('data', read); // piped
      resolve(Number(port));
    };
    child.stdout!.on('data', read); // piped
  });
}

/** Resolves when it was asked to end; @throws AssayError `refused` with its last words when it ended by itself */
async function endOf(child: ChildProcess): Promise<undefined> {
  let words = '';
  child.stderr!.on('data', (text: Buffer) => {
    words = (words + String(text)).slice(-2048);
  }); // piped
  const [code] = (await once(child, 'close')) as [number | null]; // and has been read to its last word
  if (child.killed) return undefined;
  const reason = words.trim().split('\n').at(-1) ?? '';
  throw new AssayError('refused', `Chopsticks ended by itself (exit ${code}): ${reason}`, { reason });
}

async function end(clock: Clock, child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  child.kill('SIGTERM');
  const waited = new AbortController();
  void clock.sleep(STOP_TIMEOUT_MS, waited.signal).then(() => waited.signal.aborted || child.kill('SIGKILL'));
  await exit;
  waited.abort();
}

async function makeBlocks(clock: Clock, url: string, everyMs: number, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await clock.sleep(everyMs, signal);
    if (signal.aborted) return;
    await request(url, 'dev_newBlock', [{ count: 1 }]).catch((error: unknown) => {
      if (!signal.aborted) throw error; // it was told to end while making one
    });
  }
}

/** In the runtime's own names; what is not named stays as the spec has it. */
const storageOf = ({ sudo, balances }: RuntimeLocalnet) => ({
  Sudo: { Key: sudo },
  System: {
    Account: [...balances].map(([address, rao]) => [
      [address],
      { providers: 1, data: { free: rao.toString() } },
    ]),
  },
});

async function request(url: string, method: string, params: readonly unknown[]): Promise<unknown> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
  });
  const { result, error } = rpcAnswer.parse(await response.json());
  if (error === undefined) return result;
  const reason = `${method}: ${error.message}`;
  throw new AssayError('refused', `Chopsticks refused ${reason}`, { reason });
}

const rpcAnswer = z.object({ result: z.unknown(), error: z.object({ message: z.string() }).optional() });

const bracketed = (host: string): string => (host.includes(':') ? `[${host}]` : host);

const late = () =>
  new AssayError('timeout', `Chopsticks does not answer after ${START_TIMEOUT_MS} ms`, {
    what: 'start of Chopsticks',
    afterMs: START_TIMEOUT_MS,
  });
