import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { findEngine } from '../../../../src/inference/import/compare-cut.js';
import { importModel } from '../../../../src/inference/import/import-model.js';
import { openModelFolder } from '../../../../src/inference/model-folder.js';
import { openLanguageModel } from '../../../../src/inference/open-model.js';
import {
  type ModelProto,
  ModelProtoSchema,
  NodeProtoSchema,
} from '../../../../src/protocol/gen/onnx/onnx_pb.js';
import { type FusedOptions, fusedDecoder } from '../../../support/fused-decoder.js';
import { PUBLISHED, type PublishedFamily } from '../../../support/published.js';

const hasRuntime = (await findEngine()) !== undefined;
if (!hasRuntime) console.warn('skipped: comparing fused exports needs onnxruntime-node');
const signal = new AbortController().signal;
const family = (name: string) => PUBLISHED.families.find((each) => each.family === name)!;

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'assay-fused-'));
});
afterEach(() => rm(folder, { recursive: true }));

async function imported(
  model: ModelProto,
  { config }: PublishedFamily,
  options: { positions?: number; compare?: boolean } = {},
) {
  const dir = join(folder, 'export');
  await mkdir(dir, { recursive: true });
  await writeFile(join(dir, 'config.json'), JSON.stringify(config));
  await writeFile(join(dir, 'model.onnx'), toBinary(ModelProtoSchema, model));
  return importModel(dir, join(folder, 'out'), signal, options);
}

