import { cp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { toHex, utf8 } from '../../../../src/model/bytes.js';
import { silentLog } from '../../../../src/model/log.js';
import { createSeededRandom } from '../../../../src/model/prng.js';
import { RECORD } from '../../../../src/validator/ledger/codec.js';
import { LEDGER_VERSION, type OutcomeEntry, toPlain } from '../../../../src/validator/ledger/entries.js';
import { createFrames, eachRecord, FIRST_LINK, readFrames } from '../../../../src/validator/ledger/frames.js';
import { openLedger } from '../../../../src/validator/ledger/ledger.js';
import { bytes32, newFolder, outcomeEntry, whose } from './folders.js';

// A process that dies during the upgrade of a ledger, at every single step that changes its folder.

const disk = vi.hoisted(() => ({ left: Number.POSITIVE_INFINITY, steps: 0 }));
vi.mock('node:fs/promises', async (original) => {
  const real = await original<typeof import('node:fs/promises')>();
  const DEAD = () => new Error('the process has died');
  /** What the disk is asked for after the death does not happen. */
  const step = () => {
    disk.steps++;
    if (disk.left <= 0) throw DEAD();
    disk.left--;
  };
  const CHANGES = ['mkdir', 'rename', 'rm', 'writeFile', 'link', 'unlink', 'appendFile'] as const;
  const changing = Object.fromEntries(
    CHANGES.map((name) => [
      name,
      async (...args: unknown[]) => {
        step();
        return (real[name] as (...of: unknown[]) => Promise<unknown>)(...args);
      },
    ]),
  );
  const HANDLE = new Set(['write', 'writev', 'writeFile', 'appendFile', 'truncate', 'sync', 'datasync']);
  return {
    ...real,
    ...changing,
    async open(...args: Parameters<typeof real.open>) {
      const handle = await real.open(...args);
      return new Proxy(handle, {
        get(target, name) {
          const value = Reflect.get(target, name, target) as unknown;
          if (typeof value !== 'function') return value;
          return (...of: unknown[]) => {
            if (!HANDLE.has(String(name))) return value.apply(target, of);
            try {
              step();
            } catch (error) {
              return Promise.reject(error);
            }
            return value.apply(target, of);
          };
        },
      });
    },
  };
});

const open = (dir: string) =>
  openLedger({ dir, ...whose, random: createSeededRandom('upgrade'), log: silentLog });

/** It names this process, which is no dead one; of one that is, the next start takes it over. */
async function loseLock(dir: string): Promise<void> {
  for (const name of await readdir(dir)) if (/^lock/.test(name)) await rm(join(dir, name));
}

/** As version 2 wrote it. */
function line({ outcome, session }: OutcomeEntry): string {
  const plain = (value: unknown): unknown => {
    if (value instanceof Uint8Array) return toHex(value);
    if (Array.isArray(value)) return value.map(plain);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, plain(each)]));
  };
  return JSON.stringify({ type: 'outcome', outcome, session: plain(session), at: 5 });
}

test('an upgrade that dies at any step leaves the old ledger or the new one, and the next start has all of it', async () => {
  const entries = ['a', 'b', 'c'].map((name, i) => outcomeEntry(name, { epoch: i + 1 }));
  const started = {
    event: toHex(bytes32('event')),
    basis: toHex(bytes32('basis')),
    epoch: 1,
    block: 12,
    at: 5,
  };
  const journal = [
    '{"type":"journal","version":2}',
    JSON.stringify({ type: 'event-started', ...started }),
    ...entries.map(line),
    JSON.stringify({ type: 'event-completed', ...started }),
    JSON.stringify({ type: 'weights', epoch: 3, block: 40, row: [[3, 65535]], at: 6 }),
  ].join('\n');
  const before = await newFolder();
  await writeFile(join(before, 'journal.jsonl'), `${journal}\n`);

  disk.steps = 0;
  const whole = await newFolder();
  await cp(before, whole, { recursive: true });
  await (await open(whole)).close();
  const steps = disk.steps;
  expect(steps).toBeGreaterThan(20);

  let oldOnes = 0;
  for (let at = 0; at < steps; at++) {
    const dir = await newFolder();
    await cp(before, dir, { recursive: true });
    disk.left = at;
    await open(dir)
      .then((ledger) => ledger.close())
      .catch(() => {});
    disk.left = Number.POSITIVE_INFINITY;
    await loseLock(dir);
    const names = await readdir(dir);
    if (names.includes('journal.jsonl')) oldOnes++;
    // never neither: the old bytes are whole wherever they stand
    const kept = names.includes('journal.jsonl') ? 'journal.jsonl' : 'journal.v2.jsonl';
    expect(await readFile(join(dir, kept), 'utf8')).toBe(`${journal}\n`);

    const ledger = await open(dir);
    expect(ledger.outcomes({ fromEpoch: 0 }).map(({ id }) => id)).toEqual(
      entries.map(({ outcome }) => outcome.id),
    );
    expect(ledger.completedEvents({ fromEpoch: 0 })).toMatchObject([{ epoch: 1, block: 12 }]);
    expect(ledger.lastWeights()).toMatchObject({ row: [[3, 65535]] });
    await ledger.fold({});
    await ledger.close();
    expect((await readdir(dir)).sort()).toEqual((await readdir(whole)).sort());
  }
  expect(oldOnes).toBeGreaterThan(steps / 2);
  expect(oldOnes).toBeLessThan(steps);
});

