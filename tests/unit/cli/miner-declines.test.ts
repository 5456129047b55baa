// What a miner says of its own host and of those behind it, in one file under its signature.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import type { ChainInfo } from '../../../src/chain/chain.js';
import type { HostQuestions } from '../../../src/cli/host-facts.js';
import { type MinerDeclines, openMinerDeclines } from '../../../src/cli/miner-declines.js';
import { devKeypair, readyKeys } from '../../../src/keys/keypair.js';
import { type HostFacts, readHostFacts } from '../../../src/protocol/host-facts.js';
import { createHandClock } from '../../support/hand-clock.js';
import { recordingLog } from '../../support/logs.js';
import { bytes32 } from '../../support/sessions.js';

beforeAll(readyKeys);

const genesis = bytes32('genesis');
const QUESTIONS: HostQuestions = {
  run: async () => undefined,
  read: async () => undefined,
  writtenAt: async () => undefined,
  disk: async () => undefined,
};
const clock = createHandClock();
const keypair = devKeypair('miner');
let data: string;
let stop: AbortController;
let declines: MinerDeclines;
beforeEach(async () => {
  data = mkdtempSync(join(tmpdir(), 'assay-declines-'));
  stop = new AbortController();
  declines = await openMinerDeclines(
    { clock, log: recordingLog().log, keypair, questions: QUESTIONS },
    { data, netuid: 7, worker: 'own', hostFacts: true },
    stop.signal,
  );
});
afterEach(async () => {
  await declines.close();
  rmSync(data, { recursive: true });
});

const told = () => {
  const { hostFacts } = declines.says();
  if (!hostFacts) return undefined;
  const file = declines.content(hostFacts)!;
  return readHostFacts(file, { genesis, netuid: 7, hotkey: keypair.publicKey });
};
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) {
    clock.advance(10_000);
    await turn();
  }
}

test('hosts that come and go are in what is signed within seconds, beside the own one', async () => {
  let others: { worker: string; facts: HostFacts }[] = [];
  let head = 100;
  const info = { genesisHash: genesis } as unknown as ChainInfo; // what of it is signed
  declines.tellFacts({ info, head: async () => ({ number: head }), others: () => others });
  await until(() => told() !== undefined);
  expect(told()).toMatchObject({ block: 100, hosts: [{ worker: 'own' }] });
  const first = declines.says().hostFacts;
  others = [{ worker: 'rack-1', facts: { at: 5, kernel: 'Linux 6.12' } }];
  head = 101;
  await until(() => told()!.hosts.length === 2);
  expect(told()).toMatchObject({ block: 101, hosts: [{ worker: 'own' }, others[0]!] });
  expect(declines.says().hostFacts).not.toEqual(first);
  others = [];
  await until(() => told()!.hosts.length === 1);
});

test('of more than a file may hold the own host and the first of the others are told', async () => {
  const drivers = Array.from({ length: 32 }, (_, i) => `"${'d'.repeat(190)}" ${i}`);
  const others = Array.from({ length: 64 }, (_, i) => ({ worker: `rack-${i}`, facts: { at: i, drivers } }));
  const info = { genesisHash: genesis } as unknown as ChainInfo; // as above
  declines.tellFacts({ info, head: async () => ({ number: 1 }), others: () => others });
  await until(() => (told()?.hosts.length ?? 0) > 1);
  const workers = told()!.hosts.map(({ worker }) => worker);
  expect(workers.slice(0, 3)).toEqual(['own', 'rack-0', 'rack-1']);
  expect(workers.length).toBe(10);
});
