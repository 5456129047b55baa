// Owns: a miner's TLS keys in its data folder: made once, renewed when asked. Does not own: what is made of them (protocol).
import { mkdir, readFile, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';
import { equals, fromHex, toHex } from '../model/bytes.js';
import { AssayError } from '../model/errors.js';
import { isExposed } from '../model/exposed.js';
import { systemRandom } from '../model/prng.js';
import { createServerIdentity, type ServerIdentity, type ServerKey } from '../protocol/server-key.js';
import { errnoOf, invalid } from './invalid-input.js';
import { openWholeFile } from './whole-file.js';

const seed = z.string().regex(/^[0-9a-f]{64}$/);
/** The newest first, then the one that the chain names until the newest is announced, or that it named before. */
const file = z.strictObject({ seeds: z.array(seed).min(1).max(2) });

/**
 * @param announced what the chain names now: a rotation that it has not seen is finished before another begins, or the one
 *   key that validators trust would be gone
 * @returns the one to announce, and the one before it where there is one
 * @throws AssayError `corrupt` for a file that is none of ours: a key of its own is never overwritten; `invalid-input`
 *   where others may read it
 */
export async function openServerKeys(
  path: string,
  {
    rotate,
    announced,
    afterDays = Number.POSITIVE_INFINITY,
  }: {
    readonly rotate: boolean;
    readonly announced: ServerKey | undefined;
    /** rotates by itself a newest one that is older. @default never */
    readonly afterDays?: number | undefined;
  },
): Promise<readonly ServerIdentity[]> {
  const known = await read(path);
  const newest = known[0] === undefined ? undefined : createServerIdentity(fromHex(known[0])).serverKey;
  const isPending =
    announced !== undefined && newest !== undefined && !equals(newest.publicKey, announced.publicKey);
  const isDue = rotate || (afterDays < Number.POSITIVE_INFINITY && (await ageDays(path)) >= afterDays);
  const seeds =
    newest !== undefined && (!isDue || isPending)
      ? known
      : [toHex(systemRandom.bytes(32)), ...known.slice(0, 1)];
  if (seeds !== known) {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    const whole = await openWholeFile(path, 'server keys', 0o600);
    await whole.write(`${JSON.stringify({ seeds })}\n`);
  }
  return seeds.map((hex) => createServerIdentity(fromHex(hex)));
}

/** The file is written with each new key and never otherwise. */
async function ageDays(path: string): Promise<number> {
  const written = await stat(path).catch(() => undefined);
  return written ? (Date.now() - written.mtimeMs) / 86_400_000 : 0;
}

async function read(path: string): Promise<readonly string[]> {
  let text: string;
  try {
    const found = await stat(path);
    if (isExposed(found))
      throw invalid(
        path,
        'keys that nobody but their owner may read (chmod 600; or make new ones: remove the file)',
        `mode ${(found.mode & 0o777).toString(8)}`,
      );
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    throw error;
  }
  try {
    return file.parse(JSON.parse(text)).seeds;
  } catch {
    // without the cause: it would quote the keys
    const why = 'not the keys of a miner; move it away to begin with a new one';
    throw new AssayError('corrupt', `${path}: ${why}`, { path, why });
  }
}
