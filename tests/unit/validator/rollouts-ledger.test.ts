import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { toHotkey } from '../../../src/model/ids.js';
import { silentLog } from '../../../src/model/log.js';
import {
  openRolloutLedger,
  type RolloutEntry,
  readRolloutLedger,
} from '../../../src/validator/rollouts/ledger.js';

const folders: string[] = [];
afterEach(async () => {
  for (const dir of folders.splice(0)) await rm(dir, { recursive: true });
});
const folder = async () => {
  const dir = await mkdtemp(join(tmpdir(), 'assay-windows-'));
  folders.push(dir);
  return dir;
};

const MINER = toHotkey('5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY');
const bytes = (byte: number, length = 32) => new Uint8Array(length).fill(byte);
const ENTRIES: readonly RolloutEntry[] = [
  {
    type: 'collected',
    window: 3,
    startBlock: 100,
    deadlineBlock: 130,
    context: {
      beacon: { kind: 'dev-chain', round: 17n, signature: bytes(1) },
      genesis: bytes(9),
      netuid: 2,
      window: 3,
      checkpointDigest: bytes(2),
      policyDigest: bytes(3),
    },
    round: 2n ** 60n,
    deliveries: [
      { miner: MINER, is: 'complete', manifest: bytes(4), file: bytes(5) },
      { miner: MINER, is: 'refused', manifest: bytes(6), reason: 'other-window' },
      { miner: MINER, is: 'refused', manifest: bytes(6), reason: 'equivocation', proof: bytes(10, 900) },
      { miner: MINER, is: 'missing', manifest: bytes(7), what: 'file' },
      { miner: MINER, is: 'ours', manifest: bytes(7), why: 'no space left on device' },
    ],
  },
  { type: 'verdict', window: 3, miner: MINER, record: bytes(8, 2000) },
  { type: 'judged', window: 3 },
  { type: 'lapsed', window: 4, why: 'the round of its audit did not come' },
];

test('what was written is read as it was, by another process too', async () => {
  const dir = await folder();
  const ledger = await openRolloutLedger({ dir, log: silentLog });
  for (const entry of ENTRIES) await ledger.append(entry);
  expect(await readRolloutLedger(dir)).toEqual(ENTRIES);
  await expect(openRolloutLedger({ dir, log: silentLog })).rejects.toMatchObject({ code: 'invalid-input' });
  await ledger.close();
  const again = await openRolloutLedger({ dir, log: silentLog });
  expect(again.entries()).toEqual(ENTRIES);
  await again.close();
});

test('a line that a crash cut short is dropped, and the next one stands in its place', async () => {
  const dir = await folder();
  const ledger = await openRolloutLedger({ dir, log: silentLog });
  await ledger.append(ENTRIES[2]!);
  await ledger.close();
  await appendFile(join(dir, 'windows.jsonl'), '{"type":"verdict","win');
  const again = await openRolloutLedger({ dir, log: silentLog });
  await again.append(ENTRIES[3]!);
  await again.close();
  expect(await readRolloutLedger(dir)).toEqual([ENTRIES[2], ENTRIES[3]]);
});

test('a line that is no entry is named, and the folder is free again', async () => {
  const dir = await folder();
  const path = join(dir, 'windows.jsonl');
  const ledger = await openRolloutLedger({ dir, log: silentLog });
  await ledger.append(ENTRIES[2]!);
  await ledger.close();
  const good = await readFile(path, 'utf8');
  for (const line of [
    'no json',
    '{"type":"judged"}',
    '{"type":"judged","window":-1}',
    '{"type":"judged","window":1,"more":2}',
    '{"type":"verdict","window":1,"miner":"x","record":"00"}',
    '{"type":"verdict","window":1,"miner":"' + MINER + '","record":"0g"}',
  ]) {
    await writeFile(path, `${good}${line}\n`);
    const opened = openRolloutLedger({ dir, log: silentLog });
    await expect(opened, line).rejects.toMatchObject({ code: 'corrupt' });
    await expect(opened, line).rejects.toThrow(/:3: /);
  }
  await writeFile(path, good);
  await (await openRolloutLedger({ dir, log: silentLog })).close();
  await writeFile(path, 'another journal\n');
  await expect(readRolloutLedger(dir)).rejects.toThrow('not a journal of windows');
});
