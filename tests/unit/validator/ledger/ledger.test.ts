import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { appendFile, readdir, readFile, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { toHex } from '../../../../src/model/bytes.js';
import { silentLog } from '../../../../src/model/log.js';
import { createSeededRandom } from '../../../../src/model/prng.js';
import { accepted, inconclusive, rejected } from '../../../../src/model/verdict.js';
import type { EventEntry, OutcomeEntry } from '../../../../src/validator/ledger/entries.js';
import {
  type Ledger,
  openLedger,
  openLedgerReader,
  type WritableLedgerOptions,
} from '../../../../src/validator/ledger/ledger.js';
import { paramsId } from '../../../../src/verification/checked-params.js';
import { COMPUTE_PARAMS } from '../../../../src/verification/kinds/compute/params.js';
import { bytes32, newFolder, outcomeEntry, recordingLog, whose } from './folders.js';

const open = (dir: string, options: Partial<WritableLedgerOptions> = {}): Promise<Ledger> =>
  openLedger({ dir, ...whose, random: createSeededRandom('ledger'), log: silentLog, ...options });
const segment = (dir: string, epoch = 1) => join(dir, 'segments', `${`${epoch}`.padStart(10, '0')}.seg`);
const evidence = (dir: string, pile = 'rejected', epoch = 1) =>
  join(dir, 'evidence', `${`${epoch}`.padStart(10, '0')}.${pile}.jsonl`);
async function flip(path: string, at: number): Promise<void> {
  const bytes = await readFile(path);
  bytes[at]! ^= 4;
  await writeFile(path, bytes);
}
async function oneOutcome(): Promise<string> {
  const dir = await newFolder();
  const ledger = await open(dir);
  await ledger.append(outcomeEntry('a'));
  await ledger.close();
  return dir;
}
const openingOf = (entry: OutcomeEntry) => entry.session.frames.at(-1)!.body;
const completed = (epoch: number, name: string): EventEntry => ({
  type: 'event-completed',
  event: toHex(bytes32(name)),
  epoch,
  block: 12,
  basis: bytes32('basis'),
  beacon: bytes32('beacon'),
});
const begun = { type: 'event-started', beacon: undefined } as const;

describe('ledger', () => {
  it('gives back after a restart what was appended before', async () => {
    const dir = await newFolder();
    const entry = outcomeEntry('a', { verdict: rejected('projection'), epoch: 4, openingBytes: 1000 });
    const row = [
      [0, 65535],
      [3, 0],
    ] as const;
    const first = await open(dir);
    await first.append({ ...completed(4, 'one'), ...begun });
    await first.append(entry);
    await first.append(outcomeEntry('b', { verdict: inconclusive('validator-late'), epoch: 3 }));
    await first.append(completed(4, 'one'));
    await first.append({ type: 'weights', epoch: 4, block: 77, row });
    await first.close();

    const ledger = await open(dir);
    expect(ledger.outcomes({ fromEpoch: 0 }).map(({ id }) => id)).toEqual(
      ['a', 'b'].map((name) => outcomeEntry(name).outcome.id),
    );
    expect(ledger.outcomes({ fromEpoch: 4 })).toEqual([entry.outcome]);
    expect(ledger.completedEvents({ fromEpoch: 4 })).toEqual([completed(4, 'one')]);
    expect(ledger.completedEvents({ fromEpoch: 5 })).toEqual([]);
    expect(ledger.startedEvents({ fromEpoch: 4 })).toEqual([{ ...completed(4, 'one'), ...begun }]);
    expect(ledger.startedEvents({ fromEpoch: 5 })).toEqual([]);
    expect(ledger.lastWeights()).toEqual({ type: 'weights', epoch: 4, block: 77, row });
    const found = await ledger.find(entry.outcome.id);
    expect(found.outcome).toEqual(entry.outcome);
    expect(found.session.frames[0]).toEqual(entry.session.frames[0]);
    expect(found.session.frames[1]!.body).toMatchObject({ bytes: 1000 });
    expect(Buffer.from(await ledger.readOpening(entry.outcome.id))).toEqual(Buffer.from(openingOf(entry)));
    await ledger.close();
  });

  it('keeps the order of the calls when appends overlap', async () => {
    const dir = await newFolder();
    const ledger = await open(dir);
    const names = Array.from({ length: 200 }, (_, i) => `outcome ${i}`);
    await Promise.all(
      names.map((name, i) =>
        ledger.append(outcomeEntry(name, { verdict: rejected('path'), openingBytes: i % 3 ? 0 : 500 })),
      ),
    );
    const ids = names.map((name) => outcomeEntry(name).outcome.id);
    expect(ledger.outcomes({ fromEpoch: 0 }).map(({ id }) => id)).toEqual(ids);
    const middle = await ledger.find(ids[99]!);
    expect(middle.outcome.id).toBe(ids[99]);
    await ledger.close();
  });

  it('finds an outcome by the beginning of its id, and refuses one that is not unique', async () => {
    const ledger = await open(await newFolder());
    const [a, b] = ['a', 'b'].map((name) => outcomeEntry(name));
    await ledger.append(a!);
    await ledger.append(b!);
    expect((await ledger.find(a!.outcome.id.slice(0, 6))).outcome.id).toBe(a!.outcome.id);
    await expect(ledger.find('')).rejects.toMatchObject({ code: 'invalid-input' });
    await expect(ledger.find('zz')).rejects.toMatchObject({ code: 'invalid-input' });
    await ledger.close();
  });

  it('remembers the events it began, also those that a crash kept from being completed', async () => {
    const dir = await newFolder();
    const first = await open(dir);
    await first.append({ ...completed(3, 'one'), ...begun });
    await first.append({ ...completed(4, 'two'), ...begun });
    await first.append(completed(4, 'two'));
    await first.append({ ...completed(5, 'three'), ...begun });
    const names = (ledger: Ledger, fromEpoch: number) =>
      ledger.startedEvents({ fromEpoch }).map(({ event }) => event);
    const ids = ['one', 'two', 'three'].map((name) => toHex(bytes32(name)));
    expect(names(first, 0)).toEqual(ids);
    await first.close();

    const ledger = await open(dir);
    expect(names(ledger, 0)).toEqual(ids);
    expect(names(ledger, 4)).toEqual(ids.slice(1));
    expect(ledger.completedEvents({ fromEpoch: 0 }).map(({ event }) => event)).toEqual([ids[1]]);
    await ledger.close();
  });

  it('lets the first verdict of a session stand, then and after a restart', async () => {
    const dir = await newFolder();
    const { log, lines } = recordingLog();
    const { id } = outcomeEntry('a').outcome;
    const first = await open(dir, { log });
    await first.append(outcomeEntry('a', { verdict: rejected('seed') }));
    await first.append(outcomeEntry('a', { verdict: accepted }));
    await first.close();
    const ledger = await open(dir, { log });
    await ledger.append(outcomeEntry('a', { verdict: accepted }));
    expect([first.doubled(), ledger.doubled()]).toEqual([1, 1]);
    expect(ledger.outcomes({ fromEpoch: 0 }).map(({ verdict }) => verdict)).toEqual([rejected('seed')]);
    expect(lines).toMatchObject([
      { level: 'warn', outcome: id },
      { level: 'warn', outcome: id },
    ]);
    await ledger.close();
  });

  it('lets the first verdict stand also where both come at once, and writes one record', async () => {
    const dir = await newFolder();
    const { log, lines } = recordingLog();
    const ledger = await open(dir, { log });
    await Promise.all([
      ledger.append(outcomeEntry('a', { verdict: rejected('seed'), openingBytes: 10 })),
      ledger.append(outcomeEntry('a', { verdict: accepted, openingBytes: 20 })),
    ]);
    expect(ledger.outcomes({ fromEpoch: 0 }).map(({ verdict }) => verdict)).toEqual([rejected('seed')]);
    expect(await ledger.readOpening(outcomeEntry('a').outcome.id)).toHaveLength(10);
    expect(lines).toMatchObject([{ level: 'warn', outcome: outcomeEntry('a').outcome.id }]);
    await ledger.close();
    expect((await readFile(evidence(dir), 'utf8')).trim().split('\n')).toHaveLength(1);
  });

  it('refuses an entry that could not be read back, and goes on', async () => {
    const ledger = await open(await newFolder());
    const entry = outcomeEntry('a');
    const broken = { ...entry, outcome: { ...entry.outcome, share: Number.NaN } };
    await expect(ledger.append(broken)).rejects.toThrow(TypeError);
    await ledger.append(entry);
    expect(ledger.outcomes({ fromEpoch: 0 })).toHaveLength(1);
    await ledger.close();
  });

  it('refuses an entry of more frames than a line can hold, and takes one of as many', async () => {
    const ledger = await open(await newFolder());
    const entry = outcomeEntry('a', { openingBytes: 1 });
    const [arm, piece] = entry.session.frames;
    const withPieces = (count: number): OutcomeEntry => ({
      ...entry,
      session: { ...entry.session, frames: [arm!, ...new Array(count).fill(piece)] },
    });
    await expect(ledger.append(withPieces(4096))).rejects.toThrow('expected at most 4096 frames, got 4097');
    await ledger.append(withPieces(4095));
    expect((await ledger.find(entry.outcome.id)).session.frames).toHaveLength(4096);
    await ledger.close();
  });

  it('writes the bytes of a Buffer as any others', async () => {
    const ledger = await open(await newFolder());
    const entry = outcomeEntry('a');
    const basis = Buffer.from(entry.session.basis);
    await ledger.append({ ...entry, session: { ...entry.session, basis, maxNonces: 7 } });
    const { session } = await ledger.find(entry.outcome.id);
    expect(session.basis).toEqual(bytes32('basis'));
    expect(session.maxNonces).toBe(7);
    await ledger.close();
  });

  describe('after a crash', () => {
    it('drops a last line cut short at any byte, with a warning, and appends after it', async () => {
      const dir = await newFolder();
      const first = await open(dir);
      await first.append(outcomeEntry('a'));
      await first.append(outcomeEntry('b'));
      await first.close();
      const whole = await readFile(segment(dir));
      const sessions = await readFile(evidence(dir, 'others'));
      const { size } = await stat(segment(await oneOutcome()));
      for (const cut of [size + 1, size + 11, size + 100, whole.length - 1]) {
        await writeFile(segment(dir), whole);
        await truncate(segment(dir), cut);
        await writeFile(evidence(dir, 'others'), sessions);
        const { log, lines } = recordingLog();
        const ledger = await open(dir, { log });
        expect(lines).toMatchObject([{ level: 'warn', bytes: cut - size }]);
        expect(ledger.outcomes({ fromEpoch: 0 })).toHaveLength(1);
        await ledger.append(outcomeEntry('c'));
        await ledger.close();
        const again = await open(dir);
        expect(again.outcomes({ fromEpoch: 0 }).map(({ id }) => id)).toEqual(
          ['a', 'c'].map((name) => outcomeEntry(name).outcome.id),
        );
        await again.close();
      }
    });

    it('names a broken line that is not the last', async () => {
      const dir = await newFolder();
      const first = await open(dir);
      for (const name of ['a', 'b', 'c']) await first.append(outcomeEntry(name));
      await first.close();
      await flip(segment(dir), (await stat(segment(await oneOutcome()))).size + 40);
      await expect(open(dir)).rejects.toMatchObject({
        code: 'corrupt',
        data: { path: segment(dir), line: 8 }, // the header, five names and an outcome stand before it
      });
    });

    it('notices any flipped bit, wherever it is, and says in which file and record', async () => {
      const dir = await newFolder();
      const first = await open(dir);
      await first.append(completed(1, 'one'));
      for (const name of ['a', 'b']) await first.append(outcomeEntry(name));
      await first.append(outcomeEntry('later', { epoch: 2 }));
      await first.close();
      for (const path of [segment(dir), segment(dir, 2)]) {
        const whole = await readFile(path);
        for (let at = 0; at < whole.length; at += 13) {
          const bytes = Buffer.from(whole);
          bytes[at]! ^= 1 << (at % 8);
          await writeFile(path, bytes);
          const error: unknown = await openLedgerReader({ dir, log: silentLog }).catch((e: unknown) => e);
          expect(error, `byte ${at} of ${path}`).toMatchObject({ code: 'corrupt', data: { path } });
          expect(String(error)).toMatch(/record \d+|the frame|of a frame|byte \d+/);
        }
        await writeFile(path, whole);
      }
      await (await open(dir)).close();
    });

    it('notices a flipped bit of evidence where it is read, and evidence that is cut off before anything runs', async () => {
      const dir = await newFolder();
      const first = await open(dir);
      const { id } = outcomeEntry('a').outcome;
      await first.append(outcomeEntry('a'));
      await first.close();
      const path = evidence(dir, 'others');
      const whole = await readFile(path);
      await flip(path, 100);
      const ledger = await open(dir);
      await expect(ledger.find(id)).rejects.toMatchObject({ code: 'corrupt', data: { path } });
      await ledger.close();
      await writeFile(path, whole.subarray(0, -2));
      await expect(open(dir)).rejects.toMatchObject({ code: 'corrupt', data: { path } });
    });

    it('takes a frame that never reached the disk for the tail that nobody was told of', async () => {
      const dir = await newFolder();
      const first = await open(dir);
      await first.append(outcomeEntry('a'));
      const { size } = await stat(segment(dir));
      await Promise.all(Array.from({ length: 40 }, (_, i) => first.append(outcomeEntry(`${i}`))));
      await first.close();
      const whole = await readFile(segment(dir));
      whole.fill(0, Math.ceil((size + 600) / 512) * 512); // as a file system leaves it that grew the file first
      await writeFile(segment(dir), whole);
      const ledger = await open(dir);
      const kept = ledger.outcomes({ fromEpoch: 0 }).map(({ id }) => id);
      const all = ['a', ...Array.from({ length: 40 }, (_, i) => `${i}`)];
      expect(kept).toEqual(all.slice(0, kept.length).map((name) => outcomeEntry(name).outcome.id));
      expect(kept.length).toBeLessThan(41);
      await ledger.append(outcomeEntry('b'));
      await ledger.close();
    });

    it('takes frames that stand in another order, or twice, for what they are', async () => {
      const dir = await newFolder();
      const first = await open(dir);
      const sizes = [];
      for (const name of ['a', 'b', 'c']) {
        await first.append(outcomeEntry(name));
        sizes.push((await stat(segment(dir))).size);
      }
      await first.close();
      const whole = await readFile(segment(dir));
      const [b, c] = [whole.subarray(sizes[0], sizes[1]), whole.subarray(sizes[1])];
      for (const others of [[c, b], [b, b, c], [c]]) {
        await writeFile(segment(dir), Buffer.concat([whole.subarray(0, sizes[0]), ...others]));
        await expect(open(dir)).rejects.toMatchObject({ code: 'corrupt', data: { path: segment(dir) } });
      }
    });

    it('removes opening files that no outcome speaks of', async () => {
      const dir = await newFolder();
      await (await open(dir)).close();
      await writeFile(join(dir, 'openings', `${'0'.repeat(32)}.bin`), 'left over');
      await writeFile(join(dir, 'openings', 'half.bin.tmp'), 'left over');
      await (await open(dir)).close();
      expect(await readdir(join(dir, 'openings'))).toEqual([]);
    });
  });

  describe('openings', () => {
    const REJECTED = rejected('projection');
    /** what a file counts at least */
    const BLOCK = 4096;
    const add = async (
      ledger: Ledger,
      name: string,
      verdict = accepted as OutcomeEntry['outcome']['verdict'],
      of: { miner?: string; event?: string; openingBytes?: number } = {},
    ) => {
      const entry = outcomeEntry(name, { verdict, openingBytes: BLOCK, ...of });
      await ledger.append(entry);
      return entry.outcome.id;
    };
    const kept = async (dir: string) =>
      (await readdir(join(dir, 'openings'))).map((name) => name.slice(0, -'.bin'.length)).sort();

    it('keeps every rejected one, and accepted ones as a random sample', async () => {
      const dir = await newFolder();
      const ledger = await open(dir, { keepAccepted: 0.25 });
      const refused: string[] = [];
      const good: string[] = [];
      for (let i = 0; i < 40; i++) refused.push(await add(ledger, `r${i}`, REJECTED));
      for (let i = 0; i < 200; i++) good.push(await add(ledger, `a${i}`));
      const files = new Set(await kept(dir));
      expect(refused.every((id) => files.has(id))).toBe(true);
      const sample = good.filter((id) => files.has(id)).length;
      expect(sample).toBe(51); // of 200, drawn by the seeded stream
      await expect(ledger.readOpening(good.find((id) => !files.has(id))!)).rejects.toMatchObject({
        code: 'evidence-expired',
      });
      await ledger.close();
    });

    it('makes room by dropping the oldest accepted down to their share, then the oldest rejected', async () => {
      const dir = await newFolder();
      const ledger = await open(dir, { keepAccepted: 1, openingBytesBudget: 4 * BLOCK });
      const r1 = await add(ledger, 'r1', REJECTED);
      const a1 = await add(ledger, 'a1');
      const a2 = await add(ledger, 'a2');
      const a3 = await add(ledger, 'a3');
      expect(await kept(dir)).toEqual([r1, a1, a2, a3].sort());
      const a4 = await add(ledger, 'a4');
      expect(await kept(dir)).toEqual([r1, a2, a3, a4].sort());
      const r2 = await add(ledger, 'r2', REJECTED);
      const r3 = await add(ledger, 'r3', REJECTED);
      expect(await kept(dir)).toEqual([r1, r2, r3, a4].sort());
      const r4 = await add(ledger, 'r4', REJECTED);
      expect(await kept(dir)).toEqual([r2, r3, r4, a4].sort());
      const a5 = await add(ledger, 'a5');
      expect(await kept(dir)).toEqual([r2, r3, r4, a5].sort());
      await expect(ledger.readOpening(r1)).rejects.toMatchObject({
        code: 'evidence-expired',
        message: `evidence expired: the opening of ${r1} was not kept, or is no longer`,
        data: { outcome: r1 },
      });
      await expect(ledger.readOpening(a1)).rejects.toMatchObject({ code: 'evidence-expired' });
      expect(ledger.outcomes({ fromEpoch: 0 })).toHaveLength(9);
      await ledger.close();
    });

    it('lets a miner that fills the budget with rejections displace only its own', async () => {
      const dir = await newFolder();
      const ledger = await open(dir, { keepAccepted: 1, openingBytesBudget: 8 * BLOCK });
      const sample = await add(ledger, 'a', accepted, { miner: 'honest' });
      const liar = await add(ledger, 'r', REJECTED, { miner: 'liar' });
      const flood: string[] = [];
      for (let i = 0; i < 64; i++)
        flood.push(await add(ledger, `f${i}`, rejected('path'), { miner: 'flood', event: `event ${i}` }));
      expect(await kept(dir)).toEqual([sample, liar, ...flood.slice(-5)].sort());
      const another = await add(ledger, 'r2', REJECTED, { miner: 'liar' });
      expect(await kept(dir)).toEqual([sample, liar, another, ...flood.slice(-4)].sort());
      await ledger.close();
    });

    it('takes from whoever has the most bytes, not the most files, and from the newcomer where all have as much', async () => {
      const dir = await newFolder();
      const ledger = await open(dir, { openingBytesBudget: 8 * BLOCK });
      const big = await add(ledger, 'big', REJECTED, { miner: 'big', openingBytes: 4 * BLOCK });
      const s1 = await add(ledger, 's1', REJECTED, { miner: 'small' });
      const s2 = await add(ledger, 's2', REJECTED, { miner: 'small' });
      expect(await kept(dir)).toEqual([big, s1, s2].sort());
      const s3 = await add(ledger, 's3', REJECTED, { miner: 'small' });
      expect(await kept(dir)).toEqual([s1, s2, s3].sort());
      const rest = [];
      for (const i of [1, 2, 3]) rest.push(await add(ledger, `n${i}`, REJECTED, { miner: 'new' }));
      const n4 = await add(ledger, 'n4', REJECTED, { miner: 'new' });
      expect(await kept(dir)).toEqual([s1, s2, s3, ...rest.slice(1), n4].sort());
      await ledger.close();
    });

    it('keeps one opening of a miner and event that was rejected for what costs nothing', async () => {
      const dir = await newFolder();
      const ledger = await open(dir);
      const cheap = ['seed', 'malformed', 'opening-timeout', 'protocol', 'window', 'left-out'] as const;
      const all = await Promise.all(
        Array.from({ length: 64 }, (_, i) => add(ledger, `slot ${i}`, rejected(cheap[i % cheap.length]!))),
      );
      const dear = await add(ledger, 'dear', REJECTED);
      const other = await add(ledger, 'other miner', rejected('seed'), { miner: 'other' });
      const later = await add(ledger, 'later event', rejected('seed'), { event: 'later' });
      expect(await kept(dir)).toEqual([all[0]!, dear, other, later].sort());
      await expect(ledger.readOpening(all[1]!)).rejects.toMatchObject({ code: 'evidence-expired' });
      await ledger.close();

      await writeFile(join(dir, 'openings', `${all[2]}.bin`), 'as an earlier version kept them');
      const again = await open(dir);
      await add(again, 'one more', rejected('malformed'));
      expect(await kept(dir)).toEqual([all[0]!, dear, other, later].sort());
      await again.close();
    });

    it('counts a file as the blocks that it takes, so that empty ones cannot fill the disk', async () => {
      const dir = await newFolder();
      const ledger = await open(dir, { openingBytesBudget: 4 * BLOCK });
      const ids: string[] = [];
      for (let i = 0; i < 10; i++) ids.push(await add(ledger, `e${i}`, REJECTED, { openingBytes: 1 }));
      expect(await kept(dir)).toEqual(ids.slice(-3).sort());
      await ledger.close();
    });

    it('knows its order, shares and budget again after a restart, also when the budget became smaller', async () => {
      const dir = await newFolder();
      const first = await open(dir, { keepAccepted: 1 });
      await add(first, 'a1');
      const a2 = await add(first, 'a2');
      const liar = await add(first, 'liar', REJECTED, { miner: 'liar' });
      const flood: string[] = [];
      for (let i = 0; i < 5; i++) flood.push(await add(first, `f${i}`, REJECTED, { miner: 'flood' }));
      await first.close();
      const ledger = await open(dir, { keepAccepted: 1, openingBytesBudget: 4 * BLOCK });
      expect(await kept(dir)).toEqual([a2, liar, ...flood.slice(-2)].sort());
      const next = await add(ledger, 'f5', REJECTED, { miner: 'flood' });
      expect(await kept(dir)).toEqual([a2, liar, flood.at(-1)!, next].sort());
      await ledger.close();
    });

    it('records the outcome of an opening that is larger than the whole budget', async () => {
      const dir = await newFolder();
      const { log, lines } = recordingLog();
      const ledger = await open(dir, { log, openingBytesBudget: 999 });
      const id = await add(ledger, 'r', REJECTED);
      expect(ledger.outcomes({ fromEpoch: 0 })).toHaveLength(1);
      expect(lines).toMatchObject([{ level: 'warn', outcome: id }]);
      await expect(ledger.readOpening(id)).rejects.toMatchObject({ code: 'evidence-expired' });
      await ledger.close();
    });

    it('has no bytes for a session without an opening, which is not the same as expired', async () => {
      const ledger = await open(await newFolder());
      const entry = outcomeEntry('silent', { verdict: rejected('window') });
      await ledger.append(entry);
      expect(await ledger.readOpening(entry.outcome.id)).toEqual(new Uint8Array());
      await ledger.close();
    });
  });

  describe('parameter sets', () => {
    const params = COMPUTE_PARAMS[0]!;
    const id = toHex(paramsId(params));

    it('are written once and read back by their address', async () => {
      const dir = await newFolder();
      const ledger = await open(dir);
      await Promise.all([ledger.saveParams(id, params), ledger.saveParams(id, params)]);
      const { mtimeMs } = await stat(join(dir, 'params', `${id}.json`));
      await ledger.saveParams(id, params);
      expect((await stat(join(dir, 'params', `${id}.json`))).mtimeMs).toBe(mtimeMs);
      expect(await ledger.readParams(id)).toEqual(params);
      await ledger.close();
    });

    it('are refused under an address that is not theirs, then and later', async () => {
      const dir = await newFolder();
      const ledger = await open(dir);
      await expect(ledger.saveParams(id, { ...params, n: 64 })).rejects.toThrow(TypeError);
      await expect(ledger.readParams(id)).rejects.toMatchObject({ code: 'corrupt' });
      await ledger.saveParams(id, params);
      await appendFile(join(dir, 'params', `${id}.json`), ' ');
      await expect(ledger.readParams(id)).rejects.toMatchObject({ code: 'corrupt' });
      await ledger.close();
    });
  });

  describe('one writer', () => {
    it('refuses a folder that is open already, and gives it back on close', async () => {
      const dir = await newFolder();
      const first = await open(dir);
      await expect(open(dir)).rejects.toMatchObject({
        code: 'invalid-input',
        data: { got: `${dir}, open in process ${process.pid}` },
      });
      await first.close();
      await (await open(dir)).close();
      expect((await readdir(dir)).sort()).toEqual(['openings', 'params']);
    });

    it('refuses a folder that another living process has', async () => {
      const dir = await newFolder();
      const other = spawn(process.execPath, ['-e', 'process.stdin.resume()'], {
        stdio: ['pipe', 'ignore', 'ignore'],
      });
      await once(other, 'spawn');
      await (await open(dir)).close();
      await writeFile(join(dir, 'lock'), lockLine(other.pid!));
      await expect(open(dir)).rejects.toMatchObject({
        data: { got: `${dir}, open in process ${other.pid}` },
      });
      other.kill('SIGKILL');
      await once(other, 'exit');
      await (await open(dir)).close();
    });

    it('takes over the lock of a process that is gone, and of one whose id was given to another', async () => {
      const dir = await newFolder();
      const gone = spawnSync(process.execPath, ['-e', '']).pid;
      for (const stale of [`${gone} 1`, `${process.pid} 1`, '', 'nonsense']) {
        await writeFile(join(dir, 'lock'), stale);
        await (await open(dir)).close();
      }
    });

    it('lets anybody read beside the writer, and shows readers only whole entries', async () => {
      const dir = await newFolder();
      const ledger = await open(dir);
      const entry = outcomeEntry('a', { verdict: rejected('path'), openingBytes: 10 });
      await ledger.append(entry);
      await appendFile(segment(dir), Buffer.alloc(7));
      const reader = await openLedgerReader({ dir, log: silentLog });
      expect(reader.outcomes({ fromEpoch: 0 })).toEqual([entry.outcome]);
      expect(await reader.readOpening(entry.outcome.id)).toHaveLength(10);
      await reader.close();
      await ledger.close();
    });

    it('says when there is no ledger to read', async () => {
      const dir = await newFolder();
      await expect(openLedgerReader({ dir, log: silentLog })).rejects.toMatchObject({
        code: 'invalid-input',
      });
      expect(await readdir(dir)).toEqual([]);
    });
  });
});

/** As the ledger writes it, so that the process counts as the one that took the lock. */
function lockLine(pid: number): string {
  if (process.platform !== 'linux') return `${pid}`;
  const { stdout } = spawnSync('cat', [`/proc/${pid}/stat`], { encoding: 'utf8' });
  return `${pid} ${stdout.slice(stdout.lastIndexOf(')') + 2).split(' ')[19]}`;
}
