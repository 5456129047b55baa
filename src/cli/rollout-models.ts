// Owns: models by the digest of their checkpoint: pulled into a store, opened once, the one before kept until it is done with, and
// checkpoints that are not needed any more removed.
// Does not own: checkpoints (inference/checkpoint), engines.
import { nodeDisk } from '../inference/checkpoint/disk.js';
import type { Checkpoint } from '../inference/checkpoint/manifest.js';
import { pullCheckpoint } from '../inference/checkpoint/pull.js';
import { openStore, type Source } from '../inference/checkpoint/store.js';
import { type IdleClosing, withIdleClose } from '../inference/idle-close.js';
import type { LanguageModel } from '../inference/language-model.js';
import { type Master, openMaster } from '../inference/master.js';
import { fromHex, toHex } from '../model/bytes.js';
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
  /** All checkpoints go but these, and those of models that are open; none goes where none of these is here. */
  keepOnly(checkpointDigests: readonly Uint8Array[]): Promise<void>;
  /** At once, whatever is under way. */
  close(): Promise<void>;
}

/** The one in use, and the one before, on which something may still be under way. */
const OPEN = 2;

/** @param from where checkpoints come from; undefined: they are in `folder`, which is left as it is, or nowhere */
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
  const models = new Map<string, Promise<IdleClosing>>();
  const retiring = new Set<IdleClosing>();

  /** What is pulled is not removed while it comes. */
  let last: Promise<unknown> = Promise.resolve();
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const done = last.then(work);
    last = done.catch(() => {}); // its caller is told
    return done;
  };

  async function pulled(digest: Uint8Array, signal: AbortSignal): Promise<Checkpoint> {
    const here = from ? undefined : await store.checkpoint(digest);
    if (here) return here;
    if (!from) {
      const address = toHex(digest);
      throw new AssayError('unreachable', `checkpoint ${address}: not in ${folder}`, { address });
    }
    const { checkpoint, steps } = await pullCheckpoint({ store, source: from }, { digest, trainer }, signal);
    if (steps.length > 0)
      log.info('checkpoint pulled', {
        digest: toHex(digest),
        steps: steps.map(({ kind, bytes }) => ({ kind, bytes })),
      });
    return checkpoint;
  }
  const masterOf = (digest: Uint8Array, signal: AbortSignal): Promise<Master> =>
    inTurn(() => readMaster(digest, signal));
  async function readMaster(digest: Uint8Array, signal: AbortSignal): Promise<Master> {
    const { manifest } = await pulled(digest, signal);
    const file = await store.open(manifest.master.sha256);
    if (!file) {
      const why = `the master of checkpoint ${toHex(digest)} is not there`;
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
  /** Whoever asked for an older one may still be at it: it is closed when that is over, and nobody waits here. */
  function retireOld(): void {
    for (const [name, opening] of [...models].slice(0, Math.max(0, models.size - OPEN))) {
      models.delete(name);
      void opening.then(async (old) => {
        retiring.add(old);
        await old.retire();
        retiring.delete(old);
      }, ignored);
    }
  }

  return {
    masterOf,
    openModel,
    parentOf: async (digest, signal) => (await inTurn(() => pulled(digest, signal))).manifest.parent,
    async modelOf(digest, signal) {
      const name = toHex(digest);
      for (;;) {
        signal.throwIfAborted();
        const known = models.get(name);
        const opening = known ?? masterOf(digest, signal).then(openModel).then(withIdleClose);
        models.delete(name);
        models.set(name, opening);
        retireOld();
        try {
          return (await opening).model;
        } catch (error) {
          // the next who asks tries again; another may have begun by now
          if (models.get(name) === opening) models.delete(name);
          // what failed was asked for by another, who may just have been told to stop
          if (!known) throw error;
        }
      }
    },
    keepOnly: (digests) =>
      inTurn(async () => {
        const checkpoints = [...digests, ...[...models.keys()].map(fromHex)];
        // of none of them anything is here: then what is may be what the next one's delta is applied to
        const areHere = await Promise.all(checkpoints.map((digest) => store.has(digest)));
        if (!areHere.includes(true)) return;
        const { removed, removedBytes } = await store.collect({ checkpoints });
        if (removed > 0) log.info('checkpoints removed', { files: removed, bytes: removedBytes });
      }),
    async close() {
      const opened = await Promise.allSettled(models.values());
      const all = opened.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
      await Promise.all([...all, ...retiring].map(({ model }) => model.close().catch(ignored)));
    },
  };
}

/** It never opened, or its thread is gone: what it failed with was said to who asked for it. */
const ignored = (): void => {};
