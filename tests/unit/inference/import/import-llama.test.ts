import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type DecoderConfig, tensorsOf } from '../../../../src/inference/decoder.js';
import { importModel } from '../../../../src/inference/import/import-model.js';
import { halfValue } from '../../../../src/inference/import/llama.js';
import { openMaster, seededMaster } from '../../../../src/inference/master.js';
import { openModelFolder } from '../../../../src/inference/model-folder.js';
import {
  encodeSafetensors,
  parseSafetensors,
  type TensorType,
} from '../../../../src/inference/safetensors.js';
import { MINIATURE } from '../../../../src/inference/tiny.js';

const signal = new AbortController().signal;
const SHAPE: DecoderConfig = { ...MINIATURE, vocabulary: 70 };
const CONFIG = {
  model_type: 'llama',
  vocab_size: 70,
  hidden_size: 32,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  intermediate_size: 64,
  max_position_embeddings: 256,
  rms_norm_eps: 1e-5,
  rope_theta: 10000,
  hidden_act: 'silu',
  tie_word_embeddings: false,
  bos_token_id: 1,
  eos_token_id: [3, 2],
};
const LLAMA3 = {
  rope_type: 'llama3',
  factor: 8,
  low_freq_factor: 1,
  high_freq_factor: 4,
  original_max_position_embeddings: 64,
};
const MASTER = seededMaster(SHAPE, 'import');
type Tensor = { name: string; dtype: TensorType; shape: readonly number[]; data: Uint8Array };
const TENSORS: readonly Tensor[] = parseSafetensors(MASTER, 'master').tensors.map(
  ({ name, dtype, shape, at, bytes }) => ({
    name,
    dtype,
    shape,
    data: MASTER.subarray(at, at + bytes),
  }),
);

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'assay-import-'));
});
afterEach(() => rm(folder, { recursive: true }));
const out = () => join(folder, 'out');

async function exported(files: Record<string, Uint8Array | object>): Promise<string> {
  const dir = join(folder, 'export');
  await mkdir(dir, { recursive: true });
  for (const [name, content] of Object.entries({ 'config.json': CONFIG, ...files }))
    await writeFile(join(dir, name), content instanceof Uint8Array ? content : JSON.stringify(content));
  return dir;
}
const imported = async (files: Record<string, Uint8Array | object>) =>
  importModel(await exported(files), out(), signal);
const single = (tensors: readonly Tensor[]) => ({
  'model.safetensors': encodeSafetensors(tensors, new Map([['format', 'pt']])),
});
const configured = (fields: object) => ({ 'config.json': { ...CONFIG, ...fields }, ...single(TENSORS) });
const without = (name: string) => TENSORS.filter((tensor) => tensor.name !== name);

