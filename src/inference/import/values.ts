// Owns: small questions about an ONNX graph: who makes a value, which constant it is. Does not own: what graphs must be (decoder-graph.ts).
import { invalid } from '../../model/invalid-input.js';
import type { GraphProto, NodeProto, TensorProto } from '../../protocol/gen/onnx/onnx_pb.js';

export interface Values {
  /** the node that makes it; undefined for inputs, initializers, and what is not there */
  producer(value: string): NodeProto | undefined;
  initializer(value: string): TensorProto | undefined;
  /** an initializer, or what a Constant node holds as a tensor */
  constant(value: string): TensorProto | undefined;
}

export function valuesOf(graph: GraphProto): Values {
  const producers = new Map<string, NodeProto>();
  for (const node of graph.node)
    for (const output of node.output) if (output !== '') producers.set(output, node);
  const initializers = new Map(graph.initializer.map((tensor) => [tensor.name, tensor]));
  return {
    producer: (value) => producers.get(value),
    initializer: (value) => initializers.get(value),
    constant(value) {
      const node = producers.get(value);
      if (node?.opType !== 'Constant') return initializers.get(value);
      return node.attribute.find(({ name }) => name === 'value')?.t;
    },
  };
}

/** The nodes, in their order, without which these values would not be. */
export function nodesBehind(nodes: readonly NodeProto[], values: readonly string[]): NodeProto[] {
  const wanted = new Set(values);
  const found: NodeProto[] = [];
  // each comes after those that it reads from, so one pass from the end sees all
  for (const node of nodes.toReversed()) {
    if (!node.output.some((output) => wanted.has(output))) continue;
    found.push(node);
    for (const input of node.input) wanted.add(input);
  }
  return found.reverse();
}

/** @throws AssayError `invalid-input` for a side that is no count */
export function sidesOf(tensor: TensorProto): number[] {
  return tensor.dims.map((side) => {
    const value = Number(side);
    if (!Number.isSafeInteger(value) || value < 0)
      throw invalid(`weights '${tensor.name.slice(0, 120)}'`, 'sides that are counts', `${side}`);
    return value;
  });
}
