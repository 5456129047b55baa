// Owns: the three graphs of a decoder of ours, and what they are fed. Does not own: how they are run (engine.ts).
// No weight is part of a graph: they come in buffers beside it, so that a new checkpoint has the same graphs, three sessions share the
// buffers, and no model meets protobuf's limit of 2 GB.
import { canonicalJson } from '../../model/canonical-json.js';
import { sha256 } from '../../model/hash.js';
import type { DecoderConfig } from '../decoder.js';
import type { Weights } from '../master.js';
import { rotaryTables } from '../rotary.js';
import { splitAttention } from './attention.js';
import { GraphWriter } from './writer.js';

export interface Graphs {
  /** ids, positions and the cache to hidden states and new rows of the cache */
  readonly body: Uint8Array;
  /** hidden states to the highest logits and their ids */
  readonly head: Uint8Array;
  /** hidden states and ids to their logits */
  readonly rows: Uint8Array;
}

/** Inputs and outputs by name; `keys` and the like have a number after them, the layer's. */
export const BODY = {
  /** int64 [batch, length] */
  ids: 'ids',
  /** int64 [batch, length] */
  positions: 'positions',
  /** [batch, 1, 1, capacity]: 0 where the cache holds a token, else MASKED */
  pastMask: 'past_mask',
  /** [length x group, length]: 0 for a token itself and those before it, else MASKED; a row for each head of a group */
  newMask: 'new_mask',
  /** int64 [2]: capacity, length */
  split: 'split',
  /** [batch, kv heads, head width, capacity] */
  pastKeys: 'past_keys.',
  /** [batch, kv heads, capacity, head width] */
  pastValues: 'past_values.',
  /** [batch, length, width] */
  hidden: 'hidden',
  /** [batch, kv heads, head width, length] */
  newKeys: 'new_keys.',
  /** [batch, kv heads, length, head width] */
  newValues: 'new_values.',
} as const;
/** float32 [rows, width] and int64 [1] to float32 and int64 [rows, k] */
export const HEAD = { hidden: 'hidden', k: 'k', logits: 'logits', ids: 'ids' } as const;
/** float32 [rows, width] and int64 [rows, m] to float32 [rows, m] */
export const ROWS = { hidden: 'hidden', ids: 'ids', logits: 'logits' } as const;

/** What is added to a score that must not count: its exponential is exactly 0, as long as one score of the row is not masked. */
export const MASKED = -1e30;

const EMBEDDING = 'embedding';
const OUTPUT = 'output';
const NORM = 'norm';
const COS = 'rotary_cos';
const SIN = 'rotary_sin';
const layerNames = (layer: number) => ({
  inputNorm: `layer.${layer}.input_norm`,
  qkv: `layer.${layer}.qkv`,
  qkvBias: `layer.${layer}.qkv_bias`,
  qkNorm: `layer.${layer}.qk_norm`,
  o: `layer.${layer}.o`,
  postNorm: `layer.${layer}.post_norm`,
  gateUp: `layer.${layer}.gate_up`,
  down: `layer.${layer}.down`,
});

/** A function of the config alone. */
export function decoderGraphs(config: DecoderConfig): Graphs {
  return { body: bodyGraph(config), head: headGraph(config), rows: rowsGraph(config) };
}

export const graphDigest = ({ body, head, rows }: Graphs): Uint8Array => sha256(body, head, rows);

/**
 * The buffers that the graphs name: matrices turned to [in, out], those with one input side by side. Embedding and output matrix are the
 * weights' own.
 */
