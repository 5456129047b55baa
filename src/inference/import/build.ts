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

export function op(
  opType: string,
  input: string[],
  output: string | string[],
  attributes: Readonly<Record<string, number | readonly number[]>> = {},
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
