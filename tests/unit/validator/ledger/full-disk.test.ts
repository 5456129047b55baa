// A real file system of 256 KiB, mounted for the test alone: where that is not allowed the test says so.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { silentLog } from '../../../../src/model/log.js';
import { openLedgerReader } from '../../../../src/validator/ledger/ledger.js';
import { newFolder } from './folders.js';

const inside = (dir: string, command: string) =>
  spawnSync(
    'unshare',
    [
      '--user',
      '--map-root-user',
      '--mount',
      'sh',
      '-c',
      `mount -t tmpfs -o size=256k none ${dir} && ${command}`,
    ],
    {
      encoding: 'utf8',
      timeout: 60_000,
    },
  );
const mayMount = inside('/mnt', 'true').status === 0;
if (!mayMount) console.warn('a full disk is not tried: this machine does not let us mount one');

test.skipIf(!mayMount)('a disk that is full costs nothing that was acknowledged, and is told', async () => {
  const [disk, kept] = [await newFolder(), await newFolder()];
  const script = fileURLToPath(new URL('../../../support/full-disk.ts', import.meta.url));
  const { stdout, stderr } = inside(
    disk,
    `${process.execPath} --import tsx ${script} ${join(disk, 'ledger')} && cp -r ${join(disk, 'ledger')} ${kept}/ledger`,
  );
  const told = JSON.parse(stdout.trim().split('\n').at(-1) ?? stderr) as {
    acknowledged: string[];
    refused: string[];
    afterwards: string;
  };
  expect(new Set(told.refused)).toEqual(new Set(['ENOSPC']));
  expect(told.acknowledged.length).toBeGreaterThan(10);
  const reader = await openLedgerReader({ dir: join(kept, 'ledger'), log: silentLog });
  const ids = reader.outcomes({ fromEpoch: 0 }).map(({ id }) => id);
  // and once there was room again it went on
  expect(ids).toEqual([...told.acknowledged, told.afterwards]);
  for (const id of ids) expect((await reader.find(id)).outcome.id).toBe(id);
  expect(readFileSync(join(kept, 'ledger', 'segments', '0000000001.seg')).length).toBeGreaterThan(0);
  await reader.close();
});
