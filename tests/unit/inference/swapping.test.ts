import { describe, expect, test } from 'vitest';
import type { LanguageModel } from '../../../src/inference/language-model.js';
import { openMaster, seededMaster } from '../../../src/inference/master.js';
import { createPlainModel } from '../../../src/inference/plain/model.js';
import { createSwappingModel } from '../../../src/inference/swapping.js';
import { MINIATURE } from '../../../src/inference/tiny.js';
import { toHex } from '../../../src/model/bytes.js';

const { signal } = new AbortController();
const prompt = Uint32Array.of(257, 72, 105);

function watched(seed: string): { model: LanguageModel; closed: () => boolean } {
  const model = createPlainModel(openMaster(MINIATURE, seededMaster(MINIATURE, seed)));
  let closed = false;
  const close = async (): Promise<void> => {
    closed = true;
    await model.close();
  };
  return { model: { ...model, close }, closed: () => closed };
}

describe('a model whose checkpoint changes', () => {
  test('serves what was begun by the old one until it is released, and everything new by the next', async () => {
    const old = watched('old');
    const next = watched('next');
    const model = createSwappingModel(old.model);
    const begun = await model.open([prompt], 4, signal);
    const hidden = await model.prefill([prompt], signal);
    const before = begun.candidates();
    await model.swap(async () => next.model);

    expect(toHex(model.profile.weightsDigest)).toBe(toHex(next.model.profile.weightsDigest));
    expect((await model.open([prompt], 4, signal)).candidates()).not.toEqual(before);
    const at = [{ sequence: 0, position: 2 }];
    expect((await hidden.head(at, 4, signal)).logits).toEqual(before.logits);
    await begun.advance([1], signal);
    expect(old.closed()).toBe(false);
    begun.release();
    begun.release();
    expect(old.closed()).toBe(false);
    hidden.release();
    await Promise.resolve();
    expect(old.closed()).toBe(true);
    await model.close();
    expect(next.closed()).toBe(true);
  });

  test('goes on with the old one where the next cannot be opened', async () => {
    const old = watched('old');
    const model = createSwappingModel(old.model);
    await expect(
      model.swap(async () => {
        throw new Error('no such file');
      }),
    ).rejects.toThrow('no such file');
    const begun = await model.open([prompt], 4, signal);
    expect(begun.candidates().rows).toBe(1);
    begun.release();
    await model.swap(async () => watched('next').model);
    expect(old.closed()).toBe(true);
  });

  test('closes a model that comes too late', async () => {
    const late = watched('late');
    const model = createSwappingModel(watched('old').model);
    let arrive: (model: LanguageModel) => void = () => {};
    const swapped = model.swap(
      () =>
        new Promise((resolve) => {
          arrive = resolve;
        }),
    );
    await Promise.resolve();
    await model.close();
    arrive(late.model);
    await expect(swapped).rejects.toThrow('closed');
    expect(late.closed()).toBe(true);
    await expect(model.open([prompt], 4, signal)).rejects.toThrow('closed');
  });

  test('swaps one after the other', async () => {
    const model = createSwappingModel(watched('a').model);
    const [b, c] = [watched('b'), watched('c')];
    await Promise.all([model.swap(async () => b.model), model.swap(async () => c.model)]);
    expect(toHex(model.profile.weightsDigest)).toBe(toHex(c.model.profile.weightsDigest));
    expect([b.closed(), c.closed()]).toEqual([true, false]);
    await model.close();
  });
});
