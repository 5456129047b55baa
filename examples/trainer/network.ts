// Owns: a decoder of the Llama family that can be trained: forward over whole sequences, and the gradient of whatever was made of its
// logits. Does not own: what is learned (objectives.ts), how weights follow gradients (adamw.ts).
import type { DecoderConfig } from '../../src/inference/decoder.js';
import type { Position } from '../../src/inference/language-model.js';
import { rotaryTables } from '../../src/inference/rotary.js';
import { addProduct, type Floats, transposed, zerosLike } from './matmul.js';

/** Every tensor of the config by its name; changed in place by whoever trains. */
export type Tensors = ReadonlyMap<string, Floats>;

export interface Pass {
  /** [places, vocabulary] */
  readonly logits: Floats;
  /** Adds to `gradients` what these derivatives by the logits mean for every weight. Once. */
  backward(dLogits: Floats): void;
}

/** What a layer's forward leaves for its backward. */
interface Kept {
  readonly x: Floats;
  readonly normed: Floats;
  readonly scales: Floats;
  readonly q: Floats;
  readonly k: Floats;
  readonly v: Floats;
  /** of every sequence and head, [length, length] each, one after the other */
  readonly shares: Floats;
  readonly attended: Floats;
  readonly middle: Floats;
  readonly between: Floats;
  readonly betweenScales: Floats;
  readonly gate: Floats;
  readonly up: Floats;
  readonly acted: Floats;
}

/** Sequences lie behind one another, without padding: a row of a matrix is a token. */
export class Network {
  readonly config: DecoderConfig;
  readonly weights: Tensors;
  readonly gradients: Tensors;
  readonly #rotary: ReturnType<typeof rotaryTables>;

  /** @throws RangeError for a decoder with options: no gradients of them are here */
  constructor(config: DecoderConfig, weights: Tensors) {
    if (config.qkvBias || config.qkNorm)
      throw new RangeError('decoder to be trained: expected no biases and no norms of queries and keys');
    this.config = config;
    this.weights = weights;
    this.gradients = new Map([...weights].map(([name, values]) => [name, zerosLike(values, values.length)]));
    this.#rotary = rotaryTables(config);
  }

  clearGradients(): void {
    for (const gradient of this.gradients.values()) gradient.fill(0);
  }

  /** @param at places whose logits are wanted */
  forward(sequences: readonly Uint32Array[], at: readonly Position[]): Pass {
    const { width, layers, vocabulary } = this.config;
    const spans = spansOf(sequences);
    const tokens = spans.length === 0 ? 0 : spans.at(-1)!.from + spans.at(-1)!.length;
    const embedding = this.#weight('model.embed_tokens');
    let x = zerosLike(embedding, tokens * width);
    for (const [s, { from }] of spans.entries())
      for (const [i, id] of sequences[s]!.entries())
        x.set(embedding.subarray(id * width, (id + 1) * width), (from + i) * width);

    const kept: Kept[] = [];
    for (let layer = 0; layer < layers; layer++) {
      const made = this.#layerForward(layer, x, spans);
      kept.push(made);
      x = this.#linear(`model.layers.${layer}.mlp.down_proj`, made.acted, tokens);
      add(x, made.middle);
    }
    const rows = at.map(({ sequence, position }) => spans[sequence]!.from + position);
    const [normed, scales] = this.#norm('model.norm', x);
    const chosen = zerosLike(x, rows.length * width);
    for (const [i, row] of rows.entries())
      chosen.set(normed.subarray(row * width, (row + 1) * width), i * width);
    const output = this.config.tied ? 'model.embed_tokens' : 'lm_head';
    const logits = this.#linear(output, chosen, rows.length);

    return {
      logits,
      backward: (dLogits) => {
        if (dLogits.length !== rows.length * vocabulary)
          throw new RangeError(`derivatives: expected ${rows.length * vocabulary}, got ${dLogits.length}`);
        const dChosen = this.#linearBack(output, dLogits, chosen, rows.length);
        const dNormed = zerosLike(x, x.length);
        for (const [i, row] of rows.entries())
          add(dNormed.subarray(row * width, (row + 1) * width), dChosen.subarray(i * width, (i + 1) * width));
        let dx = this.#normBack('model.norm', dNormed, x, scales);
        for (let layer = layers - 1; layer >= 0; layer--)
          dx = this.#layerBack(layer, dx, kept[layer]!, spans);
        const dEmbedding = this.gradients.get('model.embed_tokens.weight')!;
        for (const [s, { from }] of spans.entries())
          for (const [i, id] of sequences[s]!.entries()) {
            const row = from + i;
            add(
              dEmbedding.subarray(id * width, (id + 1) * width),
              dx.subarray(row * width, (row + 1) * width),
            );
          }
      },
    };
  }

