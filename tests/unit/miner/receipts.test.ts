import { appendFile, mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { create } from '@bufbuild/protobuf';
import { afterEach, describe, expect, test } from 'vitest';
import {
  followReceipts,
  type KeptReceipt,
  openReceipts,
  type ReceiptRow,
  readReceipts,
} from '../../../src/miner/receipts.js';
import { toHex } from '../../../src/model/bytes.js';
import { toHotkey } from '../../../src/model/ids.js';
import {
  CreditAmountSchema,
  ReceiptSchema,
  SightSchema,
  VerdictKind,
} from '../../../src/protocol/gen/assay/v1/miner_pb.js';
import { bytes16, bytes32 } from '../../support/sessions.js';

const folders: string[] = [];
afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
});

/** Of a file in a folder that does not exist yet. */
async function newPath(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'assay-receipts-'));
  folders.push(folder);
  return join(folder, 'miner', 'receipts.jsonl');
}

/** What names the outcome that a test calls `name`. */
const idOf = (name: string) => toHex(bytes16(name));

const kept = (
  name: string,
  of: { verdict?: VerdictKind; reason?: string; measuredMs?: number } = {},
): KeptReceipt => ({
  at: 1_700_000_000_000,
  validator: toHotkey('validator'),
  eventId: bytes32('event'),
  receipt: create(ReceiptSchema, {
    outcomeId: idOf(name),
    verdict: VerdictKind.ACCEPTED,
    credit: [{ resource: 'opsPerS', amount: 1.5e9 }],
    share: 0.75,
    evidenceDigest: bytes32('evidence'),
    paramsId: bytes32('params'),
    eventBlock: 120n,
    slot: 2,
    ...of,
  }),
  signed: { header: bytes32('header'), signature: bytes32('signature'), body: Uint8Array.of(1, 2, 3) },
  certificate: bytes32('certificate'),
});

async function rowsOf(path: string): Promise<ReceiptRow[]> {
  const rows: ReceiptRow[] = [];
  for await (const row of readReceipts(path)) rows.push(row);
  return rows;
}

async function fileOf(...names: string[]): Promise<string> {
  const path = await newPath();
  const store = await openReceipts(path);
  for (const name of names) await store.append(kept(name));
  await store.close();
  return path;
}

const outcomes = async (path: string) => (await rowsOf(path)).map(({ outcome }) => outcome);

describe('receipts', () => {
  test('come back as they were, with the bytes that convict whoever signed them', async () => {
    const path = await newPath();
    const store = await openReceipts(path);
    await store.append(kept('first', { measuredMs: 1500.25 }));
    await store.append(kept('second', { verdict: VerdictKind.REJECTED, reason: 'projection' }));
    await store.append(kept('third', { verdict: VerdictKind.INCONCLUSIVE, reason: 'validator-late' }));
    await store.close();
    const rows = await rowsOf(path);
    expect(rows[0]).toEqual({
      at: '2023-11-14T22:13:20.000Z',
      validator: 'validator',
      event: toHex(bytes32('event')),
      eventBlock: '120',
      slot: 2,
      outcome: idOf('first'),
      verdict: 'accepted',
      reason: '',
      measuredMs: 1500.25,
      credit: { opsPerS: 1.5e9 },
      share: 0.75,
      paramsId: toHex(bytes32('params')),
      evidenceDigest: toHex(bytes32('evidence')),
      header: Buffer.from(bytes32('header')).toString('base64'),
      signature: Buffer.from(bytes32('signature')).toString('base64'),
      body: 'AQID',
      certificate: Buffer.from(bytes32('certificate')).toString('base64'),
    });
    expect(rows.slice(1).map(({ outcome, verdict, reason }) => [outcome, verdict, reason])).toEqual([
      [idOf('second'), 'rejected', 'projection'],
      [idOf('third'), 'inconclusive', 'validator-late'],
    ]);
    expect(rows[1]).not.toHaveProperty('measuredMs');
  });

  test('keep the order of the calls when appends overlap, and go on after a restart', async () => {
    const path = await newPath();
    const names = Array.from({ length: 50 }, (_, i) => `outcome ${i}`);
    const store = await openReceipts(path);
    await Promise.all(names.map((name) => store.append(kept(name))));
    await store.close();
    const again = await openReceipts(path);
    await again.append(kept('after'));
    await again.close();
    expect(await outcomes(path)).toEqual([...names, 'after'].map(idOf));
  });

  test('show on a terminal nothing that a validator made up; its signed bytes stay whole', async () => {
    const path = await newPath();
    const store = await openReceipts(path);
    const made = kept('x', { reason: '\u001b[2J', measuredMs: Number.POSITIVE_INFINITY });
    const { receipt } = made;
    receipt.outcomeId = '../../etc/passwd';
    receipt.credit[0]!.amount = Number.NaN;
    receipt.credit.push(create(CreditAmountSchema, { resource: '\u001b[2J', amount: 1 }));
    receipt.share = Number.NaN;
    receipt.verdict = 77 as VerdictKind;
    await store.append(made);
    await store.close();
    const [row] = await rowsOf(path);
    expect(row).toMatchObject({
      outcome: '',
      reason: '',
      verdict: 'inconclusive',
      credit: {},
      share: 0,
      body: 'AQID',
    });
    expect(row).not.toHaveProperty('measuredMs');
  });

  test('keep what a validator saw of the port that peers pull from', async () => {
    const path = await newPath();
    const store = await openReceipts(path);
    const sight = { ip: '192.0.2.7', port: 9000, answered: true, calledFrom: '2001:db8::1' };
    for (const seen of [sight, { ...sight, ip: '\u001b[2J', calledFrom: 'example.org' }]) {
      const made = kept('x');
      made.receipt.sight = create(SightSchema, seen);
      await store.append(made);
    }
    await store.close();
    const rows = await rowsOf(path);
    expect(rows.map((row) => row.sight)).toEqual([sight, { ...sight, ip: '', calledFrom: '' }]);
  });

  test('an empty file holds none', async () => {
    expect(await outcomes(await fileOf())).toEqual([]);
  });
});

