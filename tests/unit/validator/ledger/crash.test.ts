import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { sha256 } from '../../../../src/model/hash.js';
import { silentLog } from '../../../../src/model/log.js';
import { createSeededRandom } from '../../../../src/model/prng.js';
import { exportLedger, importLedger } from '../../../../src/validator/ledger/bundle.js';
import { RECORD } from '../../../../src/validator/ledger/codec.js';
import { createFrames } from '../../../../src/validator/ledger/frames.js';
import { type Ledger, openLedger, openLedgerReader } from '../../../../src/validator/ledger/ledger.js';
import { newFolder, outcomeEntry, whose } from './folders.js';

const open = (dir: string): Promise<Ledger> =>
  openLedger({ dir, ...whose, random: createSeededRandom('crash'), log: silentLog });
const segment = (dir: string, epoch: number) => join(dir, 'segments', `${`${epoch}`.padStart(10, '0')}.seg`);
const idOf = (name: string) => outcomeEntry(name).outcome.id;
const idsIn = (ledger: Ledger) => ledger.outcomes({ fromEpoch: 0 }).map(({ id }) => id);

async function filled(epochs: readonly number[]): Promise<string> {
  const dir = await newFolder();
  const ledger = await open(dir);
  for (const epoch of epochs) await ledger.append(outcomeEntry(`${epoch}`, { epoch }));
  await ledger.close();
  return dir;
}

test('a segment that a crash kept from being begun is not in the way of a later one', async () => {
  const dir = await filled([1, 2]);
  await writeFile(segment(dir, 2), '');
  const ledger = await open(dir);
  await ledger.append(outcomeEntry('3', { epoch: 3 }));
  await ledger.close();
  const again = await open(dir);
  expect(idsIn(again)).toEqual(['1', '3'].map(idOf));
  expect(again.segments()).toEqual([1, 3]);
  await again.close();
});

test('a segment under the name of another epoch is not read as that one', async () => {
  const dir = await filled([1, 2]);
  await rename(segment(dir, 2), segment(dir, 7));
  await expect(open(dir)).rejects.toMatchObject({
    code: 'corrupt',
    data: { path: segment(dir, 7), line: 1 },
  });
});

test('a frame that its maker linked over records that are none is refused like any other', async () => {
  for (const length of [0, 42, 2 ** 31]) {
    const dir = await newFolder();
    const ledger = await open(dir);
    await ledger.append(outcomeEntry('1'));
    const { link } = ledger.head()!;
    await ledger.close();
    const frames = createFrames(link);
    frames.add(RECORD.name, new Uint8Array(40));
    const frame = frames.seal().bytes;
    frame.writeUInt32LE(length, 12); // the record's own length; the frame's link is made again
    frame.set(sha256(link, frame.subarray(0, -32)), frame.length - 32);
    await writeFile(segment(dir, 1), Buffer.concat([await readFile(segment(dir, 1)), frame]));
    await expect(openLedgerReader({ dir, log: silentLog })).rejects.toMatchObject({
      code: 'corrupt',
      data: { why: expect.stringContaining('not a record') },
    });
  }
});

test('what goes on without its sessions says that they are not kept, also where a session of its own follows', async () => {
  const file = join(await newFolder(), 'ledger.assay');
  const to = await newFolder();
  await exportLedger({ dir: await filled([1]), writer: whose }, file, { evidence: false });
  await importLedger(file, to, { goOn: whose });
  const ledger = await open(to);
  await ledger.append(outcomeEntry('new', { epoch: 1 }));
  await expect(ledger.find(idOf('1'))).rejects.toMatchObject({ code: 'evidence-expired' });
  expect((await ledger.find(idOf('new'))).outcome.id).toBe(idOf('new'));
  await ledger.close();
});

test('nothing is imported into a folder that a validator has open', async () => {
  const file = join(await newFolder(), 'ledger.assay');
  await exportLedger({ dir: await filled([1, 2]), writer: whose }, file);
  const to = await newFolder();
  const ledger = await open(to); // nothing of it is on disk yet
  await expect(importLedger(file, to)).rejects.toMatchObject({
    code: 'invalid-input',
    message: expect.stringMatching(/in use/),
  });
  await ledger.append(outcomeEntry('own'));
  expect(idsIn(ledger)).toEqual([idOf('own')]);
  await ledger.close();
});

test('no ledger begins where an import was cut short', async () => {
  const file = join(await newFolder(), 'ledger.assay');
  await exportLedger({ dir: await filled([1, 2]), writer: whose }, file);
  const to = await newFolder();
  await mkdir(join(to, 'importing', 'segments'), { recursive: true });
  await expect(open(to)).rejects.toMatchObject({
    code: 'invalid-input',
    message: expect.stringMatching(/import/),
  });
  await importLedger(file, to, { goOn: whose });
  expect(await readdir(to)).not.toContain('importing');
  const ledger = await open(to);
  expect(idsIn(ledger)).toEqual(['1', '2'].map(idOf));
  await ledger.close();
  await rm(file);
});