  #layerForward(layer: number, x: Floats, spans: readonly Span[]): Kept {
    const { width, hidden } = this.config;
    const tokens = x.length / width;
    const name = (part: string): string => `model.layers.${layer}.${part}`;
    const [normed, scales] = this.#norm(name('input_layernorm'), x);
    const q = this.#linear(name('self_attn.q_proj'), normed, tokens);
    const k = this.#linear(name('self_attn.k_proj'), normed, tokens);
    const v = this.#linear(name('self_attn.v_proj'), normed, tokens);
    this.#turn(q, spans, 1);
    this.#turn(k, spans, 1);
    const { shares, attended } = this.#attend(q, k, v, spans);
    const middle = this.#linear(name('self_attn.o_proj'), attended, tokens);
    add(middle, x);
    const [between, betweenScales] = this.#norm(name('post_attention_layernorm'), middle);
    const gate = this.#linear(name('mlp.gate_proj'), between, tokens);
    const up = this.#linear(name('mlp.up_proj'), between, tokens);
    const acted = zerosLike(x, tokens * hidden);
    for (let i = 0; i < acted.length; i++) acted[i] = (up[i]! * gate[i]!) / (1 + Math.exp(-gate[i]!));
    return { x, normed, scales, q, k, v, shares, attended, middle, between, betweenScales, gate, up, acted };
  }

  #layerBack(layer: number, dx: Floats, kept: Kept, spans: readonly Span[]): Floats {
    const { width } = this.config;
    const tokens = dx.length / width;
    const name = (part: string): string => `model.layers.${layer}.${part}`;
    const { gate, up } = kept;
    const dActed = this.#linearBack(name('mlp.down_proj'), dx, kept.acted, tokens);
    const dGate = zerosLike(dx, gate.length);
    const dUp = zerosLike(dx, up.length);
    for (let i = 0; i < gate.length; i++) {
      const sigmoid = 1 / (1 + Math.exp(-gate[i]!));
      dUp[i] = dActed[i]! * gate[i]! * sigmoid;
      dGate[i] = dActed[i]! * up[i]! * sigmoid * (1 + gate[i]! * (1 - sigmoid));
    }
    const dBetween = this.#linearBack(name('mlp.gate_proj'), dGate, kept.between, tokens);
    add(dBetween, this.#linearBack(name('mlp.up_proj'), dUp, kept.between, tokens));
    const dMiddle = this.#normBack(
      name('post_attention_layernorm'),
      dBetween,
      kept.middle,
      kept.betweenScales,
    );
    add(dMiddle, dx);

    const dAttended = this.#linearBack(name('self_attn.o_proj'), dMiddle, kept.attended, tokens);
    const { dq, dk, dv } = this.#attendBack(dAttended, kept, spans);
    this.#turn(dq, spans, -1);
    this.#turn(dk, spans, -1);
    const dNormed = this.#linearBack(name('self_attn.q_proj'), dq, kept.normed, tokens);
    add(dNormed, this.#linearBack(name('self_attn.k_proj'), dk, kept.normed, tokens));
    add(dNormed, this.#linearBack(name('self_attn.v_proj'), dv, kept.normed, tokens));
    const dInput = this.#normBack(name('input_layernorm'), dNormed, kept.x, kept.scales);
    add(dInput, dMiddle);
    return dInput;
  }

  #attend(q: Floats, k: Floats, v: Floats, spans: readonly Span[]): { shares: Floats; attended: Floats } {
    const { heads, headWidth } = this.config;
    const shares = zerosLike(q, heads * spans.reduce((sum, { length }) => sum + length * length, 0));
    const attended = zerosLike(q, q.length);
    this.#eachHead(spans, ({ from, length }, at, { qAt, kvAt, qWidth, kvWidth }) => {
      for (let t = 0; t < length; t++) {
        const row = at + t * length;
        const queryAt = (from + t) * qWidth + qAt;
        let highest = Number.NEGATIVE_INFINITY;
        for (let s = 0; s <= t; s++) {
          const keyAt = (from + s) * kvWidth + kvAt;
          let dot = 0;
          for (let i = 0; i < headWidth; i++) dot += q[queryAt + i]! * k[keyAt + i]!;
          shares[row + s] = dot / Math.sqrt(headWidth);
          highest = Math.max(highest, shares[row + s]!);
        }
        let sum = 0;
        for (let s = 0; s <= t; s++) {
          shares[row + s] = Math.exp(shares[row + s]! - highest);
          sum += shares[row + s]!;
        }
        for (let s = 0; s <= t; s++) {
          shares[row + s]! /= sum;
          const valueAt = (from + s) * kvWidth + kvAt;
          for (let i = 0; i < headWidth; i++) attended[queryAt + i]! += shares[row + s]! * v[valueAt + i]!;
        }
      }
    });
    return { shares, attended };
  }

  #attendBack(dAttended: Floats, { q, k, v, shares }: Kept, spans: readonly Span[]) {
    const { headWidth } = this.config;
    const [dq, dk, dv] = [zerosLike(q, q.length), zerosLike(k, k.length), zerosLike(v, v.length)];
    const scale = 1 / Math.sqrt(headWidth);
    this.#eachHead(spans, ({ from, length }, at, { qAt, kvAt, qWidth, kvWidth }) => {
      const dShares = new Float64Array(length);
      for (let t = 0; t < length; t++) {
        const row = at + t * length;
        const queryAt = (from + t) * qWidth + qAt;
        let mean = 0;
        for (let s = 0; s <= t; s++) {
          const valueAt = (from + s) * kvWidth + kvAt;
          let dot = 0;
          for (let i = 0; i < headWidth; i++) {
            dot += dAttended[queryAt + i]! * v[valueAt + i]!;
            dv[valueAt + i]! += shares[row + s]! * dAttended[queryAt + i]!;
          }
          dShares[s] = dot;
          mean += shares[row + s]! * dot;
        }
        for (let s = 0; s <= t; s++) {
          const dScore = shares[row + s]! * (dShares[s]! - mean) * scale;
          const keyAt = (from + s) * kvWidth + kvAt;
          for (let i = 0; i < headWidth; i++) {
            dq[queryAt + i]! += dScore * k[keyAt + i]!;
            dk[keyAt + i]! += dScore * q[queryAt + i]!;
          }
        }
      }
    });
    return { dq, dk, dv };
  }

  #eachHead(spans: readonly Span[], work: (span: Span, sharesAt: number, places: HeadPlaces) => void): void {
    const { heads, kvHeads, headWidth } = this.config;
    const [qWidth, kvWidth] = [heads * headWidth, kvHeads * headWidth];
    let at = 0;
    for (const span of spans)
      for (let head = 0; head < heads; head++) {
        const kvAt = Math.floor((head * kvHeads) / heads) * headWidth;
        work(span, at, { qAt: head * headWidth, kvAt, qWidth, kvWidth });
        at += span.length * span.length;
      }
  }

  /** @param way 1 forward; -1 for gradients: the transpose of a turn is the turn back */
  #turn(vectors: Floats, spans: readonly Span[], way: 1 | -1): void {
    const { headWidth } = this.config;
    const half = headWidth / 2;
    const { cos, sin } = this.#rotary;
    const tokens = spans.length === 0 ? 0 : spans.at(-1)!.from + spans.at(-1)!.length;
    const width = vectors.length / tokens;
    for (const { from, length } of spans)
      for (let position = 0; position < length; position++)
        for (let head = 0; head < width; head += headWidth)
          for (let i = 0; i < half; i++) {
            const at = (from + position) * width + head + i;
            const c = cos[position * half + i]!;
            const s = way * sin[position * half + i]!;
            const [real, imaginary] = [vectors[at]!, vectors[at + half]!];
            vectors[at] = real * c - imaginary * s;
            vectors[at + half] = imaginary * c + real * s;
          }
  }

  #norm(name: string, x: Floats): [normed: Floats, scales: Floats] {
    const { width, normEpsilon } = this.config;
    const weight = this.#weight(name);
    const normed = zerosLike(x, x.length);
    const scales = zerosLike(x, x.length / width);
    for (let row = 0; row < scales.length; row++) {
      let squares = 0;
      for (let i = 0; i < width; i++) squares += x[row * width + i]! ** 2;
      scales[row] = 1 / Math.sqrt(squares / width + normEpsilon);
      for (let i = 0; i < width; i++)
        normed[row * width + i] = x[row * width + i]! * scales[row]! * weight[i]!;
    }
    return [normed, scales];
  }

  #normBack(name: string, dy: Floats, x: Floats, scales: Floats): Floats {
    const { width } = this.config;
    const weight = this.#weight(name);
    const dWeight = this.gradients.get(`${name}.weight`)!;
    const dx = zerosLike(x, x.length);
    for (let row = 0; row < scales.length; row++) {
      const scale = scales[row]!;
      let along = 0;
      for (let i = 0; i < width; i++) {
        const at = row * width + i;
        dWeight[i]! += dy[at]! * x[at]! * scale;
        along += dy[at]! * weight[i]! * x[at]!;
      }
      for (let i = 0; i < width; i++) {
        const at = row * width + i;
        dx[at] = scale * (dy[at]! * weight[i]! - (x[at]! * scale * scale * along) / width);
      }
    }
    return dx;
  }

  /** y = x W^T */
  #linear(name: string, x: Floats, rows: number): Floats {
    const weight = this.#weight(name);
    const [inputs, outputs] = [x.length / rows, (weight.length * rows) / x.length];
    const y = zerosLike(x, rows * outputs);
    addProduct(y, x, weight, rows, outputs, inputs);
    return y;
  }

  /** dW += dy^T x; @returns dx = dy W */
  #linearBack(name: string, dy: Floats, x: Floats, rows: number): Floats {
    const weight = this.#weight(name);
    const [inputs, outputs] = [x.length / rows, dy.length / rows];
    const dWeight = this.gradients.get(`${name}.weight`)!;
    addProduct(dWeight, transposed(dy, rows, outputs), transposed(x, rows, inputs), outputs, inputs, rows);
    const dx = zerosLike(x, x.length);
    addProduct(dx, dy, transposed(weight, outputs, inputs), rows, inputs, outputs);
    return dx;
  }

  #weight(name: string): Floats {
    const values = this.weights.get(`${name}.weight`);
    if (!values) throw new RangeError(`weights: expected ${name}`);
    return values;
  }
}

interface Span {
  readonly from: number;
  readonly length: number;
}

interface HeadPlaces {
  readonly qAt: number;
  readonly kvAt: number;
  readonly qWidth: number;
  readonly kvWidth: number;
}

function spansOf(sequences: readonly Uint32Array[]): Span[] {
  let from = 0;
  return sequences.map(({ length }) => {
    const span = { from, length };
    from += length;
    return span;
  });
}

function add(x: Floats, more: Floats): void {
  for (let i = 0; i < x.length; i++) x[i]! += more[i]!;
}
