// Owns: keys between a miner and its hosts, on disk: one each, made once. Does not own: TLS (miner/hosts/tls.ts), a miner's keys
// towards validators (server-keys.ts).
import { mkdir, readFile, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';
import { fromHex, toHex } from '../model/bytes.js';
import { AssayError } from '../model/errors.js';
import { isExposed } from '../model/exposed.js';
import { systemRandom } from '../model/prng.js';
import { createServerIdentity, type ServerIdentity } from '../protocol/server-key.js';
import { errnoOf, foundInstead, invalid } from './invalid-input.js';
import { openWholeFile } from './whole-file.js';

const MAX_BYTES = 4096;
const HEX_KEY = /^[0-9a-f]{64}$/;
const file = z.strictObject({ seed: z.string().regex(HEX_KEY) });

/** @throws AssayError as `readHostKey`; a file that is there is never overwritten */
export async function openHostKey(path: string): Promise<ServerIdentity> {
  const found = await seedIn(path);
  if (found !== undefined) return createServerIdentity(fromHex(found));
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const whole = await openWholeFile(path, path, 0o600);
  const seed = toHex(systemRandom.bytes(32));
  await whole.write(`${JSON.stringify({ seed })}\n`);
  return createServerIdentity(fromHex(seed));
}

/** @throws AssayError `invalid-input` where there is none or others may read it, `corrupt` for what is none of ours */
export async function readHostKey(path: string): Promise<ServerIdentity> {
  const seed = await seedIn(path);
  if (seed === undefined)
    throw invalid(path, 'the key of this host (assay miner host-key makes one)', 'no file');
  return createServerIdentity(fromHex(seed));
}

async function seedIn(path: string): Promise<string | undefined> {
  let text: string;
  try {
    const { mode, size, uid } = await stat(path);
    if (size > MAX_BYTES) throw invalid(path, `a key, at most ${MAX_BYTES} bytes`, `${size}`);
    if (isExposed({ mode, uid }))
      throw invalid(
        path,
        'a key that nobody but its owner may read (chmod 600)',
        `mode ${(mode & 0o777).toString(8)}`,
      );
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof AssayError) throw error;
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw invalid(path, 'a file that can be read', foundInstead(error), error);
  }
  try {
    return file.parse(JSON.parse(text)).seed;
  } catch {
    // without the cause: it would quote the key
    const why = 'not the key of a host or of a miner; move it away to begin with a new one';
    throw new AssayError('corrupt', `${path}: ${why}`, { path, why });
  }
}

/** @param given 64 hex digits, or the path of a file with them. @throws AssayError `invalid-input` */
export async function readPublicKey(given: string, what: string): Promise<Uint8Array> {
  const expected = '64 hex digits, or a file with them, as `assay miner host-key` prints';
  let text = given;
  if (!HEX_KEY.test(given))
    try {
      const { size } = await stat(given);
      if (size > MAX_BYTES) throw invalid(what, expected, `a file of ${size} bytes`);
      text = (await readFile(given, 'utf8')).trim();
    } catch (error) {
      if (error instanceof AssayError) throw error;
      throw invalid(what, expected, foundInstead(error), error);
    }
  if (!HEX_KEY.test(text)) throw invalid(what, expected, 'something else');
  return fromHex(text);
}