export function decoderData(config: DecoderConfig, weights: Weights): Map<string, Float32Array> {
  const { width, layers, heads, kvHeads, headWidth, hidden, maxPositions, tied } = config;
  const of = (name: string, part = 'weight'): Float32Array => {
    const values = weights.get(`${name}.${part}`);
    if (!values) throw new RangeError(`weights: expected ${name}.${part}`);
    return values;
  };
  const data = new Map<string, Float32Array>();
  data.set(EMBEDDING, of('model.embed_tokens'));
  for (let i = 0; i < layers; i++) {
    const layer = (name: string, part?: string): Float32Array => of(`model.layers.${i}.${name}`, part);
    const names = layerNames(i);
    data.set(names.inputNorm, layer('input_layernorm'));
    data.set(
      names.qkv,
      sideBySide(
        width,
        ['q', 'k', 'v'].map((which) => layer(`self_attn.${which}_proj`)),
      ),
    );
    if (config.qkvBias)
      data.set(
        names.qkvBias,
        inLine(['q', 'k', 'v'].map((which) => layer(`self_attn.${which}_proj`, 'bias'))),
      );
    if (config.qkNorm) {
      const each = (count: number, which: string) =>
        Array<Float32Array>(count).fill(layer(`self_attn.${which}_norm`));
      data.set(names.qkNorm, inLine([...each(heads, 'q'), ...each(kvHeads, 'k')]));
    }
    data.set(names.o, sideBySide(heads * headWidth, [layer('self_attn.o_proj')]));
    data.set(names.postNorm, layer('post_attention_layernorm'));
    data.set(names.gateUp, sideBySide(width, [layer('mlp.gate_proj'), layer('mlp.up_proj')]));
    data.set(names.down, sideBySide(hidden, [layer('mlp.down_proj')]));
  }
  data.set(NORM, of('model.norm'));
  data.set(OUTPUT, tied ? of('model.embed_tokens') : of('lm_head'));
  const { cos, sin } = rotaryTables(config);
  const half = headWidth / 2;
  const both = (values: Float32Array, sign: number): Float32Array =>
    Float32Array.from({ length: maxPositions * headWidth }, (_, at) => {
      const i = at % headWidth;
      const value = values[Math.floor(at / headWidth) * half + (i % half)];
      return i < half ? sign * value : value;
    });
  data.set(COS, both(cos, 1));
  data.set(SIN, both(sin, -1));
  return data;
}

function bodyGraph(config: DecoderConfig): Uint8Array {
  const { vocabulary, width, layers, heads, kvHeads, headWidth, hidden, maxPositions, ropeTheta } = config;
  const g = new GraphWriter('body');
  const ids = g.input(BODY.ids, 'int64', ['batch', 'length']);
  const positions = g.input(BODY.positions, 'int64', ['batch', 'length']);
  const pastMask = g.input(BODY.pastMask, 'float', ['batch', 1, 1, 'capacity']);
  const newMask = g.input(BODY.newMask, 'float', ['queries', 'length']);
  const split = g.input(BODY.split, 'int64', [2]);

  const epsilon = g.scalar(config.normEpsilon);
  const norm = (x: string, weight: string, shape: readonly number[] = [width]): string => {
    const mean = g.op('ReduceMean', [g.op('Mul', [x, x])], { axes: [-1], keepdims: 1 });
    const scaled = g.op('Div', [x, g.op('Sqrt', [g.op('Add', [mean, epsilon])])]);
    return g.op('Mul', [scaled, g.external(weight, shape)]);
  };
  const linear = (x: string, weight: string, from: number, to: number): string =>
    g.op('MatMul', [x, g.external(weight, [from, to])]);

  const axis2 = g.integers([2]);
  const angles = (table: string): string =>
    g.op('Unsqueeze', [g.op('Gather', [g.external(table, [maxPositions, headWidth]), positions]), axis2]);
  const cos = angles(COS);
  const sin = angles(SIN);
  const halves = g.integers([headWidth / 2, headWidth / 2]);
  const rotate = (x: string): string => {
    const [real, imaginary] = g.ops('Split', [x, halves], 2, { axis: -1 });
    const crossed = g.op('Concat', [imaginary, real], { axis: -1 });
    return g.op('Add', [g.op('Mul', [x, cos]), g.op('Mul', [crossed, sin])]);
  };

  const perHead = g.integers([0, 0, heads + 2 * kvHeads, headWidth]);
  const rotated = g.integers([heads + kvHeads, kvHeads]);
  const asked = g.integers([heads, kvHeads]);
  const attention = splitAttention(g, config, { pastMask, newMask, split });
  const feed = g.integers([hidden, hidden]);

  let x = g.op('Gather', [g.external(EMBEDDING, [vocabulary, width]), ids]);
  for (let i = 0; i < layers; i++) {
    const names = layerNames(i);
    const pastKeys = g.input(`${BODY.pastKeys}${i}`, 'float', ['batch', kvHeads, headWidth, 'capacity']);
    const pastValues = g.input(`${BODY.pastValues}${i}`, 'float', ['batch', kvHeads, 'capacity', headWidth]);

    const all = (heads + 2 * kvHeads) * headWidth;
    const products = linear(norm(x, names.inputNorm), names.qkv, width, all);
    const qkv = config.qkvBias ? g.op('Add', [products, g.external(names.qkvBias, [all])]) : products;
    const [qk, v] = g.ops('Split', [g.op('Reshape', [qkv, perHead]), rotated], 2, { axis: 2 });
    const normed = config.qkNorm ? norm(qk, names.qkNorm, [heads + kvHeads, headWidth]) : qk;
    const [q, k] = g.ops('Split', [rotate(normed), asked], 2, { axis: 2 });
    const newKeys = g.op('Transpose', [k], { perm: [0, 2, 3, 1] });
    const newValues = g.op('Transpose', [v], { perm: [0, 2, 1, 3] });
    g.output(`${BODY.newKeys}${i}`, newKeys, 'float', ['batch', kvHeads, headWidth, 'length']);
    g.output(`${BODY.newValues}${i}`, newValues, 'float', ['batch', kvHeads, 'length', headWidth]);

    const attended = attention({ query: q, pastKeys, pastValues, newKeys, newValues });
    x = g.op('Add', [x, linear(attended, names.o, heads * headWidth, width)]);

    const gateUp = linear(norm(x, names.postNorm), names.gateUp, width, 2 * hidden);
    const [gate, up] = g.ops('Split', [gateUp, feed], 2, { axis: -1 });
    const open = g.op('Mul', [g.op('Mul', [gate, g.op('Sigmoid', [gate])]), up]);
    x = g.op('Add', [x, linear(open, names.down, hidden, width)]);
  }
  g.output(BODY.hidden, norm(x, NORM), 'float', ['batch', 'length', width]);
  return g.finish({
    rope_theta: `${ropeTheta}`,
    ...(config.ropeScaling ? { rope_scaling: canonicalJson(config.ropeScaling) } : {}),
  });
}

