// Real processes and SIGKILL: the chain with its folder, the validator with its book, and a TCP path between them that can be cut.
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect as connectTcp, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { type ChainReader, type ChainWriter, connectSubtensor } from '../../src/chain/index.js';
import { keypairFromUri, readyKeys } from '../../src/keys/index.js';
import { systemClock } from '../../src/model/clock.js';
import { type Netuid, toHotkey } from '../../src/model/ids.js';
import { silentLog } from '../../src/model/log.js';
import type { WeightsProcessInput } from '../support/weights-process.js';

const MAIN = new URL('../../src/cli/main.ts', import.meta.url).pathname;
const PUBLISHER = new URL('../support/weights-process.ts', import.meta.url).pathname;
const TEMPO = 24;
/**
 * A block is made when the last one was dealt with, or when who deals with it has rested this long: what waits for a block is not
 * done before. By the clock alone an epoch would go by while a busy machine computes.
 */
const PATIENCE_MS = 150;
const OWNER = '//Alice';
const VALIDATOR = '//kill//validator';
const MINER = '//kill//miner';

interface Message {
  readonly ready?: { readonly port: number };
  readonly stands?: string;
  readonly epoch?: number;
  readonly step?: string;
  readonly reason?: string;
  readonly up?: true;
  /** head that was dealt with */
  readonly done?: number;
}

let folder: string;
let node: ChildProcess;
let port: number;
let path: Path;
let chain: ChainReader & ChainWriter;
let netuid: Netuid;
const children = new Set<ChildProcess>();

beforeAll(async () => {
  await readyKeys();
  folder = await mkdtemp(join(tmpdir(), 'assay-kill-'));
  await startNode(0);
  path = await openPath();
  chain = await connectSubtensor({ url: `ws://127.0.0.1:${port}`, log: silentLog, clock: systemClock });
  await withBlocks(undefined, setUp());
  for (let i = 0; i < 4; i++) await makeBlock(); // final
}, 240_000);

async function setUp(): Promise<void> {
  const root = keypairFromUri(OWNER);
  const added = await chain.registerNetwork(root, toHotkey(keypairFromUri(VALIDATOR).address));
  netuid = added.netuid;
  await chain.startCall(root, netuid);
  await chain.burnedRegister(root, netuid, toHotkey(keypairFromUri(MINER).address));
  // no rate limit: nothing but the book keeps a second commit from being taken
  await chain.sudo(root, { call: 'sudo_set_weights_set_rate_limit', args: [netuid, 0] });
}

afterAll(async () => {
  await chain?.close();
  await path?.close();
  await Promise.all([...children].map(kill));
  await rm(folder, { recursive: true, force: true });
});

async function startNode(at: number): Promise<void> {
  const args = ['localnet', 'start', '--port', String(at), '--manual', '--block-time-ms', '12000'];
  args.push('--tempo', String(TEMPO), '--base-path', join(folder, 'chain'), '--log-level', 'error');
  node = start(MAIN, args);
  const { ready } = await heard(node, ({ ready }) => ready !== undefined);
  port = ready!.port;
}

function startValidator(standAt?: string): ChildProcess {
  const input: WeightsProcessInput = {
    url: `ws://127.0.0.1:${path.port}`,
    netuid,
    hotkeyUri: VALIDATOR,
    folder: join(folder, 'book'),
    miner: keypairFromUri(MINER).address,
    leadBlocks: 18,
    standAt,
  };
  return start(PUBLISHER, [JSON.stringify(input)]);
}

