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

function answerOf(seed: Uint8Array, prompt: string, key: string): string {
  const sum = /(\d+\+\d+)/.exec(prompt)![1]!;
  return ` ${SAYS[seed[30]! % SAYS.length]}${sum}=${key}. ${ENDS[seed[31]! % ENDS.length]}${key}.`;
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

export function train(
  seed: string,
  { steps, batch, learningRate }: { steps: number; batch: number; learningRate: number },
  onStep: (step: number, loss: number) => void = () => {},
): Trained {
  const weights = new Map(
    [...seededWeights(SENTENCES, seed)].map(([name, values]) => [name, values.slice()]),
  );
  const network = new Network(SENTENCES, weights);
  const optimiser = new AdamW(network);
  const losses: number[] = [];
  const step = (number: number, rate: number): void => {
    const sequences: Uint32Array[] = [];
    const at: { sequence: number; position: number }[] = [];
    const targets: number[] = [];
    for (let i = 0; i < batch; i++) {
      const own = taggedHash('bench-train', utf8(seed), u32le(number), u32le(i));
      const { prompt, key } = sums.task(own);
      const answer = [...utf8(answerOf(own, byteTokenizer.decode(prompt), String(key))), END_OF_TEXT];
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
    onStep(number, loss);
  };
  const published = (): Master =>
    openMaster(
      SENTENCES,
      encodeMaster(
        SENTENCES,
        new Map([...weights].map(([name, values]) => [name, Float32Array.from(values)])),
      ),
    );
  for (let i = 0; i < steps; i++) step(i, learningRate * Math.min(1, 3 * (1 - i / steps)));
  const before = new Map<number, Master>();
  for (let left = FINE_STEPS; left > 0; left--) {
    before.set(left, published());
    step(steps + FINE_STEPS - left, FINE_RATE);
  }
  const last = losses.slice(-20);
  return { master: published(), before, loss: last.reduce((sum, one) => sum + one, 0) / last.length };
}
