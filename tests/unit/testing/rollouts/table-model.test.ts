import { describe, expect, it } from 'vitest';
import { createTableModel } from '../../../../src/testing/rollouts/table-model.js';

const { signal } = new AbortController();
const text = Uint32Array.from({ length: 30 }, (_, i) => (i * 7) % 60);

describe('the model without weights', () => {
  it('predicts over a whole sequence what it predicts token by token, highest first', async () => {
    const model = createTableModel({ noise: 1e-3 });
    const hidden = await model.prefill([text, text.subarray(0, 5)], signal);
    const decoding = await model.open([text.subarray(0, 1)], 20, signal);
    for (let position = 0; position < text.length; position++) {
      if (position > 0) await decoding.advance([text[position]], signal);
      const step = decoding.candidates();
      expect(await hidden.head([{ sequence: 0, position }], 20, signal)).toEqual(step);
      expect(await hidden.logitsOf([{ sequence: 0, position }], step.ids, signal)).toEqual(step.logits);
      expect([...step.logits].sort((a, b) => b - a)).toEqual([...step.logits]);
      expect(new Set(step.ids).size).toBe(20);
    }
  });

  it('is another with another seed, and nearly the same with noise', async () => {
    const logits = async (options: object) => {
      const hidden = await createTableModel(options).prefill([text], signal);
      return hidden.logitsOf(
        [{ sequence: 0, position: 9 }],
        Int32Array.from({ length: 60 }, (_, i) => i),
        signal,
      );
    };
    const [one, other, noisy] = [
      await logits({}),
      await logits({ seed: 'other' }),
      await logits({ noise: 1e-3 }),
    ];
    const apart = (a: Float32Array, b: Float32Array) => Math.max(...a.map((x, i) => Math.abs(x - b[i]!)));
    expect(apart(one, other)).toBeGreaterThan(1);
    expect(apart(one, noisy)).toBeLessThan(1.001e-3);
    expect(apart(one, noisy)).toBeGreaterThan(5e-4);
  });

  it('has the entropy that its exponent gives', async () => {
    const entropy = async (exponent: number) => {
      const model = createTableModel({ exponent });
      const hidden = await model.prefill([text], signal);
      const at = Array.from(text, (_, position) => ({ sequence: 0, position }));
      const { logits } = await hidden.head(at, 64, signal);
      let sum = 0;
      for (let row = 0; row < text.length; row++) {
        const weights = Array.from(logits.subarray(64 * row, 64 * (row + 1)), Math.exp);
        const all = weights.reduce((a, b) => a + b);
        for (const weight of weights) sum -= (weight / all) * Math.log(weight / all);
      }
      return sum / text.length;
    };
    expect(await entropy(1)).toBeGreaterThan(3);
    expect(await entropy(4)).toBeLessThan(1.5);
  });
});
