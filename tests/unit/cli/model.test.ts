import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { buildTiny } from '../../../src/cli/commands/model/build-tiny.js';
import { modelText } from '../../../src/cli/commands/model/description.js';
import { importExport } from '../../../src/cli/commands/model/import.js';
import { showModel } from '../../../src/cli/commands/model/show.js';
import { exitCodeOf } from '../../../src/cli/output.js';
import { openModelFolder } from '../../../src/inference/model-folder.js';
import { openLanguageModel } from '../../../src/inference/open-model.js';

const { signal } = new AbortController();
const page = readFileSync(new URL('../../../docs/guide/bring-your-model.md', import.meta.url), 'utf8');

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'assay-model-'));
});
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true });
});
const at = (name: string) => join(folder, name);

async function printed(work: () => Promise<number>): Promise<string> {
  let text = '';
  vi.spyOn(process.stdout, 'write').mockImplementation((chunk) => {
    text += String(chunk);
    return true;
  });
  expect(await work()).toBe(0);
  vi.restoreAllMocks();
  return text;
}
async function refused(work: () => Promise<number>): Promise<[code: number, message: string]> {
  const error: unknown = await work().catch((thrown: unknown) => thrown);
  return [exitCodeOf(error), (error as Error).message];
}

describe('assay model', () => {
  test('prints what the guide shows: built, exported, imported', async () => {
    const outputs = [...page.matchAll(/```\n(kind [^`]*)```/g)].map(([, text]) => text!);
    expect(outputs).toHaveLength(2);
    expect(await printed(() => buildTiny(at('tiny'), {}))).toBe(outputs[0]);
    mkdirSync(at('export'));
    copyFileSync(at('tiny/master.safetensors'), at('export/model.safetensors'));
    const config = /```json\n([^`]*)```/.exec(page)![1]!;
    writeFileSync(at('export/config.json'), config);
    expect(await printed(() => importExport(at('export'), at('imported'), {}, signal))).toBe(outputs[1]);
    const shown = JSON.parse(await printed(() => showModel(at('imported'), { json: true }, signal)));
    expect(shown).toMatchObject({
      verified: true,
      model: { kind: 'decoder', family: 'llama', stopIds: [256], beginId: 257, tokenizer: { kind: 'none' } },
    });

    const scaled = { ...JSON.parse(config), rope_scaling: { rope_type: 'yarn', factor: 8 } };
    writeFileSync(at('export/config.json'), JSON.stringify(scaled));
    expect(await refused(() => importExport(at('export'), at('other'), {}, signal))).toEqual([
      1,
      'rope_scaling of config.json: scaled rotary embeddings of type "yarn", our decoder has llama3 alone; what does import: docs/guide/bring-your-model.md',
    ]);

    const llama3 = {
      rope_type: 'llama3',
      factor: 8,
      low_freq_factor: 1,
      high_freq_factor: 4,
      original_max_position_embeddings: 64,
    };
    writeFileSync(at('export/config.json'), JSON.stringify({ ...scaled, rope_scaling: llama3 }));
    const text = await printed(() => importExport(at('export'), at('other'), { positions: 512 }, signal));
    expect(text).toMatch(/^positions +512$/m);
    expect(text).toMatch(/^adds +slow angles divided by 8$/m);
  });

  test('says what graphs of an export compute in', () => {
    const file = { name: 'weights.data', bytes: 4, sha256: '00'.repeat(32) };
    const sizes = {
      vocabulary: 48,
      width: 64,
      layers: 2,
      heads: 4,
      kvHeads: 2,
      headWidth: 16,
      maxPositions: 64,
    };
    const text = modelText({
      ...{ format: 'assay-model/1', kind: 'graphs', family: 'llama', dtype: 'int4', kvDtype: 'fp32' },
      ...{ config: sizes, stopIds: [2], tokenizer: { kind: 'none' } },
      ...{ weights: file, body: file, head: file, rows: file },
    });
    expect(text).toMatch(/^precision +int4, keys and values fp32$/m);
  });

  test('builds the same model of the same seed, which runs without onnxruntime-node', async () => {
    const json = async (name: string, seed: string) =>
      JSON.parse(await printed(() => buildTiny(at(name), { seed, size: 'miniature', json: true }))).model
        .weights;
    const [first, again, other] = [await json('a', 'x'), await json('b', 'x'), await json('c', 'y')];
    expect(again).toEqual(first);
    expect(other.sha256).not.toBe(first.sha256);
    const opened = await openModelFolder(at('a'));
    const model = await openLanguageModel(opened, signal, { engine: 'plain' });
    const decoding = await model.open([Uint32Array.of(257, 72)], 3, signal);
    expect(decoding.candidates().ids).toHaveLength(3);
    await model.close();
  });

  test('finds a file that was changed, unless told not to look', async () => {
    await printed(() => buildTiny(at('a'), { size: 'miniature' }));
    const bytes = readFileSync(at('a/master.safetensors'));
    bytes[bytes.length - 1]! ^= 1;
    writeFileSync(at('a/master.safetensors'), bytes);
    const [code, message] = await refused(() => showModel(at('a'), {}, signal));
    expect(code).toBe(1);
    expect(message).toMatch(/master.safetensors: SHA-256 .* model.json says/);
    expect(await printed(() => showModel(at('a'), { verify: false }, signal))).toContain('there, not read');
    await expect(openLanguageModel(await openModelFolder(at('a')), signal)).rejects.toThrow(/SHA-256/);
  });

  test('says which flag or folder is wrong', async () => {
    expect(await refused(() => buildTiny(at('a'), { size: 'huge' }))).toEqual([
      2,
      expect.stringContaining('--size'),
    ]);
    expect(await refused(() => importExport(at('none'), at('a'), {}, signal))).toEqual([
      2,
      expect.stringContaining('none there'),
    ]);
    expect(await refused(() => importExport(folder, at('a'), { from: 'gguf' }, signal))).toEqual([
      2,
      expect.stringContaining('--from'),
    ]);
    expect(await refused(() => importExport(folder, at('a'), { positions: 0 }, signal))).toEqual([
      2,
      expect.stringContaining('--positions'),
    ]);
    expect(await refused(() => showModel(folder, {}, signal))).toEqual([
      2,
      expect.stringContaining('model.json'),
    ]);
    writeFileSync(at('file'), '');
    expect(await refused(() => buildTiny(at('file'), {}))).toEqual([2, expect.stringContaining('file')]);
  });
});
