// A chain in a folder: what comes back after an end of any kind.
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { RuntimeCall } from '../../../src/chain/codec/runtime.js';
import { devKeypair, readyKeys } from '../../../src/keys/keypair.js';
import { createLocalnet, type Localnet, type LocalnetOptions } from '../../../src/localnet/localnet.js';
import { toHex } from '../../../src/model/bytes.js';
import { recordingLog } from '../../support/logs.js';

let folder: string;
const open: Localnet[] = [];
beforeEach(async () => {
  await readyKeys();
  folder = mkdtempSync(join(tmpdir(), 'assay-durable-'));
});
afterEach(() => {
  for (const chain of open.splice(0)) chain.close();
  rmSync(folder, { recursive: true });
});

const TAO = 1_000_000_000n;
async function start(options: Partial<LocalnetOptions> = {}): Promise<Localnet> {
  const alice = devKeypair('alice').address;
  const chain = await createLocalnet({
    sudo: alice,
    balances: [[alice, 1000n * TAO]],
    manual: true,
    basePath: folder,
    ...options,
  });
  open.push(chain);
  return chain;
}
/** As a process ends that is killed: nothing is closed but the lock, which dies with a process. */
function kill(chain: Localnet): void {
  open.splice(open.indexOf(chain), 1);
  chain.close();
}
const blocks = (chain: Localnet, count: number): void => {
  for (let made = 0; made < count; made++) chain.produceBlock();
};
const transfer = (rao: bigint): RuntimeCall => ({
  pallet: 'Balances',
  name: 'transfer_keep_alive',
  args: { dest: { type: 'Id', value: [devKeypair('bob').address] }, value: rao },
});
const bobHas = (chain: Localnet): bigint =>
  chain.query('System', 'Account', devKeypair('bob').address).data.free;
const hashOf = (chain: Localnet, number: number): string => toHex(chain.blockHash(number));
const journal = (): string => join(folder, readdirSync(folder).find((name) => name.endsWith('.journal'))!);

test('goes on at the last finalized block, without what was not final and what waited', async () => {
  const first = await start();
  void first.submit(transfer(TAO), devKeypair('alice').address);
  blocks(first, 5);
  void first.submit(transfer(5n * TAO), devKeypair('alice').address);
  blocks(first, 1);
  first.submit(transfer(7n * TAO), devKeypair('alice').address).catch(() => {});
  expect([first.head().number, first.finalized().number, bobHas(first)]).toEqual([6, 4, 6n * TAO]);
  const hashes = [0, 1, 2, 3, 4].map((number) => hashOf(first, number));
  kill(first);

  const second = await start();
  expect([second.head().number, second.finalized().number, bobHas(second)]).toEqual([4, 4, TAO]);
  expect([0, 1, 2, 3, 4].map((number) => hashOf(second, number))).toEqual(hashes);
  expect(second.events(1).map(({ event }) => event.name)).toContain('Transfer');
  expect(second.state(1).keys).toBeTypeOf('function');
  expect(await second.rpc('author_pendingExtrinsics')).toEqual([]);
  blocks(second, 1);
  expect(second.head().number).toBe(5);
});

test('makes the same blocks as a chain that never stopped', async () => {
  const steady = await start({ basePath: join(folder, 'steady') });
  const broken = await start({ basePath: join(folder, 'broken') });
  for (const chain of [steady, broken]) {
    void chain.submit(transfer(TAO), devKeypair('alice').address);
    blocks(chain, 8);
  }
  kill(broken);
  const again = await start({ basePath: join(folder, 'broken') });
  blocks(again, 10);
  blocks(steady, 10);
  expect(hashOf(again, 16)).toBe(hashOf(steady, 16));
});

test('bounds the folder, and keeps the blocks of its history', async () => {
  const chain = await start({ historyBlocks: 10 });
  blocks(chain, 95);
  expect(readdirSync(folder).sort()).toEqual([
    'blocks-80.journal',
    'blocks-90.journal',
    'chain.lock',
    'state-80.saved',
    'state-90.saved',
  ]);
  const hash = hashOf(chain, 86);
  kill(chain);
  const again = await start({ historyBlocks: 10 });
  expect([again.head().number, hashOf(again, 86)]).toEqual([93, hash]);
  expect(again.state(86)).toBeDefined();
  blocks(again, 20);
  expect(readdirSync(folder)).toHaveLength(5);
});

