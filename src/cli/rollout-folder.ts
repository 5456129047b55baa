// Owns: a validator's folder of rollouts, opened to look at its windows again: ledger, files, models. Nothing in it is made, mended or
// removed: the validator may be at work. Does not own: what is looked for.
import { join } from 'node:path';
import type { LanguageModel } from '../inference/language-model.js';
import { readyKeys } from '../keys/index.js';
import { silentLog } from '../model/log.js';
import { openShelfReader } from '../rollouts/shelf.js';
import { type ReadRolloutLedger, readRolloutLedger } from '../validator/rollouts/ledger.js';
import { invalid } from './invalid-input.js';
import { createRolloutModels } from './rollout-models.js';
import { type RolloutSubnet, readRolloutSubnet } from './rollout-subnet.js';

/** Of a validator's: where proofs wait until its next window is over. */
export const PROOFS_FOLDER = 'proofs';

/**
 * `--data`, or the folder as a first word.
 * @throws AssayError `invalid-input` where neither is said, or both and they differ
 */
export function folderOf(word: string | undefined, { data }: { readonly data?: unknown }): string {
  const folder = data ?? word;
  if (typeof folder !== 'string') throw invalid('--data', "a validator's data folder", 'none');
  if (word !== undefined && word !== folder) throw invalid('--data', 'one folder', 'two');
  return folder;
}

export interface RolloutFolder extends ReadRolloutLedger {
  readonly subnet: RolloutSubnet;
  /** A manifest or a file by its name. */
  read(name: Uint8Array): Promise<Uint8Array | undefined>;
  modelOf(checkpointDigest: Uint8Array, signal: AbortSignal): Promise<LanguageModel>;
  close(): Promise<void>;
}

/** @throws AssayError `invalid-input` where none is, `corrupt` */
export async function openRolloutFolder(folder: string): Promise<RolloutFolder> {
  await readyKeys();
  const subnet = await readRolloutSubnet(folder);
  const ledger = await readRolloutLedger(join(folder, 'windows'));
  const shelf = openShelfReader(join(folder, 'files'));
  const models = createRolloutModels({ log: silentLog }, { subnet, folder: join(folder, 'checkpoints') });
  return {
    subnet,
    ...ledger,
    read: (name) => shelf.read(name),
    modelOf: models.modelOf,
    close: () => models.close(),
  };
}
