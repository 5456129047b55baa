import { appendFile, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { silentLog } from '../../../../src/model/log.js';
import { createSeededRandom } from '../../../../src/model/prng.js';
import { followLedger } from '../../../../src/validator/ledger/follow.js';
import { type Ledger, openLedger } from '../../../../src/validator/ledger/ledger.js';
import { newFolder, outcomeEntry, whose } from './folders.js';

const open = (dir: string): Promise<Ledger> =>
  openLedger({ dir, ...whose, random: createSeededRandom('follow'), log: silentLog });
const segment = (dir: string, epoch: number) => join(dir, 'segments', `${`${epoch}`.padStart(10, '0')}.seg`);
const idOf = (name: string) => outcomeEntry(name).outcome.id;

/** What a follower tells, by the ids of outcomes. */
function follow(dir: string, segments?: number) {
  const follower = followLedger(dir, { segments });
  const ids: string[] = [];
  const poll = () => follower.poll({ outcome: ({ id }) => void ids.push(id) });
  return { follower, ids, poll };
}

test('each entry is told once, while another writes, over the end of a segment', async () => {
  const dir = await newFolder();
  const ledger = await open(dir);
  const { ids, poll, follower } = follow(dir);
  await ledger.append(outcomeEntry('1'));
  expect(await poll()).toBe(true);
  expect(await poll()).toBe(false);
  expect(follower.owner?.hotkey).toBe(whose.keypair.address);
  await ledger.append(outcomeEntry('2'));
  await poll();
  await ledger.append(outcomeEntry('3', { epoch: 2 }));
  await ledger.append(outcomeEntry('4', { epoch: 4 }));
  await poll();
  await ledger.append(outcomeEntry('5', { epoch: 4 }));
  await poll();
  await ledger.close();
  expect(ids).toEqual(['1', '2', '3', '4', '5'].map(idOf));
});

test('a folder without a ledger is followed until there is one', async () => {
  const dir = join(await newFolder(), 'ledger');
  const { ids, poll, follower } = follow(dir);
  expect(await poll()).toBe(false);
  expect(follower.owner).toBeUndefined();
  const ledger = await open(dir);
  await ledger.append(outcomeEntry('1'));
  expect(await poll()).toBe(true);
  expect(ids).toEqual([idOf('1')]);
  await ledger.close();
});

test('of a long ledger only the newest segments are told at first, and all that comes after', async () => {
  const dir = await newFolder();
  const ledger = await open(dir);
  for (const epoch of [1, 2, 3]) await ledger.append(outcomeEntry(`${epoch}`, { epoch }));
  const { ids, poll } = follow(dir, 1);
  await poll();
  await ledger.append(outcomeEntry('4', { epoch: 4 }));
  await ledger.append(outcomeEntry('5', { epoch: 5 }));
  await poll();
  await ledger.close();
  expect(ids).toEqual(['3', '4', '5'].map(idOf));
});

test('a frame that is being written is waited for', async () => {
  const dir = await newFolder();
  const ledger = await open(dir);
  await ledger.append(outcomeEntry('1'));
  const before = await readFile(segment(dir, 1));
  await ledger.append(outcomeEntry('2'));
  await ledger.close();
  const after = await readFile(segment(dir, 1));
  await writeFile(segment(dir, 1), after.subarray(0, before.length + 40));
  const { ids, poll } = follow(dir);
  await poll();
  expect(ids).toEqual([idOf('1')]);
  await appendFile(segment(dir, 1), after.subarray(before.length + 40));
  await poll();
  expect(ids).toEqual([idOf('1'), idOf('2')]);
});

test('what was altered is refused, naming the file; what stands before it was told', async () => {
  const dir = await newFolder();
  const ledger = await open(dir);
  await ledger.append(outcomeEntry('1'));
  const before = (await readFile(segment(dir, 1))).length;
  await ledger.append(outcomeEntry('2'));
  await ledger.append(outcomeEntry('3'));
  await ledger.close();
  const bytes = await readFile(segment(dir, 1));
  bytes[before + 40]! ^= 1;
  await writeFile(segment(dir, 1), bytes);
  const { ids, poll } = follow(dir);
  await expect(poll()).rejects.toMatchObject({ code: 'corrupt', data: { path: segment(dir, 1) } });
  expect(ids).toEqual([idOf('1')]);
});

test('a ledger that was put in the place of another is not gone on with', async () => {
  const [dir, other] = [await newFolder(), await newFolder()];
  for (const [folder, name] of [
    [dir, '1'],
    [other, 'x'],
  ] as const) {
    const ledger = await open(folder);
    await ledger.append(outcomeEntry(name));
    await ledger.append(outcomeEntry(`${name}2`, { epoch: 2 }));
    await ledger.close();
  }
  const { poll } = follow(dir, 1);
  await rm(segment(dir, 2));
  await poll();
  await writeFile(segment(dir, 2), await readFile(segment(other, 2)));
  expect(await readdir(join(dir, 'segments'))).toHaveLength(2);
  await expect(poll()).rejects.toMatchObject({ code: 'corrupt', data: { path: segment(dir, 2), line: 1 } });
});