function start(script: string, args: readonly string[]): ChildProcess {
  const child = fork(script, args, {
    execArgv: ['--import', 'tsx'],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  child.setMaxListeners(0); // each block waits for a word of it
  children.add(child);
  child.once('exit', () => children.delete(child));
  return child;
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
}

/** The first message of `child` that `is` accepts; rejects when the process ends. */
function heard(child: ChildProcess, is: (message: Message) => boolean): Promise<Message> {
  return new Promise((resolve, reject) => {
    const over = () => {
      child.off('message', onMessage);
      child.off('exit', onExit);
    };
    const onMessage = (message: unknown) => {
      if (!is(message as Message)) return;
      over();
      resolve(message as Message);
    };
    const onExit = () => {
      over();
      reject(new Error('the process ended'));
    };
    child.on('message', onMessage);
    child.on('exit', onExit);
  });
}

interface Path {
  readonly port: number;
  /** Ends every connection, and refuses new ones for so long. */
  cut(ms: number): Promise<void>;
  close(): Promise<void>;
}

async function openPath(): Promise<Path> {
  const sockets = new Set<Socket>();
  let open = true;
  const server = createServer((client) => {
    if (!open) return void client.destroy();
    const upstream = connectTcp(port, '127.0.0.1');
    for (const [one, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(one);
      one.pipe(other);
      one.on('error', () => other.destroy());
      one.on('close', () => {
        sockets.delete(one);
        other.destroy();
      });
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return {
    port: typeof address === 'object' && address ? address.port : 0,
    async cut(ms) {
      open = false;
      for (const socket of sockets) socket.destroy();
      await systemClock.sleep(ms);
      open = true;
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

/** Commits of our hotkey that the chain took in `epoch`, by what LastUpdate showed at each block of it. */
async function commitsOf(epoch: number): Promise<number[]> {
  const { lastEpochBlock, epochIndex, tempo } = await chain.subnet(netuid);
  const begin = lastEpochBlock - (epochIndex - epoch) * tempo;
  const blocks = new Set<number>();
  for (let block = begin; block < begin + tempo; block++) {
    const at = await chain.subnet(netuid, await chain.blockHash(block));
    if (at.epochIndex !== epoch) continue;
    const { lastUpdate, registeredAt } = at.neurons[0]!; // the validator is the owner's hotkey
    if (lastUpdate > registeredAt && lastUpdate >= at.lastEpochBlock) blocks.add(lastUpdate);
  }
  return [...blocks];
}

/** Makes a block, by the node's own method. */
async function makeBlock(): Promise<void> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}`);
  try {
    await once(socket, 'open');
    socket.send(JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'dev_newBlock', params: [] }));
    await once(socket, 'message');
  } finally {
    socket.close();
  }
}

/** Resolves when the process had next to nothing to do for `PATIENCE_MS`. */
async function resting(child: ChildProcess | undefined): Promise<void> {
  for (let before = ticksOf(child); ; ) {
    await systemClock.sleep(PATIENCE_MS);
    const now = ticksOf(child);
    if (before !== undefined && now !== undefined && now - before <= 1) return;
    before = now;
  }
}

/** Hundredths of a second that it computed; undefined while it does, or waits for a CPU; none where nobody can say. */
function ticksOf(child: ChildProcess | undefined): number | undefined {
  try {
    const stat = readFileSync(`/proc/${child!.pid}/stat`, 'latin1'); // of nobody, or on another system: not there
    const [state, ...fields] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return state === 'R' ? undefined : Number(fields[10]) + Number(fields[11]);
  } catch {
    return 0;
  }
}

/** Makes blocks, one after another, until `work` is done. */
async function withBlocks<T>(child: ChildProcess | undefined, work: Promise<T>): Promise<T> {
  const over = work.then(
    () => true,
    () => true,
  );
  for (;;) {
    const dealtWith = child && heard(child, ({ done }) => done !== undefined).catch(() => undefined);
    await makeBlock();
    const patience = resting(child).then(() => false);
    if (await Promise.race([over, patience, ...(dealtWith ? [dealtWith.then(() => false)] : [])]))
      return work;
  }
}

async function untilFreshEpoch(): Promise<void> {
  for (;;) {
    const { block, lastEpochBlock } = await chain.subnet(netuid);
    if (block - lastEpochBlock < 3) return;
    await makeBlock();
  }
}

/** @returns the validator that goes on: another process, or the same one that lived through it */
const strike = {
  'the validator is killed': async (validator: ChildProcess) => {
    await kill(validator);
    return startValidator();
  },
  'the node is killed beneath it': async (validator: ChildProcess) => {
    await kill(node);
    await startNode(port);
    return goesOn(validator);
  },
  'both are killed': async (validator: ChildProcess) => {
    await Promise.all([kill(node), kill(validator)]);
    await startNode(port);
    return startValidator();
  },
  'the path is cut': async (validator: ChildProcess) => {
    await path.cut(500);
    return goesOn(validator);
  },
};

function goesOn(validator: ChildProcess): ChildProcess {
  validator.send('go on');
  return validator;
}

describe('time-locked weights are committed exactly once and revealed', () => {
  test.each(
    (['after submitted', 'before included', 'after included'] as const).flatMap((at) =>
      (Object.keys(strike) as (keyof typeof strike)[]).map((fault) => [fault, at] as const),
    ),
  )('when %s, %s', async (fault, at) => {
    await untilFreshEpoch();
    const first = startValidator(at);
    const stands = heard(first, (message) => message.stands === at);
    await heard(first, ({ up }) => up === true);
    await withBlocks(first, stands);
    const { epochIndex: epoch } = await chain.subnet(netuid);
    const second = await strike[fault](first);
    const ends = heard(
      second,
      (message) => message.epoch === epoch && (message.step === 'applied' || message.step === 'failed'),
    );
    if (second !== first) await heard(second, ({ up }) => up === true);
    const end = await withBlocks(second, ends);
    await kill(second);
    expect(end).toMatchObject({ step: 'applied' });
    expect(await commitsOf(epoch)).toHaveLength(1);
    expect(await chain.weights(netuid, (await chain.subnet(netuid)).neurons[0]!.uid)).toEqual([[1, 65535]]);
  });
});
