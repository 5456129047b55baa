// Owns: opening bytes within a byte budget. Does not own: which accepted ones are worth keeping (ledger.ts draws them).
import { mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { AssayError } from '../../model/errors.js';
import type { Log } from '../../model/log.js';
import { syncFolder } from './folder.js';

/** Rejected openings convict somebody: they come first and stay longest. */
export type Worth = 'rejected' | 'other';

export interface Openings extends OpeningsReader {
  /** On disk when it resolves, unless the budget has no room for one of this worth. */
  put(id: string, worth: Worth, bytes: Uint8Array): Promise<void>;
}

export interface OpeningsReader {
  /** @throws AssayError `evidence-expired` when the bytes are not, or no longer, kept */
  read(id: string): Promise<Uint8Array>;
}

const SUFFIX = '.bin';

export function openOpeningsReader(folder: string): OpeningsReader {
  return {
    async read(id) {
      try {
        return await readFile(join(folder, `${id}${SUFFIX}`));
      } catch (error) {
        if (error instanceof Error && 'code' in error && error.code === 'ENOENT')
          throw new AssayError(
            'evidence-expired',
            `evidence expired: the opening of ${id} is no longer kept`,
            {
              outcome: id,
            },
          );
        throw error;
      }
    },
  };
}

/**
 * Over the budget the oldest that are not rejections go first, then the oldest rejections.
 * @param worthOf every outcome of the journal, oldest first; files of others are what a crash left and are removed
 */
export async function openOpenings(
  parts: { log: Log },
  folder: string,
  budgetBytes: number,
  worthOf: ReadonlyMap<string, Worth>,
): Promise<Openings> {
  await mkdir(folder, { recursive: true });
  /** id -> bytes, oldest first */
  const kept: Record<Worth, Map<string, number>> = { rejected: new Map(), other: new Map() };
  let total = 0;
  let tail: Promise<void> = Promise.resolve();
  await load();

  async function load(): Promise<void> {
    const sizes = new Map<string, number>();
    for (const name of await readdir(folder)) {
      const id = name.endsWith(SUFFIX) ? name.slice(0, -SUFFIX.length) : '';
      if (worthOf.has(id)) sizes.set(id, (await stat(join(folder, name))).size);
      else await rm(join(folder, name), { force: true, recursive: true });
    }
    for (const [id, worth] of worthOf) {
      const size = sizes.get(id);
      if (size === undefined) continue;
      kept[worth].set(id, size);
      total += size;
    }
    await evict(0, 'rejected');
  }

  /** Makes room for `bytes` of `worth`; false when only worthier ones could go. */
  async function evict(bytes: number, worth: Worth): Promise<boolean> {
    if (bytes > budgetBytes) return false;
    const from: Worth[] = worth === 'rejected' ? ['other', 'rejected'] : ['other'];
    for (const each of from)
      for (const [id, size] of kept[each]) {
        if (total + bytes <= budgetBytes) return true;
        await rm(join(folder, `${id}${SUFFIX}`), { force: true });
        kept[each].delete(id);
        total -= size;
      }
    return total + bytes <= budgetBytes;
  }

  async function write(id: string, worth: Worth, bytes: Uint8Array): Promise<void> {
    if (kept.rejected.has(id) || kept.other.has(id)) return; // the first one written is what was judged
    if (!(await evict(bytes.length, worth))) {
      parts.log.warn('opening not kept: no room in the byte budget', {
        outcome: id,
        bytes: bytes.length,
        budgetBytes,
      });
      return;
    }
    const path = join(folder, `${id}${SUFFIX}`);
    const file = await open(`${path}.tmp`, 'w', 0o600);
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(`${path}.tmp`, path);
    await syncFolder(folder);
    kept[worth].set(id, bytes.length);
    total += bytes.length;
  }

  return {
    ...openOpeningsReader(folder),
    put(id, worth, bytes) {
      const done = tail.then(() => write(id, worth, bytes));
      tail = done.catch(() => {}); // the failure is its caller's; the next one still gets its turn
      return done;
    },
  };
}
