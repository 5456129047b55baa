import { appendFile, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { toHotkey } from '../../../src/model/ids.js';
import { silentLog } from '../../../src/model/log.js';
import {
  openRolloutLedger,
  type RolloutEntry,
  type RolloutLedgerOf,
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
const OF: RolloutLedgerOf = {
  genesis: new Uint8Array(32).fill(9),
  netuid: 2,
  validator: MINER,
  plan: { firstBlock: 10, everyBlocks: 30, workBlocks: 20 },
};
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
  const ledger = await openRolloutLedger({ dir, of: OF, log: silentLog });
  for (const entry of ENTRIES) await ledger.append(entry);
  expect(await readRolloutLedger(dir)).toMatchObject({ entries: ENTRIES, torn: 0 });
  await expect(openRolloutLedger({ dir, of: OF, log: silentLog })).rejects.toMatchObject({
    code: 'invalid-input',
  });
  await ledger.close();
  const again = await openRolloutLedger({ dir, of: OF, log: silentLog });
  expect(again.entries()).toEqual(ENTRIES);
  await again.close();
});

test('a line that a crash cut short is dropped, and the next one stands in its place', async () => {
  const dir = await folder();
  const ledger = await openRolloutLedger({ dir, of: OF, log: silentLog });
  await ledger.append(ENTRIES[2]!);
  await ledger.close();
  await appendFile(join(dir, 'windows.jsonl'), '{"type":"verdict","win');
  const again = await openRolloutLedger({ dir, of: OF, log: silentLog });
  await again.append(ENTRIES[3]!);
  await again.close();
  expect((await readRolloutLedger(dir)).entries).toEqual([ENTRIES[2], ENTRIES[3]]);
});

test('a line that is no entry is named, and the folder is free again', async () => {
  const dir = await folder();
  const path = join(dir, 'windows.jsonl');
  const ledger = await openRolloutLedger({ dir, of: OF, log: silentLog });
  await ledger.append(ENTRIES[2]!);
  await ledger.close();
  const good = await readFile(path, 'utf8');
  const { head } = await readRolloutLedger(dir);
  for (const entry of [
    '{"type":"judged"}',
    '{"type":"judged","window":-1}',
    '{"type":"judged","window":1,"more":2}',
    '{"type":"verdict","window":1,"miner":"x","record":"00"}',
    `{"type":"verdict","window":1,"miner":"${MINER}","record":"0g"}`,
  ]) {
    await writeFile(path, `${good}{"before":"${head}","entry":${entry}}\n`);
    const opened = openRolloutLedger({ dir, of: OF, log: silentLog });
    await expect(opened, entry).rejects.toMatchObject({ code: 'corrupt' });
    await expect(opened, entry).rejects.toThrow(/:3: /);
  }
  await writeFile(path, good);
  await (await openRolloutLedger({ dir, of: OF, log: silentLog })).close();
  for (const other of ['another journal', '{"assay":"ledger","version":2}', good.split('\n')[1]]) {
    await writeFile(path, `${other}\n`);
    await expect(readRolloutLedger(dir)).rejects.toMatchObject({ code: 'corrupt' });
    await expect(readRolloutLedger(dir)).rejects.toThrow(/:1: /);
  }
});

test('a line that was changed, taken out or moved is noticed in the line behind it', async () => {
  const dir = await folder();
  const path = join(dir, 'windows.jsonl');
  const ledger = await openRolloutLedger({ dir, of: OF, log: silentLog });
  // side by side: each names the one before all the same
  await Promise.all(ENTRIES.map((entry) => ledger.append(entry)));
  await ledger.close();
  const { head } = await readRolloutLedger(dir);
  const lines = (await readFile(path, 'utf8')).trimEnd().split('\n');
  const [header, collected, verdict, judged, lapsed] = lines as [string, string, string, string, string];
  for (const [changed, line] of [
    [[header, collected.replace('"round":"1', '"round":"2'), verdict, judged, lapsed], 3],
    [[header, collected, judged, lapsed], 3],
    [[header, collected, judged, verdict, lapsed], 3],
    [[header, collected, verdict, judged, judged, lapsed], 5],
    [[header.replace('"netuid":2', '"netuid":3'), collected, verdict, judged, lapsed], 2],
  ] as const) {
    expect(changed).not.toEqual(lines);
    await writeFile(path, `${changed.join('\n')}\n`);
    await expect(readRolloutLedger(dir)).rejects.toMatchObject({ code: 'corrupt' });
    await expect(readRolloutLedger(dir)).rejects.toThrow(new RegExp(`:${line}: it does not follow`));
  }
  // the end alone can go unseen, but for who knows the digest of the last line
  await writeFile(path, `${lines.slice(0, 4).join('\n')}\n`);
  expect((await readRolloutLedger(dir)).head).not.toBe(head);
});

