import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { findEngine } from '../../../../src/inference/import/compare-cut.js';
import { importModel } from '../../../../src/inference/import/import-model.js';
import { openModelFolder } from '../../../../src/inference/model-folder.js';
import { openLanguageModel } from '../../../../src/inference/open-model.js';
import { PUBLISHED, type PublishedFamily, writePublished } from '../../../support/published.js';

const hasRuntime = (await findEngine()) !== undefined;
if (!hasRuntime) console.warn('skipped: families on onnxruntime-node, which is not installed');
const signal = new AbortController().signal;
const IDS = Uint32Array.from(PUBLISHED.ids);

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'assay-families-'));
});
afterEach(() => rm(folder, { recursive: true }));

async function imported(family: PublishedFamily): Promise<void> {
  const dir = join(folder, 'export');
  await writePublished(dir, family);
  await importModel(dir, join(folder, 'out'), signal);
}

/** The largest difference from the reference: at its positions of a text read at once, and at the last of one decoded token by token. */
async function difference(engine: 'onnx' | 'plain', { logits, config }: PublishedFamily): Promise<number> {
  const vocabulary = config['vocab_size'] as number;
  const model = await openLanguageModel(await openModelFolder(join(folder, 'out')), signal, { engine });
  let largest = 0;
  const compare = (row: readonly number[], ids: Int32Array, found: Float32Array): void => {
    expect(ids.length).toBe(vocabulary);
    for (const [i, id] of ids.entries()) largest = Math.max(largest, Math.abs(row[id]! - found[i]!));
  };
  try {
    const hidden = await model.prefill([IDS, IDS.subarray(0, 9)], signal);
    for (const [n, position] of PUBLISHED.positions.entries()) {
      const top = await hidden.head([{ sequence: 0, position }], vocabulary, signal);
      compare(logits[n]!, top.ids, top.logits);
    }
    hidden.release();
    const decoding = await model.open([IDS.subarray(0, 60), IDS.subarray(0, 3)], vocabulary, signal);
    for (let at = 60; at < IDS.length; at++)
      await decoding.advance([IDS[at]!, undefined].slice(0, at === 60 ? 2 : 1), signal);
    const { ids, logits: found } = decoding.candidates();
    compare(logits.at(-1)!, ids, found);
    decoding.release();
  } finally {
    await model.close();
  }
  return largest;
}

describe.each(PUBLISHED.families.map((family) => [family.family, family] as const))('%s', (_, family) => {
  test.skipIf(!hasRuntime)('answers on onnxruntime as an independent reference does', async () => {
    await imported(family);
    expect(await difference('onnx', family)).toBeLessThan(2e-5);
  });

  test('answers in the plain decoder as an independent reference does', async () => {
    await imported(family);
    expect(await difference('plain', family)).toBeLessThan(2e-5);
  });
});
