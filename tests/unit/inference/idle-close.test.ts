import { expect, test } from 'vitest';
import { withIdleClose } from '../../../src/inference/idle-close.js';
import type { Hidden, LanguageModel } from '../../../src/inference/language-model.js';

const signal = new AbortController().signal;

test('a model that is retired closes when the last of what is under way has been released, and begins nothing', async () => {
  const said: string[] = [];
  let give: (hidden: Hidden) => void = () => {};
  const hidden = { release: () => said.push('released') } as unknown as Hidden;
  const inner = {
    prefill: () => new Promise<Hidden>((resolve) => (give = resolve)),
    open: async () => {
      throw new Error('no memory');
    },
    close: async () => void said.push('closed'),
  } as unknown as LanguageModel; // no more of it is used
  const { model, retire } = withIdleClose(inner);
  await expect(model.open([], 1, signal)).rejects.toThrow('no memory');
  const first = model.prefill([], signal);
  const retired = [retire(), retire()];
  await expect(model.prefill([], signal)).rejects.toThrow('closed');
  give(hidden);
  const held = await first;
  expect(said).toEqual([]);
  held.release();
  held.release();
  await Promise.all(retired);
  expect(said).toEqual(['released', 'released', 'closed']);
});
