// Owns: ONNX models in protobuf's wire format, written by hand: the same bytes for the same graph, whatever a library's next version
// does, as graph digests need. Does not own: which graphs (body.ts, head.ts), reading those of others.
import { concat, utf8 } from '../../model/bytes.js';

/** onnx.proto TensorProto.DataType */
const TYPES = { float: 1, int64: 7 } as const;
type Type = keyof typeof TYPES;

/** A number, or the name of one that differs from run to run. */
export type Dim = number | string;
export type Attribute = number | readonly number[] | { readonly float: number };

/** The newest operator that we use came with opset 13; 17 is what every runtime of the last years takes. */
const OPSET = 17;
const IR_VERSION = 8;
/** onnx.proto TensorProto.DataLocation */
const EXTERNAL = 1;
/** onnx.proto AttributeProto.AttributeType */
const ATTRIBUTE = { float: 1, int: 2, ints: 7 } as const;

export class GraphWriter {
  readonly #nodes: Uint8Array[] = [];
  readonly #initializers: Uint8Array[] = [];
  readonly #inputs: Uint8Array[] = [];
  readonly #outputs: Uint8Array[] = [];
  #names = 0;

  constructor(private readonly name: string) {}

  input(name: string, type: Type, shape: readonly Dim[]): string {
    this.#inputs.push(valueInfo(name, type, shape));
    return name;
  }

  /** @param value what it is known as inside */
  output(name: string, value: string, type: Type, shape: readonly Dim[]): void {
    this.#nodes.push(node('Identity', [value], [name], {}));
    this.#outputs.push(valueInfo(name, type, shape));
  }

  /** Float32 that lies outside the model: in a buffer known as `name`, handed in with it. */
  external(name: string, shape: readonly number[]): string {
    const bytes = 4 * shape.reduce((product, side) => product * side, 1);
    const entries = { location: name, offset: '0', length: `${bytes}` };
    this.#initializers.push(
      concat(
        ...shape.map((side) => integer(1, side)),
        integer(2, TYPES.float),
        text(8, name),
        ...Object.entries(entries).map(([key, value]) => field(13, concat(text(1, key), text(2, value)))),
        integer(14, EXTERNAL),
      ),
    );
    return name;
  }

  integers(values: readonly number[]): string {
    const data = BigInt64Array.from(values, BigInt);
    return this.#constant('int64', [values.length], new Uint8Array(data.buffer));
  }

  scalar(value: number): string {
    return this.#constant('float', [], new Uint8Array(Float32Array.of(value).buffer));
  }

  op(type: string, inputs: readonly string[], attributes: Readonly<Record<string, Attribute>> = {}): string {
    return this.ops(type, inputs, 1, attributes)[0];
  }

  /** An operator with several outputs. */
  ops(
    type: string,
    inputs: readonly string[],
    outputs: number,
    attributes: Readonly<Record<string, Attribute>> = {},
  ): string[] {
    const names = Array.from({ length: outputs }, () => `t${this.#names++}`);
    this.#nodes.push(node(type, inputs, names, attributes));
    return names;
  }

  /** @param metadata what the graph hangs on and does not show */
  finish(metadata: Readonly<Record<string, string>> = {}): Uint8Array {
    const graph = concat(
      ...this.#nodes.map((bytes) => field(1, bytes)),
      text(2, this.name),
      ...this.#initializers.map((bytes) => field(5, bytes)),
      ...this.#inputs.map((bytes) => field(11, bytes)),
      ...this.#outputs.map((bytes) => field(12, bytes)),
    );
    const opset = concat(text(1, ''), integer(2, OPSET));
    const properties = Object.entries(metadata).map(([key, value]) =>
      field(14, concat(text(1, key), text(2, value))),
    );
    return concat(integer(1, IR_VERSION), text(2, 'assay'), field(7, graph), field(8, opset), ...properties);
  }

  #constant(type: Type, shape: readonly number[], raw: Uint8Array): string {
    const name = `c${this.#names++}`;
    this.#initializers.push(
      concat(...shape.map((side) => integer(1, side)), integer(2, TYPES[type]), text(8, name), field(9, raw)),
    );
    return name;
  }
}

function node(
  type: string,
  inputs: readonly string[],
  outputs: readonly string[],
  attributes: Readonly<Record<string, Attribute>>,
): Uint8Array {
  return concat(
    ...inputs.map((name) => text(1, name)),
    ...outputs.map((name) => text(2, name)),
    text(4, type),
    ...Object.entries(attributes).map(([name, value]) => field(5, attribute(name, value))),
  );
}

function attribute(name: string, value: Attribute): Uint8Array {
  if (typeof value === 'number') return concat(text(1, name), integer(3, value), integer(20, ATTRIBUTE.int));
  if ('float' in value) {
    const bits = new Uint8Array(Float32Array.of(value.float).buffer);
    return concat(text(1, name), Uint8Array.of((2 << 3) | 5), bits, integer(20, ATTRIBUTE.float));
  }
  return concat(text(1, name), ...value.map((item) => integer(8, item)), integer(20, ATTRIBUTE.ints));
}

function valueInfo(name: string, type: Type, shape: readonly Dim[]): Uint8Array {
  const dims = shape.map((dim) => field(1, typeof dim === 'number' ? integer(1, dim) : text(2, dim)));
  const tensorType = concat(integer(1, TYPES[type]), field(2, concat(...dims)));
  return concat(text(1, name), field(2, field(1, tensorType)));
}

const integer = (number: number, value: number): Uint8Array => concat(varint(number << 3), varint(value));
const text = (number: number, value: string): Uint8Array => field(number, utf8(value));
const field = (number: number, value: Uint8Array): Uint8Array =>
  concat(varint((number << 3) | 2), varint(value.length), value);

/** Negative ones as protobuf has them: 64-bit two's complement. */
function varint(value: number): Uint8Array {
  const out: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  for (; rest > 127n; rest >>= 7n) out.push(Number(rest & 127n) | 128);
  out.push(Number(rest));
  return Uint8Array.from(out);
}