test('a ledger of another chain, subnet, validator or plan is refused, and its folder is free again', async () => {
  const dir = await folder();
  await (await openRolloutLedger({ dir, of: OF, log: silentLog })).close();
  const { plan } = OF;
  const other = toHotkey('5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty');
  for (const [of, name] of [
    [{ ...OF, genesis: bytes(8) }, 'chain'],
    [{ ...OF, netuid: 3 }, 'subnet'],
    [{ ...OF, validator: other }, 'validator'],
    [{ ...OF, plan: { ...plan, everyBlocks: 31 } }, 'plan of windows'],
    [{ ...OF, plan: { ...plan, headLeadBlocks: 4 } }, 'plan of windows'],
  ] as const) {
    const opened = openRolloutLedger({ dir, of, log: silentLog });
    await expect(opened).rejects.toMatchObject({ code: 'invalid-input' });
    await expect(opened).rejects.toThrow(`a ledger of this ${name}`);
  }
  // who leaves a default out says the same
  const said = { ...OF, plan: { ...plan, headLeadBlocks: 5 } };
  await (await openRolloutLedger({ dir, of: said, log: silentLog })).close();
  expect((await readRolloutLedger(dir)).of).toMatchObject({ ...said, plan: said.plan });
});

test('a ledger of an older version is refused with what to do', async () => {
  const dir = await folder();
  await writeFile(join(dir, 'windows.jsonl'), '{"assay":"rollouts","version":1}\n');
  const opened = openRolloutLedger({ dir, of: OF, log: silentLog });
  await expect(opened).rejects.toMatchObject({ code: 'invalid-input' });
  await expect(opened).rejects.toThrow(/version 2; .*begins anew with an empty data folder, got version 1/);
});

test('a reader takes nothing off a line that is being written, and says that it is there', async () => {
  const dir = await folder();
  const path = join(dir, 'windows.jsonl');
  const ledger = await openRolloutLedger({ dir, of: OF, log: silentLog });
  await ledger.append(ENTRIES[2]!);
  await appendFile(path, '{"before":');
  const before = [await readFile(path, 'utf8'), await readdir(dir)];
  expect(await readRolloutLedger(dir)).toMatchObject({ entries: [ENTRIES[2]], torn: 10 });
  expect([await readFile(path, 'utf8'), await readdir(dir)]).toEqual(before);
  await ledger.close();
  await expect(readRolloutLedger(join(dir, 'none'))).rejects.toMatchObject({ code: 'invalid-input' });
  await expect(readdir(join(dir, 'none'))).rejects.toMatchObject({ code: 'ENOENT' });
});

test('what is let go of in memory stays on disk, and lines go on from it', async () => {
  const dir = await folder();
  const ledger = await openRolloutLedger({ dir, of: OF, log: silentLog });
  for (const entry of ENTRIES) await ledger.append(entry);
  ledger.forget(4);
  expect(ledger.entries()).toEqual(ENTRIES.slice(-1));
  const next = { ...ENTRIES[3]!, window: 5 };
  await ledger.append(next);
  expect(ledger.entries()).toEqual([ENTRIES[3], next]);
  await ledger.close();
  expect((await readRolloutLedger(dir)).entries).toEqual([...ENTRIES, next]);
});

test('a line that did not come to the disk is not named by the one behind it', async () => {
  const dir = await folder();
  const ledger = await openRolloutLedger({ dir, of: OF, log: silentLog });
  const [, , judged, lapsed] = ENTRIES;
  const failing = { ...judged!, window: 1n } as unknown as RolloutEntry; // has no JSON
  const [first, second] = await Promise.allSettled([ledger.append(failing), ledger.append(lapsed!)]);
  expect([first!.status, second!.status]).toEqual(['rejected', 'fulfilled']);
  expect(ledger.entries()).toEqual([lapsed]);
  await ledger.close();
  expect((await readRolloutLedger(dir)).entries).toEqual([lapsed]);
});
