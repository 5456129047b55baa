// Owns: a small decoder that has learned something, rebuilt from a seed: rates of lies over random weights are all too high. Does not
// own: what is measured with it (detect.bench.ts).
import { AdamW } from '../../examples/trainer/adamw.js';
import { Network } from '../../examples/trainer/network.js';
import { crossEntropy } from '../../examples/trainer/objectives.js';
import type { DecoderConfig } from '../../src/inference/decoder.js';
import { encodeMaster, type Master, openMaster, seededWeights } from '../../src/inference/master.js';
import { BYTE_VOCABULARY, END_OF_TEXT } from '../../src/inference/spec/byte-ids.js';
import { taggedHash } from '../../src/inference/spec/tagged.js';
import { u32le, utf8 } from '../../src/model/bytes.js';
import { createArithmetic } from '../../src/verification/environments/arithmetic.js';
import type { Environment } from '../../src/verification/environments/environment.js';
import { byteTokenizer } from '../../src/verification/environments/tokenizer.js';

/** 90 thousand weights, with room for a sentence. */
export const SENTENCES: DecoderConfig = {
  vocabulary: BYTE_VOCABULARY,
  width: 64,
  layers: 2,
  heads: 4,
  kvHeads: 2,
  headWidth: 16,
  hidden: 128,
  maxPositions: 128,
  ropeTheta: 10_000,
  normEpsilon: 1e-5,
  tied: false,
};

export const sums: Environment = createArithmetic(
  { operators: '+', digits: 2, form: 'question' },
  { tokenizer: byteTokenizer },
);

/** Openings and ends of answers: text whose words are a choice, its numbers hardly. */
const SAYS = ['Let us see: ', 'We add them up. ', 'First the ones, then the tens: ', ''];
const ENDS = ['So the answer is ', 'That makes ', 'The sum is ', 'It is '];

function sentences(seed: Uint8Array): string {
  const { prompt, key } = sums.task(seed);
  const sum = /(\d+\+\d+)/.exec(byteTokenizer.decode(prompt))![1]!;
  return ` ${SAYS[seed[30]! % SAYS.length]}${sum}=${key}. ${ENDS[seed[31]! % ENDS.length]}${key}.`;
}

/** The answer and an end; or, where so many tokens are wanted, the answer and those of other sums, without one. */
function answerOf(seed: Uint8Array, tokens?: number): number[] {
  if (tokens === undefined) return [...utf8(sentences(seed)), END_OF_TEXT];
  let text = sentences(seed);
  for (let i = 0; text.length < tokens; i++)
    text += sentences(taggedHash('bench-train-next', seed, u32le(i)));
  return [...utf8(text.slice(0, tokens))];
}

export interface Trained {
  readonly master: Master;
  /** the checkpoints of so many steps before, each one step of fine tuning apart */
  readonly before: ReadonlyMap<number, Master>;
  /** nats a byte, mean of the last steps */
  readonly loss: number;
}

/** Of the steps whose checkpoints are kept: as small as those of reinforcement learning. */
export const FINE_RATE = 1e-5;
const FINE_STEPS = 10;

/** Long answers are begun in so many tokens, and gone on with in a few batches of all of them, of a quarter of the rows. */
const BEGUN = 96;
const LONG_SHARE = 8;

export interface Training {
  readonly steps: number;
  readonly batch: number;
  readonly learningRate: number;
  /** of an answer, which does not end. @default one that ends after its sentences */
  readonly tokens?: number | undefined;
}

export function train(seed: string, { steps, batch, learningRate, tokens }: Training): Trained {
  const config = tokens === undefined ? SENTENCES : { ...SENTENCES, maxPositions: tokens + 32 };
  const weights = new Map([...seededWeights(config, seed)].map(([name, values]) => [name, values.slice()]));
  const network = new Network(config, weights);
  const optimiser = new AdamW(network);
  const losses: number[] = [];
  const step = (number: number, rate: number, rows: number, length: number | undefined): void => {
    const sequences: Uint32Array[] = [];
    const at: { sequence: number; position: number }[] = [];
    const targets: number[] = [];
    for (let i = 0; i < rows; i++) {
      const own = taggedHash('bench-train', utf8(seed), u32le(number), u32le(i));
      const { prompt } = sums.task(own);
      const answer = answerOf(own, length);
      for (const [place, token] of answer.entries()) {
        at.push({ sequence: i, position: prompt.length - 1 + place });
        targets.push(token);
      }
      sequences.push(Uint32Array.of(...prompt, ...answer.slice(0, -1)));
    }
    const pass = network.forward(sequences, at);
    const { loss, dLogits } = crossEntropy(pass.logits, targets);
    pass.backward(dLogits);
    optimiser.step({ learningRate: rate });
    losses.push(loss);
  };
  const published = (): Master =>
    openMaster(
      config,
      encodeMaster(config, new Map([...weights].map(([name, values]) => [name, Float32Array.from(values)]))),
    );
  const long = tokens === undefined ? 0 : Math.ceil(steps / LONG_SHARE);
  const all = steps + long;
  const longRows = Math.ceil(batch / 4);
  for (let i = 0; i < all; i++) {
    const rate = learningRate * Math.min(1, 3 * (1 - i / all));
    if (i < steps) step(i, rate, batch, tokens && Math.min(BEGUN, tokens));
    else step(i, rate, longRows, tokens);
  }
  const before = new Map<number, Master>();
  for (let left = FINE_STEPS; left > 0; left--) {
    before.set(left, published());
    step(all + FINE_STEPS - left, FINE_RATE, tokens === undefined ? batch : longRows, tokens);
  }
  const last = losses.slice(-20);
  return { master: published(), before, loss: last.reduce((sum, one) => sum + one, 0) / last.length };
}
