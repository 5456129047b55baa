// `assay miner start` as a process: registers, serves, is killed, comes back, drains.
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readStatus } from '../../../src/cli/miner-files.js';
import { keypairFromUri } from '../../../src/keys/index.js';
import type { MinerStatus } from '../../../src/miner/status.js';
import { toHotkey, toNetuid } from '../../../src/model/ids.js';
import { isRunning } from '../../../src/model/process-start.js';
import { createEmbeddedChain } from '../../../src/testing/embedded-chain.js';
import { type LocalnetNode, startLocalnet } from '../chain/localnet-node.js';

const MAIN = fileURLToPath(new URL('../../../src/cli/main.ts', import.meta.url));

let node: LocalnetNode;
let data: string;
let stopBlocks: () => Promise<void>;
const children = new Set<ChildProcess>();

beforeAll(async () => {
  data = mkdtempSync(join(tmpdir(), 'assay-life-'));
  node = await startLocalnet();
  stopBlocks = node.pump();
  const chain = createEmbeddedChain(node.localnet);
  await chain.registerNetwork(node.root, toHotkey(keypairFromUri('//Owner').address));
});
afterAll(async () => {
  await stopBlocks?.();
  for (const child of children) child.kill('SIGKILL');
  await node.goDown();
  rmSync(data, { recursive: true, force: true });
});

function start(...more: string[]) {
  const args = [
    'miner',
    'start',
    '--chain',
    node.url,
    '--hotkey',
    '//life',
    '--host',
    '127.0.0.2',
    '--port',
    '0',
  ];
  const child = fork(MAIN, [...args, '--data', data, '--threads', '1', ...more], {
    execArgv: ['--import', import.meta.resolve('tsx')],
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    env: Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('ASSAY_'))),
  });
  children.add(child);
  let log = '';
  child.stderr!.on('data', (text) => {
    log += String(text);
  });
  const statuses: MinerStatus[] = [];
  // what it said last may come after its end: standard error and the channel are read to theirs
  const ended = Promise.all([once(child, 'close'), once(child, 'disconnect')]).then(([[code, signal]]) => ({
    code,
    signal,
  }));
  const serving = new Promise<MinerStatus>((resolve, reject) => {
    child.on('message', ({ miner }: { miner?: MinerStatus }) => {
      if (!miner) return;
      statuses.push(miner);
      if (miner.phase === 'serving') resolve(miner);
    });
    void ended.then(({ code }) => reject(new Error(`ended with ${code} before it served:\n${log}`)));
  });
  serving.catch(() => {});
  return { child, statuses, serving, ended };
}

test('registers within its limit and serves; killed it leaves nothing, comes back without paying again, and drains within 10 s', async () => {
  const chain = createEmbeddedChain(node.localnet);
  const hotkey = toHotkey(keypairFromUri('//life').address);
  const netuid = toNetuid(1);
  const first = start('--register', '5', '--wallet', '//Alice');
  const status = await first.serving;
  expect(first.statuses.map(({ phase }) => phase)).toEqual(['examining', 'waiting', 'serving']);
  // on a machine where everything runs at once it may be late, and is then looked at again
  expect(status.doctor).toMatchObject([
    { kind: 'compute', said: expect.stringMatching(/^(accepted|rejected:window)$/) },
  ]);
  const own = (await chain.subnet(netuid)).neurons.find((neuron) => neuron.hotkey === hotkey);
  expect(own?.axon).toMatchObject({ ip: '127.0.0.2', port: status.axon!.port });
  expect(await readStatus(join(data, 'status.json'))).toMatchObject({
    isRunning: true,
    pid: first.child.pid,
  });

  const [device] = JSON.parse(readFileSync(join(data, 'processes.json'), 'utf8')) as {
    pid: number;
    start: string;
  }[];
  expect(isRunning(device!.pid, device!.start)).toBe(true);
  const paid = await chain.balanceRao(node.root.address);
  first.child.kill('SIGKILL');
  await first.ended;
  expect(await readStatus(join(data, 'status.json'))).toMatchObject({ isRunning: false });

  const second = start('--register', '5', '--wallet', '//Alice', '--no-doctor');
  await second.serving;
  expect(isRunning(device!.pid, device!.start)).toBe(false);
  expect(second.statuses.map(({ phase }) => phase)).toEqual(['serving']);
  expect(await chain.balanceRao(node.root.address)).toBe(paid);
  const from = performance.now();
  second.child.kill('SIGTERM');
  expect(await second.ended).toEqual({ code: 0, signal: null });
  expect(performance.now() - from).toBeLessThan(10_000);
  expect(second.statuses.at(-1)?.phase).toBe('draining');
  expect(existsSync(join(data, 'processes.json'))).toBe(false);
});
