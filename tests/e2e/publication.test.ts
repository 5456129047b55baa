// A subnet of real processes whose owner publishes parameters, by the command: files that one miner has, and one that nobody
// has. Chain, two validators, two miners. Sessions run on the wall clock, since processes have no other; blocks are made here,
// and only those that a call needs while a process starts: a busy machine must not let epochs go by meanwhile.
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import type { Subnet } from '../../src/chain/chain.js';
import { type ChainReader, type ChainWriter, connectSubtensor } from '../../src/chain/index.js';
import { alreadySetThisEpoch } from '../../src/chain/weights.js';
import { keypairFromUri, readyKeys } from '../../src/keys/index.js';
import { toHex } from '../../src/model/bytes.js';
import { systemClock } from '../../src/model/clock.js';
import { silentLog } from '../../src/model/log.js';
import type { Outcome } from '../../src/model/outcome.js';
import { FUNDS_TAO, type Registered, setUp } from '../../src/testing/setup.js';
import type { World } from '../../src/testing/world.js';
import { openLedgerReader } from '../../src/validator/ledger/ledger.js';
import type { ValidatorStatus } from '../../src/validator/status.js';
import { paramsId } from '../../src/verification/checked-params.js';
import { kinds } from '../../src/verification/kinds/index.js';
import {
  encodeParameterFile,
  parameterDigest,
  parseParameterFile,
} from '../../src/verification/parameter-file.js';
import { soon } from '../support/soon.js';

const MAIN = new URL('../../src/cli/main.ts', import.meta.url).pathname;
const BLOCK_MS = 150;
const TEMPO = 22;
/** A block waits for validators that have not come to the one before, but not longer. */
const PATIENCE_MS = 2000;
const TAO = 1_000_000_000n;
const key = (name: string) => ({ hotkeyUri: `//pub//${name}//hot`, coldkeyUri: `//pub//${name}//cold` });
const VALIDATORS = ['validator-a', 'validator-b'] as const;
const MINERS = ['miner-1', 'miner-2'] as const;
const WORLD: World = {
  seed: 'publication',
  owner: key('owner'),
  validators: [
    { name: 'validator-a', ...key('validator-a'), stakeRao: 120n * TAO },
    { name: 'validator-b', ...key('validator-b'), stakeRao: 80n * TAO },
  ],
  miners: [
    { name: 'miner-1', behaviour: 'honest-small', ...key('miner-1'), host: '127.16.0.1' },
    { name: 'miner-2', behaviour: 'honest-small', ...key('miner-2'), host: '127.17.0.1' },
  ],
  registration: [...MINERS, ...VALIDATORS],
};

/** A class that no build has: its sessions are over within a second. */
function fileOf(nominalLabels: number) {
  const set = {
    kind: 'compute',
    class: 'quick',
    n: 128,
    labels: 512,
    nominalLabels,
    samples: 16,
    projections: 2,
    windowMs: 600,
    goLeadMs: 1000,
    openingTimeoutMs: 10_000,
    localnetOnly: false,
    paceOpsPerS: 0,
  };
  const file = parseParameterFile({ version: 1, policy: '0'.repeat(64), sets: [set] }, kinds);
  return {
    json: JSON.stringify({ version: 1, policy: file.policy, sets: [set] }),
    bytes: encodeParameterFile(file),
    digest: toHex(parameterDigest(file)),
    set: toHex(paramsId(file.sets[0]!.params)),
  };
}
const [FIRST, SECOND, THIRD] = [fileOf(40), fileOf(41), fileOf(42)];

let folder: string;
let chain: ChainReader & ChainWriter;
let registered: Registered;
let url: string;
const children = new Set<ChildProcess>();
const stderr = new Map<string, string>();
const statuses = new Map<string, ValidatorStatus>();
/** whether blocks come by themselves */
let isRunning = false;
/** of the loop that makes them */
let turns = 0;
let blocks: Promise<void>;
const stop = new AbortController();

