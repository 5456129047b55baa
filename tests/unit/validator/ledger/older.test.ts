import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { toHex } from '../../../../src/model/bytes.js';
import { toHotkey } from '../../../../src/model/ids.js';
import { silentLog } from '../../../../src/model/log.js';
import { createSeededRandom } from '../../../../src/model/prng.js';
import { rejected } from '../../../../src/model/verdict.js';
import type { OutcomeEntry } from '../../../../src/validator/ledger/entries.js';
import { openLedger, openLedgerReader } from '../../../../src/validator/ledger/ledger.js';
import { bytes32, newFolder, outcomeEntry, recordingLog, whose } from './folders.js';

const open = (dir: string, log = silentLog) =>
  openLedger({ dir, ...whose, random: createSeededRandom('older'), log });
const HEADER = '{"type":"journal","version":2}';
const event = (type: string, epoch: number) =>
  JSON.stringify({
    type,
    event: toHex(bytes32('event')),
    epoch,
    block: 12,
    basis: toHex(bytes32('basis')),
    at: 5,
  });

/** As version 2 wrote it: everything of an outcome in one line, bytes in hexadecimal digits. */
function line({ outcome, session }: OutcomeEntry, change: object = {}): string {
  const plain = (value: unknown): unknown => {
    if (value instanceof Uint8Array) return toHex(value);
    if (Array.isArray(value)) return value.map(plain);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, plain(each)]));
  };
  return JSON.stringify({
    type: 'outcome',
    outcome: { ...outcome, ...change },
    session: plain(session),
    at: 5,
  });
}

async function journal(...lines: readonly string[]): Promise<string> {
  const dir = await newFolder();
  await writeFile(join(dir, 'journal.jsonl'), `${[HEADER, ...lines].join('\n')}\n`);
  return dir;
}

test('a journal of version 2 is taken over with its evidence, and left aside', async () => {
  const [a, b] = [outcomeEntry('a', { verdict: rejected('seed') }), outcomeEntry('b', { epoch: 2 })];
  const dir = await journal(
    event('event-started', 1),
    line(a),
    event('event-completed', 1),
    line(b, { simulated: true }),
    line(a, { share: 1 }),
    JSON.stringify({ type: 'weights', epoch: 2, block: 40, row: [[3, 65535]], at: 6 }),
  );
  const { log, lines } = recordingLog();
  const first = await open(dir, log);
  await first.append(outcomeEntry('c', { epoch: 2 }));
  await first.close();
  expect(lines).toMatchObject([{ level: 'info', entries: 6, outcomes: 2 }]);
  expect((await readdir(dir)).sort()).toEqual([
    'evidence',
    'journal.v2.jsonl',
    'openings',
    'params',
    'segments',
  ]);

  const ledger = await open(dir);
  expect(ledger.outcomes({ fromEpoch: 0 })).toEqual([
    a.outcome,
    { ...b.outcome, simulated: true },
    outcomeEntry('c', { epoch: 2 }).outcome,
  ]);
  expect(ledger.completedEvents({ fromEpoch: 0 })).toMatchObject([{ epoch: 1, block: 12 }]);
  expect(ledger.lastWeights()).toMatchObject({ row: [[3, 65535]] });
  expect((await ledger.find(a.outcome.id)).session).toEqual(a.session);
  await ledger.close();
});

test('an outcome of an older journal is read without the amounts that are not credited any more', async () => {
  const dir = await journal(
    line(outcomeEntry('a'), { credit: { deviceBytes: 5, deviceBytesHostBusy: 7, constructor: 9 } }),
  );
  const ledger = await open(dir);
  expect(ledger.outcomes({ fromEpoch: 0 })[0]!.credit).toEqual({ deviceBytes: 5 });
  await ledger.close();
});

test('a journal that cannot be taken over is refused before anything is changed', async () => {
  const other = { validator: toHotkey('somebody else') };
  const cases: [string[], object][] = [
    [[line(outcomeEntry('a')), 'nonsense'], { code: 'corrupt', data: { line: 3 } }],
    [[line(outcomeEntry('a'), { netuid: 7 })], { code: 'invalid-input' }],
    [[line(outcomeEntry('a'), other)], { code: 'invalid-input' }],
  ];
  for (const [lines, error] of cases) {
    const dir = await journal(...lines);
    const before = await readFile(join(dir, 'journal.jsonl'), 'utf8');
    await expect(open(dir)).rejects.toMatchObject(error);
    expect(await readFile(join(dir, 'journal.jsonl'), 'utf8')).toBe(before);
    expect(await readdir(dir)).not.toContain('segments');
  }
  const dir = await newFolder();
  await writeFile(join(dir, 'journal.jsonl'), '{"type":"journal","version":1}\n');
  await expect(open(dir)).rejects.toMatchObject({ code: 'corrupt', data: { line: 1 } });
});

test('a taking over that a crash cut short is done again, and one that was complete is finished', async () => {
  const dir = await journal(line(outcomeEntry('a')));
  const whole = await journal(line(outcomeEntry('a')));
  await (await open(whole)).close();
  const { cp, mkdir, rename } = await import('node:fs/promises');
  await mkdir(join(dir, 'taking-over'));
  await writeFile(join(dir, 'taking-over', 'half'), 'left by a crash');
  await (await open(dir)).close();
  expect(await readdir(dir)).not.toContain('taking-over');

  // as a crash between two of the renames leaves it
  await mkdir(join(whole, 'taking-over'));
  await rename(join(whole, 'segments'), join(whole, 'taking-over', 'segments'));
  await writeFile(join(whole, 'taking-over', 'complete'), '');
  await cp(join(whole, 'journal.v2.jsonl'), join(whole, 'journal.jsonl'));
  const ledger = await open(whole);
  expect(ledger.outcomes({ fromEpoch: 0 })).toEqual([outcomeEntry('a').outcome]);
  await ledger.close();
});

test('a reader says what such a folder is', async () => {
  const dir = await journal(line(outcomeEntry('a')));
  await expect(openLedgerReader({ dir, log: silentLog })).rejects.toThrow(/version 2/);
});

test('a simulated device is one in the ledger, too', async () => {
  const dir = await newFolder();
  const entry = outcomeEntry('a');
  const first = await open(dir);
  await first.append({ ...entry, outcome: { ...entry.outcome, simulated: true, byTurn: false } });
  await first.close();
  const ledger = await open(dir);
  expect(ledger.outcomes({ fromEpoch: 0 })).toEqual([{ ...entry.outcome, simulated: true, byTurn: false }]);
  await ledger.close();
});
