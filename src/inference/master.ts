// Owns: the master file of a decoder of ours (safetensors, bf16 or fp32) as tensors, and one drawn from a seed. Does not own: the
// format (safetensors.ts), deltas of it (checkpoint/), exports of others (import/).
import { sha256 } from '../model/hash.js';
import { invalid } from '../model/invalid-input.js';
import { createSeededRandom } from '../model/prng.js';
import { floats32, roundToBfloat16, toBfloat16, toFloat32, words16 } from './bf16.js';
import { assertConfig, type DecoderConfig, tensorsOf } from './decoder.js';
import { encodeSafetensors, parseSafetensors } from './safetensors.js';

/** Every tensor of `tensorsOf` in float32; on memory that threads share, so that each session takes it without a copy. */
export type Weights = ReadonlyMap<string, Float32Array>;

export interface Master {
  readonly config: DecoderConfig;
  readonly weights: Weights;
  /** SHA-256 of the file */
  readonly digest: Uint8Array;
}

/**
 * @param what names the file in errors
 * @throws AssayError `invalid-input` for tensors that are not the config's, in its order, or not finite
 */
export function openMaster(config: DecoderConfig, file: Uint8Array, what = 'master'): Master {
  assertConfig(config);
  const { tensors } = parseSafetensors(file, what);
  const expected = tensorsOf(config);
  if (tensors.length !== expected.length)
    throw invalid(what, `${expected.length} tensors, as its config has`, `${tensors.length}`);
  const weights = new Map<string, Float32Array>();
  for (const [i, { name, shape }] of expected.entries()) {
    const found = tensors[i];
    if (found.name !== name || `${found.shape}` !== `${shape}`)
      throw invalid(
        `tensor ${i} of ${what}`,
        `${name} [${shape}]`,
        `${found.name.slice(0, 80)} [${found.shape}]`,
      );
    if (found.dtype !== 'BF16' && found.dtype !== 'F32')
      throw invalid(`${name} of ${what}`, 'BF16 or F32', found.dtype);
    const bytes = file.subarray(found.at, found.at + found.bytes);
    const values = found.dtype === 'BF16' ? toFloat32(words16(bytes)) : floats32(bytes);
    // one NaN in the output matrix would be ranked below all logits by engines, and never be seen
    if (!values.every(Number.isFinite))
      throw invalid(`${name} of ${what}`, 'finite weights', 'infinite ones or NaN');
    weights.set(name, shared(values));
  }
  return { config, weights, digest: sha256(file) };
}

/** The master file of these weights in bf16: the same bytes for the same weights. @throws RangeError for tensors not the config's */
export function encodeMaster(config: DecoderConfig, weights: Weights): Uint8Array {
  assertConfig(config);
  const tensors = tensorsOf(config).map(({ name, shape }) => {
    const values = weights.get(name);
    const count = shape.reduce((product, side) => product * side, 1);
    if (values?.length !== count)
      throw new RangeError(`${name}: expected ${count} weights, got ${values?.length ?? 'none'}`);
    const halves = toBfloat16(values);
    return { name, dtype: 'BF16' as const, shape, data: new Uint8Array(halves.buffer) };
  });
  return encodeSafetensors(tensors);
}

/** A master file drawn from a seed, ready to be trained: deterministic to the byte, on every machine. */
export const seededMaster = (config: DecoderConfig, seed: string): Uint8Array =>
  encodeMaster(config, seededWeights(config, seed));

/** Standard deviation of the sum of two uniform 16-bit integers: sqrt((2^32 - 1) / 6). */
const WORD_DEVIATION = Math.sqrt((2 ** 32 - 1) / 6);
const CHUNK = 1 << 18;

/**
 * Zero mean, deviation 1 / sqrt(in), and of the two matrices that add to the residual stream less by sqrt(2 layers), as is usual: then it
 * neither vanishes nor grows over layers. A row of a lookup alone has deviation 1. Triangular, not normal: sums, one product and a
 * square root are the same in every language; logarithms are not.
 */
export function seededWeights(config: DecoderConfig, seed: string): Weights {
  assertConfig(config);
  const random = createSeededRandom(`decoder\0${seed}`);
  const weights = new Map<string, Float32Array>();
  for (const { name, shape } of tensorsOf(config)) {
    const values = shared(shape.reduce((product, side) => product * side, 1));
    weights.set(name, values);
    if (shape.length === 1 && !name.endsWith('.bias')) {
      values.fill(1); // norms
      continue;
    }
    // of a bias its own length: small beside what it is added to
    let deviation = 1 / Math.sqrt(shape.at(-1)!);
    if (name.includes('o_proj') || name.includes('down_proj')) deviation /= Math.sqrt(2 * config.layers);
    if (name.includes('embed_tokens') && !config.tied) deviation = 1;
    const scale = deviation / WORD_DEVIATION;
    const stream = random.fork(name);
    for (let from = 0; from < values.length; from += CHUNK) {
      const count = Math.min(CHUNK, values.length - from);
      const words = words16(stream.bytes(4 * count));
      for (let i = 0; i < count; i++)
        values[from + i] = roundToBfloat16((words[2 * i] + words[2 * i + 1] - 65535) * scale);
    }
  }
  return weights;
}

function shared(values: Float32Array | number): Float32Array {
  const count = typeof values === 'number' ? values : values.length;
  const out = new Float32Array(new SharedArrayBuffer(4 * count));
  if (typeof values !== 'number') out.set(values);
  return out;
}
