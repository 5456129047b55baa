// Owns: a Hugging Face style export made a model folder of ours. Does not own: its parts (hugging-face.ts, llama.ts, cut-head.ts),
// how folders appear (model-folder.ts).
import { join } from 'node:path';
import { isAssayError, unsupported } from '../../model/errors.js';
import { invalid } from '../../model/invalid-input.js';
import { DataType } from '../../protocol/gen/onnx/onnx_pb.js';
import { type Folder, openFolder } from '../folder.js';
import {
  createModelFolder,
  type ModelDescription,
  type ModelFile,
  type ModelFileWriter,
} from '../model-folder.js';
import { createCutModel, readWhole } from '../open-model.js';
import { type Compared, compareCut, findEngine } from './compare-cut.js';
import { cutHead } from './cut-head.js';
import { decoderGraphOf } from './decoder-graph.js';
import { assertLocations, encodeModel, readModel, shareWeights, WEIGHTS_FILE } from './graph-files.js';
import {
  assertRowsAlone,
  decoderConfigOf,
  type HuggingFaceConfig,
  positionsOf,
  readConfig,
  sizesOf,
} from './hugging-face.js';
import { hasSafetensors, MASTER_FILE, masterTensors, openShards, writeMaster } from './llama.js';
import { hasTokenizers, openTokenizer } from './tokenizer.js';

export interface ImportOptions {
  /** bytes written of the weights, of how many */
  readonly onProgress?: Report;
  /** cut graphs with the export, through onnxruntime-node; where that is not installed the notes say so. @default true */
  readonly compare?: boolean;
  /** which part of an export that has both. @default safetensors */
  readonly from?: 'safetensors' | 'onnx' | undefined;
  /** fewer than the export has: a window that is no shorter is none. @default all */
  readonly positions?: number | undefined;
}
type Report = (done: number, total: number) => void;

export interface Imported {
  readonly model: ModelDescription;
  /** undefined where there is nothing to compare, or nothing to compare with */
  readonly compared: Compared | undefined;
  /** what the operator should know, one sentence each */
  readonly notes: readonly string[];
}

const ONNX_FILES = [
  'model.onnx',
  'onnx/model.onnx',
  'decoder_model_merged.onnx',
  'decoder_with_past_model.onnx',
];
const TOKENIZER_FILE = 'tokenizer.json';
const SETTINGS_FILE = 'tokenizer_config.json';
const MAX_TOKENIZER_BYTES = 64 << 20;

/**
 * @param dir the export; nothing in it is changed
 * @param out a folder that is not there, or an empty one
 * @throws AssayError `unsupported` for a model that cannot be run exactly, naming what is in the way; `invalid-input`, `limit-exceeded`
 */
export async function importModel(
  dir: string,
  out: string,
  signal: AbortSignal,
  { onProgress, compare = true, from, positions }: ImportOptions = {},
): Promise<Imported> {
  const folder = await openFolder(dir);
  const config = await readConfig(folder);
  const graph = await graphOf(folder);
  const tensors = await hasSafetensors(folder);
  if (from === 'onnx' ? graph === undefined : from === 'safetensors' && !tensors)
    throw invalid(
      dir,
      `an export with ${from === 'onnx' ? ONNX_FILES.join(' or ') : 'model.safetensors'}`,
      'none',
    );
  const input: Input = { folder, config, out, signal, onProgress, positions };
  if (tensors && from !== 'onnx') return importDecoder(input);
  if (graph !== undefined) return importGraphs(input, graph, compare);
  throw invalid(dir, `model.safetensors, its index, or ${ONNX_FILES.join(' or ')}`, 'none of them');
}

interface Input {
  readonly folder: Folder;
  readonly config: HuggingFaceConfig;
  readonly out: string;
  readonly signal: AbortSignal;
  readonly onProgress: Report | undefined;
  readonly positions: number | undefined;
}

