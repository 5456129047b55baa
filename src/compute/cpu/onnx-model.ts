// Owns: the one ONNX model that the CPU backend runs, written in protobuf's wire format by hand: no Python, no codegen.
import { concat, utf8 } from '../../model/bytes.js';

/** onnx.proto TensorProto.DataType */
const TYPE = { uint8: 2, int8: 3, int32: 6 } as const;
type Type = keyof typeof TYPE;

export const MODEL = { left: 'a', product: 'c' } as const;
const OPERAND = 'b';
const ZERO_POINT = 'z';

/**
 * c = MatMulInteger(a, b, zero point of a): uint8 x int8 with zero point 128 is the exact product of int8 operands, and
 * the only form that the runtime's fast kernels take: their instructions multiply unsigned by signed bytes (vpmaddubsw,
 * vpdpbusd), and int8 x int8 falls back to a kernel that is many times slower.
 * B is a constant, so that the runtime packs it once; the rows of `a` are free.
 */
export function matMulIntegerModel(b: Int8Array, n: number): Uint8Array {
  const node = concat(
    text(1, MODEL.left),
    text(1, OPERAND),
    text(1, ZERO_POINT),
    text(2, MODEL.product),
    text(4, 'MatMulInteger'),
  );
  const graph = concat(
    bytes(1, node),
    text(2, 'product'),
    bytes(5, tensor(OPERAND, 'int8', [n, n], new Uint8Array(b.buffer, b.byteOffset, b.byteLength))),
    bytes(5, tensor(ZERO_POINT, 'uint8', [], Uint8Array.of(128))),
    bytes(11, valueInfo(MODEL.left, 'uint8', n)),
    bytes(12, valueInfo(MODEL.product, 'int32', n)),
  );
  const opset = concat(text(1, ''), integer(2, 13));
  // ModelProto: ir_version 8, producer, graph, opset 13 of the default domain
  return concat(integer(1, 8), text(2, 'assay'), bytes(7, graph), bytes(8, opset));
}

/** TensorProto: dims, data_type, name, raw_data */
function tensor(name: string, type: Type, dims: readonly number[], raw: Uint8Array): Uint8Array {
  return concat(...dims.map((dim) => integer(1, dim)), integer(2, TYPE[type]), text(8, name), bytes(9, raw));
}

/** ValueInfoProto of a matrix with any number of rows and `columns` columns. */
function valueInfo(name: string, type: Type, columns: number): Uint8Array {
  const shape = concat(bytes(1, text(2, 'rows')), bytes(1, integer(1, columns)));
  const tensorType = concat(integer(1, TYPE[type]), bytes(2, shape));
  return concat(text(1, name), bytes(2, bytes(1, tensorType)));
}

const integer = (field: number, value: number): Uint8Array => concat(varint(field << 3), varint(value));
const text = (field: number, value: string): Uint8Array => bytes(field, utf8(value));
const bytes = (field: number, value: Uint8Array): Uint8Array =>
  concat(varint((field << 3) | 2), varint(value.length), value);

function varint(value: number): Uint8Array {
  const out: number[] = [];
  let rest = value;
  for (; rest > 127; rest = Math.floor(rest / 128)) out.push((rest % 128) | 128);
  out.push(rest);
  return Uint8Array.from(out);
}
