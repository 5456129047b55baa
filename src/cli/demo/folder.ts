// Owns: the folder of one run of the demo: one that is named, or a temporary one. Does not own: what lies in it.
import { existsSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { invalid } from '../invalid-input.js';

/**
 * Runs do not share one: the same seed gives the same keys, and a validator would go on with the ledger of a chain that is gone.
 * @param prefix of a temporary folder's name
 * @throws AssayError `invalid-input` for a folder in which a run was
 */
export async function demoFolder(dir: string | undefined, prefix: string): Promise<string> {
  if (dir === undefined) return mkdtemp(join(tmpdir(), prefix));
  if (existsSync(join(dir, 'validator-a')))
    throw invalid(
      `--dir ${dir}`,
      'a folder for this run alone',
      'one with the journals of another: name a new one, or remove it',
    );
  return dir;
}
