// Owns: one token through a decoder, in loops that can be read beside the definition; float32 wherever a value is kept. Does not own:
// batches (model.ts): every row goes alone, so that nothing hangs on its neighbours.
import type { DecoderConfig } from '../decoder.js';
import type { Master } from '../master.js';
import { rotaryTables } from '../rotary.js';

interface Layer {
  readonly inputNorm: Float32Array;
  readonly q: Float32Array;
  readonly k: Float32Array;
  readonly v: Float32Array;
  /** of q, k and v; there where the config has them, as norms are */
  readonly biases: readonly (Float32Array | undefined)[];
  readonly qNorm: Float32Array | undefined;
  readonly kNorm: Float32Array | undefined;
  readonly o: Float32Array;
  readonly postNorm: Float32Array;
  readonly gate: Float32Array;
  readonly up: Float32Array;
  readonly down: Float32Array;
}

/** Keys and values of one sequence, a token's after the other's. */
export class Cache {
  readonly keys: Float32Array[][];
  readonly values: Float32Array[][];
  length = 0;
  constructor(layers: number) {
    this.keys = Array.from({ length: layers }, () => []);
    this.values = Array.from({ length: layers }, () => []);
  }
}

export class PlainDecoder {
  readonly config: DecoderConfig;
  readonly #embedding: Float32Array;
  readonly #layers: readonly Layer[];
  readonly #norm: Float32Array;
  readonly #output: Float32Array;
  readonly #rotary: ReturnType<typeof rotaryTables>;

