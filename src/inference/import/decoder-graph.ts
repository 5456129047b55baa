// Owns: which ONNX decoders can be run row by row as ours are, and why others cannot; what a decoder's inputs and outputs say of its
// sizes. Does not own: the cut (cut-head.ts), the files (graph-files.ts).
import { unsupported } from '../../model/errors.js';
import { invalid } from '../../model/invalid-input.js';
import {
  DataType,
  type GraphProto,
  type ModelProto,
  type ValueInfoProto,
} from '../../protocol/gen/onnx/onnx_pb.js';
import { nameShown as shown } from '../foreign.js';
import { type CacheNames, FUSED, fusedLayersOf } from './fused-attention.js';
import { sidesOf, valuesOf } from './values.js';

/** A decoder of a hundred layers in standard operators has some 10,000. */
const MAX_NODES = 200_000;
/** Squeeze, TopK and others take as inputs what were attributes before. */
const MIN_OPSET = 13;
/** numbers of fields in GraphProto and ModelProto */
const SPARSE_INITIALIZER = 15;
const TRAINING_INFO = 20;

export interface DecoderGraph extends CacheNames {
  readonly graph: GraphProto;
  readonly opset: number;
  readonly layers: number;
  /** of past and present */
  readonly kvType: DataType;
  /** whether it takes position_ids; one that does not has attention which counts them itself */
  readonly takesPositions: boolean;
  /** of attention that the graph has in one operator, which is to be taken apart */
  readonly fused: { readonly heads: number; readonly mostPositions: number } | undefined;
}

const refuse = (what: string, why: string) =>
  unsupported(`${what} of the graph`, `${why}; what does import: docs/guide/bring-your-model.md`);

/** Why a graph with such an operator is none that we can run. */
const REFUSED: Readonly<Record<string, string>> = Object.assign(Object.create(null), {
  If: 'an old merged export, which chooses by use_cache_branch; export the decoder with past alone',
  Loop: 'control flow, which cannot be cut',
  Scan: 'control flow, which cannot be cut',
  PagedAttention: 'attention over pages takes sequences packed into one, ours are rows of a batch',
  MultiHeadAttention: 'it keeps its cache in a way of its own; export with standard operators',
  Attention: 'it keeps its cache in a way of its own; export with standard operators',
  DecoderMaskedMultiHeadAttention: 'it keeps its cache in a way of its own; export with standard operators',
  ...Object.fromEntries(
    ['DynamicQuantizeLinear', 'DynamicQuantizeMatMul', 'MatMulInteger', 'MatMulIntegerToFloat'].map(
      (name) => [
        name,
        'its scale is that of all rows together: a token would depend on who shares the batch, and an audit would differ',
      ],
    ),
  ),
  ...Object.fromEntries(
    [
      'RandomNormal',
      'RandomNormalLike',
      'RandomUniform',
      'RandomUniformLike',
      'Multinomial',
      'Bernoulli',
    ].map((name) => [name, 'chance, where the same ids must give the same logits']),
  ),
});

const INPUTS: ReadonlySet<string> = new Set(['input_ids', 'attention_mask', 'position_ids']);
const PAST = /^past_key_values\.(\d{1,4})\.(key|value)$/;
const PRESENT = /^present\.(\d{1,4})\.(key|value)$/;

