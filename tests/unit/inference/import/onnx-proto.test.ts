import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { expect, test } from 'vitest';
import { concat, fromHex, toHex, utf8 } from '../../../../src/model/bytes.js';
import {
  AttributeProtoSchema,
  AttributeType,
  DataLocation,
  DataType,
  ModelProtoSchema,
  NodeProtoSchema,
  TensorProtoSchema,
  TypeProtoSchema,
} from '../../../../src/protocol/gen/onnx/onnx_pb.js';

const field = (number: number, bytes: Uint8Array) =>
  concat(varint(number * 8 + 2), varint(bytes.length), bytes);
const varint = (value: number): Uint8Array =>
  value < 128 ? Uint8Array.of(value) : concat(Uint8Array.of((value & 127) | 128), varint(value >>> 7));

test('fields that we have no name for come out again as they went in, at every depth', () => {
  const training = field(20, utf8('training_info'));
  const sparse = field(15, utf8('sparse_initializer'));
  const nodeProps = field(9, utf8('metadata_props'));
  const graph = concat(field(1, concat(field(4, utf8('MatMul')), nodeProps)), sparse);
  const model = fromBinary(ModelProtoSchema, concat(field(7, graph), training));
  expect(model.graph!.node[0]!.opType).toBe('MatMul');
  model.graph!.node[0]!.opType = 'Gemm';
  const hex = toHex(toBinary(ModelProtoSchema, model));
  for (const part of [training, sparse, nodeProps, utf8('Gemm')]) expect(hex).toContain(toHex(part));
  expect(hex).not.toContain(toHex(utf8('MatMul')));
});

test('a zero that is there stays there, and one that is not stays away', () => {
  const zero = fromHex('0a0161' + '1800' + 'a00102'); // name "a", i = 0, type INT
  const attribute = fromBinary(AttributeProtoSchema, zero);
  expect([attribute.name, attribute.i, attribute.type]).toEqual(['a', 0n, AttributeType.INT]);
  expect(toBinary(AttributeProtoSchema, attribute)).toEqual(zero);
  expect(toBinary(NodeProtoSchema, create(NodeProtoSchema, { input: ['', 'x'] }))).toEqual(
    fromHex('0a00' + '0a0178'),
  );
});

test('numbers on the wire are those of the format', () => {
  const tensor = create(TensorProtoSchema, {
    dims: [2n, 300n],
    dataType: DataType.BFLOAT16,
    name: 'w',
    externalData: [{ key: 'location', value: 'w.bin' }],
    dataLocation: DataLocation.EXTERNAL,
  });
  expect(toHex(toBinary(TensorProtoSchema, tensor))).toBe(
    [
      '0802',
      '08ac02',
      '1010',
      '420177',
      '6a11',
      '0a08',
      toHex(utf8('location')),
      '1205',
      toHex(utf8('w.bin')),
      '7001',
    ].join(''),
  );
  const type = {
    elemType: DataType.INT64,
    shape: { dim: [{ value: { case: 'dimParam', value: 'B' } as const }] },
  };
  expect(
    toHex(toBinary(TypeProtoSchema, create(TypeProtoSchema, { value: { case: 'tensorType', value: type } }))),
  ).toBe('0a09' + '0807' + '1205' + '0a03' + '120142');
  const model = create(ModelProtoSchema, { irVersion: 8n, opsetImport: [{ version: 17n }] });
  expect(toHex(toBinary(ModelProtoSchema, model))).toBe('0808' + '4202' + '1011');
});
