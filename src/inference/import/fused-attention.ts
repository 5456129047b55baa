// Owns: GroupQueryAttention of an export as standard operators over our cache: which of them can be, and what takes their place. Does
// not own: attention itself (onnx/attention.ts), the rest of the layers (body.ts).
import { unsupported } from '../../model/errors.js';
import {
  type AttributeProto,
  DataType,
  type GraphProto,
  type NodeProto,
} from '../../protocol/gen/onnx/onnx_pb.js';
import { nameShown as shown } from '../foreign.js';
import { splitAttention } from '../onnx/attention.js';
import { BODY } from '../onnx/graphs.js';
import { NodeWriter, op, shallow } from './build.js';
import { sidesOf, valuesOf } from './values.js';

export const FUSED = 'GroupQueryAttention';
/** Places of its inputs; lengths of rows, which the cut graph has no use for, stand between. */
const AT = { query: 0, key: 1, value: 2, pastKey: 3, pastValue: 4, cos: 7, sin: 8, positions: 9 } as const;
const NO_WINDOW = -1;
const NAMES_BEYOND = ['attention_bias', 'head_sink', 'k_scale', 'v_scale'];

/** Names of past and present keys and values, layer after layer, and their sizes. */
export interface CacheNames {
  readonly past: readonly string[];
  readonly present: readonly string[];
  readonly kvHeads: number;
  readonly headWidth: number;
}

export interface FusedLayer {
  readonly layer: number;
  readonly node: NodeProto;
  readonly heads: number;
  /** of scores; undefined: by the root of the head width */
  readonly factor: number | undefined;
  /** tables of the angles, where it rotates queries and keys itself */
  readonly rotary: { readonly cos: string; readonly sin: string } | undefined;
  /** up to which a token sees all before it, and has angles */
  readonly mostPositions: number;
}

const refuse = (why: string) =>
  unsupported(`operator ${FUSED} of the graph`, `${why}; what does import: docs/guide/bring-your-model.md`);

/** Attributes that are none while they say this; every other one that we do not know is refused. */
const NEUTRAL: Readonly<Record<string, (attribute: AttributeProto) => boolean>> = Object.assign(
  Object.create(null),
  {
    rotary_interleaved: ({ i }: AttributeProto) => i === 0n,
    softcap: ({ f }: AttributeProto) => f === 0,
    smooth_softmax: ({ i }: AttributeProto) => i <= 0n,
    qk_output: ({ i }: AttributeProto) => i === 0n,
    kv_cache_bit_width: ({ i }: AttributeProto) => i === 0n,
    k_quant_type: ({ s }: AttributeProto) => Buffer.from(s).toString() === 'NONE',
    v_quant_type: ({ s }: AttributeProto) => Buffer.from(s).toString() === 'NONE',
  },
);

/**
 * Every one of the graph, in its order: none, or one for each layer.
 * @throws AssayError `unsupported` naming what ours does not do
 */
export function fusedLayersOf(
  graph: GraphProto,
  { past, present, kvHeads, headWidth }: CacheNames,
): FusedLayer[] {
  const values = valuesOf(graph);
  const found = graph.node
    .filter(({ opType }) => opType === FUSED)
    .map((node): FusedLayer => {
      const { input, output, attribute, domain } = node;
      const of = (name: string) => attribute.find((each) => each.name === name);
      const count = (name: string): number => Number(of(name)?.i ?? 0n);
      for (const each of attribute)
        if (!KNOWN.has(each.name) && NEUTRAL[each.name]?.(each) !== true)
          throw refuse(`its attribute ${shown(each.name)} is one that our attention does not have`);
      const layer = past.indexOf(input[AT.pastKey] ?? '') / 2;
      if (
        !Number.isInteger(layer) ||
        input[AT.pastValue] !== past[2 * layer + 1] ||
        output[1] !== present[2 * layer] ||
        output[2] !== present[2 * layer + 1] ||
        (output[3] ?? '') !== ''
      )
        throw refuse('its cache is not past and present keys and values of one layer');
      if (domain !== 'com.microsoft')
        throw refuse(`it is one of '${shown(domain)}', must be com.microsoft's`);
      const heads = count('num_heads');
      if (count('kv_num_heads') !== kvHeads || heads < 1 || heads % kvHeads !== 0)
        throw refuse(`${heads} heads on ${count('kv_num_heads')}, where the cache has ${kvHeads}`);
      if (((input[AT.key] ?? '') === '') !== ((input[AT.value] ?? '') === ''))
        throw refuse('keys without values, or values without keys');
      if ((input[AT.positions] ?? '') !== '' && input[AT.positions] !== 'position_ids')
        throw refuse('its positions are not those of the input');
      const beyond = input.findIndex((name, i) => i > AT.positions && name !== '');
      if (beyond !== -1)
        throw refuse(
          `its input ${NAMES_BEYOND[beyond - AT.positions - 1] ?? beyond} is none of our attention`,
        );
      const window = Number(of('local_window_size')?.i ?? NO_WINDOW);
      if (window < 1 && window !== NO_WINDOW) throw refuse(`a window of ${window}`);
      let mostPositions = window === NO_WINDOW ? Number.POSITIVE_INFINITY : window;
      const tables = [input[AT.cos], input[AT.sin]].map((name) => values.initializer(name ?? ''));
      const rotates = count('do_rotary') === 1;
      if (rotates)
        for (const table of tables) {
          const [rows = 0, width = 0] = table ? sidesOf(table) : [];
          if (width * 2 !== headWidth || sidesOf(table!).length !== 2)
            throw refuse(`angles of ${2 * width} of ${headWidth} numbers of a head, must be all of them`);
          mostPositions = Math.min(mostPositions, rows);
        }
      const scale = of('scale')?.f ?? 0;
      return {
        layer,
        node,
        heads,
        factor: scale === 0 ? undefined : scale,
        rotary: rotates ? { cos: input[AT.cos]!, sin: input[AT.sin]! } : undefined,
        mostPositions,
      };
    });
  const layers = new Set(found.map(({ layer }) => layer));
  if (found.length > 0 && (layers.size !== found.length || found.length * 2 !== past.length))
    throw refuse(`${found.length} in ${past.length / 2} layers, must be one in each`);
  if (found.some(({ heads }) => heads !== found[0]!.heads)) throw refuse('layers differ in their heads');
  return found;
}

