// Owns: a validator's folder of rollouts, opened to look at its windows again: ledger, files, models. Does not own: what is looked for.
import { join } from 'node:path';
import type { LanguageModel } from '../inference/language-model.js';
import { readyKeys } from '../keys/index.js';
import { silentLog } from '../model/log.js';
import { openShelf } from '../rollouts/shelf.js';
import type { RolloutEntry } from '../validator/rollouts/ledger.js';
import { readRolloutLedger } from '../validator/rollouts/ledger.js';
import { createRolloutModels } from './rollout-models.js';
import { type RolloutSubnet, readRolloutSubnet } from './rollout-subnet.js';

export interface RolloutFolder {
  readonly subnet: RolloutSubnet;
  readonly entries: readonly RolloutEntry[];
  /** A manifest or a file by its name. */
  read(name: Uint8Array): Promise<Uint8Array | undefined>;
  modelOf(checkpointDigest: Uint8Array, signal: AbortSignal): Promise<LanguageModel>;
  close(): Promise<void>;
}

/** @throws AssayError `invalid-input` where none is, `corrupt` */
export async function openRolloutFolder(folder: string): Promise<RolloutFolder> {
  await readyKeys();
  const subnet = await readRolloutSubnet(folder);
  const { entries } = await readRolloutLedger(join(folder, 'windows'));
  const shelf = await openShelf(join(folder, 'files'));
  const models = createRolloutModels({ log: silentLog }, { subnet, folder: join(folder, 'checkpoints') });
  return {
    subnet,
    entries,
    read: (name) => shelf.read(name),
    modelOf: models.modelOf,
    close: () => models.close(),
  };
}