describe('a decoder with fused attention', () => {
  test.skipIf(!hasRuntime).each<[string, FusedOptions]>([
    ['llama 2', {}],
    ['llama 2', { packed: true }],
    ['llama 2', { rotaryApart: true }],
    ['llama 3.1', {}],
    ['qwen2', {}],
    ['qwen3', {}],
  ])(
    'answers as its export in onnxruntime, and as an independent reference: %s %o',
    async (name, options) => {
      const { config, logits } = family(name);
      const { model, compared } = await imported(fusedDecoder(family(name), options), family(name));
      // of 13 places and 8 of decoding 32 candidates each, those of places by the rows graph too
      expect(compared!.logits).toBe((2 * 13 + 8) * 32);
      expect(compared!.largestDifference).toBeLessThan(5e-6);
      expect(model).toMatchObject({
        kind: 'graphs',
        dtype: 'fp32',
        config: { heads: 4, kvHeads: 2, maxPositions: 256 },
      });

      const body = fromBinary(ModelProtoSchema, await readFile(join(folder, 'out/body.onnx')));
      const types = new Set(body.graph!.node.map(({ opType }) => opType));
      expect(types.has('GroupQueryAttention')).toBe(false);
      expect(types.has('SkipSimplifiedLayerNormalization')).toBe(true);
      // of the lengths of rows, which the fused operator took, nothing is left
      expect(types.has('ReduceSum')).toBe(false);

      const opened = await openLanguageModel(await openModelFolder(join(folder, 'out')), signal);
      try {
        const ids = Uint32Array.from(PUBLISHED.ids);
        const decoding = await opened.open([ids.subarray(0, 70), ids.subarray(0, 3)], 48, signal);
        for (let at = 70; at < ids.length; at++)
          await decoding.advance(at === 70 ? [ids[at], undefined] : [ids[at]], signal);
        const found = decoding.candidates();
        for (const [i, id] of found.ids.entries())
          expect(Math.abs(found.logits[i]! - logits.at(-1)![id]!)).toBeLessThan(2e-5);
        expect(found.ids).toHaveLength(config['vocab_size'] as number);
      } finally {
        await opened.close();
      }
    },
  );

  test.skipIf(!hasRuntime).each(['all', 'layers'] as const)(
    'in half precision says so, and that our attention keeps keys in float32: %s',
    async (half) => {
      const { logits } = family('llama 3.1');
      const { model, compared } = await imported(
        fusedDecoder(family('llama 3.1'), { half }),
        family('llama 3.1'),
      );
      expect(model).toMatchObject({ dtype: 'fp16', kvDtype: 'fp32' });
      expect(compared!.largestDifference).toBeLessThan(5e-3);
      const opened = await openLanguageModel(await openModelFolder(join(folder, 'out')), signal);
      try {
        const hidden = await opened.prefill([Uint32Array.from(PUBLISHED.ids)], signal);
        const found = await hidden.head([{ sequence: 0, position: 79 }], 48, signal);
        for (const [i, id] of found.ids.entries())
          expect(Math.abs(found.logits[i]! - logits.at(-1)![id]!)).toBeLessThan(2e-2);
      } finally {
        await opened.close();
      }
    },
  );

  test.skipIf(!hasRuntime)(
    'of packed layers and a head in float is the packed model, and says so',
    async () => {
      const { logits } = family('llama 2');
      const { model, compared } = await imported(
        fusedDecoder(family('llama 2'), { int4: true }),
        family('llama 2'),
      );
      expect(model).toMatchObject({ dtype: 'int4', kvDtype: 'fp32' });
      expect(compared!.largestDifference).toBeLessThan(1e-5);
      const opened = await openLanguageModel(await openModelFolder(join(folder, 'out')), signal);
      try {
        expect(opened.profile.dtype).toBe('int4');
        const hidden = await opened.prefill([Uint32Array.from(PUBLISHED.ids)], signal);
        const { ids, logits: found } = await hidden.head([{ sequence: 0, position: 79 }], 48, signal);
        const apart = Math.max(...found.map((each, i) => Math.abs(each - logits.at(-1)![ids[i]!]!)));
        expect(apart).toBeGreaterThan(0.01);
        expect(apart).toBeLessThan(1);
      } finally {
        await opened.close();
      }
    },
  );

  test('may have a window that its positions never leave', async () => {
    const model = fusedDecoder(family('mistral'), { attributes: { local_window_size: 128 } });
    await expect(imported(model, family('mistral'))).rejects.toThrow(
      /GroupQueryAttention of model.onnx: a window of 128 of 256 positions.* with --positions 128 it imports/,
    );
    const { model: cut } = await imported(model, family('mistral'), { positions: 128, compare: false });
    expect(cut.config.maxPositions).toBe(128);
  });

  test('has no more positions than there are angles, inside its attention or before it', async () => {
    for (const rotaryApart of [false, true]) {
      const model = fusedDecoder(family('llama 2'), { rotaryApart });
      for (const table of model.graph!.initializer.filter(({ name }) => /^(cos|sin)_cache$/.test(name))) {
        table.dims = [40n, 8n];
        table.rawData = table.rawData.subarray(0, 40 * 8 * 4);
      }
      await expect(imported(model, family('llama 2'), { compare: false })).rejects.toThrow(
        /angles for no more: with --positions 40 it imports/,
      );
    }
  });

  const attention = (model: ModelProto, n = 0) =>
    model.graph!.node.filter(({ opType }) => opType === 'GroupQueryAttention')[n]!;
  test.each<[string, FusedOptions['attributes'], (model: ModelProto) => void, RegExp]>([
    ['a soft cap', { softcap: { float: 30 } }, () => {}, /attribute softcap is one that our attention/],
    ['interleaved halves', { rotary_interleaved: 1 }, () => {}, /attribute rotary_interleaved/],
    ['a sink', { smooth_softmax: 1 }, () => {}, /attribute smooth_softmax/],
    ['a window of the token alone', { local_window_size: 0 }, () => {}, /a window of 0/],
    [
      'another operator of its name',
      {},
      (model) => {
        attention(model).domain = 'com.example';
      },
      /one of 'com.example'/,
    ],
    [
      'positions that are computed',
      {},
      (model) => {
        const { node } = model.graph!;
        node.unshift(
          create(NodeProtoSchema, { opType: 'Neg', input: ['input_ids'], output: ['position_ids'] }),
        );
        for (const each of node) if (each.opType === 'GroupQueryAttention') each.input.push('position_ids');
      },
      /value 'position_ids' of the graph: it is computed/,
    ],
    ['an attribute that nobody knows', { mystery: 0 }, () => {}, /attribute mystery/],
    ['other heads of keys', { kv_num_heads: 4 }, () => {}, /4 heads on 4, where the cache has 2/],
    ['heads that are no groups', { num_heads: 5 }, () => {}, /5 heads on 2/],
    ['other heads than config.json', { num_heads: 8 }, () => {}, /heads of model.onnx: expected 4.*got 8/],
    [
      'the cache of another layer',
      {},
      (model) => {
        attention(model).input[3] = 'past_key_values.1.key';
      },
      /cache is not past and present keys and values of one layer/,
    ],
    [
      'a layer without any',
      {},
      (model) => {
        attention(model, 1).opType = 'Identity';
      },
      /1 in 2 layers, must be one in each/,
    ],
    [
      'a bias of its scores',
      {},
      (model) => {
        attention(model).input.push('', 'cos_cache');
      },
      /input attention_bias is none of our attention/,
    ],
    [
      'positions of its own',
      {},
      (model) => {
        attention(model).input.push('input_ids');
      },
      /positions are not those of the input/,
    ],
    [
      'keys without values',
      {},
      (model) => {
        attention(model).input[2] = '';
      },
      /keys without values/,
    ],
    [
      'angles of half a head',
      {},
      (model) => {
        const table = model.graph!.initializer.find(({ name }) => name === 'cos_cache')!;
        table.dims = [1024n, 2n];
      },
      /angles of 4 of 16 numbers of a head/,
    ],
    [
      'angles that are computed',
      {},
      (model) => {
        attention(model).input[7] = 'mask.sum';
      },
      /angles of 0 of 16/,
    ],
    ['positions from nowhere', { do_rotary: 0 }, () => {}, /inputs of the graph: no position_ids/],
    [
      'a packed output matrix',
      {},
      (model) => {
        model.graph!.node.at(-1)!.opType = 'MatMulNBits';
      },
      /MatMulNBits of the graph: a quantised export: .* bring the full-precision one/,
    ],
  ])('is refused with %s, naming it', async (_, attributes, change, message) => {
    const model = fusedDecoder(family('llama 2'), { attributes: attributes! });
    change(model);
    await expect(imported(model, family('llama 2'), { compare: false })).rejects.toThrow(message);
  });
});
