import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { compareCut, findEngine } from '../../../../src/inference/import/compare-cut.js';
import { cutHead } from '../../../../src/inference/import/cut-head.js';
import { decoderGraphOf } from '../../../../src/inference/import/decoder-graph.js';
import { importModel } from '../../../../src/inference/import/import-model.js';
import { type ModelFile, openModelFolder } from '../../../../src/inference/model-folder.js';
import { createCutModel, openLanguageModel, readWhole } from '../../../../src/inference/open-model.js';
import {
  AttributeProtoSchema,
  DataType,
  FunctionProtoSchema,
  type ModelProto,
  ModelProtoSchema,
  NodeProtoSchema,
  TensorProtoSchema,
  ValueInfoProtoSchema,
} from '../../../../src/protocol/gen/onnx/onnx_pb.js';
import {
  CONFIG,
  type DecoderOptions,
  onnxDecoder,
  withExternalWeights,
} from '../../../support/onnx-decoder.js';

const engine = await findEngine();
if (!engine) console.warn('skipped: comparing cut graphs needs onnxruntime-node');
const signal = new AbortController().signal;

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'assay-import-'));
});
afterEach(() => rm(folder, { recursive: true }));

const out = () => join(folder, 'out');
async function exported(
  model: ModelProto | Uint8Array,
  { config = CONFIG, name = 'model.onnx' }: { config?: object; name?: string } = {},
): Promise<string> {
  const dir = join(folder, 'export');
  await mkdir(join(dir, 'onnx'), { recursive: true });
  await writeFile(join(dir, 'config.json'), JSON.stringify(config));
  await writeFile(join(dir, name), model instanceof Uint8Array ? model : toBinary(ModelProtoSchema, model));
  return dir;
}
const imported = async (model: ModelProto | Uint8Array, options?: Parameters<typeof exported>[1]) =>
  importModel(await exported(model, options), out(), signal);
/** A decoder changed before it is written. */
const changed = (change: (model: ModelProto) => void, options?: DecoderOptions): ModelProto => {
  const model = onnxDecoder(options);
  change(model);
  return model;
};
const nodeOf = (model: ModelProto, opType: string) =>
  model.graph!.node.find((node) => node.opType === opType)!;
const tensorOf = (model: ModelProto, name: string) =>
  model.graph!.initializer.find((each) => each.name === name)!;
/** what takes the place of a value from here on */
const insertAfter = (model: ModelProto, output: string, opType: string, extra: string[] = []) => {
  const { node } = model.graph!;
  const at = node.findIndex((each) => each.output.includes(output));
  node[at]!.output = [`${output}_before`];
  node.splice(
    at + 1,
    0,
    create(NodeProtoSchema, { opType, input: [`${output}_before`, ...extra], output: [output] }),
  );
};

describe('the type of a profile', () => {
  /** The first matrix of the layers, packed. */
  const packed = (dataType: number, opType: string, bits?: number) =>
    changed((model) => {
      const { node, initializer } = model.graph!;
      const use = node.find(
        ({ opType: type, input }) => type === 'MatMul' && initializer.some(({ name }) => name === input[1]),
      )!;
      const name = use.input[1]!;
      const scale = { name: 'scale', dims: [], dataType: DataType.FLOAT, floatData: [0.1] };
      initializer.push(
        create(TensorProtoSchema, { name: 'packed', dims: [2n], dataType, rawData: Uint8Array.of(1, 2) }),
        create(TensorProtoSchema, scale),
      );
      use.input[1] = `${name}.wide`;
      const attribute =
        bits === undefined ? [] : [create(AttributeProtoSchema, { name: 'bits', i: BigInt(bits) })];
      const input = ['packed', 'scale'];
      node.unshift(create(NodeProtoSchema, { opType, input, output: [use.input[1]], attribute }));
    });

  test.each<[string, number, string, number | undefined]>([
    ['int8', 3, 'DequantizeLinear', undefined],
    ['int8', 2, 'DequantizeLinear', undefined],
    ['int4', 22, 'DequantizeLinear', undefined],
    ['int4', 2, 'GatherBlockQuantized', undefined],
    ['int8', 2, 'GatherBlockQuantized', 8],
    ['int8', 2, 'MatMulNBits', 8],
  ])('is %s for layers of type %i behind %s', (dtype, type, opType, bits) => {
    const model = packed(type, opType, bits);
    expect(cutHead(model, decoderGraphOf(model)).dtype).toBe(dtype);
  });

  test('is told where it is none that was trained', async () => {
    const { model, notes } = await importModel(await exported(packed(3, 'DequantizeLinear')), out(), signal, {
      compare: false,
    });
    expect(model).toMatchObject({ dtype: 'int8', kvDtype: 'fp32' });
    expect(notes[0]).toMatch(/^its layers are packed, int8 the narrowest: the model is the packed one/);
  });

  test('has no name for others', () => {
    const model = packed(17, 'DequantizeLinear');
    expect(() => cutHead(model, decoderGraphOf(model))).toThrow(
      /DequantizeLinear of the graph: elements of type 17/,
    );
  });
});

