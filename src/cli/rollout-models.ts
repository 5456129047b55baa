// Owns: models by the digest of their checkpoint: pulled into a store, opened once, the one before kept until it is done with.
// Does not own: checkpoints (inference/checkpoint), engines.
import { nodeDisk } from '../inference/checkpoint/disk.js';
import { pullCheckpoint } from '../inference/checkpoint/pull.js';
import { openStore, type Source } from '../inference/checkpoint/store.js';
import type { LanguageModel } from '../inference/language-model.js';
import { type Master, openMaster } from '../inference/master.js';
import { toHex } from '../model/bytes.js';
import { AssayError } from '../model/errors.js';
import type { Log } from '../model/log.js';
import { openEngine } from './rollout-choice.js';
import type { RolloutSubnet } from './rollout-subnet.js';

export interface RolloutModels {
  /** The model of a checkpoint; the same one for the same digest, while it is one of the two used last. */
  modelOf(checkpointDigest: Uint8Array, signal: AbortSignal): Promise<LanguageModel>;
  /** @throws AssayError `corrupt`, `unreachable` where it cannot be had */
  masterOf(checkpointDigest: Uint8Array, signal: AbortSignal): Promise<Master>;
  /** digest of the checkpoint before; undefined for a first one */
  parentOf(checkpointDigest: Uint8Array, signal: AbortSignal): Promise<Uint8Array | undefined>;
  openModel(master: Master): Promise<LanguageModel>;
  close(): Promise<void>;
}

/** The one in use, and the one before, on which something may still be under way. */
const OPEN = 2;

/** @param from where checkpoints come from; undefined: they are in `folder`, or nowhere */
export function createRolloutModels(
  { log }: { readonly log: Log },
  {
    subnet,
    folder,
    from,
    trainer,
    threads = 1,
  }: {
    readonly subnet: Pick<RolloutSubnet, 'engine' | 'config'>;
    readonly folder: string;
    readonly from?: Source | undefined;
    readonly trainer?: Uint8Array | undefined;
    /** of one operator of onnxruntime. @default 1 */
    readonly threads?: number | undefined;
  },
): RolloutModels {
  const store = openStore(nodeDisk, folder);
  const source: Source = from ?? { get: async () => undefined };
  const models = new Map<string, Promise<LanguageModel>>();

  async function pulled(digest: Uint8Array, signal: AbortSignal) {
    const { checkpoint, steps } = await pullCheckpoint({ store, source }, { digest, trainer }, signal);
    if (steps.length > 0)
      log.info('checkpoint pulled', {
        digest: toHex(digest),
        steps: steps.map(({ kind, bytes }) => ({ kind, bytes })),
      });
    return checkpoint;
  }
  async function masterOf(digest: Uint8Array, signal: AbortSignal): Promise<Master> {
    const { manifest } = await pulled(digest, signal);
    const file = await store.open(manifest.master.sha256);
    if (!file) {
      const why = 'pulled, and not in the store';
      throw new AssayError('corrupt', `${folder}: ${why}`, { path: folder, why });
    }
    try {
      return openMaster(subnet.config, await file.read(0, file.size), toHex(digest));
    } finally {
      await file.close();
    }
  }
  const openModel = (master: Master): Promise<LanguageModel> =>
    openEngine(subnet.engine, master, { threads });
  const closeOld = async (): Promise<void> => {
    for (const [name, model] of [...models].slice(0, Math.max(0, models.size - OPEN))) {
      models.delete(name);
      await model.then((opened) => opened.close()).catch(() => {}); // it never opened, or its thread is gone
    }
  };

  return {
    masterOf,
    openModel,
    parentOf: async (digest, signal) => (await pulled(digest, signal)).manifest.parent,
    async modelOf(digest, signal) {
      const name = toHex(digest);
      const known = models.get(name);
      models.delete(name);
      const model = known ?? masterOf(digest, signal).then(openModel);
      models.set(name, model);
      await closeOld();
      try {
        return await model;
      } catch (error) {
        models.delete(name); // the next who asks tries again
        throw error;
      }
    },
    async close() {
      await Promise.all([...models.values()].map(async (model) => (await model).close())).catch(() => {});
    },
  };
}
