// Owns: what the config.json of an export says of its model, and which of it our decoder cannot do. Does not own: its weights
// (llama.ts), its graphs (cut-head.ts).
import { canonicalJson } from '../../model/canonical-json.js';
import { unsupported } from '../../model/errors.js';
import { invalid } from '../../model/invalid-input.js';
import { assertConfig, type DecoderConfig, type RopeScaling } from '../decoder.js';
import { type Folder, MAX_CONFIG_BYTES } from '../folder.js';
import { isRecord, kindOf } from '../foreign.js';

type Fields = Readonly<Record<string, unknown>>;

const CONFIG = 'config.json';
const GENERATION = 'generation_config.json';
const MAX_STOP_IDS = 64;

export interface HuggingFaceConfig {
  readonly modelType: string;
  readonly fields: Fields;
  /** of config.json and generation_config.json; ascending */
  readonly stopIds: readonly number[];
  readonly beginId: number | undefined;
}

/** Sizes of a decoder by whatever name its family gives them; what a config does not say is undefined. */
export interface Sizes {
  readonly vocabulary: number | undefined;
  readonly width: number | undefined;
  readonly layers: number | undefined;
  readonly heads: number | undefined;
  readonly kvHeads: number | undefined;
  readonly headWidth: number | undefined;
}

export async function readConfig(folder: Folder): Promise<HuggingFaceConfig> {
  const fields = recordOf(await folder.readJson(CONFIG, MAX_CONFIG_BYTES), CONFIG);
  const modelType = fields['model_type'];
  if (typeof modelType !== 'string' || !/^[\w-]{1,64}$/.test(modelType))
    throw invalid(`model_type of ${CONFIG}`, 'the name of a family, such as llama', kindOf(modelType));
  const generation = (await folder.has(GENERATION))
    ? recordOf(await folder.readJson(GENERATION, MAX_CONFIG_BYTES), GENERATION)
    : {};
  const ends = [
    ...idsOf(fields['eos_token_id'], `eos_token_id of ${CONFIG}`),
    ...idsOf(generation['eos_token_id'], `eos_token_id of ${GENERATION}`),
  ];
  return {
    modelType,
    fields,
    stopIds: [...new Set(ends)].sort((a, b) => a - b),
    beginId: idsOf(fields['bos_token_id'], `bos_token_id of ${CONFIG}`)[0],
  };
}

export function sizesOf({ fields }: HuggingFaceConfig): Sizes {
  const first = (...names: string[]): number | undefined => {
    for (const name of names) {
      const value = fields[name];
      if (value !== undefined && value !== null) return countOf(fields, name);
    }
    return undefined;
  };
  const width = first('hidden_size', 'n_embd', 'd_model');
  const heads = first('num_attention_heads', 'n_head', 'num_heads');
  const even = width !== undefined && heads !== undefined && width % heads === 0;
  return {
    vocabulary: first('vocab_size'),
    width,
    layers: first('num_hidden_layers', 'n_layer', 'num_layers'),
    heads,
    kvHeads: first('num_key_value_heads') ?? heads,
    headWidth: first('head_dim') ?? (even ? width / heads : undefined),
  };
}

/**
 * The config of our decoder where it computes exactly what the export's own code does.
 * @param positions fewer than the export has
 * @throws AssayError `unsupported` naming the field that our decoder cannot do, `invalid-input` for one that says nothing
 */
export function decoderConfigOf(config: HuggingFaceConfig, positions?: number): DecoderConfig {
  const { fields, modelType } = config;
  const refuse = (field: string, why: string) =>
    unsupported(`${field} of ${CONFIG}`, `${why}; what does import: docs/guide/bring-your-model.md`);
  const family = FAMILIES[modelType];
  if (family === undefined)
    throw refuse(
      'model_type',
      `no architecture of ours is ${modelType}: ${Object.keys(FAMILIES).join(', ')} are; an ONNX export of it may import`,
    );

  for (const [field, same, why] of NEUTRAL)
    if (!same(fields[field])) throw refuse(field, `${kindOf(fields[field])}, ${why}`);

  const rotary = rotaryOf(fields, refuse);
  const maxPositions = positionsOf(config, positions);
  assertAllSeen(config, maxPositions, 'our decoder attends to all');

  const width = countOf(fields, 'hidden_size');
  const heads = countOf(fields, 'num_attention_heads');
  const head = fields['head_dim'];
  if ((head === undefined || head === null) && width % heads !== 0)
    throw invalid(
      `hidden_size of ${CONFIG}`,
      `a multiple of ${heads} heads, there being no head_dim`,
      `${width}`,
    );
  const kv = fields['num_key_value_heads'];
  const decoder: DecoderConfig = {
    vocabulary: countOf(fields, 'vocab_size'),
    width,
    layers: countOf(fields, 'num_hidden_layers'),
    heads,
    kvHeads: kv === undefined || kv === null ? heads : countOf(fields, 'num_key_value_heads'),
    headWidth: head === undefined || head === null ? width / heads : countOf(fields, 'head_dim'),
    hidden: countOf(fields, 'intermediate_size'),
    maxPositions,
    ...rotary,
    normEpsilon: numberOf(fields, 'rms_norm_eps', 1e-6),
    tied: fields['tie_word_embeddings'] === true,
    ...family,
  };
  try {
    assertConfig(decoder);
  } catch (error) {
    throw invalid(CONFIG, 'sizes of a decoder', error instanceof Error ? error.message : 'others', error);
  }
  return decoder;
}

