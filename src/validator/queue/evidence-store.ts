// Owns: openings of jobs that are under way, each under its SHA-256, in bounded bytes. Does not own: which jobs hold one
// (job-book.ts), how workers come by it (evidence-door.ts), what the ledger keeps for replay (ledger/openings.ts).
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { toHex } from '../../model/bytes.js';
import { AssayError } from '../../model/errors.js';
import { sha256 } from '../../model/hash.js';
import { errnoOf } from '../../model/invalid-input.js';
import type { OpeningName } from './job.js';

export interface EvidenceStore {
  /**
   * Keeps bytes until as many `release` as `put`. Outlives this process, not the machine's power: a file costs no flush, and
   * is gone before the disk was asked for anything in most cases. What was torn is found by its digest.
   * @throws AssayError `limit-exceeded` where there is no room, and what the file system says
   */
  put(name: OpeningName, bytes: Uint8Array): Promise<void>;
  /** @returns undefined when it is not there, or is not what its name says; else bytes in a buffer of their own */
  read(digest: string): Promise<Uint8Array | undefined>;
  /** One that holds it less. The last one's file goes. */
  release(name: OpeningName): Promise<void>;
  /** The same, and where it was the last one the file goes to `path`, which gets a copy otherwise. */
  moveTo(name: OpeningName, path: string): Promise<void>;
  bytes(): number;
}

interface Held {
  readonly bytes: number;
  count: number;
  /** done when the file is there */
  readonly written: Promise<void>;
}

/** @param of.held by jobs of an earlier process, once for each; files of others are what a crash left, and are removed */
export async function openEvidenceStore(
  folder: string,
  { mostBytes, held: before = [] }: { readonly mostBytes: number; readonly held?: readonly OpeningName[] },
): Promise<EvidenceStore> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const held = new Map<string, Held>();
  /** files that are on their way out: one of the same name is written afterwards, or it would go with them */
  const going = new Map<string, Promise<unknown>>();
  let total = 0;
  for (const { digest, bytes } of before) hold(toHex(digest), bytes, Promise.resolve());
  for (const name of await readdir(folder))
    if (!held.has(name)) await rm(join(folder, name), { force: true, recursive: true });

  function hold(name: string, bytes: number, written: Promise<void>): Held {
    const known = held.get(name);
    if (known) {
      known.count++;
      return known;
    }
    const made = { bytes, count: 1, written };
    held.set(name, made);
    total += bytes;
    return made;
  }

  /** @returns whether nobody holds it any more */
  function drop(name: string): boolean {
    const known = held.get(name);
    if (!known) return false;
    known.count--;
    if (known.count > 0) return false;
    held.delete(name);
    total -= known.bytes;
    return true;
  }

  async function goes(name: string, done: Promise<void>): Promise<void> {
    going.set(name, done);
    try {
      await done;
    } finally {
      if (going.get(name) === done) going.delete(name);
    }
  }

  async function write(name: string, content: Uint8Array): Promise<void> {
    await going.get(name)?.catch(() => {}); // whoever removes it is told
    await writeFile(join(folder, name), content, { mode: 0o600 });
  }

  return {
    async put({ digest, bytes }, content) {
      const name = toHex(digest);
      const known = held.get(name);
      if (!known && total + bytes > mostBytes) {
        const what = 'evidence of jobs under way';
        throw new AssayError('limit-exceeded', `${what}: no room for ${bytes} bytes`, {
          what,
          limit: mostBytes,
          got: total + bytes,
        });
      }
      const { written } = hold(name, bytes, known?.written ?? write(name, content));
      try {
        await written;
      } catch (error) {
        // half a file must not be what the next one with this content finds
        if (drop(name)) await goes(name, rm(join(folder, name), { force: true }));
        throw error;
      }
    },
    async read(digest) {
      if (!held.has(digest)) return undefined;
      const bytes = await readEvidence(join(folder, digest));
      return bytes && toHex(sha256(bytes)) === digest ? bytes : undefined;
    },
    async release({ digest }) {
      const name = toHex(digest);
      if (drop(name)) await goes(name, rm(join(folder, name), { force: true }));
    },
    async moveTo({ digest }, path) {
      const name = toHex(digest);
      if (drop(name)) return goes(name, rename(join(folder, name), path));
      const bytes = await readEvidence(join(folder, name));
      if (bytes) await writeFile(path, bytes, { mode: 0o600 });
    },
    bytes: () => total,
  };
}

async function readEvidence(path: string): Promise<Uint8Array | undefined> {
  try {
    const bytes = await readFile(path);
    // a small file's bytes lie in a buffer that Node shares
    return bytes.length === bytes.buffer.byteLength ? new Uint8Array(bytes.buffer) : Uint8Array.from(bytes);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}
