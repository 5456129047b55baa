import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { lockFile } from '../../../src/model/file-lock.js';
import { startOf } from '../../../src/model/process-start.js';

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'assay-file-lock-'));
  file = join(folder, 'rows');
});
afterEach(() => rmSync(folder, { recursive: true }));

const lock = () => lockFile(file, '--out rows');
const holder = (): string => readFileSync(`${file}.lock`, 'utf8').split(' ').slice(0, 2).join(' ');
const leave = (text: string): void => writeFileSync(`${file}.lock`, text);

test('names this process, keeps the next one out, and goes when it is given back', () => {
  const exits = process.listenerCount('exit');
  const unlock = lock();
  expect(holder()).toBe(`${process.pid} ${hostname()}`);
  expect(lock).toThrow(
    `--out rows: expected a file that nobody else writes, got one that process ${process.pid} holds since 20`,
  );
  expect(lock).toThrow(`: remove ${file}.lock if that has ended`);
  unlock();
  expect(readdirSync(folder)).toEqual([]);
  expect(process.listenerCount('exit')).toBe(exits);
  const again = lock();
  unlock(); // given back already: not the new one
  expect(readdirSync(folder)).toEqual(['rows.lock']);
  again();
});

test('of a process that has ended is taken over', () => {
  const { pid } = spawnSync(process.execPath, ['--version']);
  leave(`${pid} ${hostname()}\n`);
  const unlock = lock();
  expect(holder()).toBe(`${process.pid} ${hostname()}`);
  expect(readdirSync(folder)).toEqual(['rows.lock']);
  unlock();
});

test('of an earlier process with our number is taken over: containers count from 1', () => {
  leave(`${process.pid} ${hostname()}\n`);
  lock()();
  expect(readdirSync(folder)).toEqual([]);
});

test('of a process whose number another one has by now is taken over; of the very one it is not', () => {
  const start = startOf(process.ppid)!;
  leave(`${process.ppid} ${hostname()} ${Number(start) - 1} 2026-01-02T03:04:05.678Z\n`);
  lock()();
  expect(readdirSync(folder)).toEqual([]);
  leave(`${process.ppid} ${hostname()} ${start} 2026-01-02T03:04:05.678Z\n`);
  expect(lock).toThrow(`one that process ${process.ppid} holds since 2026-01-02T03:04:05.678Z: remove`);
});

test('of a living process, of another machine, or in another form stays', () => {
  const texts: [string, string][] = [
    [`${process.ppid} ${hostname()}\n`, `one that process ${process.ppid} holds`],
    ['1 elsewhere.example\n', 'one that process 1 of elsewhere.example holds'],
    ['', 'one that somebody holds'],
  ];
  for (const [text, holder] of texts) {
    leave(text);
    expect(lock).toThrow(holder);
    expect(readFileSync(`${file}.lock`, 'utf8')).toBe(text);
  }
});

test('in a folder that is not there is refused', () => {
  expect(() => lockFile(join(folder, 'none', 'rows'), '--out rows')).toThrow('can be created');
});