async function importDecoder({
  folder,
  config,
  out,
  signal,
  onProgress,
  positions,
}: Input): Promise<Imported> {
  const decoder = decoderConfigOf(config, positions);
  assertIds(config, decoder.vocabulary);
  const notes: string[] = [];
  await tryTokenizer(folder, config, decoder.vocabulary, notes);
  const shards = await openShards(folder);
  try {
    const shapes = masterTensors(decoder, shards);
    const wide = shapes.filter(({ dtype }) => dtype === 'F32').length;
    if (wide > 0)
      notes.push(
        `${wide} of ${shapes.length} tensors are float32 in the master: bf16 does not hold them exactly`,
      );
    const model = await createModelFolder(out, async (create) => {
      const weights = await writeMaster(shapes, shards, await create(MASTER_FILE), signal, onProgress);
      return {
        ...(await commonOf(folder, config, create, notes)),
        kind: 'decoder',
        config: decoder,
        weights,
      };
    });
    return { model, compared: undefined, notes };
  } finally {
    await shards.close();
  }
}

async function importGraphs(input: Input, name: string, compare: boolean): Promise<Imported> {
  const { folder, config, out, signal, onProgress } = input;
  const source = await readModel(folder, name);
  const decoder = decoderGraphOf(source);
  const { body, head, rows, vocabulary, width, dtype } = cutHead(source, decoder);
  // attention of ours turns and keeps keys in float32, whatever the layers compute in
  const kvDtype = decoder.kvType === DataType.FLOAT16 && !decoder.fused ? 'fp16' : 'fp32';
  const { layers, kvHeads, headWidth } = decoder;
  const said = sizesOf(config);
  for (const [what, graphs, configs] of [
    ['vocabulary', vocabulary, said.vocabulary],
    ['width', width, said.width],
    ['layers', layers, said.layers],
    ['heads of keys and values', kvHeads, said.kvHeads],
    ['heads', decoder.fused?.heads, said.heads],
    ['width of a head', headWidth, said.headWidth],
  ] as const)
    if (configs !== undefined && graphs !== undefined && configs !== graphs)
      throw invalid(`${what} of ${name}`, `${configs}, as config.json says`, `${graphs}`);
  const positions = positionsOf(config, input.positions);
  const { fused } = decoder;
  if (!fused) assertRowsAlone(config, positions);
  else if (positions > fused.mostPositions)
    throw unsupported(
      `operator GroupQueryAttention of ${name}`,
      `a window of ${fused.mostPositions} of ${positions} positions, or angles for no more: with --positions ${fused.mostPositions} it imports`,
    );
  const heads = fused?.heads ?? said.heads ?? kvHeads;
  if (heads % kvHeads !== 0) throw invalid('heads of config.json', `a multiple of ${kvHeads}`, `${heads}`);
  // one place less: a full cache and a new token are as many keys as a mask that is looked up in the graph has columns
  const maxPositions = fused ? positions : positions - 1;
  if (maxPositions < 1) throw invalid('positions', '2 or more', `${positions}`);
  const sizes = { vocabulary, width, layers, heads, kvHeads, headWidth, maxPositions };
  assertIds(config, vocabulary);
  const notes: string[] = [];
  if (dtype === 'int8' || dtype === 'int4')
    notes.push(
      `its layers are packed, ${dtype} the narrowest: the model is the packed one, and to who runs the full-precision one its tokens are wrong`,
    );
  await tryTokenizer(folder, config, vocabulary, notes);

  const from = { folder, base: name.includes('/') ? name.slice(0, name.lastIndexOf('/') + 1) : '' };
  await assertLocations(source, from);

  let compared: Compared | undefined;
  const model = await createModelFolder(out, async (create, part) => {
    const file = await create(WEIGHTS_FILE);
    const weights = await shareWeights([body, head, rows], from, file, signal, onProgress);
    const graph = async (to: string, bytes: Uint8Array): Promise<ModelFile> => {
      const written = await create(to);
      await written.write(bytes);
      return written.end();
    };
    const graphs = { body: encodeModel(body), head: encodeModel(head), rows: encodeModel(rows) };
    const files = {
      body: await graph('body.onnx', graphs.body),
      head: await graph('head.onnx', graphs.head),
      rows: await graph('rows.onnx', graphs.rows),
    };
    const cut = { config: sizes, dtype, kvDtype, weights } as const;
    const engine = compare ? await findEngine() : undefined;
    if (engine) {
      const data = await readWhole({ pathOf: (each) => join(part, each.name) }, weights, signal, true);
      const model = await createCutModel(cut, graphs, data);
      try {
        compared = await compareCut(engine, join(folder.path, name), model, decoder, signal);
      } finally {
        await model.close();
      }
    } else
      notes.push(
        `not compared with the export: ${compare ? 'onnxruntime-node is not installed' : 'as asked'}`,
      );
    return { ...(await commonOf(folder, config, create, notes)), kind: 'graphs', ...cut, ...files };
  });
  return { model, compared, notes };
}

