// Owns: the layers of an export behind the inputs and outputs of our engine (onnx/graphs.ts). Does not own: the head (cut-head.ts).
import type { GraphProto, ModelProto, NodeProto } from '../../protocol/gen/onnx/onnx_pb.js';
import { DataType } from '../../protocol/gen/onnx/onnx_pb.js';
import { BODY } from '../onnx/graphs.js';
import { float, int64s, op, shallow, tensorValue } from './build.js';
import type { DecoderGraph } from './decoder-graph.js';
import { nodesBehind } from './values.js';

const RESERVED =
  /^(assay\..*|k|ids|positions|past_mask|new_mask|split|hidden|(past|new)_(keys|values)\.\d+)$/;

/** Values whose names are to be ours get others. */
export function withoutReserved(graph: GraphProto): GraphProto {
  const named = (name: string): string => (RESERVED.test(name) ? `its.${name}` : name);
  const own = shallow(graph);
  own.node = graph.node.map((node) => {
    const copy = shallow(node);
    copy.input = node.input.map(named);
    copy.output = node.output.map(named);
    return copy;
  });
  own.initializer = graph.initializer.map((tensor) => {
    if (!RESERVED.test(tensor.name)) return tensor;
    const copy = shallow(tensor);
    copy.name = named(tensor.name);
    return copy;
  });
  return own;
}

/** Beyond any cache. */
const TO_THE_END = 2 ** 31 - 1;

/**
 * The export's cache grows by concatenation, ours has a capacity of which a mask says what counts: what was padding within a row becomes
 * zeros of attention_mask, and of the present only the new rows go out, so that no cache is copied to the caller. Attention that was fused
 * is ours by now (fused-attention.ts), and reads the cache where it lies.
 *
 * @param hidden the value that goes into the output matrix
 */
export function bodyOf(model: ModelProto, decoder: DecoderGraph, hidden: string, width: number): ModelProto {
  const { graph, past, present, kvType, kvHeads, headWidth, layers, fused } = decoder;
  const half = kvType === DataType.FLOAT16;
  const before: NodeProto[] = [
    op('Identity', [BODY.ids], 'input_ids'),
    op('Identity', [BODY.positions], 'position_ids'),
    op('Equal', [BODY.pastMask, 'assay.zero'], 'assay.held'),
    op('Squeeze', ['assay.held', 'assay.axes'], 'assay.seen'),
    op('Cast', ['assay.seen'], 'assay.past', { to: DataType.INT64 }),
    op('Equal', [BODY.ids, BODY.ids], 'assay.new'),
    op('Cast', ['assay.new'], 'assay.fresh', { to: DataType.INT64 }),
    op('Concat', ['assay.past', 'assay.fresh'], 'attention_mask', { axis: 1 }),
    op('Gather', [BODY.split, 'assay.one'], 'assay.length', { axis: 0 }),
    op('Neg', ['assay.length'], 'assay.begin'),
  ];
  const after: NodeProto[] = [
    // exact for both types that it may have
    op('Cast', [hidden], BODY.hidden, { to: DataType.FLOAT }),
  ];
  // attention that was taken apart has our cache
  for (let layer = 0; layer < layers && !fused; layer++) {
    const [keys, values] = [past[2 * layer]!, past[2 * layer + 1]!];
    before.push(
      op('Transpose', [`${BODY.pastKeys}${layer}`], `assay.keys.${layer}`, { perm: [0, 1, 3, 2] }),
      op('Cast', [`assay.keys.${layer}`], keys, { to: kvType }),
      op('Cast', [`${BODY.pastValues}${layer}`], values, { to: kvType }),
    );
    const fresh = (value: string, part: string): string => {
      const name = `assay.${part}.${layer}`;
      const slice = ['assay.begin', 'assay.end', 'assay.rows'];
      after.push(op('Slice', [value, ...slice], name));
      if (half) after.push(op('Cast', [name], `${name}.wide`, { to: DataType.FLOAT }));
      return half ? `${name}.wide` : name;
    };
    after.push(
      op('Transpose', [fresh(present[2 * layer]!, 'new.keys')], `${BODY.newKeys}${layer}`, {
        perm: [0, 1, 3, 2],
      }),
      op('Identity', [fresh(present[2 * layer + 1]!, 'new.values')], `${BODY.newValues}${layer}`),
    );
  }
  const each = Array.from({ length: layers }, (_, layer) => layer);
  const cut = shallow(graph);
  const outputs = [
    tensorValue(BODY.hidden, DataType.FLOAT, ['batch', 'length', width]),
    ...each.flatMap((layer) => [
      tensorValue(`${BODY.newKeys}${layer}`, DataType.FLOAT, ['batch', kvHeads, headWidth, 'length']),
      tensorValue(`${BODY.newValues}${layer}`, DataType.FLOAT, ['batch', kvHeads, 'length', headWidth]),
    ]),
  ];
  cut.output = outputs;
  cut.node = nodesBehind(
    [...before, ...graph.node, ...after],
    outputs.map(({ name }) => name),
  );
  const used = new Set(cut.node.flatMap(({ input }) => input));
  cut.initializer = [
    ...graph.initializer,
    int64s('assay.one', [1]),
    int64s('assay.axes', [1, 2]),
    int64s('assay.end', [TO_THE_END]),
    int64s('assay.rows', [2]),
    float('assay.zero', 0),
  ].filter(({ name }) => used.has(name));
  const { FLOAT, INT64 } = DataType;
  cut.input = [
    tensorValue(BODY.ids, INT64, ['batch', 'length']),
    tensorValue(BODY.positions, INT64, ['batch', 'length']),
    tensorValue(BODY.pastMask, FLOAT, ['batch', 1, 1, 'capacity']),
    // the export makes its own of what came before
    tensorValue(BODY.newMask, FLOAT, ['queries', 'length']),
    tensorValue(BODY.split, INT64, [2]),
    ...each.flatMap((layer) => [
      tensorValue(`${BODY.pastKeys}${layer}`, FLOAT, ['batch', kvHeads, headWidth, 'capacity']),
      tensorValue(`${BODY.pastValues}${layer}`, FLOAT, ['batch', kvHeads, 'capacity', headWidth]),
    ]),
  ];
  cut.valueInfo = [];
  const body = shallow(model);
  body.graph = cut;
  return body;
}
