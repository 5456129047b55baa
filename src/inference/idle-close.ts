// Owns: a model that is closed when nobody is at it any more. Does not own: engines, which models are kept.
import type { LanguageModel } from './language-model.js';

export interface IdleClosing {
  readonly model: LanguageModel;
  /** Nothing begins on it from now on; resolves when what is under way has been released and the model is closed. */
  retire(): Promise<void>;
}

/** What `open` and `prefill` gave counts as under way until it is released. `close` of the model itself waits for nothing. */
export function withIdleClose(inner: LanguageModel): IdleClosing {
  let underWay = 0;
  let retired: { readonly done: Promise<void>; readonly end: () => void } | undefined;
  const leave = (): void => {
    underWay--;
    if (underWay === 0) retired?.end();
  };
  async function counted<T extends { release(): void }>(begin: () => Promise<T>): Promise<T> {
    if (retired) throw new Error('language model: closed');
    underWay++;
    try {
      const found = await begin();
      let isReleased = false;
      return {
        ...found,
        release() {
          found.release();
          if (!isReleased) leave();
          isReleased = true;
        },
      };
    } catch (error) {
      leave();
      throw error;
    }
  }
  return {
    model: {
      ...inner,
      open: (...args) => counted(() => inner.open(...args)),
      prefill: (...args) => counted(() => inner.prefill(...args)),
      close: () => inner.close(),
    },
    async retire() {
      if (!retired) {
        let end = (): void => {};
        const idle = new Promise<void>((resolve) => (end = resolve));
        retired = { end, done: idle.then(() => inner.close()) };
        if (underWay === 0) end();
      }
      await retired.done;
    },
  };
}