/**
 * What a graph of an export may do and one comparison of short texts does not show: rows of a batch, of which our engine has several
 * lengths in one cache, would be told apart by where they lie in it.
 * @throws AssayError `unsupported` naming the field
 */
export function assertRowsAlone(config: HuggingFaceConfig, maxPositions: number): void {
  const { fields } = config;
  const refuse = (field: string, why: string) =>
    unsupported(`${field} of ${CONFIG}`, `${why}; what does import: docs/guide/bring-your-model.md`);
  const places =
    'its graph counts places in the cache, which are not those of the text where rows differ in length';
  assertAllSeen(config, maxPositions, places);
  for (const [field, local] of [
    ['layer_types', /^(?!full_attention$)/],
    ['attention_types', /local/],
  ] as const) {
    const kinds = fields[field];
    if (Array.isArray(kinds) && kinds.flat(3).some((kind) => typeof kind === 'string' && local.test(kind)))
      throw refuse(field, `layers that attend to a window: ${places}`);
  }
  for (const field of ['rope_scaling', 'rope_parameters']) {
    const value = fields[field];
    if (isNothing(value)) continue;
    const params = recordOf(value, `${field} of ${CONFIG}`);
    for (const type of [params['rope_type'], params['type']])
      if (type === 'dynamic' || type === 'longrope' || type === 'su')
        throw refuse(
          field,
          `${type}: angles of all rows follow the longest: a token would depend on who shares the batch`,
        );
  }
}

/** How many positions a model is imported with. @throws AssayError `invalid-input` for more than it has */
export function positionsOf({ fields }: HuggingFaceConfig, asked: number | undefined): number {
  const name = ['max_position_embeddings', 'n_positions', 'n_ctx'].find((each) => !isNothing(fields[each]));
  if (name === undefined) throw invalid(CONFIG, 'max_position_embeddings or n_positions', 'neither');
  const all = countOf(fields, name);
  if (asked !== undefined && asked > all)
    throw invalid('positions', `at most ${all}, the ${name} of ${CONFIG}`, `${asked}`);
  return asked ?? all;
}

/** @throws AssayError `unsupported` where a token does not see all before it */
function assertAllSeen(config: HuggingFaceConfig, maxPositions: number, why: string): void {
  const window = windowOf(config, maxPositions);
  if (window === undefined) return;
  throw unsupported(
    `sliding_window of ${CONFIG}`,
    `${kindOf(window)} of ${maxPositions} positions: ${why}` +
      (typeof window === 'number' ? `; with --positions ${window} it is no window` : ''),
  );
}

/** A window that is shorter than the longest text; undefined where all positions are seen. */
function windowOf({ fields, modelType }: HuggingFaceConfig, maxPositions: number): unknown {
  // what the families' own code takes where the field is missing
  const missing = /^(mistral|qwen[23])$/.test(modelType) ? 4096 : null;
  const window = fields['sliding_window'] === undefined ? missing : fields['sliding_window'];
  // Mistral's code has no such field: it attends to a window whatever stands there
  const used = modelType === 'mistral' || (fields['use_sliding_window'] ?? !/^qwen[23]$/.test(modelType));
  if (window === null || used === false) return undefined;
  return typeof window === 'number' && window >= maxPositions ? undefined : window;
}

/** By model_type: what the family's own code computes whatever the config says. */
const FAMILIES: Readonly<Record<string, Partial<DecoderConfig>>> = Object.assign(Object.create(null), {
  llama: {},
  mistral: {},
  qwen2: { qkvBias: true },
  qwen3: { qkNorm: true },
});

const isNothing = (value: unknown) => value === undefined || value === null;
const isOff = (value: unknown) => isNothing(value) || value === false;
const isOne = (value: unknown) => isNothing(value) || value === 1;