async function graphOf(folder: Folder): Promise<string | undefined> {
  for (const name of ONNX_FILES) if (await folder.has(name)) return name;
  return undefined;
}

/** Before gigabytes are written for nothing. */
function assertIds({ stopIds, beginId }: HuggingFaceConfig, vocabulary: number): void {
  for (const id of beginId === undefined ? stopIds : [beginId, ...stopIds])
    if (id >= vocabulary)
      throw invalid('bos_token_id and eos_token_id', `ids below the vocabulary of ${vocabulary}`, `${id}`);
}

/** Before gigabytes are written, too: one that cannot be used, or takes its time, is refused by whoever opens the model. */
async function tryTokenizer(
  folder: Folder,
  { beginId }: HuggingFaceConfig,
  vocabulary: number,
  notes: string[],
): Promise<void> {
  if (!(await folder.has(TOKENIZER_FILE))) return;
  if (!(await hasTokenizers())) {
    notes.push(`${TOKENIZER_FILE} was not tried: @huggingface/tokenizers is not installed`);
    return;
  }
  const json = await folder.readJson(TOKENIZER_FILE, MAX_TOKENIZER_BYTES);
  const settings = (await folder.has(SETTINGS_FILE))
    ? await folder.readJson(SETTINGS_FILE, MAX_TOKENIZER_BYTES)
    : undefined;
  try {
    await openTokenizer(json, { vocabulary, beginId, settings });
  } catch (error) {
    if (!isAssayError(error, 'unsupported')) throw error;
    throw unsupported(
      TOKENIZER_FILE,
      `${error.message}; an export without it imports, and its prompts come as ids`,
      { cause: error },
    );
  }
}

async function commonOf(
  folder: Folder,
  { modelType, stopIds, beginId }: HuggingFaceConfig,
  create: (name: string) => Promise<ModelFileWriter>,
  notes: string[],
) {
  const copy = async (name: string): Promise<ModelFile> => {
    const bytes = await folder.read(name, MAX_TOKENIZER_BYTES);
    const file = await create(name);
    await file.write(bytes);
    return file.end();
  };
  if (stopIds.length === 0) notes.push('no eos_token_id: a policy must say which ids end a rollout');
  const words = await folder.has(TOKENIZER_FILE);
  if (!words) notes.push(`no ${TOKENIZER_FILE}: prompts must come as ids`);
  const settings = words && (await folder.has(SETTINGS_FILE));
  return {
    format: 'assay-model/1' as const,
    family: modelType,
    stopIds: [...stopIds],
    ...(beginId === undefined ? {} : { beginId }),
    tokenizer: words
      ? {
          kind: 'file' as const,
          file: await copy(TOKENIZER_FILE),
          ...(settings ? { settings: await copy(SETTINGS_FILE) } : {}),
        }
      : { kind: 'none' as const },
  };
}
