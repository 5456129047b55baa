// Owns: a plot as files: which there are, what a record is, what lasts when power fails. Does not own: making sectors (create-plot.ts).
import { type FileHandle, mkdir, open, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { equals, fromHex, toHex, u32le, utf8 } from '../../model/bytes.js';
import { AssayError } from '../../model/errors.js';
import { sha256 } from '../../model/hash.js';
import { errnoOf } from '../../model/invalid-input.js';
import { HASH_BYTES } from '../../model/merkle.js';
import type { PlotName } from '../spec/plot.js';

/** Sectors one behind the other, written where they belong in whatever order they are finished. */
export const dataFile = (folder: string): string => join(folder, 'sectors.bin');
/** One record a sector, 40 bytes: its root and a checksum. A sector is there when its record is. */
const recordsFile = (folder: string): string => join(folder, 'roots.bin');
const headerFile = (folder: string): string => join(folder, 'plot.json');

const CHECKSUM_BYTES = 8;
const RECORD_BYTES = HASH_BYTES + CHECKSUM_BYTES;
const RECORD = utf8('assay/plot/1/record');

/** What a folder's plot is, and how many sectors it is to have. */
export interface PlotHeader {
  readonly name: PlotName;
  readonly sectors: number;
}

/** The header; undefined where there is none. @throws AssayError `corrupt` when it is not one that was written here */
export async function readHeader(folder: string): Promise<PlotHeader | undefined> {
  const path = headerFile(folder);
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
  const header = parseHeader(text);
  if (!header) throw corrupt(path, 'not the header of a plot of version 1');
  return header;
}

function parseHeader(text: string): PlotHeader | undefined {
  let value: Record<string, unknown>;
  try {
    value = JSON.parse(text) as Record<string, unknown>; // each key is checked below
  } catch {
    return undefined;
  }
  const count = (key: string): number | undefined => {
    const found = value?.[key];
    return Number.isSafeInteger(found) && (found as number) > 0 ? (found as number) : undefined;
  };
  const place = value?.place;
  const [sectors, sectorBlocks, leafBlocks, passes] = ['sectors', 'sectorBlocks', 'leafBlocks', 'passes'].map(
    count,
  );
  if (value?.version !== 1 || typeof place !== 'string' || !/^[0-9a-f]{64}$/.test(place)) return undefined;
  if (!sectors || !sectorBlocks || !leafBlocks || !passes) return undefined;
  return { name: { place: fromHex(place), sectorBlocks, leafBlocks, passes }, sectors };
}

/** Beside the old one first, so that there is always one. */
export async function writeHeader(folder: string, { name, sectors }: PlotHeader): Promise<void> {
  await mkdir(folder, { recursive: true });
  const { place, sectorBlocks, leafBlocks, passes } = name;
  const value = { version: 1, place: toHex(place), sectorBlocks, leafBlocks, passes, sectors };
  const path = headerFile(folder);
  const file = await open(`${path}.new`, 'w');
  try {
    await file.writeFile(`${JSON.stringify(value, undefined, 2)}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(`${path}.new`, path);
  await syncFolder(folder);
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Roots of the sectors that are there; a record that was torn says nothing. */
export interface Records {
  /** 32 bytes a sector, zero where none is there */
  readonly roots: Uint8Array;
  /** sectors that are not there, ascending */
  readonly missing: readonly number[];
}

/** @param sectors how many there are to be; records behind them, or not yet written, are none */
export async function readRecords(folder: string, sectors: number): Promise<Records> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(recordsFile(folder));
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
    bytes = new Uint8Array(0);
  }
  const roots = new Uint8Array(sectors * HASH_BYTES);
  const missing: number[] = [];
  for (let i = 0; i < sectors; i++) {
    const record = bytes.subarray(i * RECORD_BYTES, (i + 1) * RECORD_BYTES);
    const root = record.subarray(0, HASH_BYTES);
    if (record.length === RECORD_BYTES && equals(record, recordOf(i, root))) roots.set(root, i * HASH_BYTES);
    else missing.push(i);
  }
  return { roots, missing };
}

function recordOf(index: number, root: Uint8Array): Uint8Array {
  const record = new Uint8Array(RECORD_BYTES);
  record.set(root);
  record.set(sha256(RECORD, u32le(index), root).subarray(0, CHECKSUM_BYTES), HASH_BYTES);
  return record;
}

export interface PlotWriter {
  /** Records sectors whose bytes have been written: first makes those last, then says so. */
  record(sectors: readonly { readonly index: number; readonly root: Uint8Array }[]): Promise<void>;
  /** Forgets records, so that their sectors are made again. */
  forget(indices: readonly number[]): Promise<void>;
  close(): Promise<void>;
}

/**
 * Opens a plot's files for writing. Room for all records is taken at once: a disk that fills up later has room for what
 * was finished.
 */
export async function openWriter(folder: string, sectors: number): Promise<PlotWriter> {
  const data = await openOrCreate(dataFile(folder));
  const records = await openOrCreate(recordsFile(folder));
  await growTo(records, sectors * RECORD_BYTES);
  await syncFolder(folder);
  return {
    async record(done) {
      if (done.length === 0) return;
      await data.datasync();
      for (const { index, root } of done)
        await records.write(recordOf(index, root), 0, RECORD_BYTES, index * RECORD_BYTES);
      await records.datasync();
    },
    async forget(indices) {
      for (const index of indices)
        await records.write(new Uint8Array(RECORD_BYTES), 0, RECORD_BYTES, index * RECORD_BYTES);
      await records.datasync();
    },
    async close() {
      await data.close();
      await records.close();
    },
  };
}

async function openOrCreate(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'r+');
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
    return await open(path, 'wx+');
  }
}

/** Real zeros: a hole takes its room only when it is filled. */
async function growTo(file: FileHandle, bytes: number): Promise<void> {
  const zeros = new Uint8Array(1 << 20);
  for (let { size } = await file.stat(); size < bytes; ) {
    const { bytesWritten } = await file.write(zeros, 0, Math.min(zeros.length, bytes - size), size);
    size += bytesWritten;
  }
  await file.sync();
}

export const corrupt = (path: string, why: string): AssayError<'corrupt'> =>
  new AssayError('corrupt', `${path}: ${why}`, { path, why });