describe('after a crash', () => {
  test('a last line cut short at any byte is skipped, and what is appended later is not lost with it', async () => {
    const path = await fileOf('a', 'b');
    const whole = await readFile(path);
    const lastLine = whole.lastIndexOf(10, whole.length - 2) + 1;
    for (const cut of [lastLine + 1, lastLine + 100, whole.length - 2]) {
      await writeFile(path, whole);
      await truncate(path, cut);
      expect(await outcomes(path)).toEqual(['a'].map(idOf));
      const store = await openReceipts(path);
      await store.append(kept('c'));
      await store.close();
      expect(await outcomes(path)).toEqual(['a', 'c'].map(idOf));
    }
  });

  test('a last line that lacks only its line feed is kept', async () => {
    const path = await fileOf('a', 'b');
    await truncate(path, (await readFile(path)).length - 1);
    const store = await openReceipts(path);
    await store.append(kept('c'));
    await store.close();
    expect(await outcomes(path)).toEqual(['a', 'b', 'c'].map(idOf));
  });

  test('a cut line longer than one reading of the file is found too', async () => {
    const path = await fileOf('a');
    await appendFile(path, `{"validator":"${'x'.repeat(200_000)}`);
    const store = await openReceipts(path);
    await store.append(kept('c'));
    await store.close();
    expect(await outcomes(path)).toEqual(['a', 'c'].map(idOf));
  });

  test('a corrupt line that is not the last is named', async () => {
    const path = await fileOf('a', 'b', 'c');
    const lines = (await readFile(path, 'utf8')).split('\n');
    for (const broken of [
      '{"validator":',
      '[]',
      'null',
      '{"validator":1,"verdict":"accepted","outcome":"x"}',
    ]) {
      await writeFile(path, [lines[0], broken, lines[2], ''].join('\n'));
      await expect(outcomes(path)).rejects.toMatchObject({
        code: 'corrupt',
        data: { path, line: 2, why: 'not a receipt' },
      });
    }
  });
});

describe('receipts that are followed', () => {
  test('are told once each, as they come, and never in parts', async () => {
    const path = await newPath();
    const told: string[] = [];
    const poll = followReceipts(path);
    const onRow = ({ outcome }: ReceiptRow): void => void told.push(outcome);
    await poll(onRow); // there is no file yet
    const store = await openReceipts(path);
    await store.append(kept('first'));
    await poll(onRow);
    await poll(onRow);
    await store.append(kept('second'));
    await store.close();
    const whole = await readFile(path);
    await truncate(path, whole.length - 5);
    await poll(onRow);
    expect(told).toEqual([idOf('first')]);
    await writeFile(path, whole);
    await poll(onRow);
    expect(told).toEqual([idOf('first'), idOf('second')]);
  });

  test('end at a line that is none, which is named', async () => {
    const path = await fileOf('first');
    await appendFile(path, 'no receipt\n');
    await expect(followReceipts(path)(() => {})).rejects.toMatchObject({
      code: 'corrupt',
      data: { path, line: 2 },
    });
    const other = await fileOf('first');
    await appendFile(other, 'x'.repeat(2 ** 20)); // longer than any, and without an end
    await expect(followReceipts(other)(() => {})).rejects.toMatchObject({
      code: 'corrupt',
      data: { path: other, line: 2 },
    });
  });
});