describe('a decoder whose head is cut', () => {
  test.skipIf(!engine).each<[string, DecoderOptions]>([
    ['an output matrix of its own', {}],
    ['the embedding as output matrix', { tied: true }],
    ['a scale, a bias and a soft cap behind it', { tail: ['scale', 'bias', 'cap'] }],
    ['casts, and the embedding', { tied: true, tail: ['cast', 'cap', 'bias'] }],
    ['a mask that is looked up', { maskMatrix: true }],
  ])('answers as it did before: %s', async (_, options) => {
    const { compared, model, notes } = await imported(onnxDecoder(options));
    // 13 places and 8 of decoding, 32 candidates each, those of places by the rows graph too
    expect(compared!.logits).toBe((2 * 13 + 8) * 32);
    expect(compared!.largestDifference).toBeLessThan(1e-5);
    expect(model).toMatchObject({
      kind: 'graphs',
      config: { vocabulary: 61, width: 16, layers: 2, heads: 2, kvHeads: 2, headWidth: 8, maxPositions: 63 },
      dtype: 'fp32',
      kvDtype: 'fp32',
    });
    expect(notes).toEqual(['no tokenizer.json: prompts must come as ids']);
  });

  test('is a folder that opens and verifies; weights lie there once, whatever file they came from', async () => {
    const { model } = await imported(onnxDecoder({ tied: true }));
    const opened = await openModelFolder(out());
    await opened.verify(signal);
    expect(opened.model).toEqual(model);
    expect(model.stopIds).toEqual([60]);
    const head = fromBinary(ModelProtoSchema, await readFile(join(out(), 'head.onnx')));
    const body = fromBinary(ModelProtoSchema, await readFile(join(out(), 'body.onnx')));
    const at = (graph: ModelProto) =>
      Object.fromEntries(
        tensorOf(graph, 'model.embed_tokens.weight').externalData.map(({ key, value }) => [key, value]),
      );
    expect(at(head)).toEqual({ location: 'weights.data', offset: '0', length: `${61 * 16 * 4}` });
    expect(at(body)).toEqual(at(head));
    // nothing of the head is left in the body
    expect(body.graph!.node.some(({ output }) => output.includes('logits'))).toBe(false);
    expect(body.graph!.output.map(({ name }) => name)).toEqual([
      'hidden',
      ...[0, 1].flatMap((layer) => [`new_keys.${layer}`, `new_values.${layer}`]),
    ]);

    await rm(out(), { recursive: true });
    const external = withExternalWeights(onnxDecoder({ tied: true }), 'model.onnx_data');
    const dir = await exported(external.model, { name: 'onnx/model.onnx' });
    await rm(join(dir, 'model.onnx'));
    await writeFile(join(dir, 'onnx/model.onnx_data'), external.weights);
    const again = await importModel(dir, out(), signal);
    expect(again.model).toEqual(model);
  });

  test.skipIf(!engine)('is refused when the cut would answer otherwise', async () => {
    const write = async (name: string, source: ModelProto) => {
      const dir = await exported(source);
      const to = join(folder, name);
      const { model } = await importModel(dir, to, signal, { compare: false });
      const opened = await openModelFolder(to);
      if (model.kind !== 'graphs') throw new Error('graphs');
      const file = (each: ModelFile) => readWhole(opened, each, signal);
      const graphs = {
        body: await file(model.body),
        head: await file(model.head),
        rows: await file(model.rows),
      };
      return { model, graphs, weights: await readWhole(opened, model.weights, signal, true) };
    };
    const sibling = await write('sibling', onnxDecoder({ tail: ['bias'], seed: 'sibling' }));
    const without = await write('without', onnxDecoder());
    const source = onnxDecoder({ tail: ['bias'] });
    const own = await write('own', source);
    const compare = async (graphs: typeof own.graphs, weights = own.weights) => {
      const model = await createCutModel(own.model, graphs, weights);
      try {
        return await compareCut(
          engine!,
          join(folder, 'export/model.onnx'),
          model,
          decoderGraphOf(source),
          signal,
        );
      } finally {
        await model.close();
      }
    };
    expect((await compare(own.graphs)).largestDifference).toBeLessThan(1e-5);
    const otherwise = /answer otherwise than the export/;
    await expect(compare({ ...own.graphs, rows: without.graphs.rows })).rejects.toThrow(otherwise);
    await expect(compare({ ...own.graphs, head: without.graphs.head })).rejects.toThrow(otherwise);
    await expect(compare(own.graphs, sibling.weights)).rejects.toThrow(otherwise);
    // a body that takes padding in the cache for words: only rows of two lengths tell
    const careless = fromBinary(ModelProtoSchema, own.graphs.body);
    const mask = careless.graph!.node.find(({ output }) => output.includes('assay.held'))!;
    mask.input = ['past_mask', 'past_mask'];
    const body = toBinary(ModelProtoSchema, careless);
    await expect(compare({ ...own.graphs, body })).rejects.toThrow(otherwise);
  });

  test.skipIf(!engine)('generates in batches what it generates alone, and what an audit finds', async () => {
    // names that are ours are given others
    const source = onnxDecoder({ tail: ['cap'] });
    const { node } = source.graph!;
    const [from, to] = [node[0]!.output[0]!, 'hidden'];
    for (const each of node) {
      each.input = each.input.map((name) => (name === from ? to : name));
      each.output = each.output.map((name) => (name === from ? to : name));
    }
    await imported(source);
    const model = await openLanguageModel(await openModelFolder(out()), signal);
    const prompts = [[60, 1, 2], [60, 5, 9, 33, 4, 7], [60]].map((ids) => Uint32Array.from(ids));
    const greedy = async (some: readonly Uint32Array[], steps: number): Promise<number[][]> => {
      const decoding = await model.open(some, 4, signal);
      const found: number[][] = some.map(() => []);
      for (let step = 0; step < steps; step++) {
        const { ids, perRow } = decoding.candidates();
        const tokens = some.map((_, row) => ids[row * perRow]!);
        for (const [row, token] of tokens.entries()) found[row]!.push(token);
        await decoding.advance(tokens, signal);
      }
      decoding.release();
      return found;
    };
    try {
      const together = await greedy(prompts, 20);
      for (const [i, prompt] of prompts.entries())
        expect((await greedy([prompt], 20))[0]).toEqual(together[i]);
      const whole = prompts.map((prompt, i) => Uint32Array.from([...prompt, ...together[i]!]));
      const hidden = await model.prefill(whole, signal);
      for (const [sequence, prompt] of prompts.entries()) {
        const at = together[sequence]!.map((_, i) => ({ sequence, position: prompt.length - 1 + i }));
        const { ids } = await hidden.head(at, 1, signal);
        expect([...ids]).toEqual(together[sequence]);
      }
      expect(new Set(together.flat()).size).toBeGreaterThan(3);
    } finally {
      await model.close();
    }
  });
});