/** @throws AssayError `unsupported`, `invalid-input` */
export function decoderGraphOf(model: ModelProto): DecoderGraph {
  const { graph } = model;
  if (!graph) throw invalid('the model', 'one with a graph', 'none');
  if (graph.node.length > MAX_NODES)
    throw invalid('the graph', `at most ${MAX_NODES} nodes`, `${graph.node.length}`);
  const opset = Number(model.opsetImport.find(({ domain }) => isStandard(domain))?.version ?? 0);
  if (model.functions.length > 0)
    throw refuse('functions', 'operators of its own; export with functions inlined');
  // what we do not read could still name other files
  if (graph.$unknown?.some(({ no }) => no === SPARSE_INITIALIZER))
    throw refuse('sparse initializers', 'none of our decoders has them');
  if (model.$unknown?.some(({ no }) => no === TRAINING_INFO))
    throw refuse('training info', 'a model that is run has none');
  if (opset < MIN_OPSET) throw refuse('opset', `${opset}, must be ${MIN_OPSET} or newer`);
  for (const { opType, attribute } of graph.node) {
    const why = REFUSED[opType];
    if (why !== undefined) throw refuse(`operator ${opType}`, why);
    if (attribute.some(({ g, graphs }) => g !== undefined || graphs.length > 0))
      throw refuse(`operator ${shown(opType)}`, 'control flow, which cannot be cut');
    if (
      attribute.some(({ t, tensors }) => [t, ...tensors].some((each) => (each?.externalData.length ?? 0) > 0))
    )
      throw refuse(`operator ${shown(opType)}`, 'an attribute that lies in another file');
  }
  assertOrder(graph);

  // exports of old list initializers among the inputs
  const held = new Set(graph.initializer.map(({ name }) => name));
  const inputs = graph.input.filter(({ name }) => !held.has(name));
  const past = cacheOf(inputs, PAST, 'past_key_values');
  for (const { name } of inputs)
    if (!INPUTS.has(name) && !PAST.test(name)) throw refuse(`input '${shown(name)}'`, whyNoInput(name));
  const given = [...INPUTS].filter((name) => inputs.some((input) => input.name === name));
  const made = graph.node.flatMap(({ output }) => output).find((name) => INPUTS.has(name));
  if (made !== undefined)
    throw refuse(`value '${made}'`, 'it is computed, where an input of a decoder has that name');
  const present = cacheOf(graph.output, PRESENT, 'present');
  for (const { name } of graph.output)
    if (name !== 'logits' && !PRESENT.test(name))
      throw refuse(`output '${shown(name)}'`, 'a decoder has logits and present keys and values');
  if (!graph.output.some(({ name }) => name === 'logits'))
    throw refuse('outputs', 'none is logits: there is no head to cut');
  if (present.length !== past.length)
    throw invalid('present of the graph', `${past.length} keys and values, as past has`, `${present.length}`);

  const shapes = past.map((value) => shapeOf(value));
  const [, kvHeads, , headWidth] = shapes[0] ?? [];
  if (past.length === 0) throw refuse('inputs', 'no past_key_values: a decoder without cache');
  for (const [i, shape] of shapes.entries())
    if (shape.length !== 4 || shape[1] === undefined || shape[3] === undefined)
      throw refuse(
        `'${past[i]!.name}'`,
        `its shape is not [batch, heads, past, width] with heads and width in numbers`,
      );
    else if (shape[1] !== kvHeads || shape[3] !== headWidth)
      throw refuse(
        `'${past[i]!.name}'`,
        `[${shape[1]} heads of ${shape[3]}], the first layer has ${kvHeads} of ${headWidth}`,
      );
  const kvType = typeOf(past[0]!);
  if (kvType !== DataType.FLOAT && kvType !== DataType.FLOAT16)
    throw refuse(`'${past[0]!.name}'`, `elements of type ${kvType}, must be float or float16`);
  for (const value of [...past, ...present])
    if (typeOf(value) !== kvType) throw refuse(`'${value.name}'`, 'another type than the first past has');
  for (const name of given)
    if (typeOf(inputs.find((input) => input.name === name)!) !== DataType.INT64)
      throw refuse(`input '${name}'`, 'elements that are not int64');
  const cache = {
    past: past.map(({ name }) => name),
    present: present.map(({ name }) => name),
    kvHeads: kvHeads!, // as asked above
    headWidth: headWidth!,
  };
  const fused = fusedLayersOf(graph, cache);
  const kept = new Set(cache.past);
  for (const { opType, domain, input } of graph.node)
    if (opType !== FUSED && !isStandard(domain) && input.some((name) => kept.has(name)))
      throw refuse(`operator ${shown(opType)}`, REFUSED['MultiHeadAttention']!);
  const rotates = fused.length > 0 && fused.every(({ rotary }) => rotary);
  for (const name of INPUTS)
    if (!given.includes(name) && !(name === 'position_ids' && rotates))
      throw refuse(`inputs`, `no ${name}: rows of different lengths in one batch need it`);
  return {
    graph,
    opset,
    ...cache,
    layers: past.length / 2,
    kvType,
    takesPositions: given.includes('position_ids'),
    fused: fused[0] && {
      heads: fused[0].heads,
      mostPositions: [...fused.map((each) => each.mostPositions), ...positionsApart(graph)].reduce((a, b) =>
        Math.min(a, b),
      ),
    },
  };
}

