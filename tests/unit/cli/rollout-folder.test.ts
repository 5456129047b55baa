// A validator's folder that is looked at while the validator is at work.
import { appendFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, expect, test, vi } from 'vitest';
import { replay } from '../../../src/cli/commands/rollouts/replay.js';
import { show } from '../../../src/cli/commands/rollouts/show.js';
import { keepSubnet, parseRolloutSubnet } from '../../../src/cli/rollout-subnet.js';
import { devKeypair, readyKeys } from '../../../src/keys/keypair.js';
import { utf8 } from '../../../src/model/bytes.js';
import { toHotkey } from '../../../src/model/ids.js';
import { silentLog } from '../../../src/model/log.js';
import { openShelf, openShelfReader } from '../../../src/rollouts/shelf.js';
import { rolloutSubnet } from '../../../src/testing/rollouts/world.js';
import { openRolloutLedger, type RolloutEntry } from '../../../src/validator/rollouts/ledger.js';

const never = new AbortController().signal;
const folders: string[] = [];
const folder = async () => {
  const dir = await mkdtemp(join(tmpdir(), 'assay-folder-'));
  folders.push(dir);
  return dir;
};
beforeAll(readyKeys);
afterEach(async () => {
  vi.restoreAllMocks();
  for (const dir of folders.splice(0)) await rm(dir, { recursive: true });
});

const snapshot = async (dir: string) => {
  const names = await readdir(dir, { recursive: true, withFileTypes: true });
  return Promise.all(
    names.map(async (each) => {
      const path = join(each.parentPath ?? each.path, each.name);
      return [path, each.isFile() ? await readFile(path, 'hex') : 'folder'];
    }),
  ).then((all) => all.sort());
};

async function said(work: () => Promise<number>) {
  let printed = '';
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    printed += String(text);
    return true;
  });
  const code = await work();
  vi.restoreAllMocks();
  return { code, printed };
}

const MINER = toHotkey(devKeypair('one').address);
const PLAN = { firstBlock: 100, everyBlocks: 50, workBlocks: 40 };
const genesis = new Uint8Array(32).fill(1);
const COLLECTED: RolloutEntry = {
  type: 'collected',
  window: 0,
  startBlock: 100,
  deadlineBlock: 140,
  context: {
    beacon: { kind: 'dev-chain', round: 9n, signature: new Uint8Array(32) },
    ...{ genesis, netuid: 1, window: 0 },
    checkpointDigest: new Uint8Array(32),
    policyDigest: new Uint8Array(32),
  },
  round: 12n,
  deliveries: [{ miner: MINER, is: 'complete', manifest: genesis, file: genesis }],
};

test('show and replay make, mend and remove nothing, say of a torn end, and fail on a ledger that is not whole', async () => {
  const data = await folder();
  const trainer = devKeypair('trainer').address;
  await keepSubnet(data, parseRolloutSubnet({ ...rolloutSubnet('plain'), trainer, plan: PLAN }, 'test'));
  const ledger = await openRolloutLedger({
    dir: join(data, 'windows'),
    of: { genesis, netuid: 1, validator: toHotkey(devKeypair('validator').address), plan: PLAN },
    log: silentLog,
  });
  const journal = join(data, 'windows', 'windows.jsonl');
  await ledger.append(COLLECTED);
  // of a validator that is at work: its lock, and what it is writing
  await mkdir(join(data, 'files'));
  await writeFile(join(data, 'files', `0-${'ab'.repeat(32)}.part`), 'half');
  await appendFile(journal, '{"before":"');

  const before = await snapshot(data);
  const replayed = await said(() => replay(data, {}, never));
  const shown = await said(() => show(data, {}));
  expect(await snapshot(data)).toEqual(before);
  expect(replayed.code).toBe(0);
  for (const { printed } of [replayed, shown]) expect(printed).toMatch(/last 11 bytes are no whole line/);

  await writeFile(journal, (await readFile(journal, 'utf8')).replace('{"before":"\n', ''));
  await ledger.close();
  const more = await openRolloutLedger({
    dir: join(data, 'windows'),
    of: { genesis, netuid: 1, validator: toHotkey(devKeypair('validator').address), plan: PLAN },
    log: silentLog,
  });
  await more.append({ type: 'judged', window: 0 });
  await more.close();
  const flawed = await said(() => replay(data, {}, never));
  expect(flawed.code).toBe(1);
  expect(flawed.printed).toContain(
    `window 0  ${MINER}  the ledger is not whole: judged, and the verdict is not here`,
  );
  expect(flawed.printed).toMatch(/0 verdicts: .*; 1 flaws of the ledger, which ends in [0-9a-f]{16}/);
  expect((await said(() => show(data, {}))).printed).toContain('the ledger is not whole');
});

test('a shelf that is only read finds what its owner puts there, moves and forgets meanwhile', async () => {
  const dir = join(await folder(), 'files');
  const reader = openShelfReader(dir);
  const file = utf8('a file');
  expect(await reader.read(genesis)).toBeUndefined();
  await expect(readdir(dir)).rejects.toMatchObject({ code: 'ENOENT' });
  const shelf = await openShelf(dir);
  const name = await shelf.put(3, file);
  expect(await reader.read(name)).toEqual(file);
  await shelf.put(4, file);
  expect(await reader.read(name)).toEqual(file);
  await shelf.forget(9);
  expect(await reader.read(name)).toBeUndefined();
});