describe('a decoder that cannot be run exactly', () => {
  const addInput = (name: string) => (model: ModelProto) => {
    model.graph!.input.push(create(ValueInfoProtoSchema, { name }));
  };
  test.each<[string, (model: ModelProto) => void, RegExp]>([
    [
      'an old merged file',
      (m) => {
        nodeOf(m, 'Identity').opType = 'If';
      },
      /operator If.*old merged export/,
    ],
    ['a branch input', addInput('use_cache_branch'), /input 'use_cache_branch'.*old merged export/],
    ['a pruned head by an input', addInput('num_logits_to_keep'), /pruned head/],
    ['another input', addInput('token_type_ids'), /input 'token_type_ids'/],
    [
      'a pruned head behind the matrix',
      (m) => insertAfter(m, 'logits', 'Slice', ['model.positions.weight']),
      /operator Slice.*pruned head/,
    ],
    [
      'a pruned head before the matrix',
      (m) => {
        const { node } = m.graph!;
        insertAfter(m, node.findLast((each) => each.opType === 'MatMul')!.input[0]!, 'Gather', [
          'model.positions.weight',
        ]);
      },
      /operator Gather.*pruned head/,
    ],
    [
      'paged attention',
      (m) => {
        nodeOf(m, 'Softmax').opType = 'PagedAttention';
      },
      /PagedAttention.*packed into one/,
    ],
    [
      'attention by an operator that nobody knows',
      (m) => {
        const node = m.graph!.node.find(({ input }) => input.includes('past_key_values.0.key'))!;
        Object.assign(node, { opType: 'SparseAttention', domain: 'com.microsoft', attribute: [] });
      },
      /operator SparseAttention.*it keeps its cache in a way of its own/,
    ],
    [
      'grouped attention without a cache',
      (m) => {
        Object.assign(nodeOf(m, 'Softmax'), { opType: 'GroupQueryAttention', attribute: [] });
      },
      /GroupQueryAttention.*cache is not past and present/,
    ],
    [
      'a scale over the batch',
      (m) => {
        nodeOf(m, 'Softmax').opType = 'DynamicQuantizeLinear';
      },
      /who shares the batch/,
    ],
    [
      'chance',
      (m) => {
        nodeOf(m, 'Softmax').opType = 'RandomNormalLike';
      },
      /chance/,
    ],
    [
      'a packed output matrix',
      (m) => {
        const head = m.graph!.node.findLast((each) => each.opType === 'MatMul')!;
        head.opType = 'MatMulNBits';
        head.domain = 'com.microsoft';
      },
      /MatMulNBits.*rows of it cannot be gathered/,
    ],
    [
      'an output matrix that is computed',
      (m) => {
        const head = m.graph!.node.findLast((each) => each.opType === 'MatMul')!;
        m.graph!.node.splice(
          -2,
          0,
          create(NodeProtoSchema, { opType: 'Sqrt', input: [head.input[1]!], output: ['w'] }),
        );
        head.input[1] = 'w';
      },
      /operator Sqrt.*only of an initializer/,
    ],
    ['a tail that we do not know', (m) => insertAfter(m, 'logits', 'Softmax'), /operator Softmax.*only Cast/],
    [
      'a subgraph',
      (m) => {
        nodeOf(m, 'Softmax').attribute.push(create(AttributeProtoSchema, { name: 'body', g: {} }));
      },
      /control flow/,
    ],
    [
      'functions',
      (m) => {
        m.functions.push(create(FunctionProtoSchema, { name: 'f' }));
      },
      /functions inlined/,
    ],
    [
      'an old operator set',
      (m) => {
        m.opsetImport[0]!.version = 11n;
      },
      /opset of the graph: 11/,
    ],
    [
      'no logits',
      (m) => {
        m.graph!.output.shift();
      },
      /none is logits/,
    ],
    [
      'no position_ids',
      (m) => {
        m.graph!.input.splice(2, 1);
        m.graph!.initializer.push(create(TensorProtoSchema, { name: 'position_ids' }));
      },
      /no position_ids/,
    ],
    [
      'no past',
      (m) => {
        for (const each of [...m.graph!.input])
          if (each.name.startsWith('past')) {
            m.graph!.input.splice(m.graph!.input.indexOf(each), 1);
            m.graph!.initializer.push(create(TensorProtoSchema, { name: each.name }));
          }
        m.graph!.output.splice(1);
      },
      /without cache/,
    ],
    [
      'a layer that is missing',
      (m) => {
        m.graph!.input.find(({ name }) => name === 'past_key_values.1.key')!.name = 'past_key_values.7.key';
      },
      /no 1\.key|made before/,
    ],
    [
      'a value that is made twice',
      (m) => {
        m.graph!.node.push(nodeOf(m, 'Identity'));
      },
      /made twice/,
    ],
    [
      'a node before what it reads',
      (m) => {
        m.graph!.node.reverse();
      },
      /made before it/,
    ],
    [
      'weights that are not as long as their shape',
      (m) => {
        tensorOf(m, 'model.embed_tokens.weight').dims[0] = 60n;
      },
      /expected 3840 bytes.*got 3904/,
    ],
    [
      'logits of another vocabulary',
      (m) => {
        const type = m.graph!.output[0]!.type!.value;
        if (type.case === 'tensorType') type.value.shape!.dim[2]!.value = { case: 'dimValue', value: 62n };
      },
      /expected 61 a position.*got 62/,
    ],
    [
      'a half output matrix that is none',
      (m) => {
        tensorOf(m, 'lm_head.weight').dataType = DataType.INT64;
      },
      /must be float or float16/,
    ],
  ])('is refused, naming what is in the way: %s', async (_, change, message) => {
    await expect(imported(changed(change))).rejects.toThrow(message);
    expect((await readdir(folder)).sort()).toEqual(['export']);
  });

  test.each([
    ['vocab_size', 62, 'vocabulary of model.onnx: expected 62, as config.json says, got 61'],
    ['n_embd', 32, 'width of model.onnx: expected 32, as config.json says, got 16'],
    ['n_layer', 3, 'layers of model.onnx: expected 3, as config.json says, got 2'],
    [
      'num_key_value_heads',
      1,
      'heads of keys and values of model.onnx: expected 1, as config.json says, got 2',
    ],
    ['head_dim', 16, 'width of a head of model.onnx: expected 16, as config.json says, got 8'],
    ['eos_token_id', [3, 61], 'ids below the vocabulary of 61, got 61'],
    ['n_head', 4, 'heads of keys and values of model.onnx: expected 4, as config.json says, got 2'],
    ['n_positions', undefined, 'max_position_embeddings or n_positions'],
  ])('is refused when config.json says otherwise: %s', async (field, value, message) => {
    await expect(imported(onnxDecoder(), { config: { ...CONFIG, [field]: value } })).rejects.toThrow(message);
  });

  test.each<[string, object, RegExp]>([
    [
      'a window',
      { sliding_window: 16 },
      /sliding_window of config.json: 16 of 64 positions: its graph counts/,
    ],
    ['a window that its family has', { model_type: 'mistral', n_positions: 8192 }, /4096 of 8192/],
    ['layers with a window', { layer_types: ['full_attention', 'sliding_attention'] }, /layer_types of/],
    [
      'layers with a window, as of old',
      { attention_types: [[['global', 'local'], 1]] },
      /attention_types of/,
    ],
    [
      'angles of the longest row',
      { rope_scaling: { type: 'dynamic', factor: 2 } },
      /rope_scaling of.*dynamic/,
    ],
    ['angles of short and long texts', { rope_parameters: { rope_type: 'longrope' } }, /rope_parameters of/],
  ])('is refused where a row would depend on its neighbours: %s', async (_, fields, message) => {
    await expect(imported(onnxDecoder(), { config: { ...CONFIG, ...fields } })).rejects.toThrow(message);
    expect((await readdir(folder)).sort()).toEqual(['export']);
  });

  test.each<[string, object]>([
    ['a window that is not used', { sliding_window: 16, use_sliding_window: false }],
    ['a window of all positions', { sliding_window: 64 }],
    ['angles scaled alike for all', { rope_scaling: { rope_type: 'llama3', factor: 8 } }],
  ])('is taken with %s', async (_, fields) => {
    const dir = await exported(onnxDecoder(), { config: { ...CONFIG, ...fields } });
    expect((await importModel(dir, out(), signal, { compare: false })).model.kind).toBe('graphs');
  });

  test.each([-1n, 2n ** 62n])('is refused when a side of its weights is %d', async (side) => {
    const source = changed((model) => {
      tensorOf(model, 'lm_head.weight').dims = [side, 61n];
    });
    await expect(imported(source)).rejects.toMatchObject({ code: 'invalid-input' });
  });

  test('is refused when its heads are no groups', async () => {
    const config = { ...CONFIG, n_head: 3, num_key_value_heads: 2, head_dim: 8 };
    await expect(imported(onnxDecoder(), { config })).rejects.toThrow(
      'heads of config.json: expected a multiple of 2, got 3',
    );
  });

  test.each([
    ['../secret', /a path from its folder/],
    ['/etc/passwd', /a path from its folder/],
    ['a\\..\\secret', /a path from its folder/],
    ['link', /a link out of it/],
    ['nothing', /none there/],
    ['.', /a path from its folder/],
    ['onnx', /a regular file/],
  ])('is refused when its weights are to come from %s', async (location, message) => {
    const { model, weights } = withExternalWeights(onnxDecoder(), location);
    await writeFile(join(folder, 'secret'), weights);
    const dir = await exported(model);
    await symlink(join(folder, 'secret'), join(dir, 'link'));
    await expect(importModel(dir, out(), signal)).rejects.toThrow(message);
  });

  test('is refused when its ranges lie outside their file, or fill the disk with the same bytes', async () => {
    const external = (change: (entries: { key: string; value: string }[], tensor: number) => void) => {
      const source = onnxDecoder();
      const { weights } = withExternalWeights(source, 'w');
      source
        .graph!.initializer.filter(({ externalData }) => externalData.length > 0)
        .forEach((tensor, i) => {
          change(tensor.externalData, i);
        });
      return { model: source, weights };
    };
    for (const [change, message] of [
      [
        (e: { value: string }[]) => {
          e[1]!.value = '999999';
        },
        /a range of its/,
      ],
      [
        (e: { value: string }[]) => {
          e[1]!.value = '-1';
        },
        /a number of bytes/,
      ],
      [
        (e: { value: string }[]) => {
          e[2]!.value = '4';
        },
        /as their shape has/,
      ],
      [
        (e: unknown[]) => {
          e.shift();
        },
        /a location/,
      ],
    ] as const) {
      const { model, weights } = external(change);
      const dir = await exported(model);
      await writeFile(join(dir, 'w'), weights);
      await expect(importModel(dir, out(), signal)).rejects.toThrow(message);
    }
    const { model, weights } = external((e) => {
      e[1]!.value = '0';
    });
    const dir = await exported(model);
    await writeFile(join(dir, 'w'), weights.subarray(0, 64 * 16 * 4));
    await expect(importModel(dir, out(), signal)).rejects.toThrow('the same again');
  });

  test('ends in a clear error whatever the bytes', async () => {
    const good = toBinary(ModelProtoSchema, onnxDecoder());
    const cases = [
      new Uint8Array(),
      Uint8Array.of(1, 2, 3),
      good.subarray(0, good.length - 7),
      new Uint8Array(300).fill(0x3a),
    ];
    for (let at = 0; at < good.length; at += 797) {
      const bytes = good.slice();
      bytes[at]! ^= 1 + (at % 255);
      cases.push(bytes);
    }
    for (const bytes of cases) {
      const dir = await exported(bytes);
      try {
        await importModel(dir, out(), signal, { compare: false });
        await rm(out(), { recursive: true });
      } catch (error) {
        expect((error as { code: string }).code).toMatch(/^(invalid-input|limit-exceeded|unsupported)$/);
      }
    }
    const many = onnxDecoder();
    many.graph!.docString = 'x'.repeat(65 << 20);
    await expect(imported(many)).rejects.toThrow(/beside its weights, limit 67108864/);
  });
});