  constructor({ config, weights }: Pick<Master, 'config' | 'weights'>) {
    const of = (name: string, part = 'weight'): Float32Array => {
      const values = weights.get(`${name}.${part}`);
      if (!values) throw new RangeError(`weights: expected ${name}.${part}`);
      return values;
    };
    this.config = config;
    this.#embedding = of('model.embed_tokens');
    this.#layers = Array.from({ length: config.layers }, (_, i) => {
      const layer = (name: string, part?: string): Float32Array => of(`model.layers.${i}.${name}`, part);
      return {
        inputNorm: layer('input_layernorm'),
        q: layer('self_attn.q_proj'),
        k: layer('self_attn.k_proj'),
        v: layer('self_attn.v_proj'),
        biases: ['q', 'k', 'v'].map((which) =>
          config.qkvBias ? layer(`self_attn.${which}_proj`, 'bias') : undefined,
        ),
        qNorm: config.qkNorm ? layer('self_attn.q_norm') : undefined,
        kNorm: config.qkNorm ? layer('self_attn.k_norm') : undefined,
        o: layer('self_attn.o_proj'),
        postNorm: layer('post_attention_layernorm'),
        gate: layer('mlp.gate_proj'),
        up: layer('mlp.up_proj'),
        down: layer('mlp.down_proj'),
      };
    });
    this.#norm = of('model.norm');
    this.#output = config.tied ? this.#embedding : of('lm_head');
    this.#rotary = rotaryTables(config);
  }

  /** The last layer's output for the next token of a sequence, normalised; its keys and values join the cache. */
  forward(token: number, cache: Cache): Float32Array {
    const { width, heads, kvHeads, headWidth, hidden, normEpsilon } = this.config;
    const x = this.#embedding.slice(token * width, (token + 1) * width);
    for (const [i, layer] of this.#layers.entries()) {
      const normed = rmsNorm(x, layer.inputNorm, normEpsilon);
      const q = matVec(layer.q, normed, heads * headWidth);
      const k = matVec(layer.k, normed, kvHeads * headWidth);
      const v = matVec(layer.v, normed, kvHeads * headWidth);
      for (const [n, vectors] of [q, k, v].entries()) {
        const bias = layer.biases[n];
        if (bias) addTo(vectors, bias);
      }
      this.#normHeads(q, layer.qNorm);
      this.#normHeads(k, layer.kNorm);
      this.#rotate(q, cache.length);
      this.#rotate(k, cache.length);
      cache.keys[i].push(k);
      cache.values[i].push(v);
      addTo(x, matVec(layer.o, this.#attend(q, cache.keys[i], cache.values[i]), width));

      const between = rmsNorm(x, layer.postNorm, normEpsilon);
      const gate = matVec(layer.gate, between, hidden);
      const up = matVec(layer.up, between, hidden);
      for (let j = 0; j < hidden; j++) up[j] *= gate[j] / (1 + Math.exp(-gate[j]));
      addTo(x, matVec(layer.down, up, width));
    }
    cache.length++;
    return rmsNorm(x, this.#norm, normEpsilon);
  }

  logits(hidden: Float32Array): Float32Array {
    return matVec(this.#output, hidden, this.config.vocabulary);
  }

  logitOf(hidden: Float32Array, id: number): number {
    return Math.fround(dot(this.#output, id * hidden.length, hidden, 0, hidden.length));
  }

  #normHeads(vectors: Float32Array, weight: Float32Array | undefined): void {
    const { headWidth, normEpsilon } = this.config;
    if (!weight) return;
    for (let at = 0; at < vectors.length; at += headWidth)
      vectors.set(rmsNorm(vectors.subarray(at, at + headWidth), weight, normEpsilon), at);
  }

  /** Each head's two halves as real and imaginary parts, turned by the position's angles. */
  #rotate(vectors: Float32Array, position: number): void {
    const { headWidth } = this.config;
    const half = headWidth / 2;
    const { cos, sin } = this.#rotary;
    for (let at = 0; at < vectors.length; at += headWidth)
      for (let i = 0; i < half; i++) {
        const c = cos[position * half + i];
        const s = sin[position * half + i];
        const real = vectors[at + i];
        const imaginary = vectors[at + half + i];
        vectors[at + i] = real * c - imaginary * s;
        vectors[at + half + i] = imaginary * c + real * s;
      }
  }

  #attend(q: Float32Array, keys: readonly Float32Array[], values: readonly Float32Array[]): Float32Array {
    const { heads, kvHeads, headWidth } = this.config;
    const out = new Float32Array(q.length);
    const scores = new Float32Array(keys.length);
    for (let head = 0; head < heads; head++) {
      const at = head * headWidth;
      const kvAt = Math.floor((head * kvHeads) / heads) * headWidth;
      let highest = Number.NEGATIVE_INFINITY;
      for (const [t, key] of keys.entries()) {
        scores[t] = dot(q, at, key, kvAt, headWidth) / Math.sqrt(headWidth);
        highest = Math.max(highest, scores[t]);
      }
      let sum = 0;
      for (let t = 0; t < scores.length; t++) {
        scores[t] = Math.exp(scores[t] - highest);
        sum += scores[t];
      }
      for (let i = 0; i < headWidth; i++) {
        let value = 0;
        for (const [t, row] of values.entries()) value += scores[t] * row[kvAt + i];
        out[at + i] = value / sum;
      }
    }
    return out;
  }
}

function rmsNorm(x: Float32Array, weight: Float32Array, epsilon: number): Float32Array {
  const scale = 1 / Math.sqrt(dot(x, 0, x, 0, x.length) / x.length + epsilon);
  return x.map((value, i) => value * scale * weight[i]);
}

/** @param matrix [rows, x.length] */
function matVec(matrix: Float32Array, x: Float32Array, rows: number): Float32Array {
  const out = new Float32Array(rows);
  for (let row = 0; row < rows; row++) out[row] = dot(matrix, row * x.length, x, 0, x.length);
  return out;
}

/** Summed in float64: what an engine's own order of sums differs from, the least. */
function dot(a: Float32Array, aAt: number, b: Float32Array, bAt: number, length: number): number {
  let sum = 0;
  for (let i = 0; i < length; i++) sum += a[aAt + i] * b[bAt + i];
  return sum;
}

function addTo(x: Float32Array, more: Float32Array): void {
  for (let i = 0; i < x.length; i++) x[i] += more[i];
}