/** How many positions there are in tables of angles by which queries and keys are turned before attention; the engine refuses more. */
function positionsApart(graph: GraphProto): number[] {
  const { initializer } = valuesOf(graph);
  return graph.node
    .filter(({ opType, domain }) => opType === 'RotaryEmbedding' && !isStandard(domain))
    .flatMap(({ input }) => input.slice(2, 4).flatMap((name) => initializer(name) ?? []))
    .map((table) => sidesOf(table)[0] ?? 0);
}

export const isStandard = (domain: string): boolean => domain === '' || domain === 'ai.onnx';

/** One pass from the end finds what is needed only where each node comes after those that it reads from, and makes new values. */
function assertOrder(graph: GraphProto): void {
  const known = new Set(['', ...graph.input.map(({ name }) => name)]);
  const held = new Set<string>();
  for (const { name } of graph.initializer) {
    if (held.has(name)) throw invalid(`initializer '${shown(name)}' of the graph`, 'there once', 'twice');
    held.add(name);
    known.add(name);
  }
  for (const node of graph.node) {
    for (const input of node.input)
      if (!known.has(input))
        throw invalid(
          `node '${shown(node.name)}' of the graph`,
          'inputs that are made before it',
          `'${shown(input)}'`,
        );
    for (const output of node.output) {
      if (output !== '' && known.has(output))
        throw invalid(`value '${shown(output)}' of the graph`, 'made once', 'made twice');
      known.add(output);
    }
  }
}

function whyNoInput(name: string): string {
  if (name === 'use_cache_branch') return REFUSED['If']!;
  if (/logits_to_keep/.test(name))
    return 'a pruned head, which gives logits of the last positions only; audits need all';
  if (/encoder/.test(name)) return 'a decoder of an encoder, which completes no prompt';
  return 'a decoder takes input_ids, attention_mask, position_ids and past_key_values';
}

/** Keys and values in the order of their layers. */
function cacheOf(values: readonly ValueInfoProto[], pattern: RegExp, what: string): ValueInfoProto[] {
  const found = new Map<string, ValueInfoProto>();
  for (const value of values) {
    const match = pattern.exec(value.name);
    if (match) found.set(`${Number(match[1])}.${match[2]}`, value);
  }
  const ordered: ValueInfoProto[] = [];
  for (let layer = 0; ordered.length < found.size; layer++)
    for (const part of ['key', 'value']) {
      const value = found.get(`${layer}.${part}`);
      if (!value)
        throw invalid(`${what} of the graph`, `layer after layer a key and a value`, `no ${layer}.${part}`);
      ordered.push(value);
    }
  return ordered;
}

const tensorOf = ({ type }: ValueInfoProto) =>
  type?.value.case === 'tensorType' ? type.value.value : undefined;

/** A side that differs from run to run is undefined. */
export const shapeOf = (value: ValueInfoProto): (number | undefined)[] =>
  (tensorOf(value)?.shape?.dim ?? []).map(({ value: side }) =>
    side.case === 'dimValue' ? Number(side.value) : undefined,
  );

const typeOf = (value: ValueInfoProto): DataType => tensorOf(value)?.elemType ?? DataType.UNSPECIFIED;
