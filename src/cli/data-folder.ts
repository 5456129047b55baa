// Owns: a role's data folder as a whole: one process at a time, whose it is, and which build may read it. Does not own: what is in
// it, which says its own versions.
import { mkdirSync, readFileSync, realpathSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { AssayError } from '../model/errors.js';
import { lockFile } from '../model/file-lock.js';
import { VERSION } from '../model/version.js';
import type { ConfigRole } from './config.js';
import { errnoOf, foundInstead, invalid } from './invalid-input.js';

/** Rises when a build writes something into the folder that the one before would misread; docs/upgrades.md has each. */
export const DATA_FORMAT = 1;

const STATE_FILE = 'state.json';
/** Of later formats only what is needed to refuse them. */
const STATE = z.object({
  format: z.number().int().min(1),
  role: z.string().max(64),
  build: z.string().regex(/^[\w.+-]{1,64}$/),
});

/**
 * Takes the folder until this process ends, and says in it what it is. One of an earlier build has no such file and gets it.
 * @throws AssayError `invalid-input`, the folder untouched: in use, of another role, or of a newer build
 */
export function takeDataFolder(folder: string, role: ConfigRole): void {
  const what = `--data ${folder}`;
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw invalid(what, 'a folder that can be written', foundInstead(error), error);
  }
  lockFile(join(realpathSync(folder), 'role'), what, 'a folder that no other process uses');
  const path = join(folder, STATE_FILE);
  const state = readState(path);
  if (state !== undefined && state.format > DATA_FORMAT)
    throw invalid(
      what,
      `a folder of format ${DATA_FORMAT}`,
      `one of format ${state.format}, which assay ${state.build} wrote: start that build, or give this one another folder`,
    );
  if (state !== undefined && state.role !== role)
    throw invalid(what, `the folder of a ${role}`, `that of a ${state.role}: each role has its own`);
  if (state?.format === DATA_FORMAT && state.build === VERSION) return;
  const part = `${path}.part`;
  writeFileSync(part, `${JSON.stringify({ format: DATA_FORMAT, role, build: VERSION })}\n`, {
    mode: 0o600,
    flush: true,
  });
  renameSync(part, path);
}

/** A node behind its own chain is not so far behind, nor is a localnet that went on without its last second. */
const BEHIND_BLOCKS = 32;

/**
 * For localnets: one that was begun anew has the genesis of the one before, so that a ledger of that looks like its own.
 * @param events those that the folder's ledger has
 * @param head the chain's best block
 * @throws AssayError `invalid-input` for a folder that knows of an event far beyond it
 */
export function assertReached(
  folder: string,
  events: readonly { readonly block: number }[],
  head: number,
): void {
  const newest = events.reduce((most, { block }) => Math.max(most, block), 0);
  if (newest <= head + BEHIND_BLOCKS) return;
  throw invalid(
    `--data ${folder}`,
    `the folder of this localnet, which is at block ${head}`,
    `one with an event of block ${newest}, of a chain before it: remove the folder, or name a new one`,
  );
}

function readState(path: string): z.infer<typeof STATE> | undefined {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
  try {
    return STATE.parse(JSON.parse(text));
  } catch (cause) {
    const why = `expected {"format", "role", "build"}; remove it if you know whose folder this is`;
    throw new AssayError('corrupt', `${path}: ${why}`, { path, why }, { cause });
  }
}
