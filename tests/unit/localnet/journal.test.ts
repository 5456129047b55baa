// A journal on a disk that does not take everything.
import type * as fs from 'node:fs';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Block } from '../../../src/localnet/blocks.js';
import { createJournal, readJournal } from '../../../src/localnet/journal.js';
import { systemClock } from '../../../src/model/clock.js';

const disk = vi.hoisted(() => ({ fails: false, canCutOff: true, closed: 0 }));
vi.mock('node:fs', async (original) => {
  const real = await original<typeof fs>();
  const noSpace = (): never => {
    throw Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' });
  };
  return {
    ...real,
    writeSync: (fd: number, data: Uint8Array, from = 0, length = data.length - from, at?: number) => {
      if (!disk.fails) return real.writeSync(fd, data, from, length, at);
      return from > 0 ? noSpace() : real.writeSync(fd, data, 0, 10, at);
    },
    ftruncateSync: (fd: number, length: number) =>
      disk.canCutOff ? real.ftruncateSync(fd, length) : noSpace(),
    closeSync: (fd: number) => {
      disk.closed++;
      real.closeSync(fd);
    },
  };
});

const GENESIS = new Uint8Array(32);
const header = { parentHash: GENESIS, number: 7, stateRoot: GENESIS, extrinsicsRoot: GENESIS };
const block = { number: 7, header, extrinsics: [] } as unknown as Block; // what is written of one
const CHANGES = [['0x1234', Uint8Array.of(5)]] as const;

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'assay-journal-'));
  path = join(folder, 'blocks');
});
afterEach(() => {
  Object.assign(disk, { fails: false, canCutOff: true, closed: 0 });
  rmSync(folder, { recursive: true });
});

test('a block that the disk does not take leaves nothing, and no other follows it', () => {
  const journal = createJournal(path, folder, GENESIS, systemClock);
  journal.append(block, CHANGES);
  const whole = readFileSync(path);
  disk.fails = true;
  expect(() => journal.append(block, CHANGES)).toThrow(`${path}: block 7 cannot be written`);
  expect(readFileSync(path)).toEqual(whole);
  expect(journal.bytes).toBe(whole.length);
  disk.fails = false;
  expect(() => journal.append(block, CHANGES)).toThrow('an earlier write failed');
  journal.close();
  expect(readFileSync(path)).toEqual(whole);
});

test('a part that cannot even be cut off is named as well, and cut off when read', () => {
  const journal = createJournal(path, folder, GENESIS, systemClock);
  journal.append(block, CHANGES);
  const { length } = readFileSync(path);
  Object.assign(disk, { fails: true, canCutOff: false });
  expect(() => journal.append(block, CHANGES)).toThrow(expect.objectContaining({ code: 'internal' }));
  journal.close();
  expect(readFileSync(path).length).toBe(length + 10);
  const numbers: number[] = [];
  const read = readJournal(path, GENESIS, true, (record) => void numbers.push(record.header.number));
  expect([read, numbers]).toEqual([{ bytes: length, torn: true }, [7]]);
});

test('a closed one is never used again, nor closed again', () => {
  const journal = createJournal(path, folder, GENESIS, systemClock);
  disk.closed = 0;
  journal.close();
  journal.close();
  expect(disk.closed).toBe(1);
  expect(() => journal.append(block, CHANGES)).toThrow('block 7 cannot be written: it is closed');
});
