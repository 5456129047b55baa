import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { toHex } from '../../../../src/model/bytes.js';
import { silentLog } from '../../../../src/model/log.js';
import { createSeededRandom } from '../../../../src/model/prng.js';
import { accepted, rejected } from '../../../../src/model/verdict.js';
import {
  createScoringState,
  DEFAULT_POLICY,
  policyDigest,
  restoreScoringState,
} from '../../../../src/scoring/index.js';
import type { EventEntry } from '../../../../src/validator/ledger/entries.js';
import {
  type Ledger,
  type LedgerReader,
  openLedger,
  openLedgerReader,
} from '../../../../src/validator/ledger/ledger.js';
import { bytes32, newFolder, outcomeEntry, whose } from './folders.js';

const open = (dir: string): Promise<Ledger> =>
  openLedger({ dir, ...whose, random: createSeededRandom('retention'), log: silentLog });
const event = (type: EventEntry['type'], epoch: number, name = `${epoch}`): EventEntry => ({
  type,
  event: toHex(bytes32(name)),
  epoch,
  block: 12 + epoch,
  basis: bytes32('basis'),
});
const proven = (name: string, epoch: number, miner: string) => {
  const entry = outcomeEntry(name, { epoch, event: `${epoch}`, miner });
  return { ...entry, outcome: { ...entry.outcome, credit: { opsPerS: 1e15 }, share: 1 } };
};
/** An event in each epoch; a miner that proves itself and one that does not. */
async function filled(dir: string, epochs: readonly number[]): Promise<Ledger> {
  const ledger = await open(dir);
  for (const epoch of epochs) {
    await ledger.append(event('event-started', epoch));
    await ledger.append(proven(`good ${epoch}`, epoch, 'good'));
    const verdict = rejected('path');
    await ledger.append(outcomeEntry(`bad ${epoch}`, { epoch, event: `${epoch}`, miner: 'bad', verdict }));
    await ledger.append(event('event-completed', epoch));
  }
  return ledger;
}
const idOf = (name: string) => outcomeEntry(name).outcome.id;
const namesOf = async (ledger: Pick<LedgerReader, 'find'>, names: readonly string[]): Promise<string[]> => {
  const found = await Promise.all(
    names.map(async (name) => ((await ledger.find(idOf(name)).catch(() => undefined)) ? [name] : [])),
  );
  return found.flat();
};
const ALL = [1, 2, 3, 4].flatMap((epoch) => [`good ${epoch}`, `bad ${epoch}`]);

test('sessions of old epochs go, and what is said of them stays', async () => {
  const dir = await newFolder();
  const ledger = await filled(dir, [1, 2, 3, 4]);
  expect(await ledger.expire({ keepFrom: 3 })).toBeGreaterThan(0);
  expect(await namesOf(ledger, ALL)).toEqual(['good 3', 'bad 3', 'good 4', 'bad 4']);
  await expect(ledger.find(idOf('good 1'))).rejects.toMatchObject({ code: 'evidence-expired' });
  expect(ledger.outcomes({ fromEpoch: 0 })).toHaveLength(8);
  await ledger.close();
  const again = await open(dir);
  expect(again.outcomes({ fromEpoch: 0 })).toHaveLength(8);
  await again.close();
});

test('over the budget what was not rejected goes first, the oldest of each first, and never the newest epoch', async () => {
  const dir = await newFolder();
  const ledger = await filled(dir, [1, 2, 3, 4]);
  const files = await readdir(join(dir, 'evidence'));
  const sizes = await Promise.all(files.map(async (name) => (await stat(join(dir, 'evidence', name))).size));
  const all = sizes.reduce((sum, size) => sum + size, 0);
  await ledger.expire({ maxBytes: all - 1 });
  expect(await namesOf(ledger, ALL)).toEqual(ALL.slice(1));
  await ledger.expire({ maxBytes: all - 3.5 * (all / 8) });
  expect(await namesOf(ledger, ALL)).toEqual(['bad 2', 'bad 3', 'good 4', 'bad 4']);
  await ledger.expire({ maxBytes: 0 });
  expect(await namesOf(ledger, ALL)).toEqual(['good 4', 'bad 4']);
  await ledger.close();
});

test('outcomes go into a state, from which the rest folds to what the whole would have', async () => {
  const [dir, twin] = [await newFolder(), await newFolder()];
  const whole = createScoringState(DEFAULT_POLICY);
  const untouched = await filled(twin, [1, 2, 3, 4, 5]);
  await untouched.fold(whole);
  await untouched.close();

  const policy = policyDigest(DEFAULT_POLICY);
  const stateFrom = (snapshot?: string) =>
    snapshot === undefined
      ? createScoringState(DEFAULT_POLICY)
      : restoreScoringState(DEFAULT_POLICY, snapshot);
  const first = await filled(dir, [1, 2, 3, 4, 5]);
  const heads = first.heads();
  expect(await first.compact({ keepFrom: 3, policy, stateFrom })).toEqual([1, 2]);
  await first.close();
  const ledger = await open(dir);
  expect(await ledger.compact({ keepFrom: 4, policy, stateFrom })).toEqual([3]);
  expect(await ledger.compact({ keepFrom: 4, policy, stateFrom })).toEqual([]);
  expect(ledger.segments()).toEqual([4, 5]);
  // all signed heads are there still, and the links behind them
  expect(ledger.heads()).toEqual(heads);
  const state = stateFrom(ledger.compacted()!.state);
  await ledger.fold(state);
  expect(state.snapshot()).toBe(whole.snapshot());
  await expect(ledger.compact({ keepFrom: 5, policy: 'f'.repeat(64), stateFrom })).rejects.toMatchObject({
    code: 'unsupported',
  });
  await ledger.close();
});

test('an event that was completed a segment later keeps the one in which it began', async () => {
  const ledger = await filled(await newFolder(), [1]);
  await ledger.append(event('event-started', 2));
  await ledger.append(proven('long', 2, 'good'));
  await ledger.append(event('event-started', 3));
  await ledger.append(event('event-completed', 2));
  await ledger.append(event('event-completed', 3));
  await ledger.append(event('event-started', 4));
  const input = { policy: policyDigest(DEFAULT_POLICY), stateFrom: () => createScoringState(DEFAULT_POLICY) };
  expect(await ledger.compact({ keepFrom: 3, ...input })).toEqual([1]);
  await ledger.close();
});

test('what is left cannot be altered, nor the ledger begin behind a gap', async () => {
  const dir = await newFolder();
  const ledger = await filled(dir, [1, 2, 3]);
  const policy = policyDigest(DEFAULT_POLICY);
  await ledger.compact({ keepFrom: 2, policy, stateFrom: () => createScoringState(DEFAULT_POLICY) });
  await ledger.close();
  const path = join(dir, 'compacted.json');
  const text = await readFile(path, 'utf8');
  for (const altered of [text.replace('"good"', '"evil"'), text.replace('"records":', '"records":1'), '{']) {
    await writeFile(path, altered.replace('good', 'evil'));
    await expect(openLedgerReader({ dir, log: silentLog })).rejects.toMatchObject({
      code: 'corrupt',
      data: { path },
    });
  }
  const { rm } = await import('node:fs/promises');
  await rm(path);
  await expect(open(dir)).rejects.toMatchObject({ code: 'corrupt', data: { line: 1 } });
  await writeFile(path, text);
  const whole = await open(dir);
  expect(whole.outcomes({ fromEpoch: 0 }).map(({ verdict }) => verdict)).toEqual([
    accepted,
    rejected('path'),
    accepted,
    rejected('path'),
  ]);
  await whole.close();
});
