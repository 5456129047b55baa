import { expect, test } from 'vitest';
import type { LanguageModel } from '../../../src/inference/language-model.js';
import { openMaster, seededMaster } from '../../../src/inference/master.js';
import { createOnnxModel } from '../../../src/inference/onnx/model.js';
import { createPlainModel } from '../../../src/inference/plain/model.js';
import { TINY } from '../../../src/inference/tiny.js';

const hasRuntime = await import('onnxruntime-node').then(
  () => true,
  () => false,
);
if (!hasRuntime) console.warn('skipped: the decoder on onnxruntime-node, which is not installed');
const signal = new AbortController().signal;

/** Position, id and value of the highest logit: printed by scripts/golden_decoder.py, which is none of our code, in float64. */
const REFERENCE: readonly (readonly [position: number, id: number, logit: number])[] = [
  [0, 88, 3.069927],
  [8, 246, 2.954908],
  [16, 105, 2.860273],
  [24, 128, 2.19049],
  [32, 40, 2.688649],
  [40, 112, 2.636842],
];
const IDS = Uint32Array.from([257, ...Array.from({ length: 40 }, (_, i) => (37 * i + 11) % 256)]);

test.each<[string, boolean, () => Promise<LanguageModel>]>([
  ['the plain decoder', true, async () => createPlainModel(openMaster(TINY, seededMaster(TINY, 'assay')))],
  ['onnxruntime-node', hasRuntime, () => createOnnxModel(openMaster(TINY, seededMaster(TINY, 'assay')))],
])('%s computes what the Llama family does', async (_, isHere, create) => {
  if (!isHere) return;
  const model = await create();
  try {
    const hidden = await model.prefill([IDS], signal);
    const at = REFERENCE.map(([position]) => ({ sequence: 0, position }));
    const { ids, logits } = await hidden.head(at, 1, signal);
    for (const [i, [, id, logit]] of REFERENCE.entries()) {
      expect(ids[i]).toBe(id);
      expect(Math.abs(logits[i]! - logit)).toBeLessThan(1e-5);
    }
  } finally {
    await model.close();
  }
});
