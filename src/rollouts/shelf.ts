// Owns: files of windows, by name: ours to hand out, others' to judge and to hand on, for a bounded time and number of bytes.
// Does not own: what is in them, who may have them (protocol), fetching (fetch.ts).
import { mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { concat, toHex, utf8 } from '../model/bytes.js';
import { AssayError } from '../model/errors.js';
import { sha256 } from '../model/hash.js';
import { errnoOf } from '../model/invalid-input.js';
import { HASH_BYTES } from '../model/merkle.js';
import { FILE_PIECE_BYTES } from '../protocol/limits.js';
import type { FilePiece } from '../protocol/session.js';
import { mostFileBytes } from '../verification/rollouts/file.js';
import { MAX_MANIFEST_BYTES } from '../verification/rollouts/limits.js';
import type { Reading } from '../verification/rollouts/submission.js';

export interface Shelf {
  /** of all files together */
  readonly maxBytes: number;
  /**
   * On disk, where there is one, when it resolves.
   * @param name under which it is asked for. @default its SHA-256, which is the name of a file
   * @throws AssayError `limit-exceeded` when there is no room
   */
  put(window: number, bytes: Uint8Array, name?: Uint8Array): Promise<Uint8Array>;
  /** As it was put there, unless the disk failed: whoever reads it looks. */
  read(name: Uint8Array): Promise<Uint8Array | undefined>;
  /** For callers of our port, who may send anything for a name. */
  piece(name: Uint8Array, offset: number): Promise<FilePiece | undefined>;
  /** Files of windows before that one go. */
  forget(before: number): Promise<void>;
}

/** 256 miners with 8 MB each, for the dozen windows in which somebody may still ask. */
export const SHELF_BYTES = 32 * 1024 ** 3;

/** Somebody may still ask, and a validator replay, for so long. */
export const KEPT_WINDOWS = 12;

/** Hotkeys of a subnet. */
const KEYS = 256;

/** What files of so many windows can take, were every key to hand in as much as it may: with that room none crowds out another. */
export function shelfBytesFor(
  { policy, vocabulary, quota }: Pick<Reading, 'policy' | 'vocabulary' | 'quota'>,
  windows = KEPT_WINDOWS,
): number {
  const most = { rollouts: quota, tokens: quota * policy.maxTokens };
  return windows * KEYS * (MAX_MANIFEST_BYTES + mostFileBytes(most, vocabulary));
}

interface Place {
  readonly window: number;
  readonly bytes: number;
}

/** Which files there are; one that two windows have stays for the later one. */
function createIndex(maxBytes: number) {
  const places = new Map<string, Place>();
  let total = 0;
  return {
    places,
    /** @returns whether its bytes must be written */
    take(label: string, window: number, bytes: number): boolean {
      const known = places.get(label);
      if (known) {
        places.set(label, { ...known, window: Math.max(window, known.window) });
        return known.window < window;
      }
      if (total + bytes > maxBytes)
        throw new AssayError('limit-exceeded', `files of windows: ${total + bytes} bytes of ${maxBytes}`, {
          what: 'files of windows',
          limit: maxBytes,
          got: total + bytes,
        });
      total += bytes;
      places.set(label, { window, bytes });
      return true;
    },
    drop(label: string): void {
      total -= places.get(label)?.bytes ?? 0;
      places.delete(label);
    },
    before: (window: number) => [...places].filter(([, place]) => place.window < window),
  };
}

/**
 * Where a signed manifest lies, and is asked for: a name space beside that of files, whose names are their SHA-256. Its digest is that
 * of its body, without the signature: were it the name, a stranger could hand in the body as a file and take the place.
 */
export const manifestName = (digest: Uint8Array): Uint8Array => concat(utf8('manifest'), digest);

/** What nobody may ask for. @param key 32 bytes */
export const ownName = (key: Uint8Array): Uint8Array => concat(utf8('own'), key);

/** How a name is written, in a folder too: its space, unless it is that of files, and 64 digits. Undefined for what is no name. */
function labelOf(name: Uint8Array): string | undefined {
  const space = Buffer.from(name.subarray(0, -HASH_BYTES)).toString('latin1');
  if (name.length < HASH_BYTES || !/^(manifest|own)?$/.test(space)) return undefined;
  const digits = toHex(name.subarray(-HASH_BYTES));
  return space === '' ? digits : `${space}-${digits}`;
}

function assertLabel(name: Uint8Array): string {
  const label = labelOf(name);
  if (label === undefined) throw new TypeError(`name: expected one of a shelf, got ${name.length} bytes`);
  return label;
}

/** Of what callers of our port may have. */
function publicLabel(name: Uint8Array): string | undefined {
  const label = labelOf(name);
  return label?.startsWith('own') ? undefined : label;
}

/** For tests, demos and whoever can do without its files after a restart. */
export function createMemoryShelf({ maxBytes = 1024 ** 3 }: { readonly maxBytes?: number } = {}): Shelf {
  const index = createIndex(maxBytes);
  const files = new Map<string, Uint8Array>();
  return {
    maxBytes,
    async put(window, bytes, name = sha256(bytes)) {
      const label = assertLabel(name);
      index.take(label, window, bytes.length);
      files.set(label, bytes);
      return name;
    },
    read: async (name) => files.get(assertLabel(name)),
    async piece(name, offset) {
      const file = files.get(publicLabel(name) ?? '');
      return file && offset < file.length
        ? { data: file.subarray(offset, offset + FILE_PIECE_BYTES), fileBytes: file.length }
        : undefined;
    },
    async forget(before) {
      for (const [label] of index.before(before)) {
        index.drop(label);
        files.delete(label);
      }
    },
  };
}

/**
 * `<window>-<name>` in `dir`; what a crash left half-written has another name, and goes.
 * @throws AssayError `limit-exceeded` when there is more in it than it may hold
 */
export async function openShelf(
  dir: string,
  { maxBytes = SHELF_BYTES }: { readonly maxBytes?: number } = {},
): Promise<Shelf> {
  await mkdir(dir, { recursive: true });
  const index = createIndex(maxBytes);
  const turns = new Map<string, Promise<void>>();
  const pathOf = (label: string, { window }: Place) => join(dir, `${window}-${label}`);
  for (const name of await readdir(dir)) {
    const [, window, label] = FILE.exec(name) ?? [];
    if (window !== undefined && label !== undefined) {
      const { size } = await stat(join(dir, name));
      index.take(label, Number(window), size);
    } else if (name.endsWith('.part')) await rm(join(dir, name), { force: true });
  }

  /** One thing at a time to a name: two miners may hand in the same bytes, and a third party ask for them meanwhile. */
  const inTurn = <T>(name: string, work: () => Promise<T>): Promise<T> => {
    const done = (turns.get(name) ?? Promise.resolve()).then(work);
    const turn = done.then(
      () => {},
      () => {}, // its caller is told; the next one has its turn all the same
    );
    turns.set(name, turn);
    void turn.then(() => {
      if (turns.get(name) === turn) turns.delete(name);
    });
    return done;
  };
  return {
    maxBytes,
    async put(window, bytes, name = sha256(bytes)) {
      const label = assertLabel(name);
      return inTurn(label, async () => {
        const known = index.places.get(label);
        if (!index.take(label, window, bytes.length)) return name;
        const path = pathOf(label, index.places.get(label)!); // just taken
        try {
          if (known) await rename(pathOf(label, known), path);
          else await write(path, bytes);
        } catch (error) {
          index.drop(label);
          throw error;
        }
        await syncFolder(dir);
        return name;
      });
    },
    async read(name) {
      const label = assertLabel(name);
      return inTurn(label, async () => {
        const place = index.places.get(label);
        if (!place) return undefined;
        const bytes = new Uint8Array(place.bytes);
        await readInto(pathOf(label, place), bytes, 0);
        return bytes;
      });
    },
    async piece(name, offset) {
      const label = publicLabel(name);
      if (label === undefined) return undefined;
      return inTurn(label, async () => {
        const place = index.places.get(label);
        if (!place || offset >= place.bytes) return undefined;
        const data = new Uint8Array(Math.min(FILE_PIECE_BYTES, place.bytes - offset));
        await readInto(pathOf(label, place), data, offset);
        return { data, fileBytes: place.bytes };
      });
    },
    async forget(before) {
      for (const [label] of index.before(before))
        await inTurn(label, async () => {
          const place = index.places.get(label);
          if (!place || place.window >= before) return;
          index.drop(label);
          await rm(pathOf(label, place), { force: true });
        });
    },
  };
}

/** Window and label. */
const FILE = /^(\d{1,10})-((?:manifest-|own-)?[0-9a-f]{64})$/;

/** Beside the process that has the folder, whose half-written files and renames are its own: nothing is made, mended or removed. */
export function openShelfReader(dir: string): Pick<Shelf, 'read'> {
  let names: ReadonlyMap<string, string> = new Map();
  const look = async (): Promise<void> => {
    const found = await readdir(dir).catch((error: unknown): string[] => {
      if (errnoOf(error) === 'ENOENT') return [];
      throw error;
    });
    names = new Map(found.flatMap((name) => (FILE.test(name) ? [[FILE.exec(name)![2]!, name]] : [])));
  };
  const readKnown = async (label: string): Promise<Uint8Array | undefined> => {
    const name = names.get(label);
    if (name === undefined) return undefined;
    try {
      return new Uint8Array(await readFile(join(dir, name)));
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return undefined;
      throw error;
    }
  };
  return {
    async read(name) {
      const label = assertLabel(name);
      const bytes = await readKnown(label);
      if (bytes) return bytes;
      await look(); // it is new, or stays for a later window under another name by now
      return readKnown(label);
    },
  };
}

/** Under its name only when it is whole and on disk. */
async function write(path: string, bytes: Uint8Array): Promise<void> {
  const part = `${path}.part`;
  const file = await open(part, 'w', 0o600);
  try {
    await file.writeFile(bytes);
    await file.sync();
  } catch (error) {
    await rm(part, { force: true }); // on a full disk half a file would keep others out
    throw error;
  } finally {
    await file.close();
  }
  await rename(part, path);
}

async function syncFolder(dir: string): Promise<void> {
  const handle = await open(dir, 'r');
  await handle.sync().finally(() => handle.close());
}

async function readInto(path: string, into: Uint8Array, offset: number): Promise<void> {
  const file = await open(path, 'r');
  try {
    const { bytesRead } = await file.read(into, 0, into.length, offset);
    if (bytesRead !== into.length)
      throw new AssayError('corrupt', `${path}: shorter than it was`, { path, why: 'shorter than it was' });
  } finally {
    await file.close();
  }
}
