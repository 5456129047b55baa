// Owns: a language model of a model folder. Does not own: folders (model-folder.ts), engines (onnx/, plain/).
import { constants } from 'node:buffer';
import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { fromHex, fromUtf8, toHex } from '../model/bytes.js';
import { AssayError, unsupported } from '../model/errors.js';
import { invalid } from '../model/invalid-input.js';
import { WEIGHTS_FILE } from './import/graph-files.js';
import { openTokenizer, type TextTokenizer } from './import/tokenizer.js';
import type { LanguageModel } from './language-model.js';
import { openMaster } from './master.js';
import {
  chunksOf,
  type DecoderModel,
  type GraphsModel,
  type ModelFile,
  type ModelFolder,
} from './model-folder.js';
import { createGraphModel, createOnnxModel, type OnnxModelOptions } from './onnx/model.js';
import { createPlainModel } from './plain/model.js';

export interface OpenOptions extends OnnxModelOptions {
  /** `plain` runs tiny decoders without onnxruntime-node. @default onnx */
  readonly engine?: 'onnx' | 'plain';
}

/**
 * Every file is compared with its digest on the way.
 * @throws AssayError `corrupt`, `unsupported` where the engine is not installed or cannot run such a model
 */
export async function openLanguageModel(
  folder: ModelFolder,
  signal: AbortSignal,
  { engine = 'onnx', ...options }: OpenOptions = {},
): Promise<LanguageModel> {
  const { model } = folder;
  if (model.kind === 'decoder') {
    const master = openMaster(
      model.config,
      await readWhole(folder, model.weights, signal),
      model.weights.name,
    );
    return engine === 'plain' ? createPlainModel(master) : createOnnxModel(master, options);
  }
  if (engine === 'plain')
    throw unsupported('the plain decoder', 'it runs decoders of ours, this folder holds graphs of an export');
  const [body, head, rows] = [
    await readWhole(folder, model.body, signal),
    await readWhole(folder, model.head, signal),
    await readWhole(folder, model.rows, signal),
  ];
  const weights = await readWhole(folder, model.weights, signal, true);
  return createCutModel(model, { body, head, rows }, weights, options);
}

/**
 * The tokenizer that came with an export; undefined where the model's ids are bytes, or it has none.
 * @throws AssayError as `openTokenizer`, `corrupt`
 */
export async function openModelTokenizer(
  folder: ModelFolder,
  signal: AbortSignal,
): Promise<TextTokenizer | undefined> {
  const { tokenizer, config, beginId } = folder.model;
  if (tokenizer.kind !== 'file') return undefined;
  const json = async (file: ModelFile): Promise<unknown> => {
    try {
      return JSON.parse(fromUtf8(await readWhole(folder, file, signal))) as unknown;
    } catch (error) {
      if (error instanceof SyntaxError || error instanceof TypeError)
        throw invalid(folder.pathOf(file), 'JSON in UTF-8', 'something else', error);
      throw error;
    }
  };
  const settings = tokenizer.settings === undefined ? undefined : await json(tokenizer.settings);
  return openTokenizer(await json(tokenizer.file), { vocabulary: config.vocabulary, beginId, settings });
}

/** @param weights on memory that threads share */
export function createCutModel(
  { config, dtype, kvDtype, weights: file }: Pick<GraphsModel, 'config' | 'dtype' | 'kvDtype' | 'weights'>,
  graphs: { readonly body: Uint8Array; readonly head: Uint8Array; readonly rows: Uint8Array },
  weights: Uint8Array,
  options?: OnnxModelOptions,
): Promise<LanguageModel> {
  // the parts that only our own graphs are made of are not known of an export: `hidden` bounds batches alone
  const own: DecoderModel['config'] = {
    ...config,
    hidden: 4 * config.width,
    ropeTheta: 1,
    normEpsilon: 1e-5,
    tied: false,
  };
  const words = new Float32Array(weights.buffer, weights.byteOffset, weights.byteLength / 4);
  const buffers = new Map([[WEIGHTS_FILE, words]]);
  const parts = { config: own, graphs, weights: { buffers }, digest: fromHex(file.sha256), dtype, kvDtype };
  return createGraphModel(parts, options);
}

/** @param shared on memory that threads share, and a multiple of four bytes long */
export async function readWhole(
  { pathOf }: Pick<ModelFolder, 'pathOf'>,
  file: ModelFile,
  signal: AbortSignal,
  shared = false,
): Promise<Uint8Array> {
  const length = Math.ceil(file.bytes / 4) * 4;
  if (length > constants.MAX_LENGTH) {
    const what = `bytes of ${file.name}`;
    const limit = constants.MAX_LENGTH;
    throw new AssayError('limit-exceeded', `${what}: ${file.bytes}, this Node has buffers of ${limit}`, {
      what,
      limit,
      got: file.bytes,
    });
  }
  const bytes = shared ? new Uint8Array(new SharedArrayBuffer(length)) : new Uint8Array(file.bytes);
  const path = pathOf(file);
  const handle = await open(path, 'r');
  try {
    const hash = createHash('sha256');
    let at = 0;
    for await (const chunk of chunksOf(handle, 0, file.bytes, signal)) {
      hash.update(chunk);
      bytes.set(chunk, at);
      at += chunk.length;
    }
    const found = toHex(hash.digest());
    if (found !== file.sha256) {
      const why = `SHA-256 ${found}, expected ${file.sha256}`;
      throw new AssayError('corrupt', `${path}: ${why}`, { path, why });
    }
    return bytes;
  } finally {
    await handle.close();
  }
}
