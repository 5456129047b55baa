// Owns: a language model whose checkpoint changes under it: the old one serves until the next is open, and what was begun on it ends on
// it. Does not own: when (between windows, the role's), where checkpoints come from (checkpoint/).
import type { LanguageModel } from './language-model.js';
import type { Profile } from './spec/profile.js';

export interface SwappingModel extends LanguageModel {
  /**
   * Opens the next model while this one serves; two are in memory until the old one's last decoding and hidden states are released.
   * @throws what `open` throws: then the old one serves on
   */
  swap(open: () => Promise<LanguageModel>): Promise<void>;
}

interface Served {
  readonly model: LanguageModel;
  /** decodings and hidden states that are not released */
  users: number;
  retired: boolean;
}

/** Takes over `first`, which is closed with it. */
export function createSwappingModel(first: LanguageModel): SwappingModel {
  let now: Served = { model: first, users: 0, retired: false };
  let swapping: Promise<void> = Promise.resolve();
  let closed = false;
  const open = new Set([now]);

  const closeWhenUnused = async (served: Served): Promise<void> => {
    if (!served.retired || served.users > 0 || !open.delete(served)) return;
    await served.model.close();
  };

  /** Whatever was opened on a model keeps it alive. */
  async function using<T extends { release(): void }>(
    begin: (model: LanguageModel) => Promise<T>,
  ): Promise<T> {
    if (closed) throw new Error('language model: closed');
    const served = now;
    served.users++;
    const done = (): void => {
      served.users--;
      // a failure to close is nobody's any more: the thread is gone either way
      closeWhenUnused(served).catch(() => {});
    };
    try {
      const opened = await begin(served.model);
      let released = false;
      const release = opened.release.bind(opened);
      opened.release = () => {
        release();
        if (!released) done();
        released = true;
      };
      return opened;
    } catch (error) {
      done();
      throw error;
    }
  }

  return {
    get profile(): Profile {
      return now.model.profile;
    },
    get vocabulary() {
      return now.model.vocabulary;
    },
    get maxPositions() {
      return now.model.maxPositions;
    },
    open: (prompts, candidates, signal) => using((model) => model.open(prompts, candidates, signal)),
    prefill: (sequences, signal) => using((model) => model.prefill(sequences, signal)),

    swap(openNext) {
      const swapped = swapping.then(async () => {
        if (closed) throw new Error('language model: closed');
        const next: Served = { model: await openNext(), users: 0, retired: false };
        if (closed) {
          await next.model.close();
          throw new Error('language model: closed');
        }
        const old = now;
        open.add(next);
        now = next;
        old.retired = true;
        await closeWhenUnused(old);
      });
      swapping = swapped.catch(() => {}); // its caller is told; the next swap goes on
      return swapped;
    },

    async close() {
      closed = true;
      await Promise.all([...open].map(({ model }) => model.close()));
      open.clear();
    },
  };
}