test('cuts off a last record that is not whole, wherever the write stopped', async () => {
  const chain = await start();
  blocks(chain, 6);
  kill(chain);
  const whole = readFileSync(journal());
  const path = journal();
  // the last record begins where the journal ended a block earlier
  const ends: number[] = [];
  for (let length = whole.length - 1; length > whole.length - 600; length -= 37) {
    writeFileSync(path, whole.subarray(0, length));
    const { log, messages } = recordingLog();
    const again = await start({ log });
    ends.push(again.head().number);
    expect(messages()).toContain('journal was cut short; its whole blocks are kept');
    kill(again);
  }
  expect(new Set(ends)).toEqual(new Set([3]));
  writeFileSync(path, Buffer.concat([whole, Buffer.alloc(5000)]));
  expect((await start()).head().number).toBe(4);
});

test('says where the folder is damaged', async () => {
  const chain = await start();
  blocks(chain, 8);
  kill(chain);
  const path = journal();
  const whole = readFileSync(path);
  const damaged = Buffer.from(whole);
  const title = whole.indexOf('\n') + 1;
  damaged[title + 100]! ^= 1;
  writeFileSync(path, damaged);
  await expect(start()).rejects.toMatchObject({ code: 'corrupt', data: { path, line: 1 } });
  await expect(start()).rejects.toThrow(`record 1 at byte ${title}`);
  // given back: a chain that cannot be read keeps nobody out
  expect(readdirSync(folder)).not.toContain('chain.lock');
  writeFileSync(path, `another file\n${whole.toString('latin1')}`, 'latin1');
  await expect(start()).rejects.toMatchObject({ code: 'corrupt', data: { path } });
  writeFileSync(path, whole);
  const saved = join(folder, 'state-0.saved');
  const text = readFileSync(saved, 'latin1');
  writeFileSync(saved, text.replace(/ 0/, ' 1'), 'latin1');
  await expect(start()).rejects.toMatchObject({ code: 'corrupt', data: { path: saved } });
  truncateSync(saved, 0);
  await expect(start()).rejects.toMatchObject({ code: 'invalid-input' });
});

test('refuses a second process, and another beginning', async () => {
  const chain = await start();
  await expect(start()).rejects.toThrow(`the folder ${folder}: expected a file that nobody else writes`);
  blocks(chain, 3);
  const from = chain.save();
  kill(chain);
  await expect(start({ from })).rejects.toThrow('expected a folder without a chain');
  expect((await start()).head().number).toBe(1);
});

test('never has on the disk what a reorganisation takes back', async () => {
  const chain = await start({ finalityLagBlocks: 3 });
  void chain.submit(transfer(TAO), devKeypair('alice').address);
  blocks(chain, 1);
  await chain.rpc('dev_reorg', [1]);
  blocks(chain, 6);
  const final = chain.finalized();
  kill(chain);
  const again = await start({ finalityLagBlocks: 3 });
  expect(again.head()).toEqual(final);
  expect(bobHas(again)).toBe(TAO);
});

test('comes back upgraded where it was', async () => {
  const chain = await start();
  await chain.rpc('dev_upgradeRuntime');
  blocks(chain, 5);
  const metadata = await chain.rpc('state_getMetadata');
  kill(chain);
  expect(await (await start()).rpc('state_getMetadata')).toBe(metadata);
});

test('makes no more blocks when the next pair of files cannot be begun, and goes on from the disk', async () => {
  const chain = await start({ historyBlocks: 10 });
  const obstacle = join(folder, 'blocks-10.journal');
  mkdirSync(obstacle);
  blocks(chain, 11);
  const failure = `${folder}: block 10 cannot be written: the next pair of files cannot be begun`;
  expect(() => chain.produceBlock()).toThrow(failure);
  expect([chain.head().number, chain.finalized().number]).toEqual([12, 9]);
  expect(() => chain.produceBlock()).toThrow(failure);
  await expect(chain.rpc('dev_newBlock')).rejects.toThrow();
  expect(chain.head().number).toBe(12);
  const hash = hashOf(chain, 10);
  kill(chain);
  rmdirSync(obstacle);
  const again = await start({ historyBlocks: 10 });
  expect([again.head().number, hashOf(again, 10)]).toEqual([10, hash]);
  blocks(again, 3);
  expect(again.finalized().number).toBe(11);
});

test('is closed once, and makes no block after that', async () => {
  const chain = await start();
  blocks(chain, 3);
  kill(chain);
  const again = await start();
  // its descriptors may have the numbers of those that were closed
  chain.close();
  expect(() => chain.produceBlock()).toThrow('this localnet is closed');
  blocks(again, 3);
  kill(again);
  expect((await start()).head().number).toBe(2);
});
