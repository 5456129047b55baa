import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { devKeypair } from '../../../../src/keys/keypair.js';
import { toHex } from '../../../../src/model/bytes.js';
import { silentLog } from '../../../../src/model/log.js';
import { createSeededRandom } from '../../../../src/model/prng.js';
import { rejected } from '../../../../src/model/verdict.js';
import { exportLedger, importLedger } from '../../../../src/validator/ledger/bundle.js';
import { compareLedgers } from '../../../../src/validator/ledger/compare.js';
import { type Ledger, openLedger, openLedgerReader } from '../../../../src/validator/ledger/ledger.js';
import { paramsId } from '../../../../src/verification/checked-params.js';
import { COMPUTE_PARAMS } from '../../../../src/verification/kinds/compute/params.js';
import { bytes32, newFolder, outcomeEntry, whose } from './folders.js';

const open = (dir: string, random = 'bundle'): Promise<Ledger> =>
  openLedger({ dir, ...whose, random: createSeededRandom(random), log: silentLog });
const idsOf = async (dir: string) => {
  const reader = await openLedgerReader({ dir, log: silentLog });
  const ids = reader.outcomes({ fromEpoch: 0 }).map(({ id }) => id);
  await reader.close();
  return ids;
};
const idOf = (name: string) => outcomeEntry(name).outcome.id;

/** Four epochs, an outcome in each, one of them with an opening. */
async function fourEpochs(): Promise<string> {
  const dir = await newFolder();
  const ledger = await open(dir);
  await ledger.saveParams(toHex(paramsId(COMPUTE_PARAMS[0]!)), COMPUTE_PARAMS[0]!);
  for (const epoch of [1, 2, 3, 4])
    await ledger.append(
      outcomeEntry(`${epoch}`, {
        epoch,
        ...(epoch === 2 ? { verdict: rejected('path'), openingBytes: 3000 } : {}),
      }),
    );
  await ledger.close();
  return dir;
}

test('an export is the ledger again, with its evidence, and can be read and not gone on with', async () => {
  const [from, to] = [await fourEpochs(), await newFolder()];
  const file = join(await newFolder(), 'ledger.assay');
  const exported = await exportLedger({ dir: from, writer: whose }, file);
  const imported = await importLedger(file, to, { expect: { netuid: 2 } });
  expect(imported).toMatchObject({ files: exported.files, moved: false, owner: { netuid: 2 } });
  expect(imported.head).toEqual(exported.head);
  expect(await idsOf(to)).toEqual(['1', '2', '3', '4'].map(idOf));
  const reader = await openLedgerReader({ dir: to, log: silentLog });
  expect(await reader.readOpening(idOf('2'))).toHaveLength(3000);
  expect((await reader.find(idOf('4'))).session.worker).toBe('host-1');
  expect(await reader.readParams(toHex(paramsId(COMPUTE_PARAMS[0]!)))).toEqual(COMPUTE_PARAMS[0]);
  await expect(open(to)).rejects.toMatchObject({
    code: 'invalid-input',
    message: expect.stringMatching(/to be read/),
  });
  await expect(importLedger(file, to)).rejects.toMatchObject({ code: 'invalid-input' });
});

test('an export of some epochs has these alone, and no evidence where none was asked for', async () => {
  const [from, to] = [await fourEpochs(), await newFolder()];
  const file = join(await newFolder(), 'ledger.assay');
  await exportLedger({ dir: from, writer: whose }, file, { fromEpoch: 2, toEpoch: 3, evidence: false });
  await importLedger(file, to);
  expect(await idsOf(to)).toEqual(['2', '3'].map(idOf));
  expect((await readdir(to)).sort()).toEqual(['imported', 'segments']);
  const reader = await openLedgerReader({ dir: to, log: silentLog });
  await expect(reader.find(idOf('2'))).rejects.toMatchObject({ code: 'evidence-expired' });
});

