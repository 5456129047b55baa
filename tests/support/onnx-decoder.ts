// Owns: a small ONNX decoder as exporters write them: standard operators, past concatenated, one file. Does not own: any of ours.
import { create, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { createSeededRandom } from '../../src/model/prng.js';
import {
  type AttributeProtoSchema,
  AttributeType,
  DataLocation,
  DataType,
  type ModelProto,
  ModelProtoSchema,
  type NodeProtoSchema,
  type TensorProtoSchema,
} from '../../src/protocol/gen/onnx/onnx_pb.js';

type Node = MessageInitShape<typeof NodeProtoSchema>;
type Tensor = MessageInitShape<typeof TensorProtoSchema>;
type Attributes = Record<string, number | readonly number[] | { readonly float: number }>;

export const SIZES = { vocabulary: 61, width: 16, layers: 2, heads: 2, headWidth: 8, maxPositions: 64 };

export interface DecoderOptions {
  /** the output matrix is the embedding, transposed @default false */
  readonly tied?: boolean;
  /** what stands between output matrix and logits @default [] */
  readonly tail?: readonly ('cap' | 'bias' | 'scale' | 'cast')[];
  /** which keys a query sees is read from a matrix as large as the positions, as GPT-2's code has it @default false */
  readonly maskMatrix?: boolean;
  /** seed of the weights @default 'decoder' */
  readonly seed?: string;
}

/** A config.json that fits it. */
export const CONFIG = {
  model_type: 'gpt2',
  vocab_size: SIZES.vocabulary,
  n_embd: SIZES.width,
  n_layer: SIZES.layers,
  n_head: SIZES.heads,
  n_positions: SIZES.maxPositions,
  bos_token_id: 60,
  eos_token_id: 60,
};

export function onnxDecoder({
  tied = false,
  tail = [],
  maskMatrix = false,
  seed = 'decoder',
}: DecoderOptions = {}): ModelProto {
  const { vocabulary, width, layers, heads, headWidth, maxPositions } = SIZES;
  const random = createSeededRandom(seed);
  const nodes: Node[] = [];
  const initializers: Tensor[] = [];
  let names = 0;

  const floats = (name: string, dims: readonly number[], scale = 1): string => {
    const count = dims.reduce((product, side) => product * side, 1);
    const words = new DataView(
      random
        .fork(name)
        .bytes(2 * count)
        .slice().buffer,
    );
    const values = Float32Array.from(
      { length: count },
      (_, i) => (words.getInt16(2 * i, true) / 32_768) * scale,
    );
    initializers.push({
      name,
      dims: dims.map(BigInt),
      dataType: DataType.FLOAT,
      rawData: new Uint8Array(values.buffer),
    });
    return name;
  };
  const scalar = (value: number): string => {
    const name = `scalar_${names++}`;
    initializers.push({
      name,
      dataType: DataType.FLOAT,
      rawData: new Uint8Array(Float32Array.of(value).buffer),
    });
    return name;
  };
  const ints = (...values: number[]): string => {
    const name = `ints_${names++}`;
    const data = BigInt64Array.from(values, BigInt);
    initializers.push({
      name,
      dims: [BigInt(values.length)],
      dataType: DataType.INT64,
      rawData: new Uint8Array(data.buffer),
    });
    return name;
  };
  const op = (
    opType: string,
    input: string[],
    attributes: Attributes = {},
    output = `v_${names++}`,
  ): string => {
    nodes.push({
      opType,
      input,
      output: [output],
      name: `/${opType}_${output}`,
      attribute: attributesOf(attributes),
    });
    return output;
  };

  const embedding = floats('model.embed_tokens.weight', [vocabulary, width]);
  const places = floats('model.positions.weight', [maxPositions, width]);
  let x = op('Add', [op('Gather', [embedding, 'input_ids']), op('Gather', [places, 'position_ids'])]);

  // a key is seen by queries at its place or later, and only where attention_mask is one
  const total = op('Gather', [op('Shape', ['attention_mask']), ints(1)], { axis: 0 });
  const fresh = op('Gather', [op('Shape', ['input_ids']), ints(1)], { axis: 0 });
  const zero = op('Squeeze', [ints(0)]);
  const one = op('Squeeze', [ints(1)]);
  const all = op('Range', [zero, op('Squeeze', [total]), one]);
  const queries = op('Range', [op('Squeeze', [op('Sub', [total, fresh])]), op('Squeeze', [total]), one]);
  const computed = () => op('LessOrEqual', [all, op('Unsqueeze', [queries, ints(1)])]);
  const looked = () => {
    const bytes = Uint8Array.from({ length: maxPositions ** 2 }, (_, i) =>
      i % maxPositions <= Math.floor(i / maxPositions) ? 1 : 0,
    );
    const dims = [BigInt(maxPositions), BigInt(maxPositions)];
    initializers.push({ name: 'bias', dims, dataType: DataType.BOOL, rawData: bytes });
    const rows = op('Slice', ['bias', op('Sub', [total, fresh]), total, ints(0)]);
    return op('Slice', [rows, ints(0), total, ints(1)]);
  };
  const causal = maskMatrix ? looked() : computed();
  const padding = op('Cast', [op('Unsqueeze', ['attention_mask', ints(1, 2)])], { to: DataType.BOOL });
  const mask = op('Where', [op('And', [causal, padding]), scalar(0), scalar(-1e9)]);

  for (let layer = 0; layer < layers; layer++) {
    const project = (part: string) => {
      const flat = op('MatMul', [x, floats(`model.layers.${layer}.${part}`, [width, width], 0.5)]);
      return op('Transpose', [op('Reshape', [flat, ints(0, 0, heads, headWidth)])], { perm: [0, 2, 1, 3] });
    };
    const cached = (part: string, value: string) =>
      op('Concat', [`past_key_values.${layer}.${part}`, value], { axis: 2 }, `present.${layer}.${part}`);
    const query = project('q');
    const key = cached('key', project('k'));
    const value = cached('value', project('v'));
    const products = op('MatMul', [query, op('Transpose', [key], { perm: [0, 1, 3, 2] })]);
    const scores = op('Add', [op('Mul', [products, scalar(1 / Math.sqrt(headWidth))]), mask]);
    const mixed = op('Transpose', [op('MatMul', [op('Softmax', [scores], { axis: -1 }), value])], {
      perm: [0, 2, 1, 3],
    });
    const joined = op('Reshape', [mixed, ints(0, 0, width)]);
    x = op('Add', [x, op('MatMul', [joined, floats(`model.layers.${layer}.o`, [width, width], 0.5)])]);
  }

  const matrix = tied
    ? op('Transpose', [embedding], { perm: [1, 0] })
    : floats('lm_head.weight', [width, vocabulary]);
  let logits = op('MatMul', [x, matrix]);
  for (const step of tail) {
    if (step === 'scale') logits = op('Mul', [scalar(0.75), logits]);
    if (step === 'bias') logits = op('Add', [logits, floats('lm_head.bias', [vocabulary], 2)]);
    if (step === 'cap') logits = op('Mul', [op('Tanh', [op('Div', [logits, scalar(3)])]), scalar(3)]);
    if (step === 'cast')
      logits = op('Cast', [op('Cast', [logits], { to: DataType.DOUBLE })], { to: DataType.FLOAT });
  }
  op('Identity', [logits], {}, 'logits');

  const value = (name: string, elemType: DataType, dims: readonly (number | string)[]) => ({
    name,
    type: {
      value: {
        case: 'tensorType' as const,
        value: {
          elemType,
          shape: {
            dim: dims.map((side) => ({
              value:
                typeof side === 'number'
                  ? { case: 'dimValue' as const, value: BigInt(side) }
                  : { case: 'dimParam' as const, value: side },
            })),
          },
        },
      },
    },
  });
  const caches = (prefix: string, length: string) =>
    Array.from({ length: layers }, (_, layer) =>
      ['key', 'value'].map((part) =>
        value(`${prefix}.${layer}.${part}`, DataType.FLOAT, ['batch', heads, length, headWidth]),
      ),
    ).flat();
  return create(ModelProtoSchema, {
    irVersion: 8n,
    producerName: 'test',
    opsetImport: [{ domain: '', version: 17n }],
    graph: {
      name: 'decoder',
      node: nodes,
      initializer: initializers,
      input: [
        value('input_ids', DataType.INT64, ['batch', 'sequence']),
        value('attention_mask', DataType.INT64, ['batch', 'total']),
        value('position_ids', DataType.INT64, ['batch', 'sequence']),
        ...caches('past_key_values', 'past'),
      ],
      output: [
        value('logits', DataType.FLOAT, ['batch', 'sequence', vocabulary]),
        ...caches('present', 'total'),
      ],
    },
  });
}

/** Moves weights into a second file, as large exports have it. @returns model and file */
export function withExternalWeights(
  model: ModelProto,
  location: string,
): { model: Uint8Array; weights: Uint8Array } {
  const chunks: Uint8Array[] = [];
  let at = 0;
  for (const tensor of model.graph!.initializer) {
    if (tensor.rawData.length < 200) continue;
    chunks.push(tensor.rawData);
    tensor.externalData = Object.entries({ location, offset: at, length: tensor.rawData.length }).map(
      ([key, text]) => ({
        $typeName: 'onnx.StringStringEntryProto' as const,
        key,
        value: `${text}`,
      }),
    );
    tensor.dataLocation = DataLocation.EXTERNAL;
    at += tensor.rawData.length;
    tensor.rawData = new Uint8Array();
  }
  return { model: toBinary(ModelProtoSchema, model), weights: Buffer.concat(chunks) };
}

const attributesOf = (attributes: Attributes): MessageInitShape<typeof AttributeProtoSchema>[] =>
  Object.entries(attributes).map(([name, value]) => {
    if (typeof value === 'number') return { name, type: AttributeType.INT, i: BigInt(value) };
    if ('float' in value) return { name, type: AttributeType.FLOAT, f: value.float };
    return { name, type: AttributeType.INTS, ints: value.map(BigInt) };
  });
