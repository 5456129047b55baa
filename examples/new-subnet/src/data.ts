// Owns: what roles keep in their data folder beside ledger, book and receipts: published files, a miner's TLS key.
// Does not own: which files count (assay/validator), what is made of the key (assay/protocol).
import { mkdir, open, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fromHex, systemRandom, toHex } from 'assay/model';
import { createServerIdentity } from 'assay/protocol';
import type { ParameterShelf } from 'assay/validator';

/**
 * Files that the owner published, by digest: what a peer handed over is here after a restart too.
 * @param ours in memory from the start
 */
export const openShelf = (folder: string, ours: ReadonlyMap<string, Uint8Array>): ParameterShelf => ({
  async read(digest) {
    return ours.get(digest) ?? (await readIfThere(join(folder, digest)));
  },
  async write(digest, bytes) {
    await mkdir(folder, { recursive: true });
    // whole or not at all: a validator that is ended meanwhile asks again
    const part = join(folder, `${digest}.part`);
    await writeFile(part, bytes);
    await rename(part, join(folder, digest));
  },
});

/** The key that the axon names on the chain: the same after a restart, or validators would trust another. */
export async function openServerIdentity(path: string): Promise<ReturnType<typeof createServerIdentity>> {
  const kept = await readIfThere(path);
  if (kept) return createServerIdentity(fromHex(new TextDecoder().decode(kept).trim()));
  const seed = systemRandom.bytes(32);
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const file = await open(path, 'wx', 0o600);
  try {
    await file.writeFile(`${toHex(seed)}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
  return createServerIdentity(seed);
}

async function readIfThere(path: string): Promise<Uint8Array | undefined> {
  try {
    return await readFile(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