describe('a Llama export in safetensors', () => {
  test('becomes a master file with the same weights, in our order, whatever theirs', async () => {
    const { model, notes } = await imported({
      ...single(TENSORS.toReversed()),
      'generation_config.json': { eos_token_id: [2, 69] },
    });
    expect(model).toMatchObject({
      kind: 'decoder',
      family: 'llama',
      config: SHAPE,
      stopIds: [2, 3, 69],
      beginId: 1,
    });
    expect(notes).toEqual(['no tokenizer.json: prompts must come as ids']);
    const file = await readFile(join(out(), 'master.safetensors'));
    expect(Buffer.compare(file, MASTER)).toBe(0);
    const opened = await openModelFolder(out());
    await opened.verify(signal);
    expect(opened.model).toEqual(model);
  });

  test('may be in several files, with an index', async () => {
    const parts = { 'model-1.safetensors': TENSORS.slice(0, 5), 'model-2.safetensors': TENSORS.slice(5) };
    const entries = Object.entries(parts);
    const weight_map = Object.fromEntries(
      entries.flatMap(([file, some]) => some.map(({ name }) => [name, file])),
    );
    const files = Object.fromEntries(entries.map(([file, some]) => [file, encodeSafetensors(some)]));
    const index = (map: object) => ({
      ...files,
      'model.safetensors.index.json': { metadata: {}, weight_map: map },
    });
    await imported(index(weight_map));
    expect(Buffer.compare(await readFile(join(out(), 'master.safetensors')), MASTER)).toBe(0);

    await rm(out(), { recursive: true });
    for (const [map, message] of [
      [
        { ...weight_map, 'model.norm.weight': 'model-1.safetensors' },
        /to be in model-1.safetensors, as .* says, got it here/,
      ],
      [{ ...weight_map, more: 'model-1.safetensors' }, /'more' of .*none there/],
      [{ ...weight_map, more: '../model-1.safetensors' }, /a path from its folder/],
      [{ ...weight_map, more: 'config.json' }, /names of .safetensors files/],
      [{}, /1..1000 files/],
    ] as const)
      await expect(imported(index(map))).rejects.toThrow(message);
  });

  test('keeps float16 exactly, as float32', async () => {
    const halves = TENSORS.map((tensor) => {
      if (tensor.name !== 'model.norm.weight') return tensor;
      const data = new Uint8Array(Uint16Array.from({ length: 32 }, (_, i) => i * 967).buffer);
      return { ...tensor, dtype: 'F16' as const, data };
    });
    const { notes } = await imported(single(halves));
    expect(notes).toEqual(
      [
        '1 of 20 tensors are float32 in the master: bf16 does not hold them exactly',
        'no tokenizer.json: prompts must come as ids',
      ].map((note) => note.replace('20', `${tensorsOf(SHAPE).length}`)),
    );
    const master = openMaster(SHAPE, await readFile(join(out(), 'master.safetensors')));
    const norm = master.weights.get('model.norm.weight')!;
    expect([...norm]).toEqual(Array.from({ length: 32 }, (_, i) => halfValue(i * 967)));
    expect([0x3c00, 0xc000, 0x7bff, 1, 0x8000, 0x0400].map(halfValue)).toEqual([
      1,
      -2,
      65504,
      2 ** -24,
      -0,
      2 ** -14,
    ]);
  });

  test.each<[string, object, RegExp]>([
    [
      'a family of biases, which are not there',
      { model_type: 'qwen2' },
      /'model.layers.0.self_attn.q_proj.bias' of the export: expected a tensor \[32\].*got none/,
    ],
    [
      'a family of norms, which are not there',
      { model_type: 'qwen3' },
      /'model.layers.0.self_attn.q_norm.weight' of the export: expected a tensor \[8\].*got none/,
    ],
    [
      'another family',
      { model_type: 'gemma3' },
      /no architecture of ours is gemma3: llama, mistral, qwen2, qwen3 are/,
    ],
    ['a family that is a property of objects', { model_type: 'constructor' }, /no architecture of ours/],
    ['no family', { model_type: undefined }, /the name of a family/],
    ['biases', { attention_bias: true }, /attention_bias of config.json: true, our decoder has biases of/],
    ['another activation', { hidden_act: 'gelu' }, /hidden_act of config.json: "gelu"/],
    [
      'a scaling that does not say how',
      { rope_scaling: { rope_type: 'llama3', factor: 8 } },
      /low_freq_factor in rope_scaling of config.json: expected a number, got nothing/,
    ],
    [
      'a scaling whose bands are none',
      { rope_scaling: { ...LLAMA3, low_freq_factor: 4 } },
      /lowFactor and highFactor .* expected 0 < low < high/,
    ],
    [
      'a scaling that stretches nothing',
      { rope_scaling: { ...LLAMA3, factor: 0 } },
      /factor of the decoder's ropeScaling/,
    ],
    [
      'a scaling of half a position',
      { rope_scaling: { ...LLAMA3, original_max_position_embeddings: 0.5 } },
      /originalPositions/,
    ],
    [
      'two scalings',
      { rope_scaling: LLAMA3, rope_parameters: { ...LLAMA3, factor: 32 } },
      /rope_scaling of config.json: expected what rope_parameters says/,
    ],
    ['a scaling by its old name', { rope_scaling: { type: 'linear', factor: 2 } }, /of type "linear"/],
    [
      'a scaling by its new place',
      { rope_parameters: { rope_type: 'yarn', rope_theta: 1e4 } },
      /rope_parameters/,
    ],
    [
      'a scaling by its old place beside a plain new one',
      {
        rope_parameters: { rope_type: 'default', rope_theta: 10000 },
        rope_scaling: { rope_type: 'linear', factor: 8 },
      },
      /rope_scaling of config.json: scaled/,
    ],
    [
      'two bases of its angles',
      { rope_theta: 10000, rope_parameters: { rope_type: 'default', rope_theta: 500000 } },
      /rope_theta of config.json: expected one base, got 500000 and 10000/,
    ],
    ['condensed positions', { rope_condense_ratio: 8 }, /rope_condense_ratio of config.json: 8, our decoder/],
    ['code of its own', { auto_map: { AutoModelForCausalLM: 'modeling.Other' } }, /auto_map of config.json/],
    ['part of a head rotated', { partial_rotary_factor: 0.5 }, /partial_rotary_factor/],
    [
      'a sliding window',
      { sliding_window: 128 },
      /sliding_window of config.json: 128 of 256 positions: .* with --positions 128 it is no window/,
    ],
    [
      'a window that its family has unless told',
      { model_type: 'mistral', max_position_embeddings: 8192 },
      /sliding_window of config.json: 4096 of 8192/,
    ],
    [
      'a window that its family has where it is used',
      { model_type: 'qwen2', max_position_embeddings: 8192, use_sliding_window: true },
      /sliding_window of config.json: 4096 of 8192/,
    ],
    [
      'a window that its family does not ask whether to use',
      { model_type: 'mistral', sliding_window: 128, use_sliding_window: false },
      /sliding_window of config.json: 128 of 256/,
    ],
    ['layers of another kind', { layer_types: ['full_attention', 'sliding_attention'] }, /layer_types/],
    ['a soft cap', { final_logit_softcapping: 30 }, /final_logit_softcapping/],
    [
      'quantised weights',
      { quantization_config: { bits: 4 } },
      /quantization_config of config.json: an object/,
    ],
    ['a size that is none', { hidden_size: '32' }, /hidden_size of config.json: expected a count, got "32"/],
    ['a width that no heads divide', { hidden_size: 30 }, /a multiple of 4 heads/],
    ['heads that no groups divide', { num_key_value_heads: 3 }, /kvHeads of the decoder/],
    ['an end beyond the vocabulary', { eos_token_id: 70 }, /below the vocabulary of 70, got 70/],
    ['an end that is no id', { eos_token_id: -1 }, /eos_token_id of config.json/],
    [
      'another vocabulary',
      { vocab_size: 71 },
      /'model.embed_tokens.weight' of the export: expected \[71,32\].*got \[70,32\]/,
    ],
    ['another width', { intermediate_size: 65 }, /mlp.gate_proj.weight' of the export: expected \[65,32\]/],
    [
      'more layers',
      { num_hidden_layers: 3 },
      /'model.layers.2.input_layernorm.weight' of the export.*got none/,
    ],
    [
      'fewer layers',
      { num_hidden_layers: 1 },
      /tensor 'model.layers.1.input_layernorm.weight' of the export: our decoder has no such/,
    ],
    ['a head that should be tied', { tie_word_embeddings: true }, /tie_word_embeddings/],
  ])('is refused for %s, naming it', async (_, fields, message) => {
    await expect(imported(configured(fields))).rejects.toThrow(message);
  });

  test.each<[string, object]>([
    ['no window', { model_type: 'mistral', sliding_window: null }],
    ['a window of all positions', { model_type: 'mistral', sliding_window: 256 }],
    [
      'rotary embeddings by their new place',
      { rope_theta: undefined, rope_parameters: { rope_type: 'default', rope_theta: 10000 } },
    ],
    [
      'what says nothing',
      {
        rope_scaling: null,
        head_dim: null,
        layer_types: ['full_attention', 'full_attention'],
        torch_dtype: 'float16',
      },
    ],
  ])('is taken with %s', async (_, fields) => {
    const { model } = await imported(configured(fields));
    expect(model.config).toEqual(SHAPE);
  });

  test('has scaled angles by either place, or both where they say the same', async () => {
    const ropeScaling = {
      kind: 'llama3',
      factor: 8,
      lowFactor: 1,
      highFactor: 4,
      originalPositions: 64,
    };
    for (const fields of [
      { rope_scaling: LLAMA3 },
      { rope_theta: undefined, rope_parameters: { ...LLAMA3, rope_theta: 10000 } },
      { rope_scaling: LLAMA3, rope_parameters: { ...LLAMA3, rope_theta: 10000 } },
    ]) {
      const { model } = await imported(configured(fields));
      expect(model.config).toEqual({ ...SHAPE, ropeScaling });
      expect((await openModelFolder(out())).model).toEqual(model);
      await rm(out(), { recursive: true });
    }
  });

  test('has as many positions as are asked for, within which its window may be none', async () => {
    const dir = await exported(configured({ model_type: 'mistral', sliding_window: 128 }));
    const { model } = await importModel(dir, out(), signal, { positions: 128 });
    expect(model.config).toEqual({ ...SHAPE, maxPositions: 128 });
    const more = importModel(dir, join(folder, 'more'), signal, { positions: 257 });
    await expect(more).rejects.toThrow(/positions: expected at most 256, the max_position_embeddings/);
    const window = importModel(dir, join(folder, 'more'), signal, { positions: 129 });
    await expect(window).rejects.toThrow(/sliding_window of config.json: 128 of 129 positions/);
  });

  test.each<[string, readonly Tensor[], RegExp]>([
    [
      'a bias',
      [...TENSORS, { ...TENSORS[1]!, name: 'model.layers.0.self_attn.q_proj.bias' }],
      /has no such bias/,
    ],
    [
      'a norm',
      [...TENSORS, { ...TENSORS[1]!, name: 'model.layers.0.self_attn.q_norm.weight' }],
      /of this family norms no queries/,
    ],
    [
      'a missing head',
      without('lm_head.weight'),
      /'lm_head.weight' of the export: expected a tensor \[70,32\].*none/,
    ],
    [
      'integers',
      [
        ...without('model.norm.weight'),
        { name: 'model.norm.weight', dtype: 'I16', shape: [32], data: new Uint8Array(64) },
      ],
      /these are I16/,
    ],
    [
      'a NaN',
      [
        ...without('model.norm.weight'),
        {
          name: 'model.norm.weight',
          dtype: 'F32',
          shape: [32],
          data: new Uint8Array(
            Float32Array.from({ length: 32 }, (_, i) => (i === 31 ? Number.NaN : 1)).buffer,
          ),
        },
      ],
      /finite weights/,
    ],
    [
      'an infinity of float16',
      [
        ...without('model.norm.weight'),
        {
          name: 'model.norm.weight',
          dtype: 'F16',
          shape: [32],
          data: new Uint8Array(new Uint16Array(32).fill(0x7c00).buffer),
        },
      ],
      /finite weights/,
    ],
  ])('is refused for %s', async (_, tensors, message) => {
    await expect(imported(single(tensors))).rejects.toThrow(message);
  });

  test('takes what older exports hold beside it, and a head that is the embedding', async () => {
    const frequencies = {
      name: 'model.layers.0.self_attn.rotary_emb.inv_freq',
      dtype: 'F32' as const,
      shape: [4],
      data: new Uint8Array(16),
    };
    const tied = { 'config.json': { ...CONFIG, tie_word_embeddings: true } };
    const { model } = await imported({ ...tied, ...single([...without('lm_head.weight'), frequencies]) });
    expect(model.config).toEqual({ ...SHAPE, tied: true });
  });

  test('leaves what is there alone, and nothing behind when it fails', async () => {
    const dir = await exported(single(TENSORS));
    await mkdir(out());
    await writeFile(join(out(), 'mine'), 'mine');
    await expect(importModel(dir, out(), signal)).rejects.toThrow(/empty or not there, got one with files/);
    await expect(importModel(dir, join(folder, 'no/such'), signal)).rejects.toThrow(
      /a folder that can be made/,
    );
    await expect(importModel(join(folder, 'none'), out(), signal)).rejects.toThrow(
      /a folder, got none there/,
    );
    await expect(importModel(out(), join(folder, 'b'), signal)).rejects.toThrow(
      /config.json in .*none there/,
    );
    await expect(importModel(dir, join(folder, 'b'), AbortSignal.abort(new Error('stop')))).rejects.toThrow(
      'stop',
    );
    await rm(join(dir, 'model.safetensors'));
    await expect(importModel(dir, join(folder, 'b'), signal)).rejects.toThrow(/model.onnx.*none of them/);
    expect((await import('node:fs')).readdirSync(folder).sort()).toEqual(['export', 'out']);
  });
});

describe('a model folder', () => {
  test('may be an empty one that a link leads to', async () => {
    await mkdir(join(folder, 'disk'));
    await symlink(join(folder, 'disk'), out());
    await imported(single(TENSORS));
    expect((await readdir(join(folder, 'disk'))).sort()).toEqual(['master.safetensors', 'model.json']);
    expect((await readdir(folder)).sort()).toEqual(['disk', 'export', 'out']);
  });

  test('that was changed is found out', async () => {
    await imported(single(TENSORS));
    const path = join(out(), 'master.safetensors');
    const bytes = await readFile(path);
    bytes[bytes.length - 1]! ^= 1;
    await writeFile(path, bytes);
    const opened = await openModelFolder(out());
    await expect(opened.verify(signal)).rejects.toThrow(/master.safetensors: SHA-256 .* says/);
    await writeFile(path, bytes.subarray(1));
    await expect(openModelFolder(out())).rejects.toThrow(/bytes, model.json says/);
  });

  test.each([
    [
      'a file elsewhere',
      { weights: { name: '../w', bytes: 1, sha256: '00'.repeat(32) } },
      /weights.name of model.json/,
    ],
    ['a field more', { more: 1 }, /Unrecognized key/],
    ['an end beyond its vocabulary', { stopIds: [70] }, /ids below its vocabulary of 70, got 70/],
    ['another format', { format: 'assay-model/2' }, /format of model.json/],
  ])('is refused with %s', async (_, fields, message) => {
    await imported(single(TENSORS));
    const path = join(out(), 'model.json');
    const json = JSON.parse(await readFile(path, 'utf8')) as object;
    await writeFile(path, JSON.stringify({ ...json, ...fields }));
    await expect(openModelFolder(out())).rejects.toThrow(message);
  });
});
