import {
  appendFile,
  mkdtemp,
  open,
  readdir,
  readFile,
  realpath,
  rename,
  rm,
  symlink,
  truncate,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { checkPlot, createPlot, type PlotProgress } from '../../../../src/compute/disk/create-plot.js';
import { createFileDisk } from '../../../../src/compute/disk/file.js';
import { createMemoryDisk } from '../../../../src/compute/disk/memory.js';
import type { Plot } from '../../../../src/compute/disk.js';
import { plotRoot } from '../../../../src/compute/spec/plot.js';
import { toHex } from '../../../../src/model/bytes.js';
import { isAssayError } from '../../../../src/model/errors.js';
import { lockFile } from '../../../../src/model/file-lock.js';
import { createSeededRandom } from '../../../../src/model/prng.js';

const random = createSeededRandom('plots');
const name = { place: random.bytes(32), sectorBlocks: 8, passes: 2, leafBlocks: 1 };
const SECTORS = 40;
const { signal } = new AbortController();
const folders: string[] = [];

async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'assay-plot-'));
  folders.push(folder);
  return folder;
}
afterAll(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true }))));

const memory = (sectors: number): Promise<Plot> => createMemoryDisk({ sectors }).open(name, signal);
const expectedRoot = async (sectors: number): Promise<string> =>
  toHex(plotRoot(name, sectors, (await memory(sectors)).tree.root));