/** No logarithm of the sum over the vocabulary: nobody asks for it, and it would cost more than all else here (measured at 152,064). */
function headGraph({ vocabulary, width }: DecoderConfig): Uint8Array {
  const g = new GraphWriter('head');
  const hidden = g.input(HEAD.hidden, 'float', ['rows', width]);
  const k = g.input(HEAD.k, 'int64', [1]);
  const logits = g.op('Gemm', [hidden, g.external(OUTPUT, [vocabulary, width])], { transB: 1 });
  const [values, indices] = g.ops('TopK', [logits, k], 2, { axis: -1, largest: 1, sorted: 1 });
  g.output(HEAD.logits, values, 'float', ['rows', 'k']);
  g.output(HEAD.ids, indices, 'int64', ['rows', 'k']);
  return g.finish();
}

function rowsGraph({ vocabulary, width }: DecoderConfig): Uint8Array {
  const g = new GraphWriter('rows');
  const hidden = g.input(ROWS.hidden, 'float', ['rows', width]);
  const ids = g.input(ROWS.ids, 'int64', ['rows', 'm']);
  const axis2 = g.integers([2]);
  const matrix = g.op('Gather', [g.external(OUTPUT, [vocabulary, width]), ids]);
  const products = g.op('MatMul', [matrix, g.op('Unsqueeze', [hidden, axis2])]);
  g.output(ROWS.logits, g.op('Squeeze', [products, axis2]), 'float', ['rows', 'm']);
  return g.finish();
}

function inLine(vectors: readonly Float32Array[]): Float32Array {
  const out = new Float32Array(vectors.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const vector of vectors) {
    out.set(vector, at);
    at += vector.length;
  }
  return out;
}

/** Matrices [out, in] as one [in, sum of outs]. */
function sideBySide(from: number, matrices: readonly Float32Array[]): Float32Array {
  const to = matrices.reduce((sum, { length }) => sum + length / from, 0);
  const out = new Float32Array(from * to);
  let column = 0;
  for (const matrix of matrices) {
    const rows = matrix.length / from;
    // blocks that stay in the cache: row by row each write would miss it
    for (let r0 = 0; r0 < rows; r0 += 32)
      for (let i0 = 0; i0 < from; i0 += 32)
        for (let r = r0; r < Math.min(r0 + 32, rows); r++)
          for (let i = i0; i < Math.min(i0 + 32, from); i++) out[i * to + column + r] = matrix[r * from + i];
    column += rows;
  }
  return out;
}
