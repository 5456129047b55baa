// Owns: a published family as an ONNX decoder of fused operators, as the builder of onnxruntime-genai names and wires them: the weights of
// published.ts. Does not own: what it must answer.
import { create } from '@bufbuild/protobuf';
import { int64s, op, tensorValue } from '../../src/inference/import/build.js';
import { rotaryTables } from '../../src/inference/rotary.js';
import {
  AttributeProtoSchema,
  AttributeType,
  DataType,
  type ModelProto,
  ModelProtoSchema,
  type NodeProto,
  type TensorProto,
  TensorProtoSchema,
} from '../../src/protocol/gen/onnx/onnx_pb.js';
import { drawnWeights, type PublishedFamily } from './published.js';

export interface FusedOptions {
  /** queries, keys and values of one matrix @default false */
  readonly packed?: boolean;
  /** angles by operators of their own, from position_ids @default false */
  readonly rotaryApart?: boolean;
  /** float16 from the embedding to the last norm, or to the logits @default none of it */
  readonly half?: 'layers' | 'all';
  /** matrices of the layers in 4 bits, blocks of 16 to a scale; the head is not @default false */
  readonly int4?: boolean;
  /** attributes of the attention, beside those that all have @default {} */
  readonly attributes?: Readonly<Record<string, number | { readonly float: number }>>;
}