test('any flipped bit, a cut and bytes behind the end are refused, and leave nothing behind', async () => {
  const file = join(await newFolder(), 'ledger.assay');
  await exportLedger({ dir: await fourEpochs(), writer: whose }, file);
  const whole = await readFile(file);
  const to = await newFolder();
  const refused = async (bytes: Uint8Array) => {
    await writeFile(file, bytes);
    await expect(importLedger(file, to)).rejects.toMatchObject({ name: 'AssayError' });
    expect(await readdir(to)).toEqual([]);
  };
  for (let at = 0; at < whole.length; at += 331) {
    const bytes = Buffer.from(whole);
    bytes[at]! ^= 1 << (at % 7);
    await refused(bytes);
  }
  await refused(whole.subarray(0, -1));
  await refused(whole.subarray(0, 1500));
  await refused(Buffer.concat([whole, Buffer.from('{}\n')]));
  const text = whole.toString('latin1');
  await refused(Buffer.from(text.replace('segments/0000000001.seg', '../ments/0000000001.seg'), 'latin1'));
  await writeFile(file, whole);
  await importLedger(file, to);
});

test('an export of another chain, subnet or validator than was asked for is refused', async () => {
  const file = join(await newFolder(), 'ledger.assay');
  await exportLedger({ dir: await fourEpochs(), writer: whose }, file);
  const others = [
    { netuid: 3 },
    { genesisHash: bytes32('other') },
    { hotkey: outcomeEntry('x').outcome.miner },
  ];
  for (const expected of others)
    await expect(importLedger(file, await newFolder(), { expect: expected })).rejects.toMatchObject({
      code: 'invalid-input',
    });
  const stranger = { ...whose, keypair: devKeypair('stranger') };
  await expect(exportLedger({ dir: await fourEpochs(), writer: stranger }, file)).rejects.toMatchObject({
    code: 'invalid-input',
  });
});

test('a ledger of another chain, subnet or validator is refused before anything runs', async () => {
  const dir = await fourEpochs();
  const others = [{ netuid: 3 }, { genesisHash: bytes32('other') }, { keypair: devKeypair('stranger') }];
  for (const other of others)
    await expect(
      openLedger({ dir, ...whose, ...other, random: createSeededRandom('x'), log: silentLog }),
    ).rejects.toMatchObject({
      code: 'invalid-input',
      message: expect.stringMatching(/of another (chain|subnet|validator)/),
    });
});

test('what was handed over goes on where it was imported, and never again where it was', async () => {
  const [from, to] = [await fourEpochs(), await newFolder()];
  const file = join(await newFolder(), 'ledger.assay');
  const before = await open(from);
  const token = await before.move();
  await expect(before.append(outcomeEntry('late', { epoch: 9 }))).rejects.toThrow(/handed over/);
  await before.close();
  await expect(open(from)).rejects.toMatchObject({
    code: 'invalid-input',
    data: { got: expect.stringContaining(token) },
  });
  await exportLedger({ dir: from, writer: whose }, file);
  expect(await importLedger(file, to, { goOn: whose })).toMatchObject({ moved: true });
  const ledger = await open(to);
  await ledger.append(outcomeEntry('5', { epoch: 5 }));
  await ledger.close();
  expect(await idsOf(to)).toEqual(['1', '2', '3', '4', '5'].map(idOf));
  await (await open(to)).close();
});

test('two machines that both go on with one ledger are found out by what both signed', async () => {
  const [from, to] = [await fourEpochs(), await newFolder()];
  const file = join(await newFolder(), 'ledger.assay');
  await exportLedger({ dir: from, writer: whose }, file);
  await importLedger(file, to, { goOn: whose });
  for (const [dir, name] of [
    [from, 'here'],
    [to, 'there'],
  ] as const) {
    const ledger = await open(dir, name);
    for (const epoch of [5, 6]) await ledger.append(outcomeEntry(`${name} ${epoch}`, { epoch }));
    await ledger.close();
  }
  const [a, b] = [
    await openLedgerReader({ dir: from, log: silentLog }),
    await openLedgerReader({ dir: to, log: silentLog }),
  ];
  expect((await compareLedgers(a, b)).fork).toEqual({ epoch: 4 });
  expect((await compareLedgers(a, a)).fork).toBeUndefined();
});