describe('a plot in a folder', () => {
  test('answers as the plot in memory does', async () => {
    const folder = await newFolder();
    const { root } = await createPlot({ folder, name, sectors: SECTORS, threads: 2 }, signal);
    expect(toHex(root)).toBe(await expectedRoot(SECTORS));

    const disk = createFileDisk({ folders: [await newFolder(), folder], threads: 2 });
    const [file, twin] = [await disk.open(name, signal), await memory(SECTORS)];
    expect(await disk.open(name, signal)).toBe(file);
    expect(file.sectors).toBe(SECTORS);
    expect(toHex(file.tree.root)).toBe(toHex(twin.tree.root));
    const key = random.bytes(32);
    const asked = { sectors: Uint32Array.of(0, 7, 39), leaves: Uint32Array.of(7, 0, 3) };
    const leavesOf = async (plot: Plot): Promise<string> =>
      toHex(await plot.digestLeaves(key, asked, signal));
    expect(await leavesOf(file)).toBe(await leavesOf(twin));
    const order = Uint32Array.from({ length: 20 }, (_, i) => (35 + 7 * i) % SECTORS);
    const range = { key, order, pieceBytes: 2048, leftMs: () => Number.POSITIVE_INFINITY };
    const rangeOf = async (plot: Plot): Promise<string> => toHex(await plot.digestRange(range, signal));
    expect(await rangeOf(file)).toBe(await rangeOf(twin));
    expect(toHex(await file.readSector(11))).toBe(toHex(await twin.readSector(11)));
    await disk.close();
  });

  test('gives one sector of a range at least, and no more than the time allows', async () => {
    const folder = await newFolder();
    await createPlot({ folder, name, sectors: SECTORS, threads: 1 }, signal);
    const disk = createFileDisk({ folders: [folder], threads: 1 });
    const plot = await disk.open(name, signal);
    const order = Uint32Array.from({ length: SECTORS }, (_, i) => SECTORS - 1 - i);
    const late = { key: random.bytes(32), order, pieceBytes: 1024, leftMs: () => -1 };
    const roots = await plot.digestRange(late, signal);
    expect(roots.length % 32).toBe(0);
    expect(roots.length).toBeGreaterThanOrEqual(32);
    await disk.close();
  });

  test('goes on where it was stopped', async () => {
    const folder = await newFolder();
    const stop = new AbortController();
    const seen: PlotProgress[] = [];
    const onProgress = (progress: PlotProgress): void => {
      seen.push(progress);
      if (progress.done >= 32) stop.abort(new Error('enough'));
    };
    const first = createPlot({ folder, name, sectors: SECTORS, threads: 1, onProgress }, stop.signal);
    await expect(first).rejects.toThrow('enough');
    expect(seen[0]).toEqual({ done: 0, sectors: SECTORS });
    const safe = seen.at(-1)!.done;
    expect(safe).toBeGreaterThanOrEqual(32);
    expect(safe).toBeLessThan(SECTORS);

    const again: PlotProgress[] = [];
    const rest = {
      folder,
      name,
      sectors: SECTORS,
      threads: 1,
      onProgress: (p: PlotProgress) => again.push(p),
    };
    const { root } = await createPlot(rest, signal);
    expect(again[0]).toEqual({ done: safe, sectors: SECTORS });
    expect(again.at(-1)).toEqual({ done: SECTORS, sectors: SECTORS });
    expect(toHex(root)).toBe(await expectedRoot(SECTORS));
  });

  test('makes again what a kill has torn: a record cut off, one half written, bytes that never arrived', async () => {
    const folder = await newFolder();
    const whole = { folder, name, sectors: SECTORS, threads: 1 };
    await createPlot(whole, signal);
    const records = join(folder, 'roots.bin');
    await truncate(records, 40 * 38 + 17);
    const file = await open(records, 'r+');
    await file.write(random.bytes(9), 0, 9, 40 * 5 + 3);
    await file.close();
    const again: PlotProgress[] = [];
    const { root } = await createPlot({ ...whole, onProgress: (p) => again.push(p) }, signal);
    expect(again[0]).toEqual({ done: SECTORS - 3, sectors: SECTORS });
    expect(toHex(root)).toBe(await expectedRoot(SECTORS));
  });

  test('grows: what it had stays, its root is another', async () => {
    const folder = await newFolder();
    await createPlot({ folder, name, sectors: 20, threads: 1 }, signal);
    const again: PlotProgress[] = [];
    const larger = { folder, name, sectors: 24, threads: 1, onProgress: (p: PlotProgress) => again.push(p) };
    const { root } = await createPlot(larger, signal);
    expect(again[0]).toEqual({ done: 20, sectors: 24 });
    expect(toHex(root)).toBe(await expectedRoot(24));
    await expect(createPlot({ folder, name, sectors: 20 }, signal)).rejects.toThrow(
      /at least the 24 sectors/,
    );
  });

  test('is checked against its records, and mended where it differs', async () => {
    const folder = await newFolder();
    const whole = { folder, name, sectors: SECTORS, threads: 1 };
    await createPlot(whole, signal);
    const file = await open(join(folder, 'sectors.bin'), 'r+');
    await file.write(Uint8Array.of(1, 2, 3), 0, 3, 8192 * 13 + 5);
    await file.close();
    await truncate(join(folder, 'sectors.bin'), 8192 * 39 + 100);
    expect(await checkPlot({ folder, threads: 2 }, signal)).toEqual([13, 39]);
    const disk = createFileDisk({ folders: [folder], threads: 1 });
    await expect(disk.open(name, signal)).rejects.toThrow(/2 of its 40 sectors are not made yet/);
    await createPlot(whole, signal);
    expect(await checkPlot({ folder, threads: 2 }, signal)).toEqual([]);
    await disk.open(name, signal);
    await disk.close();
  });

  test('never takes the place of another plot', async () => {
    const folder = await newFolder();
    await createPlot({ folder, name, sectors: 3, threads: 1 }, signal);
    const isRefused = (error: unknown): boolean => isAssayError(error, 'invalid-input');
    for (const other of [
      { ...name, place: random.bytes(32) },
      { ...name, passes: 3 },
      { ...name, leafBlocks: 2 },
    ])
      expect(isRefused(await createPlot({ folder, name: other, sectors: 3 }, signal).catch((e) => e))).toBe(
        true,
      );
    await writeFile(join(folder, 'plot.json'), '{"version":2}');
    await expect(createPlot({ folder, name, sectors: 3 }, signal)).rejects.toThrow(
      /not the header of a plot/,
    );
  });

  test('is unsupported where there is none, or one of another shape', async () => {
    const folder = await newFolder();
    await createPlot({ folder, name, sectors: 3, threads: 1 }, signal);
    const disk = createFileDisk({ folders: [folder], threads: 1 });
    const refusal = await disk.open({ ...name, passes: 4 }, signal).catch((error) => error);
    expect(isAssayError(refusal, 'unsupported')).toBe(true);
    const [one, same] = await Promise.all([disk.open(name, signal), disk.open(name, signal)]);
    expect(one).toBe(same);
    await disk.close();
    await expect(
      one.digestLeaves(random.bytes(32), { sectors: new Uint32Array(1), leaves: new Uint32Array(1) }, signal),
    ).rejects.toThrow('closed');
  });

  test('is corrupt where its file ends too early, and says which file', async () => {
    const folder = await newFolder();
    await createPlot({ folder, name, sectors: 3, threads: 1 }, signal);
    await truncate(join(folder, 'sectors.bin'), 8192 * 2);
    const disk = createFileDisk({ folders: [folder], threads: 1 });
    const plot = await disk.open(name, signal);
    const asked = { sectors: Uint32Array.of(2), leaves: Uint32Array.of(0) };
    const fault = await plot.digestLeaves(random.bytes(32), asked, signal).catch((error) => error);
    expect(isAssayError(fault, 'corrupt')).toBe(true);
    expect(fault.message).toMatch(/sectors\.bin/);
    const order = Uint32Array.of(0, 2, 1);
    const range = { key: random.bytes(32), order, pieceBytes: 1024, leftMs: () => 1e9 };
    expect(isAssayError(await plot.digestRange(range, signal).catch((error) => error), 'corrupt')).toBe(true);
    // what is there is still answered
    const there = { sectors: Uint32Array.of(1), leaves: Uint32Array.of(0) };
    expect((await plot.digestLeaves(random.bytes(32), there, signal)).length).toBe(32);
    await expect(plot.readSector(2)).rejects.toThrow(/ends within sector 2/);
    await disk.close();
  });

  test.skipIf(process.platform !== 'linux')('keeps what was finished when the disk is full', async () => {
    const folder = await newFolder();
    const stop = new AbortController();
    const seen: PlotProgress[] = [];
    const whole = { folder, name, sectors: SECTORS, threads: 1 };
    const onProgress = (progress: PlotProgress): void => {
      seen.push(progress);
      if (progress.done >= 32) stop.abort(new Error('enough'));
    };
    await createPlot({ ...whole, onProgress }, stop.signal).catch(() => undefined);
    const data = join(folder, 'sectors.bin');
    await rename(data, `${data}.aside`);
    await symlink('/dev/full', data);
    const full = await createPlot(whole, signal).catch((error) => error);
    expect(isAssayError(full, 'limit-exceeded')).toBe(true);
    expect(full.message).toMatch(
      /the disk is full, the plot takes another \d+ bytes; sectors that were finished/,
    );
    await rm(data);
    await rename(`${data}.aside`, data);
    const again: PlotProgress[] = [];
    const { root } = await createPlot({ ...whole, onProgress: (p) => again.push(p) }, signal);
    expect(again[0]).toEqual(seen.at(-1));
    expect(toHex(root)).toBe(await expectedRoot(SECTORS));
  });

  test('says beforehand when there is no room, and leaves no lock behind', async () => {
    const folder = await newFolder();
    const huge = { ...name, sectorBlocks: 1024, leafBlocks: 4 };
    const refusal = await createPlot({ folder, name: huge, sectors: 2 ** 23 }, signal).catch(
      (error) => error,
    );
    expect(isAssayError(refusal, 'limit-exceeded')).toBe(true);
    expect(refusal.data.limit).toBeLessThan(refusal.data.got);
    expect((await readdir(folder)).filter((file) => file.endsWith('.lock'))).toEqual([]);
  });

  test('is written by one at a time', async () => {
    const folder = await newFolder();
    const whole = { folder, name, sectors: SECTORS, threads: 1 };
    const unlock = lockFile(join(await realpath(folder), 'plot'), 'plot');
    const second = await createPlot(whole, signal).catch((error) => error);
    expect(isAssayError(second, 'invalid-input')).toBe(true);
    unlock();
    await createPlot(whole, signal);
    expect(JSON.parse(await readFile(join(folder, 'plot.json'), 'utf8')).sectors).toBe(SECTORS);
    await appendFile(join(folder, 'roots.bin'), 'more'); // what follows the records is none
    await createPlot(whole, signal);
  });
});