export function fusedDecoder(
  { config, tensors }: PublishedFamily,
  { packed = false, rotaryApart = false, half: inHalf, int4 = false, attributes = {} }: FusedOptions = {},
): ModelProto {
  const size = (name: string) => config[name] as number;
  const [width, vocabulary] = [size('hidden_size'), size('vocab_size')];
  const [layers, heads, kvHeads] = [
    size('num_hidden_layers'),
    size('num_attention_heads'),
    size('num_key_value_heads'),
  ];
  const headWidth = (config['head_dim'] as number | undefined) ?? width / heads;
  const positions = size('max_position_embeddings');
  const epsilon = { float: size('rms_norm_eps') };
  const nodes: NodeProto[] = [];
  const initializers: TensorProto[] = [];

  const drawn = new Map(
    tensors.map(([name, shape], place) => {
      const values = drawnWeights(
        place,
        name,
        shape.reduce((product, side) => product * side, 1),
      );
      return [name, { shape, values }] as const;
    }),
  );
  const layerType = inHalf ? DataType.FLOAT16 : DataType.FLOAT;
  const held = (
    name: string,
    dims: readonly number[],
    values: Float32Array,
    dataType = layerType,
  ): string => {
    const rawData = new Uint8Array(
      (dataType === DataType.FLOAT ? values : Uint16Array.from(values, halfOf)).buffer,
    );
    initializers.push(create(TensorProtoSchema, { name, dims: dims.map(BigInt), dataType, rawData }));
    return name;
  };
  const vector = (name: string): string => {
    const { shape, values } = drawn.get(name)!;
    return held(name, shape, values);
  };
  /** [out, in] of these, turned to [in, out] side by side */
  const matrix = (to: string, ...names: string[]): string => matrixOf(to, names, layerType);
  const matrixOf = (to: string, names: readonly string[], dataType: DataType): string => {
    const parts = names.map((name) => drawn.get(name)!);
    const from = parts[0]!.shape[1]!;
    const total = parts.reduce((sum, { shape }) => sum + shape[0]!, 0);
    const rows = parts.flatMap(({ shape, values }) =>
      Array.from({ length: shape[0]! }, (_, row) => values.subarray(row * from, (row + 1) * from)),
    );
    const turned = Float32Array.from(
      { length: from * total },
      (_, i) => rows[i % total]![Math.floor(i / total)]!,
    );
    return held(to, [from, total], turned, dataType);
  };
  const contrib = (
    opType: string,
    input: string[],
    output: string | string[],
    of: Readonly<Record<string, number | { readonly float: number }>> = {},
    domain = 'com.microsoft',
  ): string => {
    const node = op(opType, input, output);
    node.domain = domain;
    node.attribute = Object.entries(of).map(([name, value]) =>
      create(
        AttributeProtoSchema,
        typeof value === 'number'
          ? { name, type: AttributeType.INT, i: BigInt(value) }
          : { name, type: AttributeType.FLOAT, f: value.float },
      ),
    );
    nodes.push(node);
    return node.output[0]!;
  };
  const plain = (
    opType: string,
    input: string[],
    output: string,
    of: Readonly<Record<string, number | readonly number[]>> = {},
  ): string => {
    nodes.push(op(opType, input, output, of));
    return output;
  };
  /** x times the matrix [in, out] of these, [out, in] as they are drawn */
  const product = (x: string, to: string, names: readonly string[], output: string): string => {
    if (!int4) return plain('MatMul', [x, matrix(to, ...names)], output);
    const blocks = names.flatMap((name) => {
      const { values } = drawn.get(name)!;
      return Array.from({ length: values.length / 16 }, (_, i) => values.subarray(16 * i, 16 * (i + 1)));
    });
    const K = drawn.get(names[0]!)!.shape[1]!;
    const N = (16 * blocks.length) / K;
    const scales = Float32Array.from(blocks, (block) => Math.max(...block.map(Math.abs)) / 7);
    const nibble = (at: number): number => Math.round(blocks[at >> 4]![at & 15]! / scales[at >> 4]!) + 8;
    const rawData = Uint8Array.from(
      { length: 8 * blocks.length },
      (_, i) => nibble(2 * i) | (nibble(2 * i + 1) << 4),
    );
    const dims = [N, K / 16, 8].map(BigInt);
    initializers.push(
      create(TensorProtoSchema, { name: `${to}.packed`, dims, dataType: DataType.UINT8, rawData }),
    );
    const inputs = [x, `${to}.packed`, held(`${to}.scales`, [blocks.length], scales)];
    return contrib('MatMulNBits', inputs, output, { K, N, bits: 4, block_size: 16 });
  };
  const rmsNorm = (x: string, weight: string, to: string): string =>
    contrib('SimplifiedLayerNormalization', [x, weight], to, { epsilon, axis: -1, stash_type: 1 }, '');

  const half = headWidth / 2;
  const scaling = config['rope_scaling'] as Readonly<Record<string, number>> | null | undefined;
  const { cos, sin } = rotaryTables({
    headWidth,
    maxPositions: positions,
    ropeTheta: size('rope_theta'),
    ropeScaling: scaling
      ? {
          kind: 'llama3',
          factor: scaling['factor']!,
          lowFactor: scaling['low_freq_factor']!,
          highFactor: scaling['high_freq_factor']!,
          originalPositions: scaling['original_max_position_embeddings']!,
        }
      : undefined,
  });
  held('cos_cache', [positions, half], cos);
  held('sin_cache', [positions, half], sin);
  initializers.push(int64s('one', [1]), int64s('axis1', [1]));
  initializers.push(create(TensorProtoSchema, { ...int64s('index1', [1]), dims: [] }));

  // rows of a batch as long as their masks say
  plain('ReduceSum', ['attention_mask', 'axis1'], 'mask.sum', { keepdims: 1 });
  plain('Sub', ['mask.sum', 'one'], 'mask.last');
  plain('Cast', ['mask.last'], 'seqlens_k', { to: DataType.INT32 });
  plain('Shape', ['attention_mask'], 'mask.shape');
  plain('Gather', ['mask.shape', 'index1'], 'mask.total', { axis: 0 });
  plain('Cast', ['mask.total'], 'total_seq_len', { to: DataType.INT32 });

  let skip = plain('Gather', [vector('model.embed_tokens.weight'), 'input_ids'], 'embedded');
  let added: string | undefined;
  const skipNorm = (weight: string, to: string): string => {
    if (added === undefined) return rmsNorm(skip, vector(weight), to);
    const sum = `${to}.sum`;
    contrib('SkipSimplifiedLayerNormalization', [skip, added, vector(weight)], [to, '', '', sum], {
      epsilon,
    });
    skip = sum;
    return to;
  };
  for (let i = 0; i < layers; i++) {
    const at = `model.layers.${i}`;
    const name = (part: string) => `${at}.self_attn.${part}`;
    const x = skipNorm(`${at}.input_layernorm.weight`, `${at}.input`);
    const sizes = { q: heads * headWidth, k: kvHeads * headWidth, v: kvHeads * headWidth };
    const bias = (which: 'q' | 'k' | 'v', value: string): string =>
      drawn.has(name(`${which}_proj.bias`))
        ? plain('Add', [value, vector(name(`${which}_proj.bias`))], `${value}.biased`)
        : value;
    const parts = (['q', 'k', 'v'] as const).map((which) => `${name(which)}_proj.weight`);
    let [q, k, v] = ['', '', ''];
    if (packed) q = product(x, `${at}.qkv`, parts, `${at}.packed`);
    else
      [q, k, v] = (['q', 'k', 'v'] as const).map((which, n) =>
        bias(which, product(x, `${at}.${which}`, [parts[n]!], `${at}.${which}.out`)),
      ) as [string, string, string];
    const normed = (which: 'q' | 'k', value: string): string => {
      const weight = name(`${which}_norm.weight`);
      if (!drawn.has(weight)) return value;
      const [to, back] = [`${value}.to`, `${value}.back`];
      initializers.push(int64s(to, [0, -1, headWidth]), int64s(back, [0, -1, sizes[which]]));
      const each = rmsNorm(
        plain('Reshape', [value, to], `${value}.heads`),
        vector(weight),
        `${value}.normed`,
      );
      return plain('Reshape', [each, back], `${value}.ready`);
    };
    const turned = (which: 'q' | 'k', value: string): string => {
      const ready = normed(which, value);
      if (!rotaryApart) return ready;
      return contrib(
        'RotaryEmbedding',
        [ready, 'position_ids', 'cos_cache', 'sin_cache'],
        `${value}.turned`,
        { interleaved: 0, num_heads: which === 'q' ? heads : kvHeads, rotary_embedding_dim: 0 },
      );
    };
    if (!packed) [q, k] = [turned('q', q), turned('k', k)];
    const attended = contrib(
      'GroupQueryAttention',
      [
        ...[q, k, v],
        ...[`past_key_values.${i}.key`, `past_key_values.${i}.value`, 'seqlens_k', 'total_seq_len'],
        ...(rotaryApart ? [] : ['cos_cache', 'sin_cache']),
      ],
      [`${at}.attended`, `present.${i}.key`, `present.${i}.value`],
      {
        num_heads: heads,
        kv_num_heads: kvHeads,
        scale: { float: 1 / Math.sqrt(headWidth) },
        local_window_size: -1,
        softcap: { float: 0 },
        do_rotary: rotaryApart ? 0 : 1,
        rotary_interleaved: 0,
        ...attributes,
      },
    );
    added = product(attended, `${at}.o`, [name('o_proj.weight')], `${at}.o.out`);
    const y = skipNorm(`${at}.post_attention_layernorm.weight`, `${at}.between`);
    const mlp = (which: string, value: string) =>
      product(value, `${at}.${which}`, [`${at}.mlp.${which}_proj.weight`], `${at}.${which}.out`);
    const gate = mlp('gate', y);
    const open = plain('Mul', [gate, plain('Sigmoid', [gate], `${at}.sigmoid`)], `${at}.silu`);
    added = mlp('down', plain('Mul', [open, mlp('up', y)], `${at}.gated`));
  }
  const last = skipNorm('model.norm.weight', 'final_norm');
  const head = drawn.has('lm_head.weight') ? 'lm_head.weight' : 'model.embed_tokens.weight';
  const wide = inHalf === 'layers' ? plain('Cast', [last], 'final_norm.wide', { to: DataType.FLOAT }) : last;
  const logitsType = inHalf === 'all' ? DataType.FLOAT16 : DataType.FLOAT;
  plain('MatMul', [wide, matrixOf('lm_head', [head], logitsType)], 'logits');

  const caches = (prefix: string, length: string) =>
    Array.from({ length: layers }, (_, layer) =>
      ['key', 'value'].map((part) =>
        tensorValue(`${prefix}.${layer}.${part}`, layerType, ['batch', kvHeads, length, headWidth]),
      ),
    ).flat();
  return create(ModelProtoSchema, {
    irVersion: 8n,
    producerName: 'test',
    opsetImport: [
      { domain: '', version: 17n },
      { domain: 'com.microsoft', version: 1n },
    ],
    graph: {
      name: 'main_graph',
      node: nodes,
      initializer: initializers,
      input: [
        tensorValue('input_ids', DataType.INT64, ['batch', 'sequence']),
        tensorValue('attention_mask', DataType.INT64, ['batch', 'total']),
        ...(rotaryApart ? [tensorValue('position_ids', DataType.INT64, ['batch', 'sequence'])] : []),
        ...caches('past_key_values', 'past'),
      ],
      output: [
        tensorValue('logits', logitsType, ['batch', 'sequence', vocabulary]),
        ...caches('present', 'total'),
      ],
    },
  });
}

/** To the nearest float16, within its range. */
function halfOf(value: number): number {
  const size = Math.abs(value);
  const exponent = Math.max(-14, Math.floor(Math.log2(size)));
  return (value < 0 ? 0x8000 : 0) + ((exponent + 14) << 10) + Math.round(size / 2 ** (exponent - 10));
}
