import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Beside, startBeside } from '../../../src/cli/dashboard/beside.js';
import { devKeypair } from '../../../src/keys/index.js';
import { createLog } from '../../../src/model/log.js';
import { createSeededRandom } from '../../../src/model/prng.js';
import { noTracer } from '../../../src/model/trace.js';
import { seedLedger } from '../../support/seeded-ledger.js';
import { soon } from '../../support/soon.js';
import { type LocalnetNode, startLocalnet } from '../chain/localnet-node.js';

let node: LocalnetNode;
let data: string;
const lines: Record<string, unknown>[] = [];
const log = createLog((line) => lines.push(JSON.parse(line)));
const never = new AbortController().signal;
const random = createSeededRandom('beside');

beforeAll(async () => {
  node = await startLocalnet();
  const created = node.localnet.submit(
    {
      pallet: 'SubtensorModule',
      name: 'register_network',
      args: { hotkey: devKeypair('owner-hot').address },
    } as never, // a call of this file's own
    node.root.address,
  );
  node.localnet.produceBlock();
  expect((await created).error).toBeUndefined();
  data = await mkdtemp(join(tmpdir(), 'assay-beside-'));
  await seedLedger(data, { miners: 3, epochs: 2 });
});
afterAll(async () => {
  await node?.goDown();
  if (data) await rm(data, { recursive: true, force: true });
});

const options = (dashboard: string) => ({
  data,
  netuid: 1,
  mechanism: 0,
  dashboard,
  dashboardNames: [],
  dashboardOwner: false,
  urls: [node.url],
  genesis: undefined,
  module: undefined,
});

/** Until it has read what is there: it listens before that. */
const shows = (url: string, what: string): Promise<void> =>
  soon(async () => expect(await (await fetch(url)).text()).toContain(what));

const urlOf = (): string => `${lines.findLast(({ msg }) => msg === 'dashboard')?.['url']}`;

test('pages beside a validator show its ledger, its chain and what it does now, and end with it', async () => {
  const beside: Beside = await startBeside({ log, random }, options('127.0.0.1:0'), never);
  try {
    const url = urlOf();
    await shows(`${url}leaderboard/`, '3 hotkeys');
    await shows(`${url}subnet/`, '<h1>Subnet');
    expect((await fetch(`${url}lab/`)).status).toBe(404);
    const span = beside.traced(noTracer).start('event', { block: 4321, epoch: 77 });
    await shows(`${url}rounds/`, '4321');
    span.end();
  } finally {
    await beside.close();
  }
  await expect(fetch(urlOf())).rejects.toThrow();
});

test('on an address that others reach, the token is in a file and in no line of the log', async () => {
  const beside = await startBeside({ log, random }, options('0.0.0.0:0'), never);
  try {
    const path = join(data, 'dashboard-token');
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    const token = (await readFile(path, 'utf8')).trim();
    expect(JSON.stringify(lines)).not.toContain(token);
    const url = `${urlOf()}leaderboard/`;
    expect((await fetch(url)).status).toBe(401);
    expect((await fetch(url, { headers: { authorization: `Bearer ${token}` } })).status).toBe(200);
  } finally {
    await beside.close();
  }
});

test('an address that cannot be had is said at once', async () => {
  const taken = new URL(node.url).port;
  await expect(startBeside({ log, random }, options(`127.0.0.1:${taken}`), never)).rejects.toMatchObject({
    code: 'unreachable',
    message: expect.stringContaining(`cannot listen on 127.0.0.1:${taken}`),
  });
});

test('one that waits for its chain ends when its validator is stopped', async () => {
  // takes connections and never says a word
  const mute = createServer((socket) => void sockets.add(socket));
  const sockets = new Set<Socket>();
  await new Promise<void>((resolve) => mute.listen(0, '127.0.0.1', resolve));
  const { port } = mute.address() as AddressInfo;
  const stop = new AbortController();
  const started = startBeside(
    { log, random },
    { ...options('127.0.0.1:0'), urls: [`ws://127.0.0.1:${port}`] },
    stop.signal,
  );
  await new Promise((resolve) => mute.once('connection', resolve)); // the thread is at it
  stop.abort(new Error('stopping'));
  await expect(started).rejects.toThrow('stopping');
  for (const socket of sockets) socket.destroy();
  await new Promise((resolve) => mute.close(resolve));
});