async function makeBlocks(): Promise<void> {
  const socket = new WebSocket(url);
  await once(socket, 'open');
  const ask = async (method: string): Promise<unknown> => {
    socket.send(JSON.stringify({ jsonrpc: '2.0', id: 1, method, params: [] }));
    const [data] = await once(socket, 'message');
    return JSON.parse(String(data)).result;
  };
  let head = 0;
  const isBehind = () => [...statuses.values()].some((status) => status.head < head);
  while (!stop.signal.aborted) {
    turns++;
    const isWanted = isRunning || ((await ask('author_pendingExtrinsics')) as unknown[]).length > 0;
    if (isWanted) {
      await ask('dev_newBlock');
      head = Number(((await ask('chain_getHeader')) as { number: string }).number);
    }
    await systemClock.sleep(isRunning ? BLOCK_MS : 20);
    for (const end = Date.now() + PATIENCE_MS; isRunning && isBehind() && Date.now() < end; )
      await systemClock.sleep(20);
  }
  socket.close();
}

const fileNamed = (name: string) => join(folder, `${name}.json`);

/** @returns what the role said when it was ready; it goes on in a process of its own */
async function start(name: string, args: readonly string[]): Promise<Record<string, unknown>> {
  const child = fork(MAIN, args, {
    execArgv: ['--import', 'tsx'],
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  children.add(child);
  child.stderr!.setEncoding('utf8').on('data', (text: string) => {
    stderr.set(name, (stderr.get(name) ?? '') + text);
  });
  return new Promise((resolve, reject) => {
    child.on('message', (message: { ready?: Record<string, unknown>; status?: ValidatorStatus }) => {
      if (message.ready) resolve(message.ready);
      if (message.status) statuses.set(name, message.status);
    });
    child.once('exit', (code) => {
      children.delete(child);
      reject(new Error(`${name} ended with ${code}: ${stderr.get(name)?.slice(-2000)}`));
    });
  });
}

/** One command of the owner's, to its end; what it printed, its last line parsed. */
async function assay(...args: readonly string[]): Promise<Record<string, unknown>> {
  const child = fork(MAIN, args, { execArgv: ['--import', 'tsx'], stdio: ['ignore', 'pipe', 'pipe', 'ipc'] });
  const said = { out: '', err: '' };
  child.stdout!.setEncoding('utf8').on('data', (text: string) => (said.out += text));
  child.stderr!.setEncoding('utf8').on('data', (text: string) => (said.err += text));
  const [code] = await once(child, 'close'); // when its last line has been read, too
  if (code !== 0) throw new Error(`${args.join(' ')}: ${code}: ${said.err}`);
  return JSON.parse(said.out.trim().split('\n').at(-1)!);
}

/** Resolves when no block comes any more that no call waits for: the one on its way may be an epoch's first. */
async function pause(): Promise<void> {
  isRunning = false;
  for (const before = turns; turns === before; ) await systemClock.sleep(5);
}

/** Publishes for the next epoch. @returns the first epoch in which it counts */
async function publish(name: string, ...more: readonly string[]): Promise<number> {
  await pause();
  const { epochIndex } = await chain.subnet(registered.netuid);
  const { hotkeyUri, coldkeyUri } = WORLD.owner;
  const done = await assay(
    ...['verification', 'params', 'publish', fileNamed(name), '--network', url],
    ...['--netuid', String(registered.netuid), '--wallet', coldkeyUri, '--hotkey', hotkeyUri],
    ...['--first-epoch', String(epochIndex + 1), '--yes', '--json', ...more],
  );
  expect(done).toMatchObject({ firstEpoch: epochIndex + 1 });
  return epochIndex + 1;
}

beforeAll(async () => {
  await readyKeys();
  folder = await mkdtemp(join(tmpdir(), 'assay-publication-'));
  for (const [name, { json }] of Object.entries({ first: FIRST, second: SECOND, third: THIRD }))
    await writeFile(fileNamed(name), json);
  const coldkeys = [WORLD.owner, ...WORLD.validators, ...WORLD.miners].map(({ coldkeyUri }) => coldkeyUri);
  const ready = await start('chain', [
    ...['localnet', 'start', '--port', '0', '--manual', '--block-time-ms', String(BLOCK_MS)],
    ...['--tempo', String(TEMPO), '--log-level', 'error'],
    ...['--fund', ...coldkeys.map((uri) => `${keypairFromUri(uri).address}=${FUNDS_TAO}`)],
  ]);
  url = String(ready.url);
  blocks = makeBlocks();
  chain = await connectSubtensor({ url, log: silentLog, clock: systemClock });
  const root = keypairFromUri('//Alice');
  registered = await setUp({ chain, root, say: () => {} }, WORLD);
  const { netuid } = registered;
  await Promise.all([
    chain.sudo(root, { call: 'sudo_set_tempo', args: [netuid, TEMPO] }), // of the demo's
    chain.sudo(root, { call: 'sudo_set_admin_freeze_window', args: [0] }),
  ]);

  const role = (name: string) => [
    ...['--chain', url, '--netuid', String(netuid), '--hotkey', key(name).hotkeyUri],
    ...['--data', join(folder, name), '--admin-port', '-1'],
  ];
  const miner = (name: string, host: string, params: readonly string[]) =>
    start(name, [
      ...['miner', 'start', ...role(name), '--host', host, '--port', '0', '--threads', '1'],
      ...['--slots', 'compute:quick', ...(params.length > 0 ? ['--params', ...params] : [])],
    ]);
  const validator = (name: string) =>
    start(name, [
      ...['validator', 'start', ...role(name), '--events-per-epoch', '1', '--lead-blocks', '2'],
      ...['--event-blocks', '10', '--hold-first', '6', '--hold-last', '8', '--publish-lead-blocks', '7'],
      ...['--min-lead-ms', '100', '--keep-accepted', '0', '--verifier-threads', '0'],
      ...(name === 'validator-a' ? ['--files-port', '0', '--host', '127.18.0.1'] : []),
    ]);
  // the version key may be raised once in five epochs: it is left for the second
  await Promise.all([
    publish('first', '--no-version-key'),
    miner('miner-1', '127.16.0.1', [fileNamed('first'), fileNamed('second')]),
    miner('miner-2', '127.17.0.1', []),
    ...VALIDATORS.map(validator),
  ]);
  isRunning = true;
}, 240_000);

afterAll(async () => {
  await chain?.close();
  stop.abort();
  await blocks;
  await Promise.all(
    [...children].map(async (child) => {
      const gone = once(child, 'exit');
      child.removeAllListeners('exit');
      child.kill('SIGTERM');
      await Promise.race([gone, systemClock.sleep(3000)]);
      child.kill('SIGKILL');
    }),
  );
  await rm(folder, { recursive: true, force: true });
});

/** Epochs in which each validator's weights were in a block, as far as anybody looked. */
const landed = new Map<string, Set<number>>(VALIDATORS.map((name) => [name, new Set()]));

/** The subnet of the first block in which `holds`. */
async function until(what: string, holds: (now: Subnet) => boolean): Promise<Subnet> {
  for (const end = Date.now() + 120_000; Date.now() < end; await systemClock.sleep(BLOCK_MS / 2)) {
    const now = await chain.subnet(registered.netuid);
    for (const name of VALIDATORS)
      if (alreadySetThisEpoch(now, registered.uids.get(name)!)) landed.get(name)!.add(now.epochIndex);
    if (holds(now)) return now;
  }
  throw new Error(
    `${what} did not come; ${[...stderr].map(([name, text]) => `\n${name}: ${text.slice(-1500)}`)}`,
  );
}

const haveSet = (epoch: number) => VALIDATORS.every((name) => landed.get(name)!.has(epoch));

/** Of all validators, by epoch. */
async function outcomesOf(epoch: number): Promise<Outcome[]> {
  const all = VALIDATORS.map(async (name) => {
    const ledger = await openLedgerReader({ dir: join(folder, name, 'ledger'), log: silentLog });
    try {
      return ledger.outcomes({ fromEpoch: epoch }).filter((outcome) => outcome.epoch === epoch);
    } finally {
      await ledger.close();
    }
  });
  return (await Promise.all(all)).flat();
}

/** Whole lines of a role's log. */
const saidBy = (name: string): unknown[] =>
  (stderr.get(name) ?? '')
    .split('\n')
    .filter((line) => line.startsWith('{') && line.endsWith('}'))
    .map((line) => JSON.parse(line) as unknown);

test('validators and miners follow what the owner publishes; what nobody has stops weights, aloud, until a peer has it', async () => {
  const { netuid } = registered;
  // the first file is at one miner alone; the other miner and both validators have it from there
  const first = await until('weights under the first file', ({ epochIndex }) => haveSet(epochIndex));
  for (const name of [...VALIDATORS, 'miner-2'])
    expect(saidBy(name)).toContainEqual(
      expect.objectContaining({ msg: 'parameters are here', netuid, digest: FIRST.digest }),
    );

  // the second as well, published while the first counts alone
  const fresh = await until('a new epoch', ({ epochIndex }) => epochIndex > first.epochIndex);
  const second = await publish('second');
  isRunning = true;
  expect(second).toBe(fresh.epochIndex + 1);
  await until('weights where both count', () => haveSet(second));
  await until('weights under the second file', () => haveSet(second + 1));
  const sets = async (epoch: number) => [...new Set((await outcomesOf(epoch)).map((each) => each.paramsId))];
  expect(await sets(second - 1)).toEqual([FIRST.set]);
  // nobody lost the event of the epoch in which both count, nor the one after it
  for (const [epoch, set] of [
    [second, FIRST.set],
    [second + 1, SECOND.set],
  ] as const) {
    const judged = await outcomesOf(epoch);
    expect(new Set(judged.map((each) => `${each.validator} ${each.miner}`)).size).toBe(4);
    expect(
      judged.filter((each) => each.paramsId === set && each.verdict.kind === 'accepted').length,
    ).toBeGreaterThan(0);
  }
  expect((await chain.subnet(netuid)).weightsVersionKey).toBe(1n);

  // the third is at nobody; and somebody raises the version key by two
  const third = await publish('third', '--no-version-key');
  isRunning = true;
  await chain.sudo(keypairFromUri('//Alice'), { call: 'sudo_set_weights_version_key', args: [netuid, 3] });
  await until('weights by the second file, where both count', () => haveSet(third));
  // one validator has a port: the other asks it too
  const reasonOf = (name: string) =>
    `parameters ${THIRD.digest.slice(0, 16)}, published from epoch ${third} on, are at none of ${name === 'validator-a' ? 2 : 3} peers that were asked`;
  const end = await until(
    'the end of the epoch of which nobody has the file',
    ({ epochIndex, block, nextEpochBlock }) => epochIndex === third + 1 && nextEpochBlock! - block <= 2,
  );
  await pause(); // as long as it is looked at, its end does not come
  expect(VALIDATORS.filter((name) => landed.get(name)!.has(end.epochIndex))).toEqual([]);
  for (const name of VALIDATORS) {
    const reason = reasonOf(name);
    // what a process says of itself comes beside the chain
    await soon(() => {
      expect(statuses.get(name)).toMatchObject({
        parameters: { held: [], missing: [THIRD.digest], whyNot: reason },
        weightsStage: { epoch: third + 1, stage: 'withheld', reason },
      });
      expect(saidBy(name)).toContainEqual(
        expect.objectContaining({
          msg: 'no weights in this epoch: what counts in it is not here',
          netuid,
          epoch: third + 1,
        }),
      );
    });
  }
  expect(await outcomesOf(third + 1)).toEqual([]);
  isRunning = true;

  // the validator with a port is given it by hand; everybody else has it from there
  const shelf = join(folder, 'validator-a', 'parameters');
  await mkdir(shelf, { recursive: true });
  await writeFile(join(shelf, `${THIRD.digest}.json`), THIRD.bytes);
  await until('weights under the third file', () => haveSet(third + 2) || haveSet(third + 3));
  for (const name of VALIDATORS)
    await soon(() => expect(statuses.get(name)?.parameters).toEqual({ held: [THIRD.digest], missing: [] }));
  for (const name of ['validator-b', ...MINERS])
    await soon(async () =>
      expect(await readFile(join(folder, name, 'parameters', `${THIRD.digest}.json`))).toEqual(
        Buffer.from(THIRD.bytes),
      ),
    );
  const last = await outcomesOf((await chain.subnet(netuid)).epochIndex);
  expect(last.filter((each) => each.paramsId !== THIRD.set)).toEqual([]);
  expect((await chain.subnet(netuid)).weightsVersionKey).toBe(3n);
}, 240_000);
