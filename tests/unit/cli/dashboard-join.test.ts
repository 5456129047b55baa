import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { joinDashboard, replayCommand } from '../../../src/cli/dashboard/join.js';
import { BUILT_IN_ALONE } from '../../../src/cli/subnet-module.js';
import { systemClock } from '../../../src/model/clock.js';
import { silentLog } from '../../../src/model/log.js';
import { seedLedger } from '../../support/seeded-ledger.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'assay-joined-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** As pages are told while it runs: a second is a turn, and it ends after `most` of them or when `isEnough`. What a disk takes is real time. */
async function toldWhile(
  joined: ReturnType<typeof joinDashboard>,
  seconds: { signal: AbortController; count: number },
  isEnough: (told: string) => boolean,
): Promise<string> {
  let told = '';
  joined.hub.listen(new Set(['standings', 'masthead']), {
    write(bytes) {
      told += bytes.toString();
      if (isEnough(told)) seconds.signal.abort();
      return true;
    },
    drop() {},
  });
  await joined.run(seconds.signal.signal);
  return told;
}

function joinedTo(validator: string, most: number) {
  const seconds = { signal: new AbortController(), count: 0 };
  const clock = {
    ...systemClock,
    async sleep() {
      await turn();
      if (++seconds.count >= most) seconds.signal.abort();
    },
  };
  return {
    seconds,
    joined: joinDashboard({ clock, log: silentLog, known: BUILT_IN_ALONE, validator, hasLab: false }),
  };
}

test('verdicts that came are told to open pages, also when nothing comes after them', async () => {
  const { joined, seconds } = joinedTo(folder, Number.POSITIVE_INFINITY);
  await joined.read(seconds.signal.signal);
  await seedLedger(folder, { miners: 3, epochs: 1 });
  const told = await toldWhile(joined, seconds, (all) => all.includes('event: standings'));
  expect(told).toContain('New verdicts came.');
});

test('what was there when the pages were made is not told as new', async () => {
  const { joined, seconds } = joinedTo(folder, 2000);
  await joined.read(seconds.signal.signal);
  expect(joined.masthead().epoch).toBeGreaterThan(0);
  expect(await toldWhile(joined, seconds, () => false)).not.toContain('standings');
});

test('a ledger that cannot be read is not shown as an empty one, and pages that stand still say so', async () => {
  const data = join(folder, 'other');
  await mkdir(join(data, 'ledger'), { recursive: true });
  await writeFile(join(data, 'ledger', 'segments'), 'a file');
  const { joined, seconds } = joinedTo(data, 1000);
  const { signal } = seconds.signal;
  const why = `ledger ${join(data, 'ledger')}: expected a folder that this user may read, got a path through a file`;
  await expect(joined.read(signal)).rejects.toThrow(why);
  expect(joined.masthead().warnings).toEqual([]);
  await expect(joined.run(signal)).rejects.toThrow(why);
  expect(joined.masthead().warnings).toEqual([`A part of this stands still: ${why}`]);
});

test('what a page says to type judges an outcome again with the module that it was judged by, and tells the internet no places', () => {
  const at = { data: '/srv/a validator', module: '/opt/my-subnet/dist/subnet.js', isStatic: false };
  const told = (of: Partial<Parameters<typeof replayCommand>[1]>) => replayCommand('5f0c', { ...at, ...of });
  expect(told({})).toBe(
    "assay validator replay 5f0c --data '/srv/a validator' --module /opt/my-subnet/dist/subnet.js",
  );
  expect(told({ module: undefined })).toBe("assay validator replay 5f0c --data '/srv/a validator'");
  expect(told({ isStatic: true })).toBe('assay validator replay 5f0c --data FOLDER --module FILE');
  expect(told({ isStatic: true, module: undefined })).toBe('assay validator replay 5f0c --data FOLDER');
});
