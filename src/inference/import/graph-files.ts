// Owns: ONNX files read within limits, and graphs written over one file of weights that they share. Does not own: what graphs are
// (decoder-graph.ts, cut-head.ts).
import type { FileHandle } from 'node:fs/promises';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { AssayError } from '../../model/errors.js';
import { invalid } from '../../model/invalid-input.js';
import {
  DataLocation,
  DataType,
  type ModelProto,
  ModelProtoSchema,
  type TensorProto,
  TensorProtoSchema,
} from '../../protocol/gen/onnx/onnx_pb.js';
import type { Folder } from '../folder.js';
import { chunksOf, type ModelFile, type ModelFileWriter } from '../model-folder.js';
import { sidesOf } from './values.js';

export const WEIGHTS_FILE = 'weights.data';
/** One buffer of Node, and of protobuf. */
const MAX_MODEL_BYTES = 2 ** 31 - 1;
/** Everything but raw weights, which become objects many times as large. A decoder of a hundred layers has some 5 MB of it. */
const MAX_STRUCTURE_BYTES = 64 << 20;
/** Smaller tensors stay in the graph: constants of shapes and scales. */
const MIN_SHARED_BYTES = 1024;
/** Where weights begin, so that they can be mapped into memory. */
const PAGE = 4096;
const MAX_WEIGHTS_BYTES = 2 ** 40;

/** Where the other files of a model are. */
export interface From {
  readonly folder: Folder;
  /** of the model within the folder, from which locations are counted: empty, or with `/` at the end */
  readonly base: string;
}

/** @throws AssayError `invalid-input`, `limit-exceeded` */
export async function readModel(folder: Folder, name: string): Promise<ModelProto> {
  const bytes = await folder.read(name, MAX_MODEL_BYTES);
  const structure = structureBytes(bytes, name);
  if (structure > MAX_STRUCTURE_BYTES)
    throw new AssayError(
      'limit-exceeded',
      `${name}: ${structure} bytes beside its weights, limit ${MAX_STRUCTURE_BYTES}`,
      {
        what: `structure of ${name}`,
        limit: MAX_STRUCTURE_BYTES,
        got: structure,
      },
    );
  try {
    return fromBinary(ModelProtoSchema, bytes);
  } catch (error) {
    throw invalid(name, 'an ONNX model', 'something else', error);
  }
}

/** Bytes of a model without the raw data of its initializers, by a walk over the outermost fields: nothing is made of them yet. */
function structureBytes(bytes: Uint8Array, name: string): number {
  let raw = 0;
  const fields = (from: number, to: number, visit: (no: number, from: number, to: number) => void): void => {
    let at = from;
    const varint = (): number => {
      let value = 0;
      for (let shift = 0; shift < 70; shift += 7) {
        if (at >= to) break;
        const byte = bytes[at++]!;
        value += (byte & 127) * 2 ** shift;
        if (byte < 128) return value;
      }
      throw invalid(name, 'an ONNX model', 'something else');
    };
    while (at < to) {
      const tag = varint();
      const kind = tag % 8;
      if (kind === 0) varint();
      else if (kind === 1) at += 8;
      else if (kind === 5) at += 4;
      else if (kind === 2) {
        const length = varint();
        visit(Math.floor(tag / 8), at, at + length);
        at += length;
      } else throw invalid(name, 'an ONNX model', 'something else');
      if (at > to) throw invalid(name, 'an ONNX model', 'one that ends before its end');
    }
  };
  fields(0, bytes.length, (ofModel, from, to) => {
    if (ofModel !== 7 || to > bytes.length) return;
    fields(from, to, (ofGraph, begin, end) => {
      if (ofGraph !== 5 || end > to) return;
      fields(begin, end, (ofTensor, first, last) => {
        if (ofTensor === 9) raw += last - first;
      });
    });
  });
  return bytes.length - raw;
}

/**
 * Writes weights of all graphs into one file, each once, and lets the graphs point into it.
 *
 * @param graphs changed in place: tensors that move become new ones
 * @param onProgress bytes written, of about how many
 * @throws AssayError `invalid-input` for weights that lie outside the folder, or are not as long as their shape
 */