const KNOWN: ReadonlySet<string> = new Set([
  'num_heads',
  'kv_num_heads',
  'scale',
  'do_rotary',
  'local_window_size',
]);

/**
 * The graph with the body's own cache in place of its: keys and values of new tokens go out as `BODY.newKeys` and `BODY.newValues`, of
 * every layer. In float32, whatever the layers compute in.
 */
export function withStandardAttention(
  graph: GraphProto,
  cache: CacheNames & { readonly kvType: DataType },
): GraphProto {
  const { kvHeads, headWidth, kvType } = cache;
  const half = kvType === DataType.FLOAT16;
  const fused = new Map(fusedLayersOf(graph, cache).map((each) => [each.node, each]));
  if (fused.size === 0) return graph;
  const w = new NodeWriter('assay.fused.');
  const wide = (value: string): string => (half ? w.op('Cast', [value], { to: DataType.FLOAT }) : value);
  const perHead = w.integers([0, 0, -1, headWidth]);
  const axis2 = w.integers([2]);
  const halves = w.integers([headWidth / 2, headWidth / 2]);
  const angles = new Map<string, string>();
  const anglesOf = (table: string): string => {
    const known = angles.get(table);
    if (known !== undefined) return known;
    const made = w.op('Unsqueeze', [wide(w.op('Gather', [table, BODY.positions])), axis2]);
    angles.set(table, made);
    return made;
  };

  const replaced = ({ layer, node, heads, factor, rotary }: FusedLayer): void => {
    const { input } = node;
    const sizes = [heads, kvHeads, kvHeads].map((count) => count * headWidth);
    const given =
      (input[AT.key] ?? '') === ''
        ? w.ops('Split', [input[AT.query]!, w.integers(sizes)], 3, { axis: -1 })
        : [AT.query, AT.key, AT.value].map((place) => input[place]!);
    const [q, k, v] = given.map((value) => w.op('Reshape', [wide(value), perHead])) as [
      string,
      string,
      string,
    ];
    const rotated = (x: string): string => {
      if (!rotary) return x;
      const [cos, sin] = [anglesOf(rotary.cos), anglesOf(rotary.sin)];
      const [real, imaginary] = w.ops('Split', [x, halves], 2, { axis: -1 }) as [string, string];
      const turned = [
        w.op('Sub', [w.op('Mul', [real, cos]), w.op('Mul', [imaginary, sin])]),
        w.op('Add', [w.op('Mul', [imaginary, cos]), w.op('Mul', [real, sin])]),
      ];
      return w.op('Concat', turned, { axis: -1 });
    };
    const newKeys = w.op('Transpose', [rotated(k)], { perm: [0, 2, 3, 1] });
    const newValues = w.op('Transpose', [v], { perm: [0, 2, 1, 3] });
    const attended = splitAttention(
      w,
      { heads, kvHeads, headWidth },
      BODY,
      factor,
    )({
      query: rotated(q),
      pastKeys: `${BODY.pastKeys}${layer}`,
      pastValues: `${BODY.pastValues}${layer}`,
      newKeys,
      newValues,
    });
    w.nodes.push(
      op('Identity', [newKeys], `${BODY.newKeys}${layer}`),
      op('Identity', [newValues], `${BODY.newValues}${layer}`),
      half
        ? op('Cast', [attended], node.output[0]!, { to: DataType.FLOAT16 })
        : op('Identity', [attended], node.output[0]!),
    );
  };

  const own = shallow(graph);
  own.node = graph.node.flatMap((node) => {
    const layer = fused.get(node);
    if (!layer) return [node];
    const from = w.nodes.length;
    replaced(layer);
    return w.nodes.slice(from);
  });
  own.initializer = [...graph.initializer, ...w.initializers];
  return own;
}
