// Owns: weights that are no longer a checkpoint's: rounded to few bits, or of some steps ago. Does not own: who runs them
// (liars.ts), checkpoints (inference/checkpoint).
import { roundToBfloat16 } from '../../../inference/bf16.js';
import type { Master, Weights } from '../../../inference/master.js';
import { concat, u32le, utf8 } from '../../../model/bytes.js';
import { sha256 } from '../../../model/hash.js';
import { createSeededRandom } from '../../../model/prng.js';

/** Weights that share a scale, as the kernels of weight-only quantisation have it. */
const BLOCK = 32;

/**
 * Matrices rounded to `bits`, 32 weights of a row to a scale, and taken back to float32: what a weight-only kernel multiplies with,
 * so that any engine of ours runs them. The embedding is looked up and not multiplied with, and norms are vectors: both stay.
 */
export function quantised({ config, weights }: Master, bits: 4 | 8): Master {
  const most = 2 ** (bits - 1) - 1;
  const out = new Map<string, Float32Array>();
  for (const [name, values] of weights) {
    const isMatrix = !name.includes('norm') && (config.tied || !name.includes('embed_tokens'));
    out.set(name, isMatrix ? rounded(values, most) : values);
  }
  return named(config, out, `int${bits}`);
}

function rounded(values: Float32Array, most: number): Float32Array {
  const out = new Float32Array(new SharedArrayBuffer(4 * values.length));
  for (let from = 0; from < values.length; from += BLOCK) {
    const to = Math.min(values.length, from + BLOCK);
    let largest = 0;
    for (let i = from; i < to; i++) largest = Math.max(largest, Math.abs(values[i]!));
    // a scale travels in 16 bits as well
    const scale = roundToBfloat16(largest / most);
    for (let i = from; i < to; i++)
      out[i] = scale > 0 ? Math.max(-most, Math.min(most, Math.round(values[i]! / scale))) * scale : 0;
  }
  return out;
}

const BETA1 = 0.9;

/**
 * The checkpoint of `steps` ago, where the trainer is not at hand: this one less the last updates, each as long as AdamW's are. A
 * weight is the rounding of one in float32 whose rest nobody published, so that rest is drawn; the direction of a step is that of
 * nine tenths of the one before. Deviation of a step: 0.23 of the learning rate, which is AdamW's where gradients are noise.
 */
export function older(
  { config, weights }: Master,
  steps: number,
  { learningRate, seed }: { readonly learningRate: number; readonly seed: string },
): Master {
  const out = new Map<string, Float32Array>();
  for (const [name, values] of weights) {
    const random = createSeededRandom(`older\0${seed}\0${name}`);
    const aged = new Float32Array(new SharedArrayBuffer(4 * values.length));
    // per weight: the rest, then the mean of past gradients, then a gradient a step
    const uniform = (): number => random.below(2 ** 16) / 2 ** 15 - 1;
    for (let i = 0; i < values.length; i++) {
      const value = values[i]!;
      const halfUlp = Math.abs(value) * 2 ** -9;
      let change = 0;
      let direction = uniform() * Math.sqrt(3 * ((1 - BETA1) / (1 + BETA1)));
      for (let step = 0; step < steps; step++) {
        change += learningRate * direction;
        direction = BETA1 * direction + (1 - BETA1) * uniform() * Math.sqrt(3);
      }
      aged[i] = roundToBfloat16(value + uniform() * halfUlp * 0.999 - change);
    }
    out.set(name, aged);
  }
  return named(config, out, `older ${steps} ${learningRate} ${seed}`);
}

/** Another digest than the master's: profiles name what was run. */
function named(config: Master['config'], weights: Weights, how: string): Master {
  const parts = [...weights.values()].map((values) => Uint8Array.from(new Uint8Array(values.buffer)));
  return { config, weights, digest: sha256(concat(utf8(how), u32le(parts.length), ...parts)) };
}
