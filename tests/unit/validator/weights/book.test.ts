import { appendFile, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { toHotkey } from '../../../../src/model/ids.js';
import { silentLog } from '../../../../src/model/log.js';
import {
  isFinished,
  memoryWeightsBook,
  openWeightsBook,
  type Step,
} from '../../../../src/validator/weights/book.js';
import { recordingLog } from '../../../support/logs.js';

const PLACE = { netuid: 7, mechanism: 0, epoch: 5 };
const signed = (nonce: number) => ({
  bytes: new Uint8Array([1, 2, nonce]),
  hash: new Uint8Array(32).fill(nonce),
  nonce,
  deathBlock: 64,
});
const SUBMITTED: Step = {
  step: 'submitted',
  form: 'plain',
  row: [
    [0, 0],
    [3, 65535],
  ],
  versionKey: 2n ** 64n - 1n,
  head: 9,
  signed: signed(4),
  salt: [1, 65535],
  commit: 'ab'.repeat(32),
};
/** Every step of a plain commit whose first attempt was refused and whose block a fork took back once. */
const STEPS: readonly Step[] = [
  { step: 'computed', scores: [[toHotkey('a'), 0.1]] },
  SUBMITTED,
  { step: 'refused', error: 'SettingWeightsTooFast', block: 10 },
  { ...SUBMITTED, signed: signed(5) },
  { step: 'included', block: 12, blockHash: 'cd'.repeat(32), commitEpoch: 5 },
  { step: 'retracted', block: 12 },
  { step: 'included', block: 13, blockHash: 'ce'.repeat(32), commitEpoch: 6 },
  { step: 'reveal-submitted', signed: signed(6) },
  { step: 'reveal-refused', error: 'Custom(17)', block: 20 },
  { step: 'reveal-submitted', signed: signed(7) },
  { step: 'revealed', block: 22, blockHash: 'cf'.repeat(32) },
  { step: 'reveal-retracted', block: 22 },
  { step: 'revealed', block: 23, blockHash: 'd0'.repeat(32) },
  { step: 'applied', block: 26 },
];

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'assay-book-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const open = (log = silentLog, genesis = 1) =>
  openWeightsBook(
    { log },
    { folder, genesisHash: new Uint8Array(32).fill(genesis), hotkey: 'hotkey', head: 100 },
  );
const file = async () => join(folder, (await readdir(folder)).find((name) => name.endsWith('.jsonl'))!);

describe('the weights book', () => {
  test('after every step it opens again as it was, as after kill -9', async () => {
    const memory = memoryWeightsBook();
    for (const step of STEPS) {
      const book = await open();
      await book.write(PLACE, step);
      await memory.write(PLACE, step);
      await book.close();
      const again = await open();
      expect(again.records()).toEqual(memory.records());
      await again.close();
    }
    expect(memory.records()).toMatchObject([{ stage: 'applied', applied: 26, commitEpoch: 6 }]);
  });

  test('is readable by its owner alone', async () => {
    const book = await open();
    await book.write(PLACE, STEPS[0]!);
    expect((await stat(await file())).mode & 0o777).toBe(0o600);
    await book.close();
  });

  test('drops a last line that a crash cut short, and says so', async () => {
    const book = await open();
    await book.write(PLACE, STEPS[0]!);
    await book.close();
    await appendFile(await file(), '{"netuid":7,"mech');
    const { log, lines } = recordingLog();
    const again = await open(log);
    expect(again.records()).toHaveLength(1);
    expect(lines).toMatchObject([{ level: 'warn', torn: 17 }]);
    await again.write(PLACE, SUBMITTED);
    await again.close();
    expect((await readFile(await file(), 'utf8')).split('\n')).toHaveLength(3);
  });

  test('names the line that is no step', async () => {
    await (await open()).close();
    const book = await open();
    await book.write(PLACE, STEPS[0]!);
    await book.close();
    await writeFile(await file(), `${await readFile(await file(), 'utf8')}{"netuid":7}\n`);
    await expect(open()).rejects.toMatchObject({ code: 'corrupt', data: { line: 2 } });
  });

  test('refuses steps out of order, and keeps what it had', async () => {
    const book = memoryWeightsBook();
    await expect(book.write(PLACE, SUBMITTED)).rejects.toThrow(TypeError);
    await book.write(PLACE, STEPS[0]!);
    await expect(book.write(PLACE, { step: 'applied', block: 1 })).rejects.toThrow(
      /no step applied at computed/,
    );
    expect(book.records()).toMatchObject([{ stage: 'computed' }]);
  });

  test('another chain has a book of its own', async () => {
    const one = await open(silentLog, 1);
    await one.write(PLACE, STEPS[0]!);
    await one.close();
    const other = await open(silentLog, 2);
    expect(other.records()).toEqual([]);
    await other.close();
  });

  test('of a localnet that was begun anew with the same genesis is moved aside, and kept', async () => {
    const book = await open();
    await book.write(PLACE, STEPS[0]!);
    await book.write(PLACE, { ...SUBMITTED, head: 1101 } as Step);
    await book.close();
    const { log, lines } = recordingLog();
    const anew = await open(log);
    expect(anew.records()).toEqual([]);
    await anew.close();
    expect(lines).toMatchObject([{ level: 'warn' }]);
    expect((await readdir(folder)).sort()).toHaveLength(2);
  });

  test('forgets old finished epochs, never unfinished ones, and its file stays small', async () => {
    let book = await open();
    await book.write({ ...PLACE, epoch: 0 }, STEPS[0]!);
    for (let epoch = 1; epoch <= 2100; epoch++) {
      await book.write({ ...PLACE, epoch }, STEPS[0]!);
      await book.write({ ...PLACE, epoch }, { step: 'failed', reason: 'epoch-passed' });
    }
    const kept = book.records();
    expect(kept).toHaveLength(65);
    expect(kept.filter((record) => !isFinished(record)).map(({ epoch }) => epoch)).toEqual([0]);
    await book.close();
    book = await open();
    expect(book.records()).toEqual(kept);
    await book.close();
    expect((await readFile(await file(), 'utf8')).trim().split('\n')).toHaveLength(1 + 2 * 64);
  });
});
