// Owns: graphs put together from nodes, in messages of the ONNX format. Does not own: what they compute.
import { create } from '@bufbuild/protobuf';
import {
  AttributeType,
  DataType,
  GraphProtoSchema,
  type ModelProto,
  ModelProtoSchema,
  type NodeProto,
  NodeProtoSchema,
  type TensorProto,
  TensorProtoSchema,
  type ValueInfoProto,
  ValueInfoProtoSchema,
} from '../../protocol/gen/onnx/onnx_pb.js';
import type { Operators } from '../onnx/attention.js';

/** Its fields may be replaced; weights are not copied, as `clone` would. Unset fields are the prototype's. */
export const shallow = <T extends object>(message: T): T =>
  Object.assign(Object.create(Object.getPrototypeOf(message) as object), message) as T;

export interface Parts {
  readonly nodes: NodeProto[];
  readonly initializers: readonly TensorProto[];
  readonly inputs: ValueInfoProto[];
  readonly outputs: ValueInfoProto[];
}

export function graphOf(name: string, { irVersion }: ModelProto, opset: number, parts: Parts): ModelProto {
  return create(ModelProtoSchema, {
    irVersion,
    producerName: 'assay',
    opsetImport: [{ domain: '', version: BigInt(opset) }],
    graph: create(GraphProtoSchema, {
      name,
      node: parts.nodes,
      initializer: [...parts.initializers],
      input: parts.inputs,
      output: parts.outputs,
    }),
  });
}

type Attributes = Readonly<Record<string, number | readonly number[]>>;

export function op(
  opType: string,
  input: string[],
  output: string | string[],
  attributes: Attributes = {},
): NodeProto {
  const outputs = typeof output === 'string' ? [output] : output;
  return create(NodeProtoSchema, {
    opType,
    input,
    output: outputs,
    name: outputs[0]!,
    attribute: Object.entries(attributes).map(([name, value]) =>
      typeof value === 'number'
        ? { name, type: AttributeType.INT, i: BigInt(value) }
        : { name, type: AttributeType.INTS, ints: value.map(BigInt) },
    ),
  });
}

/** Nodes and constants for a graph of somebody else, by names that begin as theirs do not. */
export class NodeWriter implements Operators {
  readonly nodes: NodeProto[] = [];
  readonly initializers: TensorProto[] = [];
  #names = 0;

  constructor(private readonly prefix: string) {}

  op(type: string, inputs: readonly string[], attributes: Attributes = {}): string {
    return this.ops(type, inputs, 1, attributes)[0]!;
  }

  ops(type: string, inputs: readonly string[], outputs: number, attributes: Attributes = {}): string[] {
    const names = Array.from({ length: outputs }, () => this.#name());
    this.nodes.push(op(type, [...inputs], names, attributes));
    return names;
  }

  integers(values: readonly number[]): string {
    const name = this.#name();
    this.initializers.push(int64s(name, values));
    return name;
  }

  scalar(value: number): string {
    const name = this.#name();
    this.initializers.push(float(name, value));
    return name;
  }

  #name(): string {
    return `${this.prefix}${this.#names++}`;
  }
}

export const int64s = (name: string, values: readonly number[]): TensorProto =>
  create(TensorProtoSchema, {
    name,
    dims: [BigInt(values.length)],
    dataType: DataType.INT64,
    rawData: new Uint8Array(BigInt64Array.from(values, BigInt).buffer),
  });

export const tensorValue = (
  name: string,
  elemType: DataType,
  dims: readonly (number | string)[],
): ValueInfoProto =>
  create(ValueInfoProtoSchema, {
    name,
    type: {
      value: {
        case: 'tensorType',
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

export const float = (name: string, value: number): TensorProto =>
  create(TensorProtoSchema, {
    name,
    dataType: DataType.FLOAT,
    rawData: new Uint8Array(Float32Array.of(value).buffer),
  });