export async function shareWeights(
  graphs: readonly ModelProto[],
  { folder, base }: From,
  file: ModelFileWriter,
  signal: AbortSignal,
  onProgress?: (done: number, total: number) => void,
): Promise<ModelFile> {
  const moved = new Map<string, TensorProto>();
  const unique = new Map(
    graphs.flatMap(({ graph }) => graph?.initializer ?? []).map((each) => [each.name, each]),
  );
  let total = 0;
  for (const tensor of unique.values()) if (isMoved(tensor)) total += bytesOf(tensor);
  const sources = new Map<string, { readonly handle: FileHandle; readonly size: number }>();
  // the same range named a thousand times would fill a disk
  let allowance = 0;
  const source = async (location: string) => {
    const known = sources.get(location);
    if (known) return known;
    const handle = await folder.open(base + location);
    const opened = { handle, size: (await handle.stat()).size };
    sources.set(location, opened);
    allowance += opened.size;
    return opened;
  };
  const place = async (
    tensor: TensorProto,
    length: number,
    chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  ) => {
    const gap = (PAGE - (file.at % PAGE)) % PAGE;
    if (gap > 0) await file.write(new Uint8Array(gap));
    const offset = file.at;
    if (offset + length > MAX_WEIGHTS_BYTES)
      throw new AssayError('limit-exceeded', `weights: more than ${MAX_WEIGHTS_BYTES} bytes`, {
        what: 'weights',
        limit: MAX_WEIGHTS_BYTES,
        got: offset + length,
      });
    for await (const chunk of chunks) {
      await file.write(chunk);
      onProgress?.(file.at, total);
    }
    const { dims, dataType, name } = tensor;
    const entries = Object.entries({ location: WEIGHTS_FILE, offset, length });
    const externalData = entries.map(([key, value]) => ({ key, value: `${value}` }));
    const dataLocation = DataLocation.EXTERNAL;
    moved.set(name, create(TensorProtoSchema, { dims, dataType, name, externalData, dataLocation }));
  };

  try {
    for (const { graph } of graphs)
      for (const tensor of graph?.initializer ?? []) {
        if (moved.has(tensor.name)) continue;
        const expected = bytesOf(tensor);
        if (isExternal(tensor)) {
          const { location, offset, length } = placeOf(tensor);
          const { handle, size } = await source(location);
          const bytes = length ?? size - offset;
          const what = `weights '${tensor.name.slice(0, 120)}' in ${location}`;
          if (offset + bytes > size)
            throw invalid(what, `a range of its ${size} bytes`, `${bytes} from ${offset}`);
          if (bytes !== expected) throw invalid(what, `${expected} bytes, as their shape has`, `${bytes}`);
          allowance -= bytes;
          if (allowance < 0) throw invalid(what, 'bytes that are not those of others', 'the same again');
          await place(tensor, bytes, chunksOf(handle, offset, bytes, signal));
        } else if (isMoved(tensor)) {
          if (tensor.rawData.length !== expected)
            throw invalid(
              `weights '${tensor.name.slice(0, 120)}'`,
              `${expected} bytes, as their shape has`,
              `${tensor.rawData.length}`,
            );
          await place(tensor, expected, [tensor.rawData]);
        }
      }
  } finally {
    for (const { handle } of sources.values()) await handle.close();
  }
  for (const { graph } of graphs)
    if (graph) graph.initializer = graph.initializer.map((tensor) => moved.get(tensor.name) ?? tensor);
  return file.end();
}

/**
 * That every other file which the model names is one of its folder, of weights too that no cut graph has: engines open them all.
 * @throws AssayError `invalid-input`
 */
export async function assertLocations(model: ModelProto, { folder, base }: From): Promise<void> {
  const seen = new Set<string>();
  for (const tensor of model.graph?.initializer ?? []) {
    if (!isExternal(tensor)) continue;
    const { location } = placeOf(tensor);
    if (seen.has(location)) continue;
    seen.add(location);
    await (await folder.open(base + location)).close();
  }
}

export const encodeModel = (model: ModelProto): Uint8Array => toBinary(ModelProtoSchema, model);

const isExternal = (tensor: TensorProto): boolean =>
  tensor.dataLocation === DataLocation.EXTERNAL || tensor.externalData.length > 0;

const isMoved = (tensor: TensorProto): boolean =>
  isExternal(tensor) || tensor.rawData.length >= MIN_SHARED_BYTES;

const BYTES: Readonly<Record<number, number>> = {
  [DataType.FLOAT]: 4,
  [DataType.UINT8]: 1,
  [DataType.INT8]: 1,
  [DataType.UINT16]: 2,
  [DataType.INT16]: 2,
  [DataType.INT32]: 4,
  [DataType.INT64]: 8,
  [DataType.BOOL]: 1,
  [DataType.FLOAT16]: 2,
  [DataType.DOUBLE]: 8,
  [DataType.UINT32]: 4,
  [DataType.UINT64]: 8,
  [DataType.BFLOAT16]: 2,
};

function bytesOf(tensor: TensorProto): number {
  const size = BYTES[tensor.dataType];
  const what = `weights '${tensor.name.slice(0, 120)}'`;
  if (size === undefined) throw invalid(what, 'elements of 1, 2, 4 or 8 bytes', `type ${tensor.dataType}`);
  const bytes = sidesOf(tensor).reduce((product, side) => product * side, size);
  if (!Number.isSafeInteger(bytes)) throw invalid(what, 'a shape that can be counted', `[${tensor.dims}]`);
  return bytes;
}

function placeOf(tensor: TensorProto): { location: string; offset: number; length: number | undefined } {
  const what = `weights '${tensor.name.slice(0, 120)}'`;
  const entries = new Map(tensor.externalData.map(({ key, value }) => [key, value]));
  const integer = (key: string): number | undefined => {
    const text = entries.get(key);
    if (text === undefined) return undefined;
    if (!/^\d{1,15}$/.test(text))
      throw invalid(`${key} of ${what}`, 'a number of bytes', JSON.stringify(text.slice(0, 40)));
    return Number(text);
  };
  const location = entries.get('location');
  if (location === undefined) throw invalid(what, 'a location', 'none');
  return { location, offset: integer('offset') ?? 0, length: integer('length') };
}
