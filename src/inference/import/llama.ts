// Owns: the safetensors of an export as the master file of our decoder. Does not own: its config (hugging-face.ts).
import type { FileHandle } from 'node:fs/promises';
import { unsupported } from '../../model/errors.js';
import { invalid } from '../../model/invalid-input.js';
import { words16 } from '../bf16.js';
import { type DecoderConfig, tensorsOf } from '../decoder.js';
import { type Folder, MAX_CONFIG_BYTES } from '../folder.js';
import { chunksOf, type ModelFile, type ModelFileWriter } from '../model-folder.js';
import {
  byteLength,
  encodeHeader,
  fileSource,
  openSafetensors,
  type TensorEntry,
  type TensorShape,
} from '../safetensors.js';

const SINGLE = 'model.safetensors';
const INDEX = 'model.safetensors.index.json';
const MAX_SHARDS = 1000;
export const MASTER_FILE = 'master.safetensors';

export interface Shards {
  readonly tensors: ReadonlyMap<string, { readonly entry: TensorEntry; readonly handle: FileHandle }>;
  close(): Promise<void>;
}

export const hasSafetensors = async (folder: Folder): Promise<boolean> =>
  (await folder.has(SINGLE)) || (await folder.has(INDEX));

/** @throws AssayError `invalid-input` for files that are none, or do not hold what the index says */
export async function openShards(folder: Folder): Promise<Shards> {
  const single = await folder.has(SINGLE);
  const map = single ? undefined : await weightMap(folder);
  const tensors = new Map<string, { entry: TensorEntry; handle: FileHandle }>();
  const handles: FileHandle[] = [];
  const close = async () => {
    for (const handle of handles.splice(0)) await handle.close();
  };
  try {
    for (const name of map ? new Set(map.values()) : [SINGLE]) {
      const handle = await folder.open(name);
      handles.push(handle);
      for (const entry of (await openSafetensors(await fileSource(handle, name), name)).tensors) {
        if (map && map.get(entry.name) !== name)
          throw invalid(
            `'${entry.name}' in ${name}`,
            `to be in ${map.get(entry.name) ?? 'no file'}, as ${INDEX} says`,
            'it here',
          );
        tensors.set(entry.name, { entry, handle });
      }
    }
    for (const [name, file] of map ?? [])
      if (!tensors.has(name)) throw invalid(`'${name}' of ${INDEX}`, `to be in ${file}`, 'none there');
    return { tensors, close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function weightMap(folder: Folder): Promise<ReadonlyMap<string, string>> {
  const index = await folder.readJson(INDEX, 4 * MAX_CONFIG_BYTES);
  const map =
    typeof index === 'object' && index !== null && 'weight_map' in index ? index.weight_map : undefined;
  if (typeof map !== 'object' || map === null || Array.isArray(map))
    throw invalid(`weight_map of ${INDEX}`, 'an object of file names', 'something else');
  const entries = Object.entries(map);
  for (const [, file] of entries)
    if (typeof file !== 'string' || !file.endsWith('.safetensors'))
      throw invalid(
        `weight_map of ${INDEX}`,
        'names of .safetensors files',
        JSON.stringify(file)?.slice(0, 80) ?? '',
      );
  const found = new Map<string, string>(entries);
  const shards = new Set(found.values()).size;
  if (shards < 1 || shards > MAX_SHARDS)
    throw invalid(`weight_map of ${INDEX}`, `1..${MAX_SHARDS} files`, `${shards}`);
  return found;
}

/** Derived from the config, and in checkpoints of old all the same. */
const DERIVED = /^model\.layers\.\d+\.self_attn\.rotary_emb\.inv_freq$/;

/**
 * Which tensor of the export each of the master's is, and of which type. bf16 and float32 stay what they are; float16, which bf16
 * cannot hold, becomes float32: nothing is rounded.
 *
 * @throws AssayError `unsupported` for tensors that our decoder has no use for, `invalid-input` for missing ones and other shapes
 */
export function masterTensors(config: DecoderConfig, { tensors }: Shards): TensorShape[] {
  const wanted = tensorsOf(config);
  const names = new Set(wanted.map(({ name }) => name));
  for (const name of tensors.keys()) if (!names.has(name) && !DERIVED.test(name)) throw notOurs(name, config);
  return wanted.map(({ name, shape }) => {
    const found = tensors.get(name)?.entry;
    if (!found) throw invalid(`'${name}' of the export`, `a tensor [${shape}], as its config has`, 'none');
    if (`${found.shape}` !== `${shape}`)
      throw invalid(`'${name}' of the export`, `[${shape}], as its config has`, `[${found.shape}]`);
    if (found.dtype !== 'BF16' && found.dtype !== 'F32' && found.dtype !== 'F16')
      throw unsupported(
        `'${name}' of the export`,
        `weights must be BF16, F16 or F32, these are ${found.dtype}`,
      );
    return { name, shape, dtype: found.dtype === 'BF16' ? 'BF16' : 'F32' };
  });
}

function notOurs(name: string, config: DecoderConfig) {
  const what = `tensor '${name.slice(0, 120)}' of the export`;
  if (name === 'lm_head.weight' && config.tied)
    return unsupported(what, 'its config says that the output matrix is the embedding (tie_word_embeddings)');
  if (name.endsWith('.bias')) return unsupported(what, 'a decoder of this family has no such bias');
  if (/[qk]_norm\.weight$/.test(name))
    return unsupported(what, 'a decoder of this family norms no queries and keys');
  return unsupported(what, 'our decoder has no such tensor: leaving it out would be another model');
}

/** Writes the master file; tensors pass through in pieces, none is wholly in memory. */
export async function writeMaster(
  shapes: readonly TensorShape[],
  { tensors }: Shards,
  file: ModelFileWriter,
  signal: AbortSignal,
  onProgress?: (done: number, total: number) => void,
): Promise<ModelFile> {
  const header = encodeHeader(shapes);
  const total = shapes.reduce((sum, { dtype, shape }) => sum + byteLength(dtype, shape), header.length);
  await file.write(header);
  for (const { name } of shapes) {
    const { entry, handle } = tensors.get(name)!; // masterTensors found it
    for await (const chunk of chunksOf(handle, entry.at, entry.bytes, signal)) {
      if (!areFinite(chunk, entry.dtype))
        throw invalid(`'${name}' of the export`, 'finite weights', 'infinity or NaN');
      await file.write(entry.dtype === 'F16' ? widened(chunk) : chunk);
      onProgress?.(file.at, total);
    }
  }
  return file.end();
}

function areFinite(bytes: Uint8Array, dtype: string): boolean {
  if (dtype === 'F32') {
    const upper = words16(bytes);
    for (let i = 1; i < upper.length; i += 2) if ((upper[i]! & 0x7f80) === 0x7f80) return false;
    return true;
  }
  const exponent = dtype === 'F16' ? 0x7c00 : 0x7f80;
  for (const word of words16(bytes)) if ((word & exponent) === exponent) return false;
  return true;
}

/** float16 to float32, exactly; finite ones only. */
function widened(bytes: Uint8Array): Uint8Array {
  const halves = words16(bytes);
  const values = new Float32Array(halves.length);
  for (let i = 0; i < halves.length; i++) values[i] = halfValue(halves[i]!);
  return new Uint8Array(values.buffer);
}

export function halfValue(half: number): number {
  const exponent = (half >>> 10) & 31;
  const fraction = half & 1023;
  const size = exponent === 0 ? fraction * 2 ** -24 : (1 + fraction / 1024) * 2 ** (exponent - 15);
  return half & 0x8000 ? -size : size;
}
