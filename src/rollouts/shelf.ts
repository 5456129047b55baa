// Owns: files of windows, by name, mostly their digest: ours to hand out, others' to judge and to hand on, for a bounded time and number of bytes.
// Does not own: what is in them, who may have them (protocol), fetching (fetch.ts).
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { toHex } from '../model/bytes.js';
import { AssayError } from '../model/errors.js';
import { sha256 } from '../model/hash.js';
import { FILE_PIECE_BYTES } from '../protocol/limits.js';
import type { FilePiece } from '../protocol/session.js';

export interface Shelf {
  /**
   * On disk, where there is one, when it resolves.
   * @param name under which it is asked for, 32 bytes. @default its SHA-256
   * @throws AssayError `limit-exceeded` when there is no room
   */
  put(window: number, bytes: Uint8Array, name?: Uint8Array): Promise<Uint8Array>;
  /** As it was put there, unless the disk failed: whoever reads it looks. */
  read(digest: Uint8Array): Promise<Uint8Array | undefined>;
  /** For callers of our port. */
  piece(digest: Uint8Array, offset: number): Promise<FilePiece | undefined>;
  /** Files of windows before that one go. */
  forget(before: number): Promise<void>;
}

/** 256 miners with 8 MB each, for the dozen windows in which somebody may still ask. */
export const SHELF_BYTES = 32 * 1024 ** 3;

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
    take(digest: string, window: number, bytes: number): boolean {
      const known = places.get(digest);
      if (known) {
        places.set(digest, { window: Math.max(window, known.window), bytes });
        return known.window < window;
      }
      if (total + bytes > maxBytes)
        throw new AssayError('limit-exceeded', `files of windows: ${total + bytes} bytes of ${maxBytes}`, {
          what: 'files of windows',
          limit: maxBytes,
          got: total + bytes,
        });
      total += bytes;
      places.set(digest, { window, bytes });
      return true;
    },
    drop(digest: string): void {
      total -= places.get(digest)?.bytes ?? 0;
      places.delete(digest);
    },
    before: (window: number) => [...places].filter(([, place]) => place.window < window),
  };
}

/**
 * Where a signed manifest lies, and is asked for. Its digest is that of its body, without the signature: were it the name, a stranger
 * could hand in the body as a file and take the place. No bytes are known whose SHA-256 is another's complement.
 */
export const manifestName = (digest: Uint8Array): Uint8Array => digest.map((byte) => ~byte);

/** For tests, demos and whoever can do without its files after a restart. */
export function createMemoryShelf({ maxBytes = 1024 ** 3 }: { readonly maxBytes?: number } = {}): Shelf {
  const index = createIndex(maxBytes);
  const files = new Map<string, Uint8Array>();
  return {
    async put(window, bytes, digest = sha256(bytes)) {
      index.take(toHex(digest), window, bytes.length);
      files.set(toHex(digest), bytes);
      return digest;
    },
    read: async (digest) => files.get(toHex(digest)),
    async piece(digest, offset) {
      const file = files.get(toHex(digest));
      return file && offset < file.length
        ? { data: file.subarray(offset, offset + FILE_PIECE_BYTES), fileBytes: file.length }
        : undefined;
    },
    async forget(before) {
      for (const [digest] of index.before(before)) {
        index.drop(digest);
        files.delete(digest);
      }
    },
  };
}

/**
 * `<window>-<digest>` in `dir`; what a crash left half-written has another name, and goes.
 * @throws AssayError `limit-exceeded` when there is more in it than it may hold
 */
export async function openShelf(
  dir: string,
  { maxBytes = SHELF_BYTES }: { readonly maxBytes?: number } = {},
): Promise<Shelf> {
  await mkdir(dir, { recursive: true });
  const index = createIndex(maxBytes);
  const turns = new Map<string, Promise<void>>();
  const pathOf = (digest: string, { window }: Place) => join(dir, `${window}-${digest}`);
  for (const name of await readdir(dir)) {
    const [, window, digest] = /^(\d{1,10})-([0-9a-f]{64})$/.exec(name) ?? [];
    if (window !== undefined && digest !== undefined) {
      const { size } = await stat(join(dir, name));
      index.take(digest, Number(window), size);
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
    async put(window, bytes, digest = sha256(bytes)) {
      const name = toHex(digest);
      return inTurn(name, async () => {
        const known = index.places.get(name);
        if (!index.take(name, window, bytes.length)) return digest;
        const path = pathOf(name, index.places.get(name)!); // just taken
        try {
          if (known) await rename(pathOf(name, known), path);
          else await write(path, bytes);
        } catch (error) {
          index.drop(name);
          throw error;
        }
        await syncFolder(dir);
        return digest;
      });
    },
    read: (digest) =>
      inTurn(toHex(digest), async () => {
        const place = index.places.get(toHex(digest));
        if (!place) return undefined;
        const bytes = new Uint8Array(place.bytes);
        await readInto(pathOf(toHex(digest), place), bytes, 0);
        return bytes;
      }),
    piece: (digest, offset) =>
      inTurn(toHex(digest), async () => {
        const place = index.places.get(toHex(digest));
        if (!place || offset >= place.bytes) return undefined;
        const data = new Uint8Array(Math.min(FILE_PIECE_BYTES, place.bytes - offset));
        await readInto(pathOf(toHex(digest), place), data, offset);
        return { data, fileBytes: place.bytes };
      }),
    async forget(before) {
      for (const [digest] of index.before(before))
        await inTurn(digest, async () => {
          const place = index.places.get(digest);
          if (!place || place.window >= before) return;
          index.drop(digest);
          await rm(pathOf(digest, place), { force: true });
        });
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