/** Fields that change the arithmetic, and the values with which they do not. */
const NEUTRAL: readonly [field: string, same: (value: unknown) => boolean, why: string][] = [
  ['hidden_act', (value) => value === undefined || value === 'silu', 'our decoder has silu'],
  [
    'attention_bias',
    isOff,
    'our decoder has biases of queries, keys and values alone, where the family is qwen2',
  ],
  ['mlp_bias', isOff, 'our decoder has no biases'],
  ['quantization_config', isNothing, 'weights of an export must be BF16, F16 or F32'],
  ['partial_rotary_factor', isOne, 'our decoder rotates whole heads'],
  ['final_logit_softcapping', isNothing, 'our decoder does not cap logits'],
  ['attn_logit_softcapping', isNothing, 'our decoder does not cap scores'],
  ['logit_scale', isOne, 'our decoder does not scale logits'],
  ['logits_scaling', isOne, 'our decoder does not scale logits'],
  ['attention_multiplier', isNothing, 'our decoder scales scores by the root of the head width'],
  ['query_pre_attn_scalar', isNothing, 'our decoder scales scores by the root of the head width'],
  ['embedding_multiplier', isOne, 'our decoder does not scale embeddings'],
  ['residual_multiplier', isOne, 'our decoder does not scale what it adds'],
  ['num_local_experts', isNothing, 'our decoder has no experts'],
  ['no_rope_layers', isNothing, 'our decoder rotates in every layer'],
  ['is_encoder_decoder', isOff, 'our decoder has no encoder'],
  ['rope_condense_ratio', isOne, 'our decoder does not condense positions'],
  ['auto_map', isNothing, 'code of its own computes this model, whatever family it names'],
  [
    'layer_types',
    (value) => isNothing(value) || (Array.isArray(value) && value.every((type) => type === 'full_attention')),
    'our decoder attends to all positions in every layer',
  ],
];

/**
 * `rope_theta` and `rope_scaling`, or both in `rope_parameters` as newer exports have it. Where an export has either twice, readers differ
 * in which they take: so they must say the same.
 */
function rotaryOf(
  fields: Fields,
  refuse: (field: string, why: string) => Error,
): Pick<DecoderConfig, 'ropeTheta' | 'ropeScaling'> {
  const given = (['rope_parameters', 'rope_scaling'] as const)
    .filter((name) => !isNothing(fields[name]))
    .map((name) => ({ name, params: recordOf(fields[name], `${name} of ${CONFIG}`) }));
  const bases = [...given.map(({ params }) => params), fields].filter(
    (each) => each['rope_theta'] !== undefined,
  );
  const [ropeTheta = 10_000, ...others] = bases.map((each) => numberOf(each, 'rope_theta', 0));
  const other = others.find((each) => each !== ropeTheta);
  if (other !== undefined) throw invalid(`rope_theta of ${CONFIG}`, 'one base', `${ropeTheta} and ${other}`);

  const scalings = given.map(({ name, params }) => scalingOf(name, params, refuse));
  const [scaling, again = scaling] = scalings;
  if (canonicalJson(scaling ?? null) !== canonicalJson(again ?? null))
    throw invalid(`rope_scaling of ${CONFIG}`, 'what rope_parameters says', 'something else');
  return { ropeTheta, ...(scaling ? { ropeScaling: scaling } : {}) };
}

/** @returns undefined where nothing is scaled */
function scalingOf(
  name: string,
  params: Fields,
  refuse: (field: string, why: string) => Error,
): RopeScaling | undefined {
  const type = params['rope_type'] ?? params['type'];
  const isPlain =
    type === undefined ? Object.keys(params).every((key) => key === 'rope_theta') : type === 'default';
  if (!isOne(params['partial_rotary_factor'])) throw refuse(name, 'our decoder rotates whole heads');
  if (isPlain) return undefined;
  if (type !== 'llama3')
    throw refuse(name, `scaled rotary embeddings of type ${kindOf(type)}, our decoder has llama3 alone`);
  const number = (field: string): number => {
    const value = params[field];
    if (typeof value !== 'number')
      throw invalid(`${field} in ${name} of ${CONFIG}`, 'a number', kindOf(value));
    return value;
  };
  return {
    kind: 'llama3',
    factor: number('factor'),
    lowFactor: number('low_freq_factor'),
    highFactor: number('high_freq_factor'),
    originalPositions: number('original_max_position_embeddings'),
  };
}

function countOf(fields: Fields, name: string): number {
  const value = fields[name];
  if (!Number.isSafeInteger(value) || (value as number) < 1)
    throw invalid(`${name} of ${CONFIG}`, 'a count', kindOf(value));
  return value as number;
}

function numberOf(fields: Fields, name: string, missing: number): number {
  const value = fields[name];
  if (value === undefined) return missing;
  if (typeof value !== 'number') throw invalid(`${name} of ${CONFIG}`, 'a number', kindOf(value));
  return value;
}

function idsOf(value: unknown, what: string): number[] {
  if (isNothing(value)) return [];
  const ids = Array.isArray(value) ? value : [value];
  if (ids.length > MAX_STOP_IDS) throw invalid(what, `at most ${MAX_STOP_IDS} ids`, `${ids.length}`);
  if (!ids.every((id): id is number => Number.isSafeInteger(id) && id >= 0))
    throw invalid(what, 'an id or several', kindOf(value));
  return ids;
}

function recordOf(value: unknown, what: string): Fields {
  if (!isRecord(value)) throw invalid(what, 'a JSON object', kindOf(value));
  return value;
}