/** Records of a file that are entries. */
function* entriesOf(path: string) {
  for (const frame of readFrames(path, FIRST_LINK, { isLast: true })) {
    const found: string[] = [];
    eachRecord(frame, (type, from, to) => {
      if (type === RECORD.entry) found.push(frame.payload.toString('utf8', from, to));
    });
    yield* found.map(toPlain);
  }
}

/** A ledger with a segment that version 3 has begun. */
async function asVersion3(): Promise<{ dir: string; path: string }> {
  const dir = await newFolder();
  const ledger = await open(dir);
  await ledger.append(outcomeEntry('a', { epoch: 7 }));
  await ledger.append({ type: 'weights', epoch: 7, block: 40, row: [[3, 65535]] });
  await ledger.close();
  const path = join(dir, 'segments', '0000000007.seg');
  const frames = createFrames(FIRST_LINK);
  for (const frame of readFrames(path, FIRST_LINK, { isLast: true }))
    eachRecord(frame, (type, from, to) => {
      const body = frame.payload.subarray(from, to);
      const text = body.toString('latin1');
      frames.add(type, Buffer.from(text.replace(`"version":${LEDGER_VERSION}`, '"version":3'), 'latin1'));
    });
  await writeFile(path, frames.seal().bytes);
  return { dir, path };
}

test('a ledger of version 3 is gone on with behind a header of this one, at whatever step a process dies', async () => {
  const { dir: before, path } = await asVersion3();
  expect([...entriesOf(path)][0]).toMatchObject({ type: 'segment', version: 3 });
  const breaker = { type: 'breaker', is: 'expired', epoch: 7, block: 50, since: 6 } as const;
  const goOn = async (dir: string) => {
    const ledger = await open(dir);
    try {
      await ledger.append(breaker);
      await ledger.append(outcomeEntry('b', { epoch: 7 }));
    } finally {
      await ledger.close();
    }
  };

  const whole = await newFolder();
  await cp(before, whole, { recursive: true });
  disk.steps = 0;
  await goOn(whole);
  const steps = disk.steps;
  expect(await readdir(join(whole, 'segments'))).toEqual(['0000000007.seg', '0000000008.seg']);

  for (let at = 0; at < steps; at++) {
    const dir = await newFolder();
    await cp(before, dir, { recursive: true });
    disk.left = at;
    await goOn(dir).catch(() => {});
    disk.left = Number.POSITIVE_INFINITY;
    await loseLock(dir);

    await goOn(dir);
    const ledger = await open(dir);
    expect(ledger.outcomes({ fromEpoch: 7 }).map(({ id }) => id)).toEqual(
      ['a', 'b'].map((name) => outcomeEntry(name).outcome.id),
    );
    expect(ledger.lastWeights()).toMatchObject({ row: [[3, 65535]] });
    await ledger.append({ ...breaker, epoch: 8 });
    await ledger.close();
    // what an older build would call corrupt stands in no file that it reads
    const [old, next, ...more] = await readdir(join(dir, 'segments'));
    expect(more).toEqual([]);
    const left = [...entriesOf(join(dir, 'segments', old!))].map(({ type }) => type);
    expect(left).toEqual(['segment', 'weights', 'closed']);
    const written = await readFile(join(dir, 'segments', next!), 'latin1');
    expect(written).toContain(`"type":"segment","version":${LEDGER_VERSION},"epoch":8`);
  }
});

test('a ledger of version 3 that is only read stays as it is', async () => {
  const { dir, path } = await asVersion3();
  const bytes = await readFile(path);
  await (await open(dir)).close();
  expect(await readFile(path)).toEqual(bytes);
  expect(await readdir(join(dir, 'segments'))).toEqual(['0000000007.seg']);
});

test('a ledger of a newer build is refused by its version, and nothing in it changes', async () => {
  const dir = await newFolder();
  const ledger = await open(dir);
  await ledger.append(outcomeEntry('a'));
  await ledger.close();
  const [name] = await readdir(join(dir, 'segments'));
  const path = join(dir, 'segments', name!);
  const [header] = /\{"type":"segment".*?\}(?=[^}]*$|\W)/s.exec(await readFile(path, 'latin1'))!;
  const frames = createFrames(FIRST_LINK);
  frames.add(
    RECORD.entry,
    utf8(header.replace(`"version":${LEDGER_VERSION}`, `"version":${LEDGER_VERSION + 1}`)),
  );
  const newer = frames.seal().bytes;
  const other = await newFolder();
  await cp(dir, other, { recursive: true });
  await writeFile(join(other, 'segments', name!), newer);
  await expect(open(other)).rejects.toMatchObject({
    code: 'unsupported',
    message: expect.stringMatching(
      /a ledger of version 5: this build reads none after 4: start the build that wrote it/,
    ),
  });
  expect(await readFile(join(other, 'segments', name!))).toEqual(newer);
});
